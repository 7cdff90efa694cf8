"""When a daily schedule is due, in the farm's own time zone, and what becomes of a turn that comes late.

A local time that does not exist that day (clocks go forward) is due at the first instant after the gap; one that
exists twice (clocks go back) is due at the first. `due` is a pure function; the daemon writes down what it returns.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from scheduler.config import ScheduleTable

#: A machine without a battery clock boots in 1970; nobody ran this before 2024.
BELIEVED_FROM = datetime(2024, 1, 1, tzinfo=UTC)
#: A turn that is seen this soon is on time.
ON_TIME = timedelta(minutes=5)
#: Turns longer ago than this are not written down one by one.
REMEMBERED = timedelta(days=35)


@dataclass(frozen=True)
class Turn:
    """A schedule's turn: `run` it now, or write it down as `missed` with the reason."""

    schedule: str
    due_at: datetime
    verdict: Literal["run", "missed"]
    reason: str | None = None


def clock_is_believed(now: datetime) -> bool:
    """Whether the machine's clock can be right at all."""
    return now >= BELIEVED_FROM


def due(
    schedules: Iterable[ScheduleTable], zone: ZoneInfo, seen_until: Mapping[str, datetime], now: datetime
) -> list[Turn]:
    """The turns after `seen_until` and up to `now`, oldest first.

    Args:
        schedules: What the configuration says; those that are not enabled have no turns.
        zone: The farm's time zone.
        seen_until: Up to when each schedule's turns were written down; a schedule that is not in it is new and has
            missed nothing.
        now: The time, timezone-aware.
    """
    turns = []
    for schedule in schedules:
        if schedule.enabled and schedule.name in seen_until:
            after = max(seen_until[schedule.name], now - REMEMBERED)
            turns += _judge(schedule, due_times(schedule.local_time, zone, after, now), now)
    return sorted(turns, key=lambda turn: (turn.due_at, turn.schedule))


def due_times(at: time, zone: ZoneInfo, after: datetime, until: datetime) -> list[datetime]:
    """Every instant in UTC with `after < instant <= until` at which a daily local time falls, oldest first."""
    # A day more at either end: a gap may move an instant over midnight.
    day, last = after.astimezone(zone).date() - timedelta(days=1), until.astimezone(zone).date() + timedelta(days=1)
    found = set()
    while day <= last:
        found.add(_instant(datetime.combine(day, at), zone))
        day += timedelta(days=1)
    return sorted(instant for instant in found if after < instant <= until)


def next_due(schedule: ScheduleTable, zone: ZoneInfo, now: datetime) -> datetime | None:
    """When a schedule comes next, in UTC; None while it is switched off."""
    if not schedule.enabled:
        return None
    return due_times(schedule.local_time, zone, now, now + timedelta(days=3))[0]


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a naive local time; see the module's rule for those that exist twice or not at all."""
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


def _judge(schedule: ScheduleTable, instants: Sequence[datetime], now: datetime) -> list[Turn]:
    """Only the newest turn may still run; of a day that nothing ran, one scan is as good as three."""
    turns = []
    for index, instant in enumerate(instants):
        late = now - instant
        is_newest = index == len(instants) - 1
        if is_newest and late <= ON_TIME:
            turns.append(Turn(schedule.name, instant, "run"))
        elif is_newest and schedule.missed == "run" and late <= timedelta(hours=schedule.within_hours):
            turns.append(Turn(schedule.name, instant, "run", f"{_words(late)} late: nothing ran when it was due"))
        else:
            turns.append(Turn(schedule.name, instant, "missed", _why_missed(schedule, late, is_newest)))
    return turns


def _why_missed(schedule: ScheduleTable, late: timedelta, is_newest: bool) -> str:
    nothing_ran = f"no daemon ran when it was due, and {_words(late)} later"
    if not is_newest:
        return f"{nothing_ran} a newer turn had come"
    if schedule.missed == "skip":
        return f"{nothing_ran} the schedule says to skip what was missed"
    return f"{nothing_ran} it was more than the allowed {schedule.within_hours:g} h late"


def _words(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"
