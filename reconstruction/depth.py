"""A depth and a normal for every pixel of every photograph, coarse to fine."""

from collections.abc import Generator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import NearestNDInterpolator

from reconstruction.config import DenseOptions
from reconstruction.model import Model
from reconstruction.patchmatch import NO_MATCH, sweep
from reconstruction.views import Pinhole, partners, pinhole_of, read_undistorted, undistortion

Float = NDArray[np.float32]

#: Passes at the coarse and at the fine level: the share of its depth by which a plane may change.
_COARSE = (0.12, 0.06, 0.03, 0.015)
_FINE = (0.006, 0.003)
#: What matches worse than this at the coarse level is not looked at again.
_HOPELESS = 0.9


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
    for view, others in enumerate(chosen):
        if len(others) >= 2:
            turns, shifts = _motions(model, view, others)
            start = _start(model, view, coarse, options.seed)
            planes = _passes(half, view, others, turns, shifts, coarse, start, _COARSE, options.seed)
            planes = _passes(grey, view, others, turns, shifts, fine, _finer(planes, fine), _FINE, options.seed)
            depth[view] = planes[0]
            normal[view], cost[view] = np.rint(planes[1] * 127), np.clip(planes[2] * 127, 0, 255)
        yield (view + 1) / len(chosen)
    return DepthMaps(fine, depth, normal, cost, colour, chosen)


def _scale(model: Model, options: DenseOptions) -> float:
    """How many times the photographs' width the depth maps have."""
    if not model.metric:
        return options.scale_max
    away = model.points_world_m[model.observations[:, 0]] - model.centres_world_m[model.observations[:, 1]]
    distance_m = float(np.median(np.linalg.norm(away, axis=1)))
    wanted = distance_m / (pinhole_of(model.lens, 1.0).focal_px * options.pixel_m)
    return float(np.clip(wanted, 0.2, options.scale_max))


def _motions(model: Model, view: int, others: list[int]) -> tuple[Float, Float]:
    """From the camera of a view to those of others: rotations (s, 3, 3) and translations (s, 3)."""
    world_from_view = model.views[view].world_from_camera
    motions = [model.views[other].world_from_camera.inverse @ world_from_view for other in others]
    return (
        np.array([motion.rotation for motion in motions], dtype=np.float32),
        np.array([motion.translation_m for motion in motions], dtype=np.float32),
    )


def _start(model: Model, view: int, pinhole: Pinhole, seed: int) -> tuple[Float, Float, Float]:
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
    turns: Float,
    shifts: Float,
    pinhole: Pinhole,
    planes: tuple[Float, Float, Float],
    spreads: tuple[float, ...],
    seed: int,
) -> tuple[Float, Float, Float]:
    """Sweeps over both colours of the chessboard with ever smaller changes; `planes` is bettered in place."""
    sources = np.ascontiguousarray(grey[others])
    wanted = np.ones(grey.shape[1:], np.bool_) if spreads is _COARSE else planes[2] < _HOPELESS
    for number, spread in enumerate(spreads):
        everywhere = spreads is _COARSE and number == 0
        for colour in (0, 1):
            sweep(
                grey[view], sources, turns, shifts, np.float32(pinhole.focal_px), np.float32(pinhole.cx_px - 0.5),
                np.float32(pinhole.cy_px - 0.5), *planes, wanted, colour, everywhere, np.float32(spread),
                0 if spreads is _COARSE else 4,
                seed * 1000 + view * 10 + number,
            )  # fmt: skip
    return planes


def _finer(planes: tuple[Float, Float, Float], pinhole: Pinhole) -> tuple[Float, Float, Float]:
    """Planes of a coarse level for the next finer one."""
    size = (pinhole.width_px, pinhole.height_px)
    depth, normal, cost = (cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST) for plane in planes)
    return depth, np.ascontiguousarray(normal), cost
