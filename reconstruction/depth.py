"""A depth and a normal for every pixel of every photograph, coarse to fine."""

from collections.abc import Generator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import NearestNDInterpolator

from reconstruction.config import DenseOptions
from reconstruction.model import Model
from reconstruction.panel import Panel, find_panel, middle_distance
from reconstruction.patchmatch import FAR_AND_NEAR, NO_MATCH, ONLY_JUDGE, ONLY_NEAR, sweep
from reconstruction.views import Pinhole, partners, pinhole_of, read_undistorted, undistortion

Float = NDArray[np.float32]
#: Depth (h, w), normal (h, w, 3) and cost (h, w).
Planes = tuple[Float, Float, Float]
#: Rotations (s, 3, 3) and translations (s, 3) from one camera to others.
Motions = tuple[Float, Float]

#: Passes at the coarse and at the fine level: the share of its depth by which a plane may change.
_COARSE = (0.12, 0.05, 0.02)
_FINE = (0.006, 0.003)
#: What matches worse than this at the coarse level is not looked at again.
_HOPELESS = 0.9
_USUAL_VIEWS = 64
#: Where the panel matches as well as this, it is what is seen.
_SURELY = 0.2


@dataclass(frozen=True, eq=False)
class DepthMaps:
    """What PatchMatch found, by view.

    Args:
        pinhole: Of all maps.
        depth_m: Along the line of sight's z, 0 where nothing was found, shape (v, h, w).
        normal: In the camera frame, towards the camera, 127 for 1, int8, shape (v, h, w, 3).
        cost: 0 is a perfect match, 127 no likeness (correlation 0), uint8, shape (v, h, w).
        colour: Undistorted photographs, BGR, shape (v, h, w, 3).
        partners: The views that each was compared with.
    """

    pinhole: Pinhole
    depth_m: Float
    normal: NDArray[np.int8]
    cost: NDArray[np.uint8]
    colour: NDArray[np.uint8]
    partners: list[list[int]]


def depth_maps(model: Model, options: DenseOptions) -> Generator[float, None, DepthMaps]:
    """Depth of every view; yields the share that is done."""
    scale = _scale(model, options)
    fine, coarse = pinhole_of(model.lens, scale), pinhole_of(model.lens, scale / 2)
    maps = undistortion(model.lens, fine)
    colour = np.stack([read_undistorted(model, view, maps) for view in range(len(model.views))])
    grey = np.stack([cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) for picture in colour]).astype(np.float32) / 255
    half = np.stack([cv2.resize(g, (coarse.width_px, coarse.height_px), interpolation=cv2.INTER_AREA) for g in grey])
    chosen = partners(model, options.partners)
    depth = np.zeros(grey.shape, np.float32)
    normal = np.zeros((*grey.shape, 3), np.int8)
    cost = np.full(grey.shape, 255, np.uint8)
    panel = find_panel(model.points_world_m, model, options.seed)
    for view, others in enumerate(chosen):
        if len(others) >= 2:
            planes = _search(model, view, others, (grey, half), (fine, coarse), panel, options.seed)
            depth[view] = planes[0]
            normal[view], cost[view] = np.rint(planes[1] * 127), np.clip(planes[2] * 127, 0, 255)
        yield (view + 1) / len(chosen)
    return DepthMaps(fine, depth, normal, cost, colour, chosen)


def _search(
    model: Model,
    view: int,
    others: list[int],
    levels: tuple[Float, Float],
    pinholes: tuple[Pinhole, Pinhole],
    panel: Panel | None,
    seed: int,
) -> Planes:
    """Planes of one view, coarse to fine; `levels` and `pinholes` are (fine, coarse)."""
    (grey, half), (fine, coarse) = levels, pinholes
    motions = _motions(model, view, others)
    planes = _start(model, view, coarse, seed)
    flat = np.zeros(half.shape[1:], np.bool_)
    if panel is not None:
        flat = _lay_panel(half, view, others, motions, coarse, _panel_planes(model, view, coarse, panel), planes)
    _passes(half, view, others, motions, coarse, planes, ~flat, _COARSE, seed)
    planes = _finer(planes, fine)
    wanted = planes[2] < _HOPELESS
    if panel is not None:
        flat = cv2.resize(flat.astype(np.uint8), (fine.width_px, fine.height_px), interpolation=cv2.INTER_NEAREST) > 0
        # Right at its rim a flat stretch of panel meets a leaf: there it is looked at again.
        flat = cv2.erode(flat.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        on_panel = _panel_planes(model, view, fine, panel)
        planes[0][flat], planes[1][flat] = on_panel[0][flat], on_panel[1][flat]
        wanted &= ~flat
    _passes(grey, view, others, motions, fine, planes, wanted, _FINE, seed)
    return planes


def _panel_planes(model: Model, view: int, pinhole: Pinhole, panel: Panel) -> Planes:
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
    return depth.astype(np.float32), normals.astype(np.float32), np.full(depth.shape, NO_MATCH, np.float32)


def _lay_panel(
    grey: Float, view: int, others: list[int], motions: Motions, pinhole: Pinhole, on_panel: Planes, planes: Planes
) -> NDArray[np.bool_]:
    """Where the panel matches so well that nothing else need be tried; it is laid into `planes` there."""
    _sweeps(grey, view, others, motions, pinhole, on_panel, on_panel[0] > 0, 0.0, ONLY_JUDGE, False, 0)
    flat: NDArray[np.bool_] = on_panel[2] < _SURELY
    for plane, laid in zip(planes, on_panel, strict=True):
        plane[flat] = laid[flat]
    return flat


def _scale(model: Model, options: DenseOptions) -> float:
    """How many times the photographs' width the depth maps have."""
    if not model.metric:
        # Nobody knows how large a pixel is: so many pixels in all as the usual number of photographs would have.
        return options.scale_max * min(1.0, (_USUAL_VIEWS / len(model.views)) ** 0.5)
    wanted = middle_distance(model) / (pinhole_of(model.lens, 1.0).focal_px * options.pixel_m)
    return float(np.clip(wanted, 0.2, options.scale_max))


def _motions(model: Model, view: int, others: list[int]) -> Motions:
    """From the camera of a view to those of others: rotations (s, 3, 3) and translations (s, 3)."""
    world_from_view = model.views[view].world_from_camera
    motions = [model.views[other].world_from_camera.inverse @ world_from_view for other in others]
    return (
        np.array([motion.rotation for motion in motions], dtype=np.float32),
        np.array([motion.translation_m for motion in motions], dtype=np.float32),
    )


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
    return depth.astype(np.float32), normal.astype(np.float32), np.full(depth.shape, NO_MATCH, np.float32)


def _passes(
    grey: Float,
    view: int,
    others: list[int],
    motions: Motions,
    pinhole: Pinhole,
    planes: Planes,
    wanted: NDArray[np.bool_],
    spreads: tuple[float, ...],
    seed: int,
) -> None:
    """Passes with ever smaller changes; `planes` is bettered in place."""
    for number, spread in enumerate(spreads):
        coarse = spreads is _COARSE
        hints = FAR_AND_NEAR if coarse else ONLY_NEAR
        pass_seed = seed * 1000 + view * 10 + number
        _sweeps(
            grey, view, others, motions, pinhole, planes, wanted, spread, hints, coarse and number == 0, pass_seed
        )  # fmt: skip


def _sweeps(
    grey: Float,
    view: int,
    others: list[int],
    motions: Motions,
    pinhole: Pinhole,
    planes: Planes,
    wanted: NDArray[np.bool_],
    spread: float,
    hints: int,
    all_sources: bool,
    seed: int,
) -> None:
    """Both colours of the chessboard, once; arguments as in `patchmatch.sweep`."""
    sources, size = grey[others].reshape(-1), np.array(grey.shape[1:])
    for colour in (0, 1):
        sweep(
            grey[view], sources, size, *motions, np.float32(pinhole.focal_px), np.float32(pinhole.cx_px - 0.5),
            np.float32(pinhole.cy_px - 0.5), *planes, wanted, colour, all_sources, np.float32(spread), hints, seed,
        )  # fmt: skip


def _finer(planes: Planes, pinhole: Pinhole) -> Planes:
    """Planes of a coarse level for the next finer one."""
    size = (pinhole.width_px, pinhole.height_px)
    depth, normal, cost = (cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST) for plane in planes)
    return depth, np.ascontiguousarray(normal), cost
