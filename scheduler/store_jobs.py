"""The store's part about jobs: asking, cancelling, taking the next one, and what becomes of it."""

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Integer, case, cast, select, update

from scheduler.rows import ENDED, AskedBy, CommandRow, JobKind, JobRow, JobState, Lease
from scheduler.store_plants import PlantStore, no_such_plant
from scheduler.tables import commands, jobs, scans
from trellis.errors import InputError

_COMMAND = ("id", "what", "job", "asked_at", "view")
OPEN = ("queued", "running", "paused")


class JobStore(PlantStore):
    """A queue of jobs; the daemon takes them, anybody asks and cancels."""

    def request_scan(self, plant: str) -> JobRow:
        """Ask for a scan of a plant; one that is queued and has not begun is given back instead of a second one.

        Raises:
            InputError: The wall names no such plant.
        """
        known = [row.name for row in self.plants()]
        if plant not in known:
            raise no_such_plant(plant, known)
        with self._write() as connection:
            same = (jobs.c.kind == "scan", jobs.c.plant == plant, jobs.c.state == "queued", jobs.c.started_at.is_(None))
            waiting = connection.execute(select(jobs).where(*same)).mappings().first()
            if waiting is not None:
                return JobRow(**waiting)
            return self._add(connection, "scan", plant, None)

    def request_reconstruction(self, plant: str, scan: str) -> JobRow:
        """Ask for a scan to be turned into numbers; one that is open already is given back."""
        with self._write() as connection:
            same = (jobs.c.kind == "reconstruct", jobs.c.scan == scan, jobs.c.state.in_(OPEN))
            waiting = connection.execute(select(jobs).where(*same)).mappings().first()
            if waiting is not None:
                return JobRow(**waiting)
            return self._add(connection, "reconstruct", plant, scan)

    def job(self, job_id: int) -> JobRow:
        """One job.

        Raises:
            InputError: There is none of that number.
        """
        for row in self._rows(select(jobs).where(jobs.c.id == job_id)):
            return JobRow(**row)
        raise InputError(f"there is no job {job_id}")

    def jobs(
        self,
        *,
        states: Collection[JobState] | None = None,
        kind: JobKind | None = None,
        plant: str | None = None,
        scan: str | None = None,
        limit: int = 100,
    ) -> list[JobRow]:
        """Jobs that fit, newest first."""
        query = select(jobs).order_by(jobs.c.id.desc()).limit(limit)
        if states is not None:
            query = query.where(jobs.c.state.in_(list(states)))
        for column, wanted in ((jobs.c.kind, kind), (jobs.c.plant, plant), (jobs.c.scan, scan)):
            if wanted is not None:
                query = query.where(column == wanted)
        return [JobRow(**row) for row in self._rows(query)]

    def cancel(self, job_id: int) -> JobRow:
        """Cancel a job: at once if nothing works on it, else the daemon is asked to; one that has ended stays so."""
        self.job(job_id)
        with self._write() as connection:
            row = connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().one()
            if row["state"] == "running":
                open_one = (commands.c.job == job_id, commands.c.done_at.is_(None))
                if connection.execute(select(commands.c.id).where(*open_one)).first() is None:
                    values = {"what": "cancel", "job": job_id, "asked_at": self._now()}
                    connection.execute(commands.insert().values(values))
            elif row["state"] not in ENDED:
                reason = "cancelled before it went on"
                if row["kind"] == "scan" and row["scan"] is not None:
                    begun = update(scans).where(scans.c.id == row["scan"])
                    connection.execute(begun.values(state="cancelled", reason=reason, finished_at=self._now()))
                self._end(connection, job_id, "cancelled", reason)
        return self.job(job_id)

    def pending_commands(self) -> list[CommandRow]:
        """Durable commands that nobody has carried out, oldest first; a stop stays one until it is cleared."""
        query = select(commands).where(commands.c.done_at.is_(None)).order_by(commands.c.id)
        return [CommandRow(**{name: row[name] for name in _COMMAND}) for row in self._rows(query)]

    def command_done(self, command_id: int) -> None:
        """Mark a durable command as carried out."""
        with self._write() as connection:
            connection.execute(update(commands).where(commands.c.id == command_id).values(done_at=self._now()))

    def stopped(self) -> bool:
        """Whether a stop is in force; it outlives the daemon, so that a restart does not set the robot going."""
        return any(command.what == "stop" for command in self.pending_commands())

    def set_stopped(self, stopped: bool) -> None:
        """Remember that somebody stopped the robot, or cleared the stop."""
        in_force = (commands.c.what == "stop", commands.c.done_at.is_(None))
        with self._write() as connection:
            was = connection.execute(select(commands.c.id).where(*in_force)).first() is not None
            if stopped and not was:
                connection.execute(commands.insert().values(what="stop", asked_at=self._now()))
                self._tell(connection, "stopped by hand; nothing moves until the stop is cleared", level="warning")
            if was and not stopped:
                connection.execute(update(commands).where(*in_force).values(done_at=self._now()))
                self._tell(connection, "the stop was cleared")

    def take_job(
        self, kind: JobKind, accept: Callable[[JobRow], bool] = lambda job: True, lease: Lease | None = None
    ) -> JobRow | None:
        """The first queued job of this kind that is accepted, now running, under a lease if given; None without one."""
        query = select(jobs).where(jobs.c.kind == kind, jobs.c.state == "queued").order_by(jobs.c.rank, jobs.c.id)
        # Asked often: without the lock that a transaction which may write takes.
        wanted = next((job for row in self._rows(query) if accept(job := JobRow(**row))), None)
        if wanted is None:
            return None
        now = self._now()
        values = {
            "state": "running",
            "started_at": wanted.started_at or now,
            "attempts": jobs.c.attempts + 1,
            "heartbeat_at": now,
            "reason": None,
            "stage": None,
            "lease_owner": None if lease is None else lease.owner,
            "lease_until": None if lease is None else now + timedelta(seconds=lease.seconds),
        }
        with self._write() as connection:
            still = (jobs.c.id == wanted.id, jobs.c.state == "queued")
            taken = connection.execute(update(jobs).where(*still).values(values)).rowcount
        return self.job(wanted.id) if taken else None

    def progress(
        self,
        job_id: int,
        share: float,
        stage: str | None = None,
        *,
        scan: str | None = None,
        pid: int | None = None,
        reached: float | None = None,
    ) -> None:
        """How far a running job is; also its sign of life.

        `reached` is a share whose work is kept even if the job is broken off now: an attempt that got further than any
        before is the first of a new count.
        """
        given: dict[str, Any] = {"stage": stage, "scan": scan, "worker_pid": pid}
        if reached is not None:
            further = jobs.c.furthest < reached
            given |= {"attempts": case((further, 1), else_=jobs.c.attempts)}
            given |= {"furthest": case((further, reached), else_=jobs.c.furthest)}
        with self._write() as connection:
            self._alive(connection, job_id, share, {name: value for name, value in given.items() if value is not None})

    def _alive(self, connection: Connection, job_id: int, share: float, values: Mapping[str, Any]) -> None:
        values = {"share": min(max(share, 0.0), 1.0), "heartbeat_at": self._now(), **values}
        connection.execute(update(jobs).where(jobs.c.id == job_id, jobs.c.state == "running").values(values))

    def finish_job(self, job_id: int, state: JobState, reason: str | None = None) -> JobRow:
        """End a job as done, failed or cancelled; an event tells of it."""
        with self._write() as connection:
            self._end(connection, job_id, state, reason)
        return self.job(job_id)

    def requeue(self, job_id: int, reason: str, *, counts: bool = True, owner: str | None = None) -> None:
        """Put a job back into the queue, in its old place; whether the attempt counts as one is the caller's word.

        With `owner` only while it holds the lease.
        """
        self._set_aside(job_id, "queued", reason, counts, owner=owner)

    def pause(self, job_id: int, reason: str, *, held: bool = False) -> None:
        """Set a job aside until `resume_paused`, or, if held, until a person resumes it; the attempt does not count."""
        self._set_aside(job_id, "paused", reason, False, held)

    def resume_paused(self) -> list[JobRow]:
        """Queue every paused job again, in its old place; not those that a person holds."""
        waiting = [job for job in self.jobs(states=["paused"]) if not job.held]
        for job in waiting:
            self._set_aside(job.id, "queued", f"goes on after: {job.reason}", True)
        return waiting

    def _set_aside(
        self, job_id: int, state: JobState, reason: str, counts: bool, held: bool = False, owner: str | None = None
    ) -> None:
        with self._write() as connection:
            # A job that waits has not begun an attempt that could be taken back.
            begun = jobs.c.state == "running"
            attempts = jobs.c.attempts if counts else jobs.c.attempts - cast(begun, Integer)
            values = {"state": state, "reason": reason, "worker_pid": None, "attempts": attempts, "held": held}
            values |= {"lease_owner": None, "lease_until": None}
            theirs = (jobs.c.id == job_id, *(() if owner is None else (jobs.c.lease_owner == owner,)))
            if connection.execute(update(jobs).where(*theirs).values(values)).rowcount == 0:
                return
            job = JobRow(**connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().one())
            message = f"{job.kind} of {job.plant} {state}: {reason}"
            self._tell(connection, message, level="warning", plant=job.plant, scan=job.scan, job=job_id)

    def _add(
        self,
        connection: Connection,
        kind: JobKind,
        plant: str,
        scan: str | None,
        *,
        asked_by: AskedBy = "person",
        tries_left: int = 0,
    ) -> JobRow:
        values = {"kind": kind, "plant": plant, "scan": scan, "state": "queued", "created_at": self._now()}
        values |= {"asked_by": asked_by, "tries_left": tries_left}
        added = connection.execute(jobs.insert().values(**values, share=0.0, attempts=0))
        job_id = added.inserted_primary_key[0]
        self._tell(connection, f"{kind} of {plant} asked for", plant=plant, scan=scan, job=job_id)
        return JobRow(**connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().one())

    def _end(self, connection: Connection, job_id: int, state: JobState, reason: str | None) -> None:
        values: dict[str, Any] = {"state": state, "reason": reason, "finished_at": self._now(), "worker_pid": None}
        values |= {"lease_owner": None, "lease_until": None}
        if state == "done":
            values["share"] = 1.0
        connection.execute(update(jobs).where(jobs.c.id == job_id).values(values))
        connection.execute(
            update(commands).where(commands.c.job == job_id, commands.c.done_at.is_(None)).values(done_at=self._now())
        )
        job = JobRow(**connection.execute(select(jobs).where(jobs.c.id == job_id)).mappings().one())
        self._job_ended(connection, job)
        message = f"{job.kind} of {job.plant} {state}" + (f": {reason}" if reason else "")
        level = "error" if state == "failed" else "info"
        self._tell(connection, message, level=level, plant=job.plant, scan=job.scan, job=job_id)

    def _job_ended(self, connection: Connection, job: JobRow) -> None:
        """For whoever waits on a job, in the same transaction."""
