"""The store's part about leases: who does a job, for how long, and what becomes of it when he is heard of no more.

A lease is only ever taken, renewed and ended by one statement that also asks whether it still holds, so that however
many work on the same jobs, each job ends once. Leases live by the machines' clocks: those may differ by less than half
of a lease.
"""

from datetime import timedelta

from sqlalchemy import select, update

from scheduler.rows import ATTEMPTS_MAX, JobRow, Lease
from scheduler.store_jobs import JobStore
from scheduler.tables import jobs


class LeaseStore(JobStore):
    """Jobs under a lease; without one they are the daemon's own."""

    def renew(self, job_id: int, lease: Lease) -> bool:
        """Have a job for as long again; False if the lease was lost."""
        now = self._now()
        theirs = (jobs.c.id == job_id, jobs.c.state == "running", jobs.c.lease_owner == lease.owner)
        values = {"lease_until": now + timedelta(seconds=lease.seconds), "heartbeat_at": now}
        with self._write() as connection:
            return connection.execute(update(jobs).where(*theirs).values(values)).rowcount > 0

    def release_expired(self) -> list[JobRow]:
        """Queue again every job whose lease has run out; one that was begun too often without getting further fails."""
        over = (jobs.c.state == "running", jobs.c.lease_until < self._now())
        expired = [JobRow(**row) for row in self._rows(select(jobs).where(*over))]
        for job in expired:
            reason = f"its worker ({job.lease_owner}) was heard of no more"
            if job.attempts >= ATTEMPTS_MAX:
                with self._write() as connection:
                    still = (jobs.c.id == job.id, jobs.c.lease_owner == job.lease_owner, *over)
                    if connection.execute(update(jobs).where(*still).values(share=job.share)).rowcount:
                        self._end(connection, job.id, "failed", f"{reason}, {job.attempts} times")
            else:
                self.requeue(job.id, reason, owner=job.lease_owner)
        return expired
