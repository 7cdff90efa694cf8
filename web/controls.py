"""Who holds the controls: one person drives the robot by hand at a time, and lets go by leaving."""

import threading
import time
from collections.abc import Callable

from trellis.errors import TrellisError

#: Who gives no sign of life for so long has let go.
LEASE_S = 15.0


class SomebodyDrives(TrellisError):
    """Another holds the controls."""


class Controls:
    """Held by one at a time; a holder gives signs of life, or loses them.

    Args:
        clock_s: A clock that only goes forward.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s, self._lock = clock_s, threading.Lock()
        self._holder: str | None = None
        self._seen_s = float("-inf")

    @property
    def holder(self) -> str | None:
        """Who drives now."""
        with self._lock:
            return self._now()

    def take(self, who: str) -> None:
        """Take the controls, or give a sign of life.

        Raises:
            SomebodyDrives: Another has them.
        """
        with self._lock:
            holder = self._now()
            if holder not in (None, who):
                raise SomebodyDrives(f"{holder} holds the controls; ask them to let go, or wait until they have left")
            self._holder, self._seen_s = who, self._clock_s()

    def let_go(self, who: str) -> None:
        """Give them back; nothing happens where `who` did not have them."""
        with self._lock:
            if self._holder == who:
                self._holder = None

    def check(self, who: str) -> None:
        """See that nobody else drives.

        Raises:
            SomebodyDrives: Another does.
        """
        with self._lock:
            holder = self._now()
            if holder not in (None, who):
                raise SomebodyDrives(f"{holder} holds the controls; ask them to let go, or wait until they have left")

    def _now(self) -> str | None:
        if self._clock_s() - self._seen_s > LEASE_S:
            self._holder = None
        return self._holder
