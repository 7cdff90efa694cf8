"""The next turns of all schedules as they are likely to go: when each begins and ends, and what is in its way."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from zoneinfo import ZoneInfo

from scheduler.agenda import ON_TIME
from scheduler.config import ScheduleTable
from scheduler.forecast import Durations, place
from scheduler.hours import Hours
from scheduler.recurrence import next_time

_COUNT = 10


@dataclass(frozen=True)
class ComingTurn:
    """A turn to come. `begins_at` and `ends_at` are None if nothing of it will run; `conflicts` are lines."""

    schedule: str
    due_at: datetime
    plants: tuple[str, ...]
    begins_at: datetime | None
    ends_at: datetime | None
    conflicts: tuple[str, ...]


@dataclass
class _Robot:
    """What is known of the future so far: when the robot is free, and until when each plant has a scan to come."""

    free_at: datetime
    until: dict[str, datetime]


def coming_turns(
    schedules: Sequence[ScheduleTable],
    zone: ZoneInfo,
    hours: Hours,
    durations: Durations,
    on_wall: Sequence[str],
    now: datetime,
    *,
    busy_until: datetime | None = None,
    waiting: Mapping[str, datetime] | None = None,
    count: int = _COUNT,
) -> list[ComingTurn]:
    """The next `count` turns, in the order in which they are due.

    Args:
        schedules: What the configuration says.
        zone: The farm's time zone.
        hours: When what is scheduled may run.
        durations: How long scans take.
        on_wall: Names of the plants that there are.
        now: From when on.
        busy_until: When the robot is likely to have done what is in the queue now.
        waiting: Plants that are in the queue now, and when their scans are likely to end.
    """
    robot = _Robot(max(busy_until or now, now), dict(waiting or {}))
    by_name = {schedule.name: schedule for schedule in schedules}
    due = islice(merge(*(_instants(schedule, zone, now) for schedule in schedules)), count)
    return [_turn(by_name[name], due_at, robot, hours, durations, on_wall, zone) for due_at, name in due]


def _instants(schedule: ScheduleTable, zone: ZoneInfo, now: datetime) -> Iterable[tuple[datetime, str]]:
    at = next_time(schedule, zone, now) if schedule.enabled else None
    while at is not None:
        yield at, schedule.name
        at = next_time(schedule, zone, at)


def _turn(
    schedule: ScheduleTable,
    due_at: datetime,
    robot: _Robot,
    hours: Hours,
    durations: Durations,
    on_wall: Sequence[str],
    zone: ZoneInfo,
) -> ComingTurn:
    wanted = tuple(on_wall) if schedule.plants == "all" else tuple(schedule.plants)
    closed = hours.why_closed(due_at)
    if closed is not None and schedule.closed == "skip":
        return ComingTurn(schedule.name, due_at, wanted, None, None, (f"skipped: {closed}",))
    plants, conflicts = _who_runs(schedule, wanted, due_at, robot, on_wall, zone)
    begins_at = ends_at = None
    for plant in plants:
        slot = place(max(due_at, robot.free_at), durations.of_plant(plant), hours)
        if slot is None:
            conflicts.append(f"{plant} never fits: its scan takes longer than the farm's hours are open")
            continue
        begins_at, ends_at = begins_at or slot.begins_at, slot.ends_at
        robot.free_at = robot.until[plant] = slot.ends_at
    if begins_at is not None and begins_at - due_at > ON_TIME:
        why = closed or "the robot is busy, or the time until the hours end is too short"
        conflicts.insert(0, f"begins {_words(begins_at - due_at)} late: {why}")
    return ComingTurn(schedule.name, due_at, plants, begins_at, ends_at, tuple(conflicts))


def _who_runs(
    schedule: ScheduleTable,
    wanted: Sequence[str],
    due_at: datetime,
    robot: _Robot,
    on_wall: Sequence[str],
    zone: ZoneInfo,
) -> tuple[tuple[str, ...], list[str]]:
    """The plants of a turn that will be scanned, and why the others will not."""
    there = frozenset(on_wall)
    conflicts = [f"{plant} is not on the wall" for plant in wanted if plant not in there]
    busy = [plant for plant in wanted if robot.until.get(plant, due_at) > due_at and schedule.missed != "all"]
    if busy:
        until = max(robot.until[plant] for plant in busy).astimezone(zone)
        who = ", ".join(busy[:3]) + (f" and {len(busy) - 3} more" if len(busy) > 3 else "")
        conflicts.append(f"{who} skipped: an earlier scan is likely to last until {until:%Y-%m-%d %H:%M}")
    return tuple(plant for plant in wanted if plant in there and plant not in busy), conflicts


def _words(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
