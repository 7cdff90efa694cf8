"""When a local time falls, by brute force: every minute of a zone, and the first at which its wall clock got there.

It shares nothing with the agenda but the words of its rule: a local time is due at the first instant at which the wall
clock shows it or has gone past it. Offsets come from `zoneinfo`, hour by hour, and minute by minute where they change.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

EPOCH = np.datetime64("1970-01-01T00:00", "m")


def wall_clock(zone: ZoneInfo, first: datetime, last: datetime) -> tuple[int, np.ndarray]:
    """The latest time that the wall clock has shown by each minute, since 1970 in local time; and the first in UTC."""
    hours = int((last - first) / timedelta(hours=1))
    edges = [_offset_min(zone, first + timedelta(hours=number)) for number in range(hours + 1)]
    offsets_min = np.repeat(np.array(edges, dtype=np.int32), 60)
    for number in np.flatnonzero(np.diff(edges)):
        for minute in range(60):
            at = first + timedelta(hours=int(number), minutes=minute)
            offsets_min[60 * number + minute] = _offset_min(zone, at)
    begin_min = int(first.timestamp()) // 60
    shown = begin_min + np.arange(len(offsets_min), dtype=np.int64) + offsets_min
    return begin_min, np.maximum.accumulate(shown)


def instants(begin_min: int, reached_min: np.ndarray, wanted_min: np.ndarray) -> np.ndarray:
    """When the wall clock first got to each local time, in minutes since 1970 in UTC; no two alike."""
    return np.unique(begin_min + np.searchsorted(reached_min, wanted_min))


@lru_cache(maxsize=16)
def local_minutes(first: datetime, last: datetime, keep: str) -> np.ndarray:
    """Local minutes since 1970 that fit a rule of the test, found by looking at every one of them."""
    begin, end = (int(at.replace(tzinfo=UTC).timestamp()) // 60 for at in (first, last))
    minutes = np.arange(begin, end, dtype=np.int64)
    stamps = EPOCH + minutes.astype("timedelta64[m]")
    days = stamps.astype("datetime64[D]")
    weekday = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    of_day, day_number = minutes % 1440, days.astype(np.int64)
    day_of_month = (days - stamps.astype("datetime64[M]")).astype(np.int64) + 1
    month = stamps.astype("datetime64[M]").astype(np.int64) % 12 + 1
    weeks = (day_number + 3) // 7 - (19723 + 3) // 7  # weeks since that of 2024-01-01, a Monday
    rules = {
        "daily 02:30": lambda: of_day == 150,
        "daily 00:00": lambda: of_day == 0,
        "mon thu 06:15": lambda: (of_day == 375) & np.isin(weekday, [0, 3]),
        "cron */30 0-3 * 3,4,9-11 *": lambda: (of_day % 30 == 0) & (of_day < 240) & np.isin(month, [3, 4, 9, 10, 11]),
        "cron 15 2 1,15 3-11 *": lambda: (
            (of_day == 135) & np.isin(day_of_month, [1, 15]) & (month >= 3) & (month <= 11)
        ),
        "cron 30 1 * * 0": lambda: (of_day == 90) & (weekday == 6),
        "rrule every other week": lambda: (of_day == 120) & (weekday == 6) & (weeks % 2 == 0),
        "rrule last day": lambda: (
            (of_day == 60) & (((days + 1).astype("datetime64[M]")) != stamps.astype("datetime64[M]"))
        ),
    }
    return minutes[rules[keep]()]


def _offset_min(zone: ZoneInfo, at: datetime) -> int:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset / timedelta(minutes=1))
