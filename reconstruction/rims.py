"""A leaf's rim without the fringe that a depth map puts around it.

At a leaf's edge a patch holds leaf and background, and the depth of the leaf reaches a pixel or so too far. Such points
carry the background's colour. A point of the rim that is less than a quarter as coloured as the leaf beside it is
background, and goes; inside a leaf nothing goes, however pale a rib is.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from reconstruction.neighbours import Array, across, cubes, near
from reconstruction.records import Cloud

#: Times the rim is looked at; each takes away at most one row of points.
_ROWS = 4
#: A point belongs to the rim when its neighbours leave so wide a gap around it, radians.
_GAP_RAD = 2.1
#: Share of the leaf's own colour that makes a point leaf.
_QUARTER = 0.25
_MOST = 256


def chroma(colours: NDArray[np.uint8], white: Array) -> Array:
    """Greatest less least channel against a white, shape (n,): half as much where half of a pixel is black or white."""
    balanced = colours / white
    return np.asarray(balanced.max(axis=1) - balanced.min(axis=1))


def saturation(colours: NDArray[np.uint8] | Array, white: Array) -> Array:
    """1 - least over greatest channel, against a white, shape (n,)."""
    balanced = colours / white
    return np.asarray(1 - balanced.min(axis=1) / np.maximum(balanced.max(axis=1), 0.02))


def without_fringe(sheet: Cloud, white: Array, spacing_m: float) -> Cloud:
    """Sheets of points about `spacing_m / 2` apart, without what surrounds their rims in the colour of the panel."""
    for _ in range(_ROWS):
        if len(sheet) < 10:
            return sheet
        found = cubes(sheet.points_m, 3 * spacing_m)
        fringe = np.zeros(len(sheet), np.bool_)
        _find(sheet.points_m, sheet.normals, chroma(sheet.colours, white), spacing_m, found.parts, fringe)
        if not fringe.any():
            break
        sheet = sheet.chosen(~fringe)
    return sheet


@numba.njit(cache=True, parallel=True)
def _find(points_m, normals, coloured, spacing_m, parts, fringe):  # type: ignore[no-untyped-def]
    order, keys, starts, origin_m, size_m = parts
    for i in numba.prange(points_m.shape[0]):
        found = np.empty(_MOST, np.int64)
        here, n = points_m[i], normals[i]
        total = near(here, 3 * spacing_m, points_m, order, keys, starts, origin_m, size_m, found)
        beside = np.empty(total)
        for k in range(total):
            beside[k] = coloured[found[k]]
        if coloured[i] >= _QUARTER * np.sort(beside)[int(0.8 * (total - 1))]:
            continue
        fringe[i] = _widest_gap(points_m, here, n, found, total, 1.5 * spacing_m) > _GAP_RAD


@numba.njit(cache=True)
def _widest_gap(points_m, here, n, found, total, reach_m):  # type: ignore[no-untyped-def]
    """The widest angle in the tangent plane in which no neighbour within reach lies."""
    first, second = across(n)
    angles = np.empty(_MOST)
    count = 0
    for k in range(total):
        d = points_m[found[k]] - here
        u, v = d @ first, d @ second
        if 0 < u * u + v * v <= reach_m * reach_m:
            angles[count] = np.arctan2(v, u)
            count += 1
    if count < 2:
        return 2 * np.pi
    sorted_angles = np.sort(angles[:count])
    widest = 2 * np.pi - (sorted_angles[count - 1] - sorted_angles[0])
    for k in range(count - 1):
        widest = max(widest, sorted_angles[k + 1] - sorted_angles[k])
    return widest
