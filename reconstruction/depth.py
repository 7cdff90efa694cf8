"""A depth and a normal for every pixel of every photograph, coarse to fine."""

from collections.abc import Generator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from reconstruction.config import DenseOptions
from reconstruction.consensus import reconcile
from reconstruction.levels import Float, Level
from reconstruction.model import Model
from reconstruction.panel import Panel, find_panel, middle_distance
from reconstruction.patchmatch import ONLY_NEAR
from reconstruction.search import begin, one_pass, panel_planes
from reconstruction.views import Pinhole, partners, pinhole_of, read_undistorted, undistortion

#: Passes at the coarse and at the fine level: the share of its depth by which a plane may change.
_COARSE = (0.12, 0.03)
_FINE = (0.006,)
#: Rounds in which the maps of a level judge each other, and the change that they allow.
_COARSE_ROUNDS = (0.01, 0.01)
_FINE_ROUNDS = (0.003,)
#: How many others may propose planes.
_PROPOSERS = 6
#: What matches worse than this at the coarse level is not looked at again.
_HOPELESS = 0.9
_USUAL_VIEWS = 64
#: Photographs are so many times as fine as the maps: what decides deep inside a head is a small patch in sharp pixels.
_ZOOM = 2


@dataclass(frozen=True, eq=False)
class DepthMaps:
    """What PatchMatch found, by view.

    Args:
        pinhole: Of all maps.
        depth_m: Along the line of sight's z, 0 where nothing was found, shape (v, h, w).
        normal: In the camera frame, towards the camera, 127 for 1, int8, shape (v, h, w, 3).
        cost: 0 is a perfect match, 127 no likeness (correlation 0), uint8, shape (v, h, w).
        colour: Undistorted photographs, BGR, shape (v, h, w, 3).
    """

    pinhole: Pinhole
    depth_m: Float
    normal: NDArray[np.int8]
    cost: NDArray[np.uint8]
    colour: NDArray[np.uint8]


def depth_maps(model: Model, options: DenseOptions) -> Generator[float, None, DepthMaps]:
    """Depth of every view; yields the share that is done."""
    scale = _scale(model, options)
    zoom = _ZOOM if _ZOOM * scale <= 1 else 1
    pictures = pinhole_of(model.lens, zoom * scale)
    fine, coarse = pictures.every(zoom), pinhole_of(model.lens, zoom * scale / 2).every(zoom)
    grey, colour = _photographs(model, pictures, fine, zoom)
    size = (zoom * coarse.width_px, zoom * coarse.height_px)
    half = np.stack([cv2.resize(g, size, interpolation=cv2.INTER_AREA) for g in grey])
    panel = find_panel(model.points_world_m, model, options.seed)
    level = yield from _coarse(model, Level.empty(coarse, half, zoom), panel, options)
    level = yield from _fine(model, level, Level.empty(fine, grey, zoom), panel, options)
    return DepthMaps(fine, level.depth_m, level.normal, level.cost, colour)


def _photographs(model: Model, pictures: Pinhole, maps: Pinhole, zoom: int) -> tuple[Float, NDArray[np.uint8]]:
    """Undistorted photographs in grey, 0 to 1, and their colours at the pixels of the maps."""
    lens = undistortion(model.lens, pictures)
    grey = np.empty((len(model.views), pictures.height_px, pictures.width_px), np.float32)
    colour = np.empty((len(model.views), maps.height_px, maps.width_px, 3), np.uint8)
    for view in range(len(model.views)):
        picture = read_undistorted(model, view, lens)
        grey[view] = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) / np.float32(255)
        colour[view] = picture[::zoom, ::zoom][: maps.height_px, : maps.width_px]
    return grey, colour


def _coarse(model: Model, level: Level, panel: Panel | None, options: DenseOptions) -> Generator[float, None, Level]:
    chosen = partners(model, options.partners)
    for view, others in enumerate(chosen):
        if len(others) >= 2:
            begin(model, level, view, others, panel, _COARSE, options.seed)
        yield 0.35 * (view + 1) / len(chosen)
    for number, spread in enumerate(_COARSE_ROUNDS):
        level = yield from _round(model, level, options, spread, (0.35 + 0.1 * number, 0.1), True)
    return level


def _fine(
    model: Model, coarse: Level, level: Level, panel: Panel | None, options: DenseOptions
) -> Generator[float, None, Level]:
    chosen = partners(model, options.partners)
    for view, others in enumerate(chosen):
        if len(others) >= 2:
            _finer(model, coarse, level, view, others, panel, options.seed)
        yield 0.55 + 0.3 * (view + 1) / len(chosen)
    for spread in _FINE_ROUNDS:
        level = yield from _round(model, level, options, spread, (0.85, 0.15), True)
    return level


def _finer(
    model: Model, coarse: Level, level: Level, view: int, others: list[int], panel: Panel | None, seed: int
) -> None:
    """A view's planes from the coarse level, bettered; kept in `level`."""
    planes = coarse.finer(view, level.pinhole)
    flat = coarse.finer_flat(view, level.pinhole)
    level.flat[view] = flat
    if panel is not None:
        on_panel = panel_planes(model, view, level.pinhole, panel)
        planes[0][flat], planes[1][flat] = on_panel[0][flat], on_panel[1][flat]
    wanted = (planes[2] < _HOPELESS) & ~flat
    for number, spread in enumerate(_FINE):
        pass_seed = seed * 1000 + view * 10 + 5 + number
        one_pass(model, level, view, others, planes, wanted, spread, (ONLY_NEAR, False), pass_seed, half=True)
    level.keep(view, planes)


def _round(
    model: Model, level: Level, options: DenseOptions, spread: float, share: tuple[float, float], half: bool
) -> Generator[float, None, Level]:
    """All maps judge each other once; where one changed, it is searched again around the change."""
    chosen, proposers = partners(model, options.partners), partners(model, _PROPOSERS)
    better = level.copy()
    for view, others in enumerate(proposers):
        if len(others) >= 2:
            planes = level.planes(view)
            changed = reconcile(model, level, view, others, planes, half)
            around = cv2.dilate(changed.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
            one_pass(
                model, level, view, chosen[view], planes, around, spread, (ONLY_NEAR, False), options.seed + view, half
            )
            better.keep(view, planes)
        yield share[0] + share[1] * (view + 1) / len(proposers)
    return better


def _scale(model: Model, options: DenseOptions) -> float:
    """How many times the photographs' width the depth maps have."""
    if not model.metric:
        # Nobody knows how large a pixel is: so many pixels in all as the usual number of photographs would have.
        return options.scale_max * min(1.0, (_USUAL_VIEWS / len(model.views)) ** 0.5)
    wanted = middle_distance(model) / (pinhole_of(model.lens, 1.0).focal_px * options.pixel_m)
    return float(np.clip(wanted, 0.2, options.scale_max))
