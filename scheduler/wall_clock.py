"""Whether the machine's calendar can be believed: it may start in 1970, jump, or go back.

Motion lives on the monotonic clock and does not notice. Only the agenda reads the calendar, and waits while it is in
doubt. The kernel knows whether a time service has set the clock; that ends every doubt but the one about 1970.
"""

import ctypes
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

#: A machine without a battery clock boots in 1970; nobody ran this before 2024.
BELIEVED_FROM = datetime(2024, 1, 1, tzinfo=UTC)
#: A clock that steps further than a time service would slew it is worth a word.
STEP = timedelta(minutes=10)
#: After a jump the clock is watched for so long, in case it jumps back.
SETTLES_S = 300.0
#: A farm that was off for longer than this needs a time service or a person to say what day it is.
_LONG_OFF = timedelta(days=400)
_TIME_ERROR = 5


def set_by_a_time_service() -> bool:
    """Whether the kernel takes its clock to be synchronised (`adjtimex`)."""
    room = ctypes.create_string_buffer(512)  # struct timex, all zero: only asks; it has some 200 bytes
    state = ctypes.CDLL(None, use_errno=True).adjtimex(room)
    return 0 <= state < _TIME_ERROR


class WallClockJudge:
    """Looks at the clock again and again; remembers how far it is from the monotonic one.

    Args:
        synchronised: Whether a time service has set the clock.
    """

    def __init__(self, synchronised: Callable[[], bool] = set_by_a_time_service) -> None:
        self._synchronised = synchronised
        self._zero: datetime | None = None
        self._settled_s = float("-inf")
        self._jump = timedelta()
        self._trusted = False

    def believe(self) -> None:
        """A person says that the clock is right; until it jumps again."""
        self._trusted, self._settled_s = True, float("-inf")

    def doubt(self, now: datetime, monotonic_s: float, seen_until: datetime | None) -> str | None:
        """Why the clock cannot be believed, as a line for a person, or None.

        Args:
            now: What the clock says.
            monotonic_s: The monotonic clock at the same moment.
            seen_until: The latest time that this farm has already lived through, if any.
        """
        if now < BELIEVED_FROM:
            self._zero = None
            return (
                f"the clock says {now:%Y-%m-%d}, which cannot be; the agenda waits until it is set "
                f"(timedatectl set-ntp true, or a battery for the clock)"
            )
        self._watch(now, monotonic_s)
        if self._trusted or self._synchronised():
            return None
        wait = "the agenda waits until a time service has set the clock, or you say `trellis agenda believe-clock`"
        if seen_until is not None and seen_until - now > STEP:
            return (
                f"the clock went back: it says {_day(now)}, and this farm has already seen {_day(seen_until)}; {wait}"
            )
        if seen_until is not None and now - seen_until > _LONG_OFF:
            return f"the clock says {_day(now)}, more than a year after {_day(seen_until)}; {wait}"
        if monotonic_s < self._settled_s:
            ahead = "forward" if self._jump > timedelta() else "back"
            minutes = abs(self._jump) / timedelta(minutes=1)
            return (
                f"the clock jumped {ahead} by {minutes:.0f} min; the agenda waits for "
                f"{SETTLES_S / 60:.0f} min to see whether it stays"
            )
        return None

    def _watch(self, now: datetime, monotonic_s: float) -> None:
        zero = now - timedelta(seconds=monotonic_s)
        if self._zero is not None and abs(zero - self._zero) > STEP:
            self._jump, self._settled_s, self._trusted = zero - self._zero, monotonic_s + SETTLES_S, False
        self._zero = zero


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
