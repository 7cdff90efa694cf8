"""The store's part about the agenda: how far each schedule was followed, and each plant's turn with its outcome."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select, update

from scheduler.rows import JobRow, NewTurn, OccurrenceRow, OccurrenceState
from scheduler.store_queue import QueueStore
from scheduler.tables import jobs, occurrences, schedules

_WHEN_JOB_ENDS: dict[str, OccurrenceState] = {"done": "done", "failed": "failed", "cancelled": "skipped"}
#: So many lines about turns that did not happen are read; more of them are not.
_LINES_MAX = 20


class AgendaStore(QueueStore):
    """Occurrences of schedules. A scan's occurrence ends with its job."""

    def seen_until(self) -> dict[str, datetime]:
        """Up to when each schedule's turns are rows already; a schedule that never ran is not in it."""
        return {row["name"]: row["seen_until"] for row in self._rows(select(schedules))}

    def set_seen_until(self, schedule: str, until: datetime) -> None:
        """Remember that every turn of `schedule` up to `until` is a row."""
        with self._write() as connection:
            self._seen(connection, schedule, until)

    def record_turn(
        self, schedule: str, plant: str, due_at: datetime, state: OccurrenceState, reason: str | None = None
    ) -> OccurrenceRow | None:
        """Write down a plant's turn, once; `started` also queues its scan. None when it was written down before."""
        turn = NewTurn(schedule, plant, due_at, state, reason)
        with self._write() as connection:
            written = self._record(connection, turn)
            for line, about in _lines([turn] if written is not None else []):
                self._tell(connection, line, level="warning", plant=about)
        return written

    def record_turns(self, turns: Sequence[NewTurn], seen_until: Mapping[str, datetime]) -> None:
        """Write down turns, each once, and how far their schedules were followed; all or nothing."""
        with self._write() as connection:
            written = [turn for turn in turns if self._record(connection, turn) is not None]
            for line, plant in _lines(written):
                self._tell(connection, line, level="warning", plant=plant)
            for schedule, until in seen_until.items():
                self._seen(connection, schedule, until)

    def _record(self, connection: Connection, turn: NewTurn) -> OccurrenceRow | None:
        this = (
            occurrences.c.schedule == turn.schedule,
            occurrences.c.plant == turn.plant,
            occurrences.c.due_at == turn.due_at,
        )
        known = connection.execute(select(occurrences).where(*this)).mappings().first()
        # A turn that comes now was written down as missed while the clock was ahead of its time.
        comes_after_all = known is not None and known["state"] == "missed" and turn.state == "started"
        if known is not None and not comes_after_all:
            return None
        job = self._queue(connection, turn) if turn.state == "started" else None
        values = {"state": turn.state, "job": job, "reason": turn.reason}
        if comes_after_all:
            connection.execute(update(occurrences).where(*this).values(values))
        else:
            named = {"schedule": turn.schedule, "plant": turn.plant, "due_at": turn.due_at}
            connection.execute(occurrences.insert().values(**values, **named))
        return OccurrenceRow(**connection.execute(select(occurrences).where(*this)).mappings().one())

    def occurrences(
        self,
        *,
        schedule: str | None = None,
        plant: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 200,
    ) -> list[OccurrenceRow]:
        """Turns that fit, newest first; `since` counts, `until` does not."""
        query = select(occurrences).order_by(occurrences.c.due_at.desc(), occurrences.c.id.desc()).limit(limit)
        if schedule is not None:
            query = query.where(occurrences.c.schedule == schedule)
        if plant is not None:
            query = query.where(occurrences.c.plant == plant)
        if since is not None:
            query = query.where(occurrences.c.due_at >= since)
        if until is not None:
            query = query.where(occurrences.c.due_at < until)
        return [OccurrenceRow(**row) for row in self._rows(query)]

    def _queue(self, connection: Connection, turn: NewTurn) -> int:
        """A job for a turn: one that a person asked for and that has not begun, or a new one."""
        same = (jobs.c.kind == "scan", jobs.c.plant == turn.plant, jobs.c.state == "queued")
        idle = (jobs.c.started_at.is_(None), jobs.c.asked_by == "person")
        waiting: int | None = connection.execute(select(jobs.c.id).where(*same, *idle)).scalar()
        if waiting is not None:
            return waiting
        return self._add(connection, "scan", turn.plant, None, asked_by="agenda", tries_left=turn.retries).id

    def _seen(self, connection: Connection, schedule: str, until: datetime) -> None:
        known = update(schedules).where(schedules.c.name == schedule).values(seen_until=until)
        if connection.execute(known).rowcount == 0:
            connection.execute(schedules.insert().values(name=schedule, seen_until=until))

    def _job_ended(self, connection: Connection, job: JobRow) -> None:
        """The turn that waited for a job ends with it, or goes on with the job that tries again."""
        waiting = update(occurrences).where(occurrences.c.job == job.id, occurrences.c.state == "started")
        if job.state != "failed" or job.tries_left == 0:
            connection.execute(waiting.values(state=_WHEN_JOB_ENDS[job.state], reason=job.reason))
            return
        again = self._add(connection, job.kind, job.plant, None, asked_by="agenda", tries_left=job.tries_left - 1)
        connection.execute(waiting.values(job=again.id, reason=f"tried again, for it failed: {job.reason}"))


def _lines(turns: Sequence[NewTurn]) -> Iterator[tuple[str, str | None]]:
    """A line for each turn of a schedule that does not run, whose plants share a fate; many of them in one."""
    alike: dict[tuple[str, datetime, OccurrenceState, str | None], list[str]] = {}
    for turn in turns:
        if turn.state != "started":
            alike.setdefault((turn.schedule, turn.due_at, turn.state, turn.reason), []).append(turn.plant)
    if len(alike) > _LINES_MAX:
        first, last = (f"{edge(key[1] for key in alike):%Y-%m-%d %H:%M}" for edge in (min, max))
        total = sum(map(len, alike.values()))
        yield (
            f"{total} turns due between {first} and {last} UTC did not happen; `trellis agenda --past` lists them",
            None,
        )
        return
    for (schedule, due_at, state, reason), plants in alike.items():
        what = f"the scan of {plants[0]}" if len(plants) == 1 else f"the scans of {len(plants)} plants"
        was = "was" if len(plants) == 1 else "were"
        line = f"{schedule}: {what} due at {due_at:%Y-%m-%d %H:%M} UTC {was} {state}: {reason}"
        yield line, plants[0] if len(plants) == 1 else None
