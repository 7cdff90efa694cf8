"""The first rival: how much of one photograph from straight above a plant covers, as cm2 on the panel."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from trellis.folders import ScanFolder
from trellis.lens import Lens, read_lens
from trellis.manifest import ScanManifest, ViewRecord

#: Leaves are coloured, panel, tags and collar are not: saturation (0 to 1) of what counts, and the least brightness.
_SATURATION, _VALUE = 0.22, 0.06
#: Specks are no leaves.
_OPENING_PX = 5


def straightest(scan: ScanManifest) -> ViewRecord | None:
    """The view whose camera looks most nearly along the wall's normal."""
    taken = [view for view in scan.taken if view.believed is not None]
    if not taken:
        return None
    return min(taken, key=lambda view: tilt_rad(view))


def tilt_rad(view: ViewRecord) -> float:
    """Angle between a view's line of sight and the wall's normal."""
    assert view.believed is not None
    return float(np.arccos(np.clip(-view.believed.world_from_camera.rotation[2, 2], -1, 1)))


def projected_area_m2(folder: ScanFolder, scan: ScanManifest) -> float:
    """Coloured area within the planned radius of the collar, in the plane of the panel; NaN without a photograph.

    As the published baseline has it: one photograph, its scale from the camera's distance to the panel. Leaves nearer
    to the camera than the panel therefore seem larger, and what hangs over from a neighbour counts.
    """
    view = straightest(scan)
    if view is None or view.believed is None:
        return float("nan")
    picture = cv2.imread(str(folder.images / str(view.image)))
    if picture is None:
        return float("nan")
    lens = read_lens(folder.camera)
    pose = view.believed.world_from_camera
    x, y, depth_m = pose.inverse @ np.array(scan.plant_position_m)
    focal_px, middle = _focal(lens), np.array(lens.params[2:4] if len(lens.params) != 3 else lens.params[1:3])
    collar_px = middle + focal_px * np.array([x, y]) / depth_m
    rows, columns = np.indices(picture.shape[:2])
    near = np.hypot(columns - collar_px[0], rows - collar_px[1]) < focal_px * scan.plant_radius_m / depth_m
    return float((coloured(picture) & near).sum() * (depth_m / focal_px) ** 2)


def coloured(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels of a photograph (BGR) that are leaf, white taken from its brightest parts."""
    white = np.percentile(picture.reshape(-1, 3), 90, axis=0)
    balanced = np.clip(picture / np.maximum(white, 1), 0, 1).astype(np.float32)
    top, low = balanced.max(axis=2), balanced.min(axis=2)
    leaf = (top - low > _SATURATION * np.maximum(top, 1e-3)) & (top > _VALUE)
    kernel = np.ones((_OPENING_PX, _OPENING_PX), np.uint8)
    return np.asarray(cv2.morphologyEx(leaf.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0)


def _focal(lens: Lens) -> float:
    single = lens.model in ("SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL")
    return lens.params[0] if single else float(np.mean(lens.params[:2]))


def over_canopy(
    folder: ScanFolder, scan: ScanManifest, into: Path, tilt_max_rad: float, fewest: int
) -> ScanFolder | None:
    """A folder with the photographs that a drone over the canopy could have taken: no line of sight far from straight.

    Links, not copies; None where there are fewer than `fewest` of them.
    """
    from_above = [view for view in scan.taken if view.believed is not None and tilt_rad(view) <= tilt_max_rad]
    if len(from_above) < fewest:
        return None
    target = ScanFolder(into)
    target.images.mkdir(parents=True, exist_ok=True)
    names = {str(view.image) for view in from_above}
    for name in names:
        if not (target.images / name).exists():
            (target.images / name).hardlink_to(folder.images / name)
    header, *lines = folder.poses.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.split(",")[0] in names]
    target.poses.write_text("\n".join([header, *kept]) + "\n", encoding="utf-8")
    for own, other in ((target.camera, folder.camera), (target.board, folder.board)):
        if other.exists() and not own.exists():
            own.hardlink_to(other)
    return target
