"""How long scans are likely to take, from those that were done, and when each of a queue begins and ends."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from scheduler.hours import Hours
from scheduler.rows import JobRow, ScanRow

#: Before anything was scanned: a view's drive, settling and photograph, roughly.
GUESS_A_VIEW_S = 15.0
_NEWEST = 7


@dataclass(frozen=True)
class Durations:
    """Seconds that a scan of each plant takes; of one that was never scanned, what the others take."""

    by_plant: Mapping[str, float]
    others_s: float

    @classmethod
    def of(cls, scans: Iterable[ScanRow], views: int) -> "Durations":
        """Medians of the newest finished scans, so that one that waited for a night does not count.

        Args:
            scans: Newest first.
            views: How many views a scan has, for a farm without any.
        """
        found: dict[str, list[float]] = {}
        for scan in scans:
            if scan.state == "done" and scan.finished_at is not None:
                found.setdefault(scan.plant, []).append((scan.finished_at - scan.started_at).total_seconds())
        by_plant = {plant: median(spans[:_NEWEST]) for plant, spans in found.items()}
        return cls(by_plant, median(by_plant.values()) if by_plant else GUESS_A_VIEW_S * views)

    def of_plant(self, plant: str) -> timedelta:
        return timedelta(seconds=self.by_plant.get(plant, self.others_s))


@dataclass(frozen=True)
class Slot:
    """When a scan is likely to begin and end."""

    begins_at: datetime
    ends_at: datetime


def place(earliest: datetime, takes: timedelta, hours: Hours) -> Slot | None:
    """The first time, not before `earliest`, at which a scheduled scan may begin and is likely to end in time.

    None if the farm's hours are never long enough for it.
    """
    begins = hours.opens(earliest)
    for _ in range(8):  # two days have no more openings that matter
        if begins is None:
            return None
        closes = hours.closes(begins)
        if closes is None or begins + takes <= closes:
            return Slot(begins, begins + takes)
        begins = hours.opens(closes)
    return None


def lay_out(queue: Sequence[JobRow], durations: Durations, hours: Hours, now: datetime) -> dict[int, Slot | None]:
    """When each scan that runs or waits is likely to begin and end, by job.

    Args:
        queue: In the order in which they are done; what runs comes first.
        durations: How long scans take.
        hours: When what is scheduled may run.
        now: The time.
    """
    free_at, found = now, {}
    for job in queue:
        takes = durations.of_plant(job.plant) * (1 - job.share)
        at_once = job.state == "running" or job.asked_by == "person"
        slot = Slot(free_at, free_at + takes) if at_once else place(free_at, takes, hours)
        found[job.id] = slot
        free_at = slot.ends_at if slot is not None else free_at
    return found
