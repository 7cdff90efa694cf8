"""Following the agenda: asks what is due, and writes every turn of every plant down as a row."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from scheduler.agenda import Turn, due
from scheduler.config import ScheduleTable
from scheduler.hours import Hours
from scheduler.rows import NewTurn
from scheduler.store import Store
from scheduler.wall_clock import BELIEVED_FROM, STEP, WallClockJudge

#: How far "seen until" may lag behind: a row a minute is kind to a memory card, and well within `agenda.ON_TIME`.
_OFTEN_ENOUGH = timedelta(minutes=1)


class AgendaKeeper:
    """Turns schedules into rows and queued scans.

    Args:
        store: Where rows go.
        schedules: From the configuration.
        zone: The farm's time zone.
        warn: Called with a line for a person, once for each change.
        hours: When what is scheduled may run; always, if not given.
        judge: Says whether the clock can be believed.
    """

    def __init__(
        self,
        store: Store,
        schedules: tuple[ScheduleTable, ...],
        zone: ZoneInfo,
        warn: Callable[[str], None],
        hours: Hours | None = None,
        judge: WallClockJudge | None = None,
    ) -> None:
        self._store, self._schedules, self._zone, self._warn = store, schedules, zone, warn
        self._hours = hours or Hours((), (), zone)
        self.judge = judge or WallClockJudge()
        self.doubt: str | None = None

    def follow(self, now: datetime, monotonic_s: float = 0.0) -> None:
        """Write down every turn up to `now`, and queue the scans that are to run."""
        seen = self._store.seen_until()
        doubt = self.judge.doubt(now, monotonic_s, max(seen.values(), default=None))
        if doubt is not None and doubt.split(";")[0] != (self.doubt or "").split(";")[0]:
            self._warn(doubt)
        if doubt is None and self.doubt is not None:
            self._warn("the clock is believed again; the agenda goes on")
        self.doubt = doubt
        if doubt is None:
            self._write_down(self._not_ahead(seen, now), now)

    def _not_ahead(self, seen: dict[str, datetime], now: datetime) -> dict[str, datetime]:
        """How far schedules were followed, none of them further than now.

        A clock that was ahead and is right now has days before it that are rows already: those that ran are not run
        again, those that were written down as missed get their turn when it comes (`Store.record_turns`).
        """
        ahead = {name for name, until in seen.items() if until - now > STEP}
        if ahead:
            self._warn(
                f"the clock was ahead: the schedules {', '.join(sorted(ahead))} go on from {now:%Y-%m-%d %H:%M} UTC"
            )
            for name in ahead:
                self._store.set_seen_until(name, now)
        return {name: now if name in ahead else until for name, until in seen.items()}

    def _write_down(self, seen: dict[str, datetime], now: datetime) -> None:
        turns = due(self._schedules, self._zone, seen, now)
        came = {turn.schedule for turn in turns}
        behind = {table.name: now - seen.get(table.name, BELIEVED_FROM) for table in self._schedules}
        until = {name: now for name, span in behind.items() if name in came or span > _OFTEN_ENOUGH}
        if until:
            rows = [row for turn in turns for row in self._rows(turn)]
            self._store.record_turns(rows, until)

    def _rows(self, turn: Turn) -> Iterator[NewTurn]:
        (schedule,) = (schedule for schedule in self._schedules if schedule.name == turn.schedule)
        on_wall = [plant.name for plant in self._store.plants()]
        closed = self._hours.why_closed(turn.due_at) if schedule.closed == "skip" else None
        for plant in on_wall if schedule.plants == "all" else schedule.plants:
            row = NewTurn(turn.schedule, plant, turn.due_at, "started", turn.reason, schedule.retries)
            if plant not in on_wall:
                yield row.instead("skipped", "it is not on the wall")
            elif turn.verdict == "missed":
                yield row.instead("missed", turn.reason)
            elif closed is not None:
                yield row.instead("skipped", f"it was due outside the farm's hours: {closed}")
            elif schedule.missed != "all" and (busy := self._busy(plant)) is not None:
                yield row.instead("skipped", busy)
            else:
                yield row

    def _busy(self, plant: str) -> str | None:
        """Why a plant's turn would come on top of an earlier one, or None."""
        for job in self._store.jobs(states=["queued", "running", "paused"], kind="scan", plant=plant, limit=1):
            if job.asked_by == "agenda" or job.started_at is not None:
                reason = f" ({job.state}: {job.reason})" if job.reason else ""
                return f"the plant's scan before it had not ended{reason}"
        return None
