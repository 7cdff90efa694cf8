"""Following the agenda: asks what is due, and writes every turn of every plant down as a row."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from scheduler.agenda import BELIEVED_FROM, Turn, clock_is_believed, due
from scheduler.config import ScheduleTable
from scheduler.store import Store

#: A clock that steps back further than a time service would slew it is worth a word.
_STEP_BACK = timedelta(minutes=10)
#: How far "seen until" may lag behind: a row a minute is kind to a memory card, and well within `agenda.ON_TIME`.
_OFTEN_ENOUGH = timedelta(minutes=1)


class AgendaKeeper:
    """Turns schedules into rows and queued scans.

    Args:
        store: Where rows go.
        schedules: From the configuration.
        zone: The farm's time zone.
        warn: Called with a line for a person, once for each change.
    """

    def __init__(
        self, store: Store, schedules: tuple[ScheduleTable, ...], zone: ZoneInfo, warn: Callable[[str], None]
    ) -> None:
        self._store, self._schedules, self._zone, self._warn = store, schedules, zone, warn
        self._last_warning: str | None = None

    def follow(self, now: datetime) -> None:
        """Write down every turn up to `now`, and queue the scans that are to run."""
        doubt = self._doubt(now)
        if doubt is not None and doubt != self._last_warning:
            self._warn(doubt)
        self._last_warning = doubt
        if not clock_is_believed(now):
            return
        seen = self._store.seen_until()
        turns = due(self._schedules, self._zone, seen, now)
        for turn in turns:
            self._write_down(turn)
        came = {turn.schedule for turn in turns}
        for schedule in self._schedules:
            behind = now - seen.get(schedule.name, BELIEVED_FROM)
            if schedule.name in came or behind > _OFTEN_ENOUGH:
                self._store.set_seen_until(schedule.name, now)

    def _doubt(self, now: datetime) -> str | None:
        if not clock_is_believed(now):
            return (
                f"the clock says {now:%Y-%m-%d}, which cannot be; the agenda waits until it is set "
                f"(timedatectl set-ntp true, or a battery for the clock)"
            )
        ahead = [name for name, until in self._store.seen_until().items() if until - now > _STEP_BACK]
        if ahead:
            return f"the clock went back; the schedules {', '.join(sorted(ahead))} wait until it has caught up"
        return None

    def _write_down(self, turn: Turn) -> None:
        (schedule,) = (schedule for schedule in self._schedules if schedule.name == turn.schedule)
        on_wall = [plant.name for plant in self._store.plants()]
        for plant in on_wall if schedule.plants == "all" else schedule.plants:
            if plant not in on_wall:
                self._store.record_turn(turn.schedule, plant, turn.due_at, "skipped", "it is not on the wall")
            elif turn.verdict == "missed":
                self._store.record_turn(turn.schedule, plant, turn.due_at, "missed", turn.reason)
            elif self._still_busy(plant):
                reason = "the plant's scan before it had not ended"
                self._store.record_turn(turn.schedule, plant, turn.due_at, "skipped", reason)
            else:
                self._store.record_turn(turn.schedule, plant, turn.due_at, "started", turn.reason)

    def _still_busy(self, plant: str) -> bool:
        return bool(self._store.jobs(states=["queued", "running", "paused"], kind="scan", plant=plant, limit=1))
