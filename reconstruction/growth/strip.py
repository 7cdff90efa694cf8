"""A contact strip: one plant over its life, each day's straightest photograph cut to one place and one scale."""

from dataclasses import dataclass

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from trellis.errors import InputError
from trellis.folders import ScanFolder
from trellis.geometry import Pose
from trellis.lens import Lens, read_lens
from trellis.manifest import ScanManifest, read_manifest

#: Pixels of one day's square.
_SIDE_PX = 260
_COLUMNS = 7
#: What is shown around a plant, beyond the size that its largest scan was planned for.
_MARGIN = 1.15
_FOCAL_PARAMETERS = {"SIMPLE_PINHOLE": 1, "SIMPLE_RADIAL": 1, "RADIAL": 1}


@dataclass(frozen=True)
class Day:
    """One scan of the plant: its age or number, and what it weighed, for the label."""

    folder: ScanFolder
    day: int
    note: str = ""


def strip_figure(plant: str, days: list[Day]) -> Figure:
    """The strip as a figure, oldest first; a day without a usable photograph says so.

    Raises:
        InputError: There is no scan.
    """
    if not days:
        raise InputError(f"{plant}: no scan to show; a strip needs one")
    scans = [read_manifest(one.folder.manifest) for one in days]
    side_m = 2 * _MARGIN * max(scan.plant_radius_m for scan in scans)
    columns = min(_COLUMNS, len(days))
    lines = -(-len(days) // columns)
    figure = Figure(figsize=(2.0 * columns, 2.25 * lines), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for axis in axes:
        axis.axis("off")
    for axis, one, scan in zip(axes, days, scans, strict=False):
        cut = cut_out(one.folder, scan, side_m)
        if cut is None:
            axis.text(0.5, 0.5, "no photograph", ha="center", va="center", fontsize=8)
        else:
            axis.imshow(cut)
        axis.set_title(f"day {one.day}" + (f": {one.note}" if one.note else ""), fontsize=9)
    figure.suptitle(f"{plant}; each square {100 * side_m:.0f} cm wide", fontsize=10, x=0.01, ha="left")
    return figure


def cut_out(folder: ScanFolder, scan: ScanManifest, side_m: float) -> NDArray[np.uint8] | None:
    """The straightest photograph around the plant's collar, up is up, RGB; None where there is none.

    The pose is the believed one and the lens without its distortion: good to some millimetres, enough to look at.
    """
    taken = [view for view in scan.taken if view.believed is not None and view.image is not None]
    if not taken or not folder.camera.exists():
        return None
    best = max(taken, key=lambda view: -view.believed.world_from_camera.rotation[2, 2])
    image = cv2.imread(str(folder.images / best.image))
    if image is None:
        return None
    lens = read_lens(folder.camera)
    onto = _onto_square(best.believed.world_from_camera, lens, np.array(scan.plant_position_m), side_m)
    cut = cv2.warpAffine(image, onto, (_SIDE_PX, _SIDE_PX), flags=cv2.INTER_AREA, borderValue=(255, 255, 255))
    return np.asarray(cv2.cvtColor(cut, cv2.COLOR_BGR2RGB))


def _onto_square(world_from_camera: Pose, lens: Lens, collar_m: NDArray[np.float64], side_m: float) -> NDArray:
    """Affine map (2, 3) from the photograph's pixels to the square's, the collar in its middle, world y upwards."""
    middle, up = (
        _pixel(world_from_camera, lens, point) for point in (collar_m, collar_m + np.array([0, side_m / 2, 0]))
    )
    upwards = (up - middle) / np.linalg.norm(up - middle)
    scale = _SIDE_PX / 2 / np.linalg.norm(up - middle)
    # Rows of the turn: the photograph's direction that becomes right, and the one that becomes down.
    turn = scale * np.array([[-upwards[1], upwards[0]], [-upwards[0], -upwards[1]]])
    return np.column_stack([turn, np.full(2, _SIDE_PX / 2) - turn @ middle])


def _pixel(world_from_camera: Pose, lens: Lens, point_m: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, z = world_from_camera.inverse @ np.asarray(point_m, dtype=float)
    single = lens.model in _FOCAL_PARAMETERS
    fx, fy = (lens.params[0],) * 2 if single else lens.params[:2]
    cx, cy = lens.params[1:3] if single else lens.params[2:4]
    return np.array([fx * x / z + cx, fy * y / z + cy])
