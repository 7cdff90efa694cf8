"""Who holds the controls: one person drives the robot by hand at a time, and lets go by leaving."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from trellis.errors import TrellisError

#: Who gives no sign of life for so long has let go.
LEASE_S = 15.0


class SomebodyDrives(TrellisError):
    """Another holds the controls."""


@dataclass(frozen=True)
class Lease:
    """Who drives since when, and for how many seconds yet without another sign of life."""

    holder: str
    since: datetime
    lasts_s: float


class Controls:
    """Held by one at a time; a holder gives signs of life, or loses them.

    Args:
        clock_s: A clock that only goes forward.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s, self._lock = clock_s, threading.Lock()
        self._holder: str | None = None
        self._since = datetime.now(UTC)
        self._seen_s = float("-inf")

    @property
    def lease(self) -> Lease | None:
        """Who drives now."""
        with self._lock:
            holder = self._now()
            left_s = LEASE_S - (self._clock_s() - self._seen_s)
            return None if holder is None else Lease(holder, self._since, left_s)

    @property
    def holder(self) -> str | None:
        """The name of who drives now."""
        lease = self.lease
        return lease.holder if lease else None

    def take(self, who: str) -> bool:
        """Take the controls, or give a sign of life; whether they were free before.

        Raises:
            SomebodyDrives: Another has them.
        """
        with self._lock:
            was_free = self._free_for(who)
            if was_free:
                self._since = datetime.now(UTC)
            self._holder, self._seen_s = who, self._clock_s()
            return was_free

    def hand_over(self, who: str, to: str) -> None:
        """Give them to another, who then has them as if just taken.

        Raises:
            SomebodyDrives: `who` does not have them.
        """
        with self._lock:
            if self._now() != who:
                raise SomebodyDrives(f"{who} does not hold the controls, and so cannot hand them over; take them first")
            self._holder, self._since, self._seen_s = to, datetime.now(UTC), self._clock_s()

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
            self._free_for(who)

    def _free_for(self, who: str) -> bool:
        holder = self._now()
        if holder not in (None, who):
            raise SomebodyDrives(f"{holder} holds the controls; ask them to hand over, or wait until they have left")
        return holder is None

    def _now(self) -> str | None:
        if self._clock_s() - self._seen_s > LEASE_S:
            self._holder = None
        return self._holder
