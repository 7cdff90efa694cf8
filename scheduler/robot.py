"""The one robot: does scans one after the other, and is stopped and watched by others meanwhile."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

import structlog

from scheduler.rebuild import folder_of, scan_row
from scheduler.rows import ATTEMPTS_MAX, ENDING, JobRow, ScanRow, ScanState
from scheduler.store import Store
from trellis.clock import Clock
from trellis.errors import CameraError, DeviceError, OutOfSpace, Stopped, TrellisError
from trellis.folders import DataFolder, ScanFolder
from trellis.manifest import Outcome, ViewRecord, read_manifest

log = structlog.get_logger("robot")

#: So many views without a photograph in a row: something is broken, and the rest would fail as slowly.
HOPELESS = 8
#: What a reconstruction needs at the very least.
PHOTOGRAPHS_MIN = 3
_CAMERA_ATTEMPTS = 3
_CANCELLED = "cancelled on request"


class CellStateLike(Protocol):
    """What `scan.hardware.CellState` offers here."""

    def as_json(self) -> dict[str, Any]: ...


class Hardware(Protocol):
    """What the robot's thread and the socket's threads ask of `scan.hardware.CellHardware`."""

    def connect(self) -> None: ...
    def close(self) -> None: ...
    def home(self) -> None: ...
    def park(self) -> None: ...
    def stop(self) -> None: ...
    def clear_stop(self) -> None: ...
    def state(self) -> CellStateLike: ...


class Survey(Protocol):
    """Plans a plant's scan and takes its photographs; `scheduler.survey.CellSurvey` is the real one."""

    def plan(self, plant: str) -> Any:
        """What is to be done; its `stops` are the views."""

    def photographs(self, plan: Any, folder: ScanFolder, scan: str) -> Iterator[ViewRecord]:
        """Take what is missing of it, a record for each view as it is done."""


class Robot:
    """Takes scan jobs from the store until `ending` is set. `serve` runs in one thread, the rest in any.

    Args:
        store: Where jobs come from and rows go.
        folder: The farm's data.
        hardware: The cell, not connected; it is connected and homed when the first scan wants it.
        survey: Plans and photographs with that hardware.
        clock: Names scans by the time.
        reconstruct: Whether a scan that ends is to be reconstructed.
        ending: Set when the daemon is to end.
    """

    def __init__(
        self,
        store: Store,
        folder: DataFolder,
        hardware: Hardware,
        survey: Survey,
        clock: Clock,
        reconstruct: bool,
        ending: threading.Event,
    ) -> None:
        self._store, self._folder, self._hardware, self._survey = store, folder, hardware, survey
        self._clock, self._reconstruct, self._ending = clock, reconstruct, ending
        self._stopped, self._connected = threading.Event(), threading.Event()
        self._homed = self._away = False
        self._cancelled: set[int] = set()
        self._looking = threading.Lock()
        self._last_look: tuple[float, dict[str, Any]] | None = None
        if store.stopped():
            self._stopped.set()

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    def stop(self) -> None:
        """Freeze all actuators, now, from any thread; nothing moves until `clear`.

        Raises:
            DeviceError: A device could not be told; no new motion is begun all the same.
        """
        self._stopped.set()
        if self._connected.is_set():
            self._hardware.stop()

    def clear(self) -> None:
        """Allow motion again; the scan that was stopped is taken up by itself."""
        if self._connected.is_set():
            self._hardware.clear_stop()
        self._stopped.clear()

    def cancel(self, job_id: int) -> None:
        """End a running scan after the view that it is at."""
        self._cancelled.add(job_id)

    def look(self) -> tuple[dict[str, Any] | None, float | None, str | None]:
        """The cell as its devices report it: the state, its age in seconds, and why there is none.

        While another thread is asking the devices, the last answer is given instead of waiting.
        """
        if not self._connected.is_set():
            return None, None, "the devices are not open; the first scan opens them"
        reason = None
        if self._looking.acquire(blocking=False):
            try:
                self._last_look = time.monotonic(), self._hardware.state().as_json()
            except TrellisError as error:
                reason = str(error)
            finally:
                self._looking.release()
        last = self._last_look
        if last is None or reason is not None:
            return None, None, reason or "the devices are being asked"
        return last[1], time.monotonic() - last[0], None

    def serve(self) -> None:
        """Do scans, one after the other, until the daemon is to end; then park and close the devices."""
        try:
            while not self._ending.is_set():
                job = None if self.stopped else self._store.take_job("scan")
                if job is not None:
                    self.do(job)
                else:
                    self._park()
                    self._ending.wait(0.3)
            self._park()
        finally:
            self._disconnect()

    def do(self, job: JobRow) -> None:
        """Do one scan, to its end, into a pause, or back into the queue."""
        scan = None
        try:
            if job.attempts > ATTEMPTS_MAX:
                raise DeviceError(f"was begun {ATTEMPTS_MAX} times and never ended")
            self._store.progress(job.id, job.share, "devices")
            self._make_ready()
            self._store.progress(job.id, job.share, "plan")
            plan = self._survey.plan(job.plant)
            scan = self._begin(job, len(plan.stops))
            self._take(job, scan, plan)
        except (Stopped, OutOfSpace) as error:
            self._set_aside(job, scan, str(error))
        except TrellisError as error:
            if isinstance(error, DeviceError):
                self._disconnect()
            self._end(job, scan, "failed", str(error))

    def _make_ready(self) -> None:
        if not self._connected.is_set():
            self._connect()
            self._connected.set()
        if self.stopped:
            self._hardware.stop()
            raise Stopped("stopped before it began")
        if not self._homed:
            self._hardware.home()
            self._homed = True

    def _connect(self) -> None:
        """Open the devices; a camera that is slow to wake is asked again."""
        for attempt in range(1, _CAMERA_ATTEMPTS + 1):
            try:
                return self._hardware.connect()
            except TrellisError as error:
                self._hardware.close()  # what could be opened before it failed
                if not isinstance(error, CameraError) or attempt == _CAMERA_ATTEMPTS or self._ending.is_set():
                    raise
                log.warning("the camera is asked again", reason=str(error))
        return None

    def _begin(self, job: JobRow, planned: int) -> ScanRow:
        """The row of the scan that this job does: its old one, or a new one."""
        if job.scan is not None:
            scan = self._refreshed(self._store.scan(job.scan), "running", None)
        else:
            now = self._clock.utc()
            name = self._free_name(job.plant, now)
            folder = folder_of(self._folder, self._folder.scan(job.plant, name))
            scan = ScanRow(name, job.plant, "running", now, None, planned, 0, 0, folder)
        self._store.begin_scan(job.id, scan)
        return scan

    def _free_name(self, plant: str, now: datetime) -> str:
        name = f"{now:%Y%m%dT%H%M%SZ}-{plant}"
        tries = [name, *(f"{name}-{number}" for number in range(2, 100))]
        return next(one for one in tries if not self._folder.scan(plant, one).path.exists())

    def _take(self, job: JobRow, scan: ScanRow, plan: Any) -> None:
        """Take photographs until there are no more to take, or a reason not to."""
        self._away = True
        failures = 0
        with closing(self._survey.photographs(plan, self._folder_of(scan), scan.id)) as records:
            for record in records:
                failures = failures + 1 if record.outcome is Outcome.FAILED else 0
                scan = self._refreshed(scan, "running", None)
                self._store.save_scan(scan)
                done = scan.views_taken + scan.views_failed
                self._store.progress(job.id, done / max(scan.views_planned, 1), "photographs")
                if job.id in self._cancelled:
                    return self._end(job, scan, "cancelled", _CANCELLED)
                if self._ending.is_set():
                    return self._put_back(job, scan)
                if failures >= HOPELESS:
                    raise DeviceError(f"{failures} views in a row gave no photograph; the last: {record.reason}")
        scan = self._refreshed(scan, "done", None)
        if scan.views_taken < PHOTOGRAPHS_MIN:
            why = f"only {scan.views_taken} of {scan.views_planned} photographs could be taken"
            return self._end(job, scan, "failed", why)
        failed = f"{scan.views_failed} of {scan.views_planned} views gave no photograph" if scan.views_failed else None
        return self._end(job, scan, "done", failed)

    def _end(self, job: JobRow, scan: ScanRow | None, state: ScanState, reason: str | None) -> None:
        self._cancelled.discard(job.id)
        if scan is None and job.scan is not None:
            scan = self._store.scan(job.scan)
        if scan is None:
            self._store.finish_job(job.id, "failed" if state == "failed" else "cancelled", reason)
            return
        scan = self._refreshed(scan, state, reason)
        if scan.finished_at is None:
            scan = replace(scan, finished_at=self._clock.utc())
        self._store.end_scan(job.id, scan, reconstruct=self._reconstruct and state == "done")

    def _set_aside(self, job: JobRow, scan: ScanRow | None, reason: str) -> None:
        if scan is not None:
            self._store.save_scan(self._refreshed(scan, "paused", reason))
        self._store.pause(job.id, reason)

    def _put_back(self, job: JobRow, scan: ScanRow) -> None:
        self._store.save_scan(self._refreshed(scan, "paused", ENDING))
        self._store.requeue(job.id, ENDING, counts=False)

    def _refreshed(self, scan: ScanRow, state: ScanState, reason: str | None) -> ScanRow:
        """The scan's row as its manifest tells it now; as it was while there is no manifest."""
        folder = self._folder_of(scan)
        if not folder.manifest.exists():
            return replace(scan, state=state, reason=reason)
        return scan_row(read_manifest(folder.manifest), scan.folder, state, reason)

    def _folder_of(self, scan: ScanRow) -> ScanFolder:
        return ScanFolder(self._folder.path / scan.folder)

    def _park(self) -> None:
        """Go home when there is nothing to do: a daemon that starts takes the carriage to be docked."""
        if not self._away or self.stopped or not self._connected.is_set():
            return
        self._away = False
        try:
            self._hardware.park()
        except TrellisError as error:
            log.warning("could not park", reason=str(error))
            self._store.add_event(f"the carriage could not be parked: {error}", "warning")

    def _disconnect(self) -> None:
        if self._connected.is_set():
            self._connected.clear()
            self._last_look = None
            self._hardware.close()
