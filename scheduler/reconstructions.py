"""Reconstruction jobs: one after the other in worker processes beside the robot, each followed into its row."""

import itertools
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import structlog

from scan.config import WallSection
from scheduler.around import neighbours_of
from scheduler.config import WorkersTable
from scheduler.results import read_measurement
from scheduler.room import when_there_is_room
from scheduler.rows import ATTEMPTS_MAX, ENDING, JobRow, JobState, Lease, MeasurementRow
from scheduler.store import Store
from scheduler.worker import WorkerEnd, run_worker
from trellis.errors import InputError, OutOfSpace
from trellis.folders import DataFolder, ScanFolder
from trellis.records import Traits

log = structlog.get_logger("reconstructions")

#: About how long each stage takes, for one bar over all of them; it need not be right to be useful.
STAGE_WEIGHTS = {
    "images": 1, "sparse": 40, "dense": 40, "plant": 3, "surface": 12, "traits": 4, "mass": 1, "report": 5,
}  # fmt: skip
#: A row is written no more often than this for the same stage: each one waits for the disk.
_TELL_S = 0.5
#: A lease is renewed so many times before it could run out.
_RENEWALS = 4
_LOST = "the lease was lost: another does the job"
_numbers = itertools.count(1)


class Reconstructions:
    """Takes reconstruction jobs from the store until `ending` is set; several threads may each `serve`.

    Args:
        store: Where jobs come from and rows go.
        folder: The farm's data.
        command: What a worker runs for a scan's folder.
        limits: For the worker processes.
        ending: Set when the daemon is to end.
        learn: Called with each scan that was reconstructed.
    """

    def __init__(
        self,
        store: Store,
        folder: DataFolder,
        command: Callable[[ScanFolder], Sequence[str]],
        limits: WorkersTable,
        ending: threading.Event,
        learn: Callable[[ScanFolder, Traits], object] = lambda folder, traits: None,
    ) -> None:
        self._store, self._folder, self._command = store, folder, command
        self._limits, self._ending, self._learn = limits, ending, learn
        self._cancelled: set[int] = set()
        self._told: dict[int, tuple[str, float]] = {}
        self._renew_at_s: dict[int, float] = {}

    def cancel(self, job_id: int) -> None:
        """End a running job's worker soon."""
        self._cancelled.add(job_id)

    def serve(self) -> None:
        """Do jobs, one after the other, until the daemon is to end."""
        lease = Lease(new_owner(), self._limits.lease_s)
        while not self._ending.is_set():
            with suppress(OutOfSpace):  # only while the daemon ends: what was running is taken up at the next start
                job = when_there_is_room(lambda: self.take(lease), self._ending)
                if job is None:
                    self._ending.wait(0.5)
                else:
                    when_there_is_room(partial(self.do, job), self._ending)

    def take(self, lease: Lease) -> JobRow | None:
        """The next job under this lease; those whose lease has run out come back first."""
        self._store.release_expired()
        return self._store.take_job("reconstruct", lease=lease)

    def do(self, job: JobRow) -> None:
        """Do one job, to its end or back into the queue; if its lease is lost meanwhile, nothing is written."""
        if job.scan is None or job.attempts > ATTEMPTS_MAX:
            why = "it names no scan" if job.scan is None else f"was begun {ATTEMPTS_MAX} times and never ended"
            self._end(job, "failed", why)
            return
        scan = self._store.scan(job.scan)
        folder = ScanFolder(self._folder.path / scan.folder)
        end = self._run_with_retries(job, self._command(folder))
        if end.how == "stopped" and end.reason == ENDING:
            self._store.requeue(job.id, ENDING, counts=False, owner=job.lease_owner)
        elif end.how == "stopped" and end.reason == _LOST:
            log.warning("lease lost", job=job.id, scan=job.scan)
        elif end.how == "stopped":
            self._end(job, "cancelled", end.reason)
        elif end.how != "done":
            self._end(job, "failed", end.reason)
        else:
            self._keep(job, folder, scan.id, scan.plant)

    def _end(self, job: JobRow, state: JobState, reason: str | None, found: MeasurementRow | None = None) -> None:
        if not self._store.end_reconstruction(job.id, job.lease_owner, state, reason, found):
            log.warning("lease lost at the end; what was found is left to whoever has it now", job=job.id)

    def _run_with_retries(self, job: JobRow, command: Sequence[str]) -> WorkerEnd:
        for attempt in range(self._limits.retries + 1):
            end = run_worker(
                command,
                self._limits,
                on_start=lambda pid: self._store.progress(job.id, 0.0, pid=pid),
                on_line=lambda line: self._follow(job.id, line),
                must_end=lambda: self._must_end(job),
            )
            if end.how != "died":
                break
            log.warning("worker died", job=job.id, scan=job.scan, reason=end.reason, last_words=end.last_words)
            if attempt < self._limits.retries:
                message = f"{end.reason}; trying again"
                self._store.add_event(message, "warning", plant=job.plant, scan=job.scan, job=job.id)
        return end

    def _must_end(self, job: JobRow) -> str | None:
        if self._ending.is_set():
            return ENDING
        if job.id in self._cancelled:
            return "cancelled on request"
        now_s = time.monotonic()
        if job.lease_owner is not None and now_s >= self._renew_at_s.get(job.id, 0.0):
            self._renew_at_s[job.id] = now_s + self._limits.lease_s / _RENEWALS
            with suppress(OutOfSpace):  # a full disk is no reason to throw work away; the lease itself may run out
                return None if self._store.renew(job.id, Lease(job.lease_owner, self._limits.lease_s)) else _LOST
        return None

    def _follow(self, job_id: int, line: str) -> None:
        """A progress line into the job's row; other lines are only signs of life."""
        found = share_of(line)
        now_s = time.monotonic()
        told_stage, told_s = self._told.get(job_id, ("", -_TELL_S))
        if found is not None and (found[0] != told_stage or now_s - told_s >= _TELL_S):
            stage, share = found
            reached = share if told_stage and stage != told_stage else None  # a stage has ended
            self._store.progress(job_id, share, stage, reached=reached)
            self._told[job_id] = stage, now_s

    def _keep(self, job: JobRow, folder: ScanFolder, scan: str, plant: str) -> None:
        try:
            found = read_measurement(folder, scan, plant, self._store.scan(scan).started_at)
        except InputError as error:
            self._end(job, "failed", str(error))
            return
        self._learn(folder, found.traits)
        self._end(job, "done", _reservations(found), found)


def new_owner(suffix: str = "") -> str:
    """A name for a lease that nobody else has: machine, process, and a number.

    With a suffix the machine's daemon does not take it for one of its own, which would be void once it starts anew.
    """
    return f"{socket.gethostname()}{suffix}:{os.getpid()}:{next(_numbers)}"


def reconstruct_command(configuration_path: Path, wall: WallSection | None = None) -> Callable[[ScanFolder], list[str]]:
    """The command that reconstructs a scan's folder with this configuration's options, told of its neighbours."""
    options = ["--config", str(configuration_path), "--progress", "json"]
    around = partial(neighbours_of, wall or WallSection())
    return lambda folder: [sys.executable, "-m", "trellis", "reconstruct", str(folder.path), *options, *around(folder)]


def share_of(line: str) -> tuple[str, float] | None:
    """Stage, and share of the whole, from a line of `trellis reconstruct --progress json`; None if it is none."""
    try:
        event = json.loads(line)
        stage, share = str(event["stage"]), float(event["share"])
    except (ValueError, TypeError, KeyError):
        return None
    if stage not in STAGE_WEIGHTS:
        return None
    names = list(STAGE_WEIGHTS)
    before = sum(STAGE_WEIGHTS[name] for name in names[: names.index(stage)])
    done = before + STAGE_WEIGHTS[stage] * min(max(share, 0.0), 1.0)
    return stage, done / sum(STAGE_WEIGHTS.values())


def _reservations(found: MeasurementRow) -> str | None:
    """Why the numbers of a finished reconstruction may not be used, where that is so."""
    return found.mass.refused_reason or found.traits.untrusted_reason
