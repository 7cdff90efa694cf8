"""How often somebody may try to sign in: wrong guesses count by address and by name, and are forgotten in time."""

import threading
import time
from collections.abc import Callable, Hashable

from trellis.errors import TrellisError

_FORGOTTEN_S = 900.0
_KEPT_MAX = 10_000


class TooManyAttempts(TrellisError):
    """Too many wrong guesses; `wait_s` says when to come back."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"too many wrong attempts; wait {max(1, round(wait_s / 60))} min and try again")
        self.wait_s = wait_s


class Attempts:
    """Wrong guesses of the last quarter of an hour.

    Args:
        clock_s: A clock that only goes forward.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s, self._lock = clock_s, threading.Lock()
        self._wrong: dict[Hashable, list[float]] = {}

    def check(self, who: Hashable, most: int) -> None:
        """See that `who` may still guess.

        Raises:
            TooManyAttempts: There were `most` wrong guesses.
        """
        with self._lock:
            recent = self._recent(who)
            if len(recent) >= most:
                raise TooManyAttempts(recent[-most] + _FORGOTTEN_S - self._clock_s())

    def wrong(self, who: Hashable) -> None:
        """Count a wrong guess."""
        with self._lock:
            self._wrong[who] = [*self._recent(who), self._clock_s()]
            while len(self._wrong) > _KEPT_MAX:  # whoever comes from so many addresses meets the limit by name
                self._wrong.pop(next(iter(self._wrong)))

    def right(self, who: Hashable) -> None:
        """Forget wrong guesses after a right one."""
        with self._lock:
            self._wrong.pop(who, None)

    def _recent(self, who: Hashable) -> list[float]:
        since = self._clock_s() - _FORGOTTEN_S
        return [at for at in self._wrong.get(who, []) if at > since]
