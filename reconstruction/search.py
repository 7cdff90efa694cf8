"""PatchMatch for one photograph: where it begins, and pass after pass with ever smaller changes."""

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import NearestNDInterpolator

from reconstruction.levels import Level, Motions, Planes, motions, unknown
from reconstruction.model import Model
from reconstruction.panel import Panel
from reconstruction.patchmatch import FAR_AND_NEAR, ONLY_JUDGE, fill, sweep
from reconstruction.views import Pinhole

#: Where the panel matches as well as this, it is what is seen.
_SURELY = 0.2


def begin(
    model: Model, level: Level, view: int, others: list[int], panel: Panel | None, spreads: tuple[float, ...], seed: int
) -> None:
    """The first search of a view, from the sparse points and the panel; kept in `level`."""
    planes = _start(model, view, level.pinhole, seed)
    if panel is not None:
        _lay_panel(model, level, view, others, panel, planes)
    for number, spread in enumerate(spreads):
        hints = (FAR_AND_NEAR, number == 0)
        pass_seed = seed * 1000 + view * 10 + number
        one_pass(model, level, view, others, planes, ~level.flat[view], spread, hints, pass_seed, True)
    level.keep(view, planes)


def one_pass(
    model: Model,
    level: Level,
    view: int,
    others: list[int],
    planes: Planes,
    wanted: NDArray[np.bool_],
    spread: float,
    hints: tuple[int, bool],
    seed: int,
    half: bool = False,
) -> None:
    """Both colours of the chessboard, once; `planes` is bettered in place where `wanted`.

    `hints` are which neighbours are asked and whether all sources judge; with `half` only one colour of the
    chessboard is searched, and the other takes over from it; the rest as in `patchmatch.sweep`.
    """
    _sweeps(level, view, others, motions(model, view, others), planes, wanted, spread, hints, seed, half)


def panel_planes(model: Model, view: int, pinhole: Pinhole, panel: Panel) -> Planes:
    """The panel at every pixel of a view, with depth 0 where the line of sight misses it."""
    pose = model.views[view].world_from_camera
    u, v = np.meshgrid(np.arange(pinhole.width_px) + 0.5, np.arange(pinhole.height_px) + 0.5)
    rays = np.stack(
        [(u - pinhole.cx_px) / pinhole.focal_px, (v - pinhole.cy_px) / pinhole.focal_px, np.ones_like(u)], -1
    )
    normal = pose.rotation.T @ panel.normal
    towards = rays @ normal
    depth = np.where(towards < -0.05, -panel.height(pose.translation_m[None])[0] / np.minimum(towards, -0.05), 0.0)
    normals = np.broadcast_to(normal, rays.shape)
    return depth.astype(np.float32), normals.astype(np.float32), unknown(depth.shape)


def _lay_panel(model: Model, level: Level, view: int, others: list[int], panel: Panel, planes: Planes) -> None:
    """Where the panel matches so well that nothing else need be tried, it is laid into `planes` and marked flat."""
    laid = panel_planes(model, view, level.pinhole, panel)
    moves = motions(model, view, others)
    _sweeps(level, view, others, moves, laid, laid[0] > 0, 0.0, (ONLY_JUDGE, False), 0, False)
    flat = laid[2] < _SURELY
    level.flat[view] = flat
    for plane, of_panel in zip(planes, laid, strict=True):
        plane[flat] = of_panel[flat]


def _start(model: Model, view: int, pinhole: Pinhole, seed: int) -> Planes:
    """Planes to begin with: the depth of the nearest sparse point, shaken, with random slopes."""
    points = model.views[view].world_from_camera.inverse @ model.points_world_m[model.points_seen_by(view)]
    points = points[points[:, 2] > 0]
    places = pinhole.project(points)
    u, v = np.meshgrid(np.arange(pinhole.width_px) + 0.5, np.arange(pinhole.height_px) + 0.5)
    random = np.random.default_rng([seed, view])
    depth = NearestNDInterpolator(places, points[:, 2])(u, v)
    low, high = np.percentile(points[:, 2], (2, 98))
    depth = depth * random.uniform(0.93, 1.07, depth.shape)
    depth = np.clip(depth, 0.7 * low, 1.3 * high)
    normal = random.normal(size=(*depth.shape, 3)) * 0.5 - (0, 0, 1)
    normal[..., 2] = -np.abs(normal[..., 2]) - 0.3
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return depth.astype(np.float32), normal.astype(np.float32), unknown(depth.shape)


def _sweeps(
    level: Level,
    view: int,
    others: list[int],
    moves: Motions,
    planes: Planes,
    wanted: NDArray[np.bool_],
    spread: float,
    hints: tuple[int, bool],
    seed: int,
    half: bool,
) -> None:
    grey, zoom, p = level.grey, level.zoom, level.pinhole
    sources, size = grey[others].reshape(-1), np.array(grey.shape[1:])
    lens = np.float32(p.focal_px), np.float32(p.cx_px - 0.5), np.float32(p.cy_px - 0.5)
    for colour, rows in ((0, 0), (0, 1)) if half else ((0, -1), (1, -1)):
        sweep(
            grey[view], sources, size, zoom, *moves, *lens, *planes, wanted, colour, rows, hints[1], np.float32(spread),
            hints[0], seed,
        )  # fmt: skip
    if half:
        fill(grey[view], zoom, *planes, *lens, wanted)
