"""Which instants a schedule names: daily, weekly, cron or RRULE in local time, and one rule for what clocks do to it.

A schedule names local times of the wall clock. Such a time is due at the first instant at which the wall clock shows
it or has just gone past it. So a time that exists twice (clocks go back) is due at the first; one that does not exist
that day (clocks go forward) is due at the first instant after the gap; two that fall into one gap are one.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from dateutil.rrule import rrulestr

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_DAY = timedelta(days=1)
#: How far ahead one looks for the next turn of a rule that comes rarely: a leap day comes within eight years.
_HORIZON = timedelta(days=8 * 366)


class Recurrence(Protocol):
    """What is read of a schedule; `scheduler.config.ScheduleTable` is one."""

    daily_at: str
    days: tuple[str, ...]
    cron: str
    rrule: str
    starts: date


def due_times(schedule: Recurrence, zone: ZoneInfo, after: datetime, until: datetime) -> list[datetime]:
    """Every instant in UTC with `after < instant <= until` at which a schedule is due, oldest first."""
    # Two days more at either end: a zone may leave out a whole day.
    first, last = (instant.astimezone(zone).replace(tzinfo=None) for instant in (after, until))
    found = {instant_of(local, zone) for local in local_times(schedule, first - 2 * _DAY, last + 2 * _DAY)}
    return sorted(instant for instant in found if after < instant <= until)


def next_time(schedule: Recurrence, zone: ZoneInfo, after: datetime) -> datetime | None:
    """The first instant after `after` at which a schedule is due; None if it never comes again."""
    span = 8 * _DAY
    while span <= _HORIZON:
        found = due_times(schedule, zone, after, after + span)
        if found:
            return found[0]
        span *= 4
    return None


def local_times(schedule: Recurrence, first: datetime, last: datetime) -> Iterator[datetime]:
    """The naive local times that a schedule names, with `first <= time <= last`, oldest first."""
    if schedule.cron:
        found: Iterable[Any] = CronSim(schedule.cron, first - timedelta(minutes=1))
    elif schedule.rrule:
        found = _rule(schedule.rrule, schedule.starts).xafter(first, inc=True)
    else:
        found = _daily(schedule, first)
    yield from takewhile(lambda local: local <= last, found)


def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant in UTC of a naive local time; the module says which, where there are two or none."""
    first = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == local:
        return first
    # In a gap, fold 0 reads the old offset and lands behind the change, fold 1 the new one and lands before it.
    before, after = local.replace(tzinfo=zone, fold=1).astimezone(UTC), first
    new_offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == new_offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


def fault_in(schedule: Recurrence) -> str | None:
    """Why a schedule's rule cannot be used, or None."""
    unknown = [day for day in schedule.days if day not in WEEKDAYS]
    if unknown:
        return f"days are {', '.join(WEEKDAYS)}, not {unknown[0]!r}"
    if schedule.cron and len(schedule.cron.split()) != 5:
        return f"cron has five fields (minute, hour, day, month, weekday), not {schedule.cron!r}"
    parts = dict(part.partition("=")[::2] for part in schedule.rrule.upper().removeprefix("RRULE:").split(";"))
    if schedule.rrule and parts.get("FREQ") not in _FREQUENCIES:
        return f"FREQ of an rrule is {', '.join(_FREQUENCIES)}; hours and minutes go into BYHOUR and BYMINUTE"
    start = datetime.combine(schedule.starts, time())
    try:
        if next(iter(local_times(schedule, start, datetime.max)), None) is None:
            return "never comes"
    except (ValueError, TypeError, KeyError, CronSimError) as error:
        return f"cannot be read: {error or type(error).__name__}"
    return None


def _daily(schedule: Recurrence, first: datetime) -> Iterator[datetime]:
    at = time.fromisoformat(schedule.daily_at)
    local = datetime.combine(first.date(), at)
    while True:
        if local >= first and (not schedule.days or WEEKDAYS[local.weekday()] in schedule.days):
            yield local
        local += _DAY


@lru_cache(maxsize=64)
def _rule(text: str, starts: date) -> Any:
    """A parsed RRULE, which keeps what it has counted: COUNT and INTERVAL are counted from `starts` each time."""
    rule = rrulestr(text, dtstart=datetime.combine(starts, time()), cache=True)
    if getattr(rule, "_tzinfo", None) is not None:
        raise ValueError("times in an rrule are local; write UNTIL without Z")
    return rule
