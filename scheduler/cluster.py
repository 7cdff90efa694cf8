"""Reconstruction jobs on the machines of a Dask cluster: Dask says where, the database says whether.

The daemon submits one task for each queued job; the task, wherever it runs, takes the job under a lease of its own and
does it in a worker process as a local one would. So a worker, the scheduler or the daemon may vanish at any time: the
lease runs out, the job is queued again, and another task takes it. That a task comes twice harms nobody: the second
finds the job taken.
"""

import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from distributed import Client, Future

from scan.config import WallSection
from scheduler.cluster_names import SLOT
from scheduler.config import WorkersTable
from scheduler.reconstructions import Reconstructions, new_owner, reconstruct_command
from scheduler.room import when_there_is_room
from scheduler.rows import JobRow, Lease
from scheduler.storage import Storage
from scheduler.store import Store
from trellis.errors import OutOfSpace, TrellisError
from trellis.folders import DataFolder, ScanFolder

log = structlog.get_logger("cluster")

_LOOK_S = 0.5
_CONNECT_S = 5.0
#: What comes back from a worker that does not share the disk.
_RESULTS = ("reconstruction/",)


@dataclass(frozen=True)
class Work:
    """What a task needs to know.

    Args:
        database_url: The farm's; all machines must reach it, so PostgreSQL where they are several.
        data: The data folder, on this machine or a shared disk; not used if there is `storage_url`.
        storage_url: Where scans are fetched from and results go; empty where the disk is shared.
        command: What to run before the scan's folder's path and its options: None for `trellis reconstruct`.
        limits: For the worker process.
        wall: Says which plants are neighbours.
    """

    database_url: str
    data: str
    storage_url: str = ""
    command: tuple[str, ...] | None = None
    configuration: str = ""
    limits: WorkersTable = field(default_factory=WorkersTable)
    wall: WallSection = field(default_factory=WallSection)


def do_job(work: Work, job_id: int) -> str:
    """Do one job, on whatever machine this is; says what became of it."""
    owner = new_owner("/dask")
    with Store(work.database_url) as store:
        store.release_expired()
        lease = Lease(owner, work.limits.lease_s)
        job = store.take_job("reconstruct", lambda job: job.id == job_id, lease)
        if job is None:
            return "taken"
        if not work.storage_url:
            _do(work, store, DataFolder(Path(work.data)), job)
            return store.job(job_id).state
        with tempfile.TemporaryDirectory(prefix="trellis-") as place:
            _do_from_storage(work, store, DataFolder(Path(place)), job)
        return store.job(job_id).state


def _do(work: Work, store: Store, folder: DataFolder, job: JobRow) -> None:
    Reconstructions(store, folder, lambda scan: _command(work, scan), work.limits, threading.Event()).do(job)


def _do_from_storage(work: Work, store: Store, folder: DataFolder, job: JobRow) -> None:
    assert job.scan is not None
    storage, name = Storage(work.storage_url), store.scan(job.scan).folder
    place = ScanFolder(folder.path / name)
    try:
        storage.download(name, place)
        _do(work, store, folder, job)
        if store.job(job.id).state == "done":
            storage.upload(place, name)
    except TrellisError as error:
        store.requeue(job.id, str(error), owner=job.lease_owner)


def _command(work: Work, scan: ScanFolder) -> list[str]:
    if work.command is None:
        return reconstruct_command(Path(work.configuration), work.wall)(scan)
    return [*work.command, str(scan.path)]


class Cluster:
    """Submits queued jobs until `ending` is set; in the daemon it stands in the place of local workers.

    Args:
        address: Of the Dask scheduler.
        store: The farm's.
        folder: Its data.
        work: For the tasks.
        ending: Set when the daemon is to end.
    """

    def __init__(self, address: str, store: Store, folder: DataFolder, work: Work, ending: threading.Event) -> None:
        self._address, self._store, self._folder, self._work = address, store, folder, work
        self._ending = ending
        self._client: Client | None = None
        self._told = False

    def serve(self) -> None:
        """Submit, look, fetch, until the end; a scheduler that is gone is waited for."""
        running: dict[int, Future] = {}
        while not self._ending.is_set():
            try:
                self._connect()
                with suppress(OutOfSpace):
                    when_there_is_room(lambda: self._submit(running), self._ending)
                self._told = False
            except (OSError, TimeoutError) as error:
                self._disconnect(running, error)
            except TrellisError as error:
                self._tell(str(error))
            self._ending.wait(_LOOK_S)
        if self._client is not None:
            self._client.close(timeout=2)

    def cancel(self, job_id: int) -> None:
        """A job under another machine's lease: it is ended in the database, and its worker notices by its lease."""
        self._store.finish_job(job_id, "cancelled", "cancelled on request")

    def _connect(self) -> None:
        if self._client is not None and self._client.status == "running" and self._client.scheduler_info():
            return
        self._client = Client(self._address, timeout=_CONNECT_S, set_as_default=False)

    def _submit(self, running: dict[int, Future]) -> None:
        assert self._client is not None
        self._store.release_expired()
        for job_id in [job_id for job_id, future in running.items() if future.done()]:
            self._ended(job_id, running.pop(job_id))
        for job in reversed(self._store.jobs(states=["queued"], kind="reconstruct", limit=1000)):
            if job.id not in running:
                self._prepare(job)
                key = f"reconstruct-{job.id}-{job.attempts}-{new_owner()}"
                running[job.id] = self._client.submit(
                    do_job, self._work, job.id, key=key, pure=False, resources={SLOT: 1}, priority=-job.rank
                )

    def _prepare(self, job: JobRow) -> None:
        if self._work.storage_url and job.scan is not None:
            name = self._store.scan(job.scan).folder
            Storage(self._work.storage_url).upload(ScanFolder(self._folder.path / name), name)

    def _ended(self, job_id: int, future: Future) -> None:
        if future.status == "error":
            self._tell(
                f"a task on the cluster failed; its job comes again once its lease is over: {future.exception()}"
            )
            return
        job = self._store.job(job_id)
        if self._work.storage_url and job.state == "done" and job.scan is not None:
            name = self._store.scan(job.scan).folder
            Storage(self._work.storage_url).download(name, ScanFolder(self._folder.path / name), _RESULTS)

    def _disconnect(self, running: dict[int, Future], error: Exception) -> None:
        running.clear()
        self._tell(f"the Dask scheduler {self._address} is not there, and is waited for: {error}")
        if self._client is not None:
            with suppress(OSError, TimeoutError):
                self._client.close(timeout=1)
            self._client = None

    def _tell(self, line: str) -> None:
        if not self._told:
            self._told = True
            log.error(line)
            self._store.add_event(line, "error")
