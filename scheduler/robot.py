"""The one robot: does scans one after the other, and is stopped and watched by others meanwhile."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, suppress
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import structlog

from scheduler.flight_book import FlightBook, no_flight
from scheduler.hands import Hands, InUse, Motion, Moves
from scheduler.room import when_there_is_room
from scheduler.rows import ATTEMPTS_MAX, JobRow, ScanRow
from scheduler.scan_book import ScanBook
from scheduler.store import Store
from scheduler.waiting import Patience
from trellis.clock import Clock
from trellis.errors import CameraError, DeviceError, OutOfSpace, Stopped, TrellisError
from trellis.folders import DataFolder, ScanFolder
from trellis.manifest import Outcome, ViewRecord

log = structlog.get_logger("robot")

#: So many views without a photograph in a row: something is broken, and the rest would fail as slowly.
HOPELESS = 8
#: What a reconstruction needs at the very least.
PHOTOGRAPHS_MIN = 3
_CAMERA_ATTEMPTS = 3
#: Between two looks at the devices while nothing moves.
_IDLE_LOOK_S = 1.0
_CANCELLED = "cancelled on request"
_PAUSED = "paused by hand"
_HELD = "the queue is held"


class CellStateLike(Protocol):
    """What `scan.hardware.CellState` offers here."""

    def as_json(self) -> dict[str, Any]: ...


class Hardware(Protocol):
    """What the robot's thread and the socket's threads ask of `scan.hardware.CellHardware`."""

    def connect(self) -> None: ...
    def close(self) -> None: ...
    def home(self) -> str | None: ...
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
        why_wait: Why a job may not begin at a time, or None; always None, if not given.
        check: Called before each scan, with everything connected and homed; raises what is in the way.
        record: Opens the flight recorder of a scan's folder; none, if not given.
        moves: Moves by hand; none, if not given.
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
        why_wait: Callable[[JobRow, datetime], str | None] = lambda job, now: None,
        check: Callable[[], None] = lambda: None,
        record: Callable[[ScanFolder], AbstractContextManager[FlightBook]] = no_flight,
        moves: Moves | None = None,
    ) -> None:
        self._store, self._hardware, self._survey = store, hardware, survey
        self._clock, self._ending, self._why_wait, self._check = clock, ending, why_wait, check
        self._record, self._moves, self.hands = record, moves, Hands()
        self._book = ScanBook(store, folder, clock, reconstruct)
        self._stopped, self._connected, self._held = threading.Event(), threading.Event(), threading.Event()
        self._homed = self._away = self._busy = False
        self._patience = Patience()
        self._cancelled: set[int] = set()
        self._paused: set[int] = set()
        self._skipped: dict[int, set[int]] = {}
        self._looking = threading.Lock()
        self._last_look: tuple[float, dict[str, Any]] | None = None
        self._look_due_s = 0.0  # when to look next while nothing moves
        self._told: str | None = None  # what the last such look found
        if store.stopped():
            self._stopped.set()
        self.hold(store.held())

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    @property
    def waits_for(self) -> str | None:
        """What failed a moment ago, while scheduled scans wait for it; else None."""
        return self._patience.reason

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
        self._hardware.clear_stop()  # sends nothing, so it needs no open device: what halted the last scan is forgotten
        self._patience.worked()
        self._stopped.clear()

    def drive(self, motion: Motion) -> None:
        """Want a motion by hand, from any thread; the robot's own thread does it.

        Raises:
            Stopped: A stop is in force.
            InUse: A scan is under way, or an earlier motion.
        """
        if self._moves is None:
            raise InUse("this daemon has no way to move the robot by hand")
        if self.stopped:
            raise Stopped("the robot is stopped; clear the stop before moving it")
        if self._busy:
            raise InUse("a scan is under way; pause it, or hold the queue, and wait for its viewpoint to end")
        self.hands.ask(motion)

    def picture(self) -> bytes:
        """What the camera sees now, JPEG, while no scan wants it. Raises `InUse`, `DeviceError`."""
        if self._moves is None or self._busy or not self._connected.is_set():
            raise InUse("the camera gives no live picture while a scan is under way, or before the robot was homed")
        return self._moves.look()

    def cancel(self, job_id: int) -> None:
        """End a running scan after the view that it is at."""
        self._cancelled.add(job_id)

    def pause(self, job_id: int) -> None:
        """Set a running scan aside after the view that it is at, until a person resumes it."""
        self._paused.add(job_id)

    def skip(self, job_id: int, view: int) -> None:
        """Give up a view of a running scan, unless it is at it."""
        self._skipped.setdefault(job_id, set()).add(view)

    def hold(self, held: bool) -> None:
        """Begin nothing new, and put a running scan back after the view that it is at; or go on."""
        if held:
            self._held.set()
        else:
            self._held.clear()

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
                motion, job = self.hands.take(), None
                if motion is not None:
                    self._by_hand(motion)
                    continue
                with suppress(OutOfSpace):  # only while the daemon ends: what was running is taken up at the next start
                    job = when_there_is_room(self.next_job, self._ending)
                if job is not None:
                    self.do(job)
                else:
                    if not self.hands.driven:
                        self._park()
                    self._see_that_all_is_well()
                    self.hands.called.wait(0.3)
            self._park()
        finally:
            self._disconnect()

    def _by_hand(self, motion: Motion) -> None:
        """Do what hands want; what is in the way is theirs to read."""
        refusal = None
        try:
            self._open()
            if not self._homed:
                self._home()
            self._away = motion.kind != "park"
            if self._moves is not None:
                self._moves.do(motion, self.hands.held, self._tell_hands)
        except TrellisError as error:
            refusal = str(error)
            if isinstance(error, DeviceError):
                self._disconnect()
        self.hands.ended(refusal)

    def _tell_hands(self, line: str) -> None:
        """How far a long motion is; it ends here when the daemon is to end."""
        if self._ending.is_set():
            raise Stopped("the daemon ends; ask for it again")
        self.hands.tell(line)

    def _see_that_all_is_well(self) -> None:
        """Nothing moves, and perhaps nobody looks: ask the devices, which freeze for a reason, and tell it once."""
        now_s = time.monotonic()
        if not self._connected.is_set() or now_s < self._look_due_s or self._looking.locked():
            return  # while another thread looks, it finds the same
        self._look_due_s = now_s + _IDLE_LOOK_S
        cell, _, reason = self.look()
        doubt = reason if cell is None else cell.get("doubt")
        if doubt is not None and doubt != self._told:
            self._store.add_event(f"while nothing moved: {doubt}", "error")
        self._told = doubt

    def next_job(self) -> JobRow | None:
        """The first scan of the queue that may begin now, taken; None if none may."""
        if self.stopped or self._held.is_set() or self.hands.driven:
            return None
        now, waits = self._clock.utc(), self._patience.waits(self._clock.monotonic_s())

        def may_begin(job: JobRow) -> bool:
            return (job.asked_by == "person" or not waits) and self._why_wait(job, now) is None

        return self._store.take_job("scan", may_begin)

    def do(self, job: JobRow) -> None:
        """Do one scan, to its end, into a pause, or back into the queue."""
        scan = None
        ready, self._busy = False, True
        try:
            if job.attempts > ATTEMPTS_MAX:
                raise DeviceError(f"was begun {ATTEMPTS_MAX} times and never got further")
            self._store.progress(job.id, job.share, "devices")
            self._make_ready()
            ready = True
            self._store.progress(job.id, job.share, "plan")
            plan = self._survey.plan(job.plant)
            scan = self._book.begin(job, len(plan.stops))
            with self._record(self._book.folder_of(scan)) as flight:
                self._take(job, scan, plan, flight)
        except (Stopped, OutOfSpace) as error:
            self._write_down(partial(self._book.pause, job, scan, str(error)))
        except TrellisError as error:
            if isinstance(error, DeviceError):
                self._disconnect()
            if not ready and job.asked_by == "agenda" and job.attempts <= ATTEMPTS_MAX:
                self._write_down(partial(self._wait_for_devices, job, str(error)))
            else:
                self._write_down(partial(self._book.end, job, scan, "failed", str(error)))
        finally:
            self._busy = False
            self._cancelled.discard(job.id)
            self._paused.discard(job.id)
            self._skipped.pop(job.id, None)

    def _write_down(self, write: Callable[[], None]) -> None:
        """Bookkeeping that a full disk only delays. If it is full to the end, the next start takes the job up."""
        with suppress(OutOfSpace):
            when_there_is_room(write, self._ending)

    def _wait_for_devices(self, job: JobRow, reason: str) -> None:
        """What is scheduled waits for a device that is not there, instead of failing plant by plant."""
        if self._patience.reason != reason:
            message = f"scheduled scans wait, and are tried again: {reason}"
            self._store.add_event(message, "error", plant=job.plant, job=job.id)
        self._patience.failed(self._clock.monotonic_s(), reason)
        self._book.put_back(job, None, f"waits: {reason}")

    def _make_ready(self) -> None:
        self._open()
        if not self._homed:
            self._home()
        self._check()
        self._patience.worked()

    def _open(self) -> None:
        if not self._connected.is_set():
            self._connect()
            self._connected.set()
        if self.stopped:
            self._hardware.stop()
            raise Stopped("stopped before it began")

    def _home(self) -> None:
        notice = self._hardware.home()
        self._homed = True
        if notice is not None:
            self._store.add_event(f"homed: {notice}")

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

    def _take(self, job: JobRow, scan: ScanRow, plan: Any, flight: FlightBook) -> None:
        """Take photographs until there are no more to take, or a reason not to."""
        self._away = True
        failures = 0
        again = True
        while again:
            again = False
            with closing(self._survey.photographs(plan, self._book.folder_of(scan), scan.id)) as records:
                for record in records:
                    flight.view(record)
                    failures = failures + 1 if record.outcome is Outcome.FAILED else 0
                    scan = self._book.follow(job, scan)
                    if self._set_aside(job, scan):
                        return
                    if failures >= HOPELESS:
                        raise DeviceError(f"{failures} views in a row gave no photograph; the last: {record.reason}")
                    if job.id in self._skipped:
                        again = True
                        break  # the photographs go on from the manifest, which is about to change
            if again:
                self._book.skip(scan, self._skipped.pop(job.id))
        self._finish(job, scan)

    def _set_aside(self, job: JobRow, scan: ScanRow) -> bool:
        """After a view: end or interrupt the scan if anybody wants that."""
        if job.id in self._cancelled:
            self._book.end(job, scan, "cancelled", _CANCELLED)
        elif job.id in self._paused:
            self._book.pause(job, scan, _PAUSED, held=True)
        elif self._held.is_set():
            self._book.put_back(job, scan, _HELD)
        elif self._ending.is_set():
            self._book.put_back(job, scan)
        else:
            return False
        return True

    def _finish(self, job: JobRow, scan: ScanRow) -> None:
        scan = self._book.refreshed(scan, "done", None)
        if scan.views_taken < PHOTOGRAPHS_MIN:
            why = f"only {scan.views_taken} of {scan.views_planned} photographs could be taken"
            return self._book.end(job, scan, "failed", why)
        failed = f"{scan.views_failed} of {scan.views_planned} views gave no photograph" if scan.views_failed else None
        return self._book.end(job, scan, "done", failed)

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
