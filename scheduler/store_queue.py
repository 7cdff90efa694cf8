"""The store's part about the queue: its order, and what a person asks of a job or of the whole robot."""

from typing import Literal

from sqlalchemy import func, select, update

from scheduler.rows import CommandName, JobRow
from scheduler.store_jobs import OPEN
from scheduler.store_leases import LeaseStore
from scheduler.tables import commands, jobs, occurrences, scans
from trellis.errors import InputError

_BY_HAND = "paused by hand"


class QueueStore(LeaseStore):
    """The scans that run and wait. What concerns a running job is a durable command, carried out by the daemon."""

    def queue(self) -> list[JobRow]:
        """Scans that have not ended, in the order in which they are done; what runs comes first."""
        query = select(jobs).where(jobs.c.kind == "scan", jobs.c.state.in_(OPEN)).order_by(jobs.c.rank, jobs.c.id)
        return sorted((JobRow(**row) for row in self._rows(query)), key=lambda job: job.state != "running")

    def move(self, job_id: int, to: Literal["first", "last"]) -> JobRow:
        """Put a waiting job before or behind all others. Raises `InputError` if it has ended or runs."""
        job = self._waiting(job_id)
        with self._write() as connection:
            waiting = (jobs.c.kind == job.kind, jobs.c.state.in_(OPEN), jobs.c.id != job_id)
            edge = func.min(jobs.c.rank) if to == "first" else func.max(jobs.c.rank)
            found = connection.execute(select(edge).where(*waiting)).scalar()
            rank = (found or 0) + (-1 if to == "first" else 1)
            connection.execute(update(jobs).where(jobs.c.id == job_id).values(rank=rank))
        return self.job(job_id)

    def pause_job(self, job_id: int) -> JobRow:
        """Pause a job until `resume_job`: one that waits at once, one that runs after the view that it is at."""
        job = self._open(job_id)
        if job.state == "running":
            if job.kind != "scan":
                raise InputError(f"job {job_id} is a reconstruction that runs; it can be cancelled, not paused")
            self.ask("pause", job_id)
        else:
            self.pause(job_id, _BY_HAND, held=True)
        return self.job(job_id)

    def resume_job(self, job_id: int) -> JobRow:
        """Let a job go on that was paused by hand, in its old place. Raises `InputError` if it was not."""
        job = self._open(job_id)
        asked = [command for command in self.pending_commands() if (command.what, command.job) == ("pause", job_id)]
        if not asked and not (job.state == "paused" and job.held):
            raise InputError(f"job {job_id} is {job.state}, and was not paused by hand")
        for command in asked:
            self.command_done(command.id)
        if job.state == "paused":
            self._set_aside(job_id, "queued", "goes on after it was paused by hand", True)
        return self.job(job_id)

    def retry(self, job_id: int) -> JobRow:
        """Ask again for what failed or was cancelled; the turn of a schedule that waited for it waits again.

        Raises:
            InputError: It has not ended, or was done.
        """
        job = self.job(job_id)
        if job.state not in ("failed", "cancelled"):
            raise InputError(f"job {job_id} is {job.state}; what failed or was cancelled can be tried again")
        if job.kind == "reconstruct" and job.scan is not None:
            return self.request_reconstruction(job.plant, job.scan)
        again = self.request_scan(job.plant)
        with self._write() as connection:
            theirs = update(occurrences).where(occurrences.c.job == job_id)
            reason = f"tried again by hand, for it was {job.state}: {job.reason}"
            connection.execute(theirs.values(job=again.id, state="started", reason=reason))
        return again

    def skip_view(self, job_id: int, view: int) -> None:
        """Give up one view of a scan that has begun. Raises `InputError` if it has not, or has ended."""
        job = self._open(job_id)
        if job.kind != "scan" or job.scan is None:
            raise InputError(f"job {job_id} has no views yet; skip one once its scan has begun")
        planned = self._views_planned(job.scan)
        if not 0 <= view < planned:
            raise InputError(f"scan {job.scan} has the views 0 to {planned - 1}, not {view}")
        self.ask("skip", job_id, view)

    def held(self) -> bool:
        """Whether the queue is held: nothing begins until it is let go; it outlives the daemon."""
        return any(command.what == "hold" for command in self.pending_commands())

    def hold(self, held: bool) -> None:
        """Hold the queue, a running scan after its view; or let it go."""
        if held and not self.held():
            self.ask("hold")
            self.add_note("the queue is held; a scan that runs stops after its view, and nothing new begins")
        elif not held:
            open_one = [command for command in self.pending_commands() if command.what == "hold"]
            for command in open_one:
                self.command_done(command.id)
            if open_one:
                self.add_note("the queue goes on")

    def ask(self, what: CommandName, job: int | None = None, view: int | None = None) -> None:
        """Leave a durable command for the daemon; the same one twice is one."""
        same = [(command.what, command.job, command.view) for command in self.pending_commands()]
        if (what, job, view) not in same:
            with self._write() as connection:
                values = {"what": what, "job": job, "view": view, "asked_at": self._now()}
                connection.execute(commands.insert().values(values))

    def add_note(self, line: str) -> None:
        """A line about what a person did."""
        with self._write() as connection:
            self._tell(connection, line, level="warning")

    def _views_planned(self, scan: str) -> int:
        found = self._rows(select(scans.c.views_planned).where(scans.c.id == scan))
        return int(found[0]["views_planned"])

    def _open(self, job_id: int) -> JobRow:
        job = self.job(job_id)
        if job.ended:
            raise InputError(f"job {job_id} has ended ({job.state})")
        return job

    def _waiting(self, job_id: int) -> JobRow:
        job = self._open(job_id)
        if job.state == "running":
            raise InputError(f"job {job_id} runs already")
        return job
