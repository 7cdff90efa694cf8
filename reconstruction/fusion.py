"""Depth maps that agree become points; what only one photograph says is thrown away."""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from reconstruction.config import DenseOptions
from reconstruction.depth import DepthMaps
from reconstruction.model import Model
from reconstruction.panel import find_panel, middle_distance
from reconstruction.records import Cloud, joined
from reconstruction.smoothing import gathered
from reconstruction.views import partners

#: How many others are asked, at most.
_ASKED = 14
#: A pixel with a worse match (127 is no likeness) begins no point, and one worse than the second agrees to none.
_COST_FIRST, _COST_OTHER = 64, 90
#: Where all that agree match as well as this, one fewer is enough: deep inside a head few look at the same place.
_COST_SURE = 48
#: Two pixels agree when their planes are no further apart than this share of the depth, ...
_APART = 0.0035
#: ... their normals differ by less than this (cosine), ...
_TURNED = 0.5
#: ... and the other's place falls back on this pixel to within so many pixels.
_BACK_PX = 1.2
#: A place is contradicted by a view that sees through it: its own depth lies beyond by this share.
_BEYOND = 0.02
#: How near the panel a point is the panel's, as a share of the middle distance, and how far apart its points are left.
_ON_PANEL, _PANEL_PIXELS = 0.01, 3.0


def fuse(model: Model, maps: DepthMaps, options: DenseOptions) -> Cloud:
    """Points on which `options.views` photographs agree, about a pixel of the depth maps apart, fewer on a panel.

    Confidence is the number of photographs that agree, less those that see through the point, summed over the points
    that fell together.
    """
    poses = [view.world_from_camera for view in model.views]
    turns = np.array([pose.rotation for pose in poses])
    centres = np.array([pose.translation_m for pose in poses])
    asked = partners(model, _ASKED)
    used = np.zeros(maps.depth_m.shape, np.bool_)
    p = maps.pinhole
    parts = []
    # Views that share most with others first: their points are the best supported.
    for view in np.argsort([-len(others) for others in asked], kind="stable"):
        others = np.array(asked[view], dtype=np.int64)
        if len(others) + 1 < options.views:
            continue
        points = np.zeros((*maps.depth_m.shape[1:], 10), np.float32)
        _fuse_view(
            maps.depth_m, maps.normal, maps.cost, maps.colour, used, turns, centres, int(view), others, p.focal_px,
            p.cx_px - 0.5, p.cy_px - 0.5, options.views, points,
        )  # fmt: skip
        parts.append(points[points[..., 9] > 0])
    found = np.concatenate(parts) if parts else np.zeros((0, 10), np.float32)
    cloud = Cloud(found[:, :3].astype(float), found[:, 3:6].astype(float), _colours(found[:, 6:9]), found[:, 9])
    return _thinned(cloud, model, middle_distance(model) / p.focal_px)


def _thinned(cloud: Cloud, model: Model, pixel: float) -> Cloud:
    """Points a pixel apart; on the panel, where nothing is to be measured, several."""
    panel = find_panel(cloud.points_m, model)
    if panel is None:
        return gathered(cloud, pixel)
    flat = np.abs(panel.height(cloud.points_m)) < _ON_PANEL * middle_distance(model)
    return joined(gathered(cloud.chosen(~flat), pixel), gathered(cloud.chosen(flat), _PANEL_PIXELS * pixel))


def _colours(bgr: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.rint(bgr[:, ::-1]), 0, 255), dtype=np.uint8)


@numba.njit(cache=True, fastmath=True, error_model="numpy", parallel=True)
def _fuse_view(  # type: ignore[no-untyped-def]
    depth, normal, cost, colour, used, turns, centres, view, others, focal, cx, cy, least, points
):
    """Points that begin at the pixels of one view.

    Each row of `points` (h, w, 10) is x, y, z, normal, blue, green, red, confidence; it stays 0 where there is none.
    Rows run side by side: they only mark pixels of other views as used, and read only the marks of their own.
    """
    height, width = depth.shape[1], depth.shape[2]
    for y in numba.prange(height):
        hit_view = np.empty(others.size, np.int64)
        hit_pixel = np.empty((others.size, 2), np.int64)
        for x in range(width):
            if depth[view, y, x] <= 0 or cost[view, y, x] > _COST_FIRST or used[view, y, x]:
                continue
            px, py, pz, nx, ny, nz = _place(depth, normal, turns, centres, view, x, y, focal, cx, cy)
            sums = np.zeros(9)
            _add(sums, px, py, pz, nx, ny, nz, colour[view, y, x])
            hits = through = 0
            worst = cost[view, y, x]
            for k in range(others.size):
                answer, u, v = _ask(
                    depth, normal, cost, turns, centres, others[k], view, px, py, pz, nx, ny, nz, x, y, focal, cx, cy,
                    sums, colour,
                )  # fmt: skip
                if answer > 0:
                    hit_view[hits], hit_pixel[hits, 0], hit_pixel[hits, 1] = others[k], v, u
                    hits += 1
                    worst = max(worst, cost[others[k], v, u])
                elif answer < 0:
                    through += 1
            enough = hits + 1 >= least or (hits + 2 == least and worst <= _COST_SURE)
            if not enough or through > hits:
                continue
            for k in range(hits):
                used[hit_view[k], hit_pixel[k, 0], hit_pixel[k, 1]] = True
            length = math.sqrt(sums[3] ** 2 + sums[4] ** 2 + sums[5] ** 2) + 1e-12
            for k in range(3):
                points[y, x, k] = sums[k] / (hits + 1)
                points[y, x, 3 + k] = sums[3 + k] / length
                points[y, x, 6 + k] = sums[6 + k] / (hits + 1)
            points[y, x, 9] = hits + 1 - through


@numba.njit(cache=True, fastmath=True, error_model="numpy")
def _place(depth, normal, turns, centres, view, x, y, focal, cx, cy):  # type: ignore[no-untyped-def]
    """A pixel's place and normal in the world."""
    d = depth[view, y, x]
    a, b = d * (x - cx) / focal, d * (y - cy) / focal
    R, C = turns[view], centres[view]
    n0, n1, n2 = normal[view, y, x, 0] / 127.0, normal[view, y, x, 1] / 127.0, normal[view, y, x, 2] / 127.0
    return (
        R[0, 0] * a + R[0, 1] * b + R[0, 2] * d + C[0],
        R[1, 0] * a + R[1, 1] * b + R[1, 2] * d + C[1],
        R[2, 0] * a + R[2, 1] * b + R[2, 2] * d + C[2],
        R[0, 0] * n0 + R[0, 1] * n1 + R[0, 2] * n2,
        R[1, 0] * n0 + R[1, 1] * n1 + R[1, 2] * n2,
        R[2, 0] * n0 + R[2, 1] * n1 + R[2, 2] * n2,
    )


@numba.njit(cache=True, fastmath=True, error_model="numpy")
def _project(turns, centres, view, px, py, pz, focal, cx, cy):  # type: ignore[no-untyped-def]
    """Image place and depth of a point of the world in a view; depth 0 behind the camera."""
    R, C = turns[view], centres[view]
    dx, dy, dz = px - C[0], py - C[1], pz - C[2]
    c = R[0, 2] * dx + R[1, 2] * dy + R[2, 2] * dz
    if c <= 1e-9:
        return 0.0, 0.0, 0.0
    a = R[0, 0] * dx + R[1, 0] * dy + R[2, 0] * dz
    b = R[0, 1] * dx + R[1, 1] * dy + R[2, 1] * dz
    return focal * a / c + cx, focal * b / c + cy, c


@numba.njit(cache=True, fastmath=True, error_model="numpy")
def _ask(  # type: ignore[no-untyped-def]
    depth, normal, cost, turns, centres, other, view, px, py, pz, nx, ny, nz, x, y, focal, cx, cy, sums, colour
):
    """What another view says of a place: 1 sees it too (and is added), -1 sees through it, 0 nothing; and its pixel."""
    fu, fv, d = _project(turns, centres, other, px, py, pz, focal, cx, cy)
    u, v = int(fu + 0.5), int(fv + 0.5)
    if d <= 0 or fu < 0 or fv < 0 or u >= depth.shape[2] or v >= depth.shape[1]:
        return 0, 0, 0
    if depth[other, v, u] <= 0 or cost[other, v, u] > _COST_OTHER:
        return 0, u, v
    qx, qy, qz, mx, my, mz = _place(depth, normal, turns, centres, other, u, v, focal, cx, cy)
    if depth[other, v, u] > d * (1 + _BEYOND):
        return -1, u, v
    apart = max(
        abs((px - qx) * nx + (py - qy) * ny + (pz - qz) * nz), abs((px - qx) * mx + (py - qy) * my + (pz - qz) * mz)
    )
    if apart > _APART * d or mx * nx + my * ny + mz * nz < _TURNED:
        return 0, u, v
    bu, bv, _ = _project(turns, centres, view, qx, qy, qz, focal, cx, cy)
    if (bu - x) ** 2 + (bv - y) ** 2 > _BACK_PX**2 + 0.5:
        return 0, u, v
    _add(sums, qx, qy, qz, mx, my, mz, colour[other, v, u])
    return 1, u, v


@numba.njit(cache=True, fastmath=True, error_model="numpy")
def _add(sums, px, py, pz, nx, ny, nz, colour):  # type: ignore[no-untyped-def]
    sums[0] += px
    sums[1] += py
    sums[2] += pz
    sums[3] += nx
    sums[4] += ny
    sums[5] += nz
    sums[6] += colour[0]
    sums[7] += colour[1]
    sums[8] += colour[2]
