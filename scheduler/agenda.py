"""What becomes of a schedule's turns: run now, run late, or missed with the reason.

`due` is a pure function; the daemon writes down what it returns. `scheduler.recurrence` says when turns are due.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from scheduler.config import ScheduleTable
from scheduler.recurrence import due_times, next_time

#: A turn that is seen this soon is on time.
ON_TIME = timedelta(minutes=5)


@dataclass(frozen=True)
class Turn:
    """A schedule's turn: `run` it now, or write it down as `missed` with the reason."""

    schedule: str
    due_at: datetime
    verdict: Literal["run", "missed"]
    reason: str | None = None

    @property
    def on_time(self) -> bool:
        """Whether it runs, and not late."""
        return self.verdict == "run" and self.reason is None


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
            turns += _judge(schedule, due_times(schedule, zone, seen_until[schedule.name], now), now)
    return sorted(turns, key=lambda turn: (turn.due_at, turn.schedule))


def next_due(schedule: ScheduleTable, zone: ZoneInfo, now: datetime) -> datetime | None:
    """When a schedule comes next, in UTC; None while it is switched off, or if it never comes again."""
    if not schedule.enabled:
        return None
    return next_time(schedule, zone, now)


def _judge(schedule: ScheduleTable, instants: Sequence[datetime], now: datetime) -> list[Turn]:
    """Unless a schedule wants all of them, only the newest may run late: one scan is as good as three."""
    turns = []
    for index, instant in enumerate(instants):
        late = now - instant
        is_newest = index == len(instants) - 1
        soon_enough = is_newest and schedule.missed == "run" and late <= timedelta(hours=schedule.within_hours)
        if late <= ON_TIME and (is_newest or schedule.missed == "all"):
            turns.append(Turn(schedule.name, instant, "run"))
        elif soon_enough or schedule.missed == "all":
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
