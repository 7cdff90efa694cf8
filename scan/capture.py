"""One scan: drive to every planned view, photograph it, and keep what happened so that nothing can undo it.

A photograph counts once it is written, fsynced, renamed and recorded in `scan.json`. Whatever ends a scan half way (a
stop, a full disk, a power cut), `capture` with the same folder goes on at the next view that is missing.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from scan.cell import Cell, CellPosture
from scan.cell_state import Believed, Photograph
from scan.plan import Plan, PlannedView
from trellis.board import TagBoard, board_text
from trellis.clock import Clock
from trellis.durable import write_durably
from trellis.errors import CameraError, DeviceError, DeviceFault, InputError, PortUnavailable, TrellisError, Unreachable
from trellis.folders import ScanFolder
from trellis.lens import lens_text
from trellis.manifest import Outcome, PoseRecord, ScanManifest, ViewRecord, read_manifest, write_manifest
from trellis.pose_file import CameraPose, poses_text


class Photographer(Protocol):
    """What is asked of `scan.hardware.CellHardware`."""

    cell: Cell
    attempts: int

    @property
    def clock(self) -> Clock: ...
    @property
    def standing(self) -> CellPosture | None: ...
    def go(self, posture: CellPosture) -> None: ...
    def approach(self, posture: CellPosture) -> None: ...
    def photograph(self) -> Photograph: ...


def capture(
    hardware: Photographer,
    plan: Plan,
    folder: ScanFolder,
    *,
    scan: str,
    cultivar: str | None = None,
    age_days: float | None = None,
    board: TagBoard | None = None,
) -> Iterator[ViewRecord]:
    """Photograph what is still missing of a plan, a record for each view as it is done.

    A view that gives no usable photograph in `hardware.attempts` attempts is recorded as failed, and the scan goes on.
    At the end `poses.csv`, `camera.toml` and, if there is one, `board.toml` stand beside `images/`.

    Args:
        hardware: Connected and homed.
        plan: What to photograph; for a folder with a manifest, of the same plant.
        folder: Where it goes; made if it is not there.
        scan: Name of the scan.
        cultivar: For the manifest.
        age_days: For the manifest.
        board: The wall's tags.

    Raises:
        InputError: The folder holds a scan of another plant or name, or a manifest that cannot be read.
        Stopped, OutOfSpace: The view at hand stays missing.
        DeviceFault, PortUnavailable: A device needs a person; the view at hand stays missing.
    """
    manifest = _begin(hardware, plan, folder, scan, cultivar, age_days)
    missing = {view.view for view in manifest.missing}
    before: PlannedView | None = None
    at: PlannedView | None = None
    for stop in plan.stops:
        if stop.view in missing:
            # The planned way holds from the stop before or the plan's start; from anywhere else, with the arm folded.
            begins = before is None and plan.start is not None and hardware.standing == plan.start
            way = (*stop.via, stop.posture) if begins or (at is not None and at is before) else None
            record, at = _take(hardware, stop, way, manifest.views[_index(manifest, stop.view)], folder)
            manifest = manifest.with_view(record)
            write_manifest(folder.manifest, manifest)
            yield record
        before = stop
    _finish(hardware, folder, manifest, board)


def _begin(
    hardware: Photographer, plan: Plan, folder: ScanFolder, scan: str, cultivar: str | None, age_days: float | None
) -> ScanManifest:
    """The folder's manifest, checked against its photographs and the plan, or a new one; written."""
    swept = _sweep(folder)
    if folder.manifest.exists():
        found = read_manifest(folder.manifest)
        if (found.plant, found.scan) != (plan.plant, scan):
            raise InputError(
                f"{folder.path} holds scan {found.scan!r} of {found.plant!r}, not {scan!r} of {plan.plant!r}; "
                "give each scan a folder of its own"
            )
        manifest = found if found.finished_at and not found.missing else _resumed(found, plan, folder)
        for line in swept:
            manifest = manifest.with_event(line)
        if manifest != found:
            write_manifest(folder.manifest, manifest)
        return manifest
    manifest = ScanManifest(
        scan=scan,
        plant=plan.plant,
        cultivar=cultivar,
        age_days=age_days,
        plant_position_m=plan.position_m,
        plant_radius_m=plan.radius_m,
        plant_height_m=plan.height_m,
        started_at=hardware.clock.utc(),
        views=tuple(ViewRecord(view=stop.view, planned=_planned(stop)) for stop in plan.stops),
        events=(*swept, *(f"view {view.view} was not planned: {view.reason}" for view in plan.dropped)),
    )
    write_manifest(folder.manifest, manifest)
    return manifest


def _sweep(folder: ScanFolder) -> tuple[str, ...]:
    """Remove what a killed process left half-written; a line for each file."""
    paths = sorted([*folder.path.glob(".*.part"), *folder.images.glob(".*.part")])
    for path in paths:
        path.unlink(missing_ok=True)
    return tuple(f"{path.name} was half-written and is removed" for path in paths)


def _resumed(manifest: ScanManifest, plan: Plan, folder: ScanFolder) -> ScanManifest:
    """The manifest of a scan that was broken off: what its photographs bear out, and the rest by the plan of now."""
    for view in manifest.taken:
        wrong = _wrong_with(folder.images / str(view.image), view)
        if wrong is not None:
            manifest = manifest.with_view(ViewRecord(view=view.view, planned=view.planned))
            manifest = manifest.with_event(f"view {view.view} is to be taken again: {wrong}")
    stops = {stop.view: stop for stop in plan.stops}
    for view in manifest.missing:
        if view.view in stops:
            update: dict[str, object] = {"planned": _planned(stops[view.view])}
        else:
            update = {"outcome": Outcome.FAILED, "reason": "is not in the plan any more"}
        manifest = manifest.with_view(view.model_copy(update=update))
    return manifest


def _wrong_with(image: Path, view: ViewRecord) -> str | None:
    """Why a photograph is not the one that was recorded, or None."""
    try:
        content = image.read_bytes()
    except OSError as error:
        return f"its photograph cannot be read: {error.strerror}"
    if hashlib.sha256(content).hexdigest() != view.sha256:
        return "its photograph is not the one that was recorded"
    return None


def _take(
    hardware: Photographer,
    stop: PlannedView,
    way: tuple[CellPosture, ...] | None,
    view: ViewRecord,
    folder: ScanFolder,
) -> tuple[ViewRecord, PlannedView | None]:
    """The view's record, and the stop at which the cell stands now, if it does."""
    reason, at = "", None
    for attempt in range(1, hardware.attempts + 1):
        try:
            if at is None:
                _drive(hardware, stop, way)
                at = stop
            return _keep(hardware.photograph(), view, attempt, folder), at
        except (DeviceFault, PortUnavailable):
            raise
        except CameraError as error:
            reason = str(error)
        except Unreachable as error:
            return _failed(view, attempt, error), None
        except DeviceError as error:
            # Where the cell stands now nobody knows well: the next attempt comes from the folded arm.
            reason, at, way = str(error), None, None
    return _failed(view, hardware.attempts, reason), at


def _drive(hardware: Photographer, stop: PlannedView, way: tuple[CellPosture, ...] | None) -> None:
    if way is None:
        hardware.approach(stop.posture)
        return
    for posture in way:
        hardware.go(posture)


def _keep(photograph: Photograph, view: ViewRecord, attempt: int, folder: ScanFolder) -> ViewRecord:
    """Write the photograph; when this returns, only the manifest has still to say so."""
    path, believed = folder.image(view.view), photograph.believed
    write_durably(path, photograph.jpeg)
    taken = {
        "outcome": Outcome.TAKEN,
        "attempts": attempt,
        "image": path.name,
        "sha256": hashlib.sha256(photograph.jpeg).hexdigest(),
        "bytes": len(photograph.jpeg),
        "taken_at": photograph.taken_at,
        "believed": _believed(believed),
        "devices": photograph.devices,
        "reason": None,
    }
    return view.model_copy(update=taken)


def _believed(believed: Believed) -> PoseRecord:
    record = PoseRecord.of(believed.world_from_camera, believed.position_std_m, believed.rotation_std_rad)
    rows = tuple(tuple(map(float, row)) for row in believed.covariance)
    return record.model_copy(update={"covariance": rows})


def _failed(view: ViewRecord, attempts: int, reason: str | TrellisError) -> ViewRecord:
    return view.model_copy(update={"outcome": Outcome.FAILED, "attempts": attempts, "reason": str(reason)})


def _finish(hardware: Photographer, folder: ScanFolder, manifest: ScanManifest, board: TagBoard | None) -> None:
    """The files beside the photographs, and then the manifest that says that all is there."""
    if manifest.finished_at is not None and folder.camera.exists():
        return
    poses = [
        CameraPose(
            str(view.image),
            view.believed.world_from_camera,
            view.believed.position_std_m,
            view.believed.rotation_std_rad,
        )
        for view in manifest.taken
        if view.believed is not None
    ]
    if poses:
        write_durably(folder.poses, poses_text(poses).encode())
    write_durably(folder.camera, lens_text(hardware.cell.lens).encode())
    if board is not None:
        write_durably(folder.board, board_text(board).encode())
    write_manifest(folder.manifest, manifest.model_copy(update={"finished_at": hardware.clock.utc()}))


def _planned(stop: PlannedView) -> PoseRecord:
    """Where the camera is meant to be; a plan is not uncertain."""
    return PoseRecord.of(stop.world_from_camera, 0.0, 0.0)


def _index(manifest: ScanManifest, view: int) -> int:
    return next(index for index, record in enumerate(manifest.views) if record.view == view)
