"""The store's part about the agenda: how far each schedule was followed, and each plant's turn with its outcome."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from scheduler.rows import JobRow, OccurrenceRow, OccurrenceState
from scheduler.store_jobs import JobStore
from scheduler.tables import jobs, occurrences, schedules

_WHEN_JOB_ENDS: dict[str, OccurrenceState] = {"done": "done", "failed": "failed", "cancelled": "skipped"}


class AgendaStore(JobStore):
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
        this = (occurrences.c.schedule == schedule, occurrences.c.plant == plant, occurrences.c.due_at == due_at)
        with self._write() as connection:
            if connection.execute(select(occurrences.c.id).where(*this)).first() is not None:
                return None
            job = self._queue(connection, plant) if state == "started" else None
            values = {"schedule": schedule, "plant": plant, "due_at": due_at, "state": state, "job": job}
            connection.execute(occurrences.insert().values(**values, reason=reason))
            if state in ("missed", "skipped", "failed"):
                message = f"{schedule}: the scan of {plant} due at {due_at:%Y-%m-%d %H:%M} UTC was {state}: {reason}"
                self._tell(connection, message, level="warning", plant=plant)
            row = connection.execute(select(occurrences).where(*this)).mappings().one()
        return OccurrenceRow(**row)

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

    def _queue(self, connection: Connection, plant: str) -> int:
        same = (jobs.c.kind == "scan", jobs.c.plant == plant, jobs.c.state == "queued", jobs.c.started_at.is_(None))
        waiting: int | None = connection.execute(select(jobs.c.id).where(*same)).scalar()
        return self._add(connection, "scan", plant, None).id if waiting is None else waiting

    def _seen(self, connection: Connection, schedule: str, until: datetime) -> None:
        known = update(schedules).where(schedules.c.name == schedule).values(seen_until=until)
        if connection.execute(known).rowcount == 0:
            connection.execute(schedules.insert().values(name=schedule, seen_until=until))

    def _job_ended(self, connection: Connection, job: JobRow) -> None:
        waiting = update(occurrences).where(occurrences.c.job == job.id, occurrences.c.state == "started")
        connection.execute(waiting.values(state=_WHEN_JOB_ENDS[job.state], reason=job.reason))
