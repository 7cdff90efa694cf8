"""How long the disk lasts: what is free, what a scan takes, and how many scans the schedules ask for in a day."""

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from scheduler.config import ScheduleTable
from scheduler.disk import Disk
from scheduler.recurrence import next_time
from web.answers import DiskAnswer

_READ_AGAIN_S = 60.0  # the folders of the newest scans are measured; that is not for every refresh
_LOOK_AHEAD = timedelta(days=7)
_TURNS_MAX = 2000


class DiskWatch:
    """The disk, measured at most once a minute, by whoever asks.

    Args:
        disk: What is measured.
        schedules: What asks for scans.
        plants: How many plants hang on the wall.
        zone: The farm's time zone.
    """

    def __init__(self, disk: Disk, schedules: Sequence[ScheduleTable], plants: int, zone: ZoneInfo) -> None:
        self._disk, self._schedules, self._plants, self._zone = disk, schedules, plants, zone
        self._lock = threading.Lock()
        self._found: tuple[float, DiskAnswer] | None = None

    def answer(self) -> DiskAnswer:
        """The disk as it was less than a minute ago."""
        with self._lock:
            now_s = time.monotonic()
            if self._found is None or now_s - self._found[0] > _READ_AGAIN_S:
                self._found = (now_s, self._measure())
            return self._found[1]

    def _measure(self) -> DiskAnswer:
        room = self._disk.room()
        a_day = scans_a_day(self._schedules, self._plants, self._zone, datetime.now(UTC))
        return DiskAnswer(
            free_bytes=room.free_bytes,
            keep_bytes=room.keep_bytes,
            scan_bytes=room.scan_bytes,
            scans_left=room.scans_left(),
            scans_a_day=a_day,
            days_left=room.scans_left() / a_day if a_day else None,
            lacking=room.lacking,
        )


def scans_a_day(schedules: Sequence[ScheduleTable], plants: int, zone: ZoneInfo, now: datetime) -> float:
    """Scans that the schedules ask for in a day, on average over the week to come."""
    total = 0
    for schedule in schedules:
        wanted = plants if schedule.plants == "all" else len(schedule.plants)
        at = next_time(schedule, zone, now) if schedule.enabled else None
        turns = 0
        while at is not None and at < now + _LOOK_AHEAD and turns < _TURNS_MAX:
            turns += 1
            at = next_time(schedule, zone, at)
        total += turns * wanted
    return total / _LOOK_AHEAD.days
