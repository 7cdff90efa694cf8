"""What a robot waits for before it begins a scan: the farm's hours, or devices that failed a moment ago."""

from collections.abc import Callable
from datetime import datetime, timedelta

from scheduler.forecast import Durations
from scheduler.hours import Hours
from scheduler.rows import JobRow

#: After a device failed, what is scheduled is tried again after so long, and then more and more seldom.
FIRST_WAIT_S, LONGEST_WAIT_S = 30.0, 600.0


class Patience:
    """Longer and longer waits between attempts that fail."""

    def __init__(self) -> None:
        self._until_s, self._wait_s = float("-inf"), FIRST_WAIT_S
        self.reason: str | None = None

    def failed(self, now_s: float, reason: str) -> None:
        """Begin to wait, twice as long as the last time."""
        self._until_s, self.reason = now_s + self._wait_s, reason
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)

    def worked(self) -> None:
        """Nothing to wait for any more."""
        self._until_s, self._wait_s, self.reason = float("-inf"), FIRST_WAIT_S, None

    def waits(self, now_s: float) -> bool:
        return now_s < self._until_s


class Begin:
    """Whether a scheduled scan may begin now, by the farm's hours.

    Args:
        hours: When what is scheduled may run.
        durations: Asked for when hours matter: how long scans take.
    """

    def __init__(self, hours: Hours, durations: Callable[[], Durations]) -> None:
        self._hours, self._durations = hours, durations

    def why_not(self, job: JobRow, now: datetime) -> str | None:
        """Why a job has to wait, or None. One that has begun goes on whenever it is open."""
        if job.asked_by == "person" or not (self._hours.lights_on or self._hours.quiet):
            return None
        closed = self._hours.why_closed(now)
        if closed is not None:
            return closed
        closes = self._hours.closes(now)
        takes: timedelta = self._durations().of_plant(job.plant) * (1 - job.share)
        if closes is not None and now + takes > closes:
            minutes = takes / timedelta(minutes=1)
            return f"its scan takes about {minutes:.0f} min, more than is left of the farm's hours"
        return None
