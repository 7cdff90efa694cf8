"""After each reconstruction: what its found poses teach about the cell, recorded, reversible, and told to the grower.

A lesson is a calibration of kind `learned` in the history (`trellis calibrate list`, `rollback`); the next scan's poses
are believed by it. What one scan suspects is kept in `suspicion.json` beside it, for the next scan to confirm.
"""

import threading
from datetime import datetime
from pathlib import Path

import numpy as np
import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from scan.calibrated import recorded_model, sections_of
from scan.calibrated_sections import CellRecord
from scan.cell_readings import Reading
from scan.cell_record import CellHistory
from scan.cell_solver import Noise
from scan.learning import Found, Lesson, Outcome, Suspicion, learn, lesson_record
from scheduler.store import Store
from trellis.clock import Clock
from trellis.config import Configuration
from trellis.durable import write_durably
from trellis.errors import InputError, TrellisError
from trellis.folders import ScanFolder
from trellis.manifest import read_manifest
from trellis.pose_file import read_poses
from trellis.records import Traits

log = structlog.get_logger("learning")

SUSPICION = "suspicion.json"
FOUND_POSES = "found_poses.csv"


class _Kept(BaseModel):
    """A suspicion, in its file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    index: int
    value: float
    plant: str
    scan: str
    at: datetime


class Learning:
    """Learns from scans as they are reconstructed. One lesson at a time, from any thread.

    Args:
        configuration: Whose cell it is; without a calibration in force there is nothing to improve on.
        store: Where the grower is told.
        clock: Dates the lessons.
    """

    def __init__(self, configuration: Configuration, store: Store, clock: Clock) -> None:
        self._configuration, self._store, self._clock = configuration, store, clock
        self._history = CellHistory(configuration)
        self._turn = threading.Lock()

    def after(self, folder: ScanFolder, traits: Traits) -> Lesson | None:
        """Learn from a reconstructed scan; None where there is nothing to learn from. Errors are told, not raised."""
        try:
            with self._turn:
                return self._learn(folder, traits)
        except TrellisError as error:
            self._store.add_event(f"nothing was learned from a scan: {error}", "warning")
            return None

    def _learn(self, folder: ScanFolder, traits: Traits) -> Lesson | None:
        record = self._history.current()
        path = folder.reconstruction / FOUND_POSES
        if record is None or not path.exists():
            return None
        manifest = read_manifest(folder.manifest)
        found = _found(folder, path)
        if not found:
            return None
        model, noise = recorded_model(self._configuration, record), Noise.of(np.array(record.noise))
        before = self._suspicion(manifest.scan)
        anchored = "board" in traits.scale_source
        lesson = learn(model, np.array(record.covariance), noise, found, manifest.plant, anchored, before)
        self._keep(record, lesson, manifest.scan)
        self._tell(lesson, before, manifest.plant, manifest.scan)
        return lesson

    def _keep(self, record: CellRecord, lesson: Lesson, scan: str) -> None:
        """The calibration first: a suspicion that is forgotten too late is only confirmed once more."""
        now = self._clock.utc()
        if lesson.outcome in (Outcome.CORRECTED, Outcome.ADJUSTED):
            model = recorded_model(self._configuration, record).at(lesson.vector)
            taught = lesson_record(record, lesson, sections_of(self._configuration, model), now)
            self._history.add(taught, f"learned from scan {scan}")
        path = self._history.folder / SUSPICION
        if lesson.suspicion is None:
            path.unlink(missing_ok=True)
        elif lesson.outcome is Outcome.SUSPECTED:
            doubt = lesson.suspicion
            kept = _Kept(index=doubt.index, value=doubt.value, plant=doubt.plant, scan=scan, at=now)
            write_durably(path, kept.model_dump_json(indent=1).encode())

    def _suspicion(self, scan: str) -> Suspicion | None:
        """What an earlier scan raised; the same scan reconstructed again confirms nothing."""
        path = self._history.folder / SUSPICION
        if not path.exists():
            return None
        try:
            kept = _Kept.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise InputError(f"{path}: cannot read what the last scan suspected; remove the file") from error
        return None if kept.scan == scan else Suspicion(kept.index, kept.value, kept.plant)

    def _tell(self, lesson: Lesson, before: Suspicion | None, plant: str, scan: str) -> None:
        if lesson.outcome in (Outcome.SUSPECTED, Outcome.CORRECTED):
            self._store.add_event(lesson.message, "warning", plant=plant, scan=scan)
        elif lesson.outcome is Outcome.ADJUSTED or (before is not None and lesson.suspicion is None):
            self._store.add_event(f"the cell learned: {lesson.message}", plant=plant, scan=scan)
        log.info("learned", outcome=lesson.outcome.value, scan=scan, off_mm=round(1000 * lesson.off_m, 2))


def _found(folder: ScanFolder, path: Path) -> list[Found]:
    """Photographs with what the devices said at the shutter, and where reconstruction found the camera."""
    poses = {pose.image: pose.world_from_camera for pose in read_poses(path)}
    found = []
    for view in read_manifest(folder.manifest).taken:
        if view.devices is not None and view.image in poses:
            said = view.devices
            reading = Reading(np.array(said.turns), np.array(said.tensions_n), np.array(said.joints_rad))
            found.append(Found(reading, np.array(said.carriage), poses[view.image]))
    return found
