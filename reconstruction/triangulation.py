"""Triangles between the points of an open sheet that has no side: Delaunay neighbours in each point's tangent plane.

Around each point its neighbours are laid into its tangent plane and its Voronoi cell is cut out; the neighbours whose
bisectors bound the cell are its Delaunay neighbours, and two in a row make a triangle with it. A triangle that two of
its corners agree on is kept. Where the cell reaches further than `reach_m` there is a hole, and it stays open. No
orientation is needed, so a leaf seen from both sides is no trouble, as it is for ball pivoting and Poisson.

Source: Gopi, Krishnan, Silva, Surface Reconstruction based on Lower Dimensional Localized Delaunay Triangulation
(2000).
"""

import numba
import numpy as np
from numpy.typing import NDArray

from reconstruction.neighbours import Array, across, cubes, near

#: Most neighbours of a point, and most corners of a cell.
_MOST, _CORNERS = 160, 48


def triangles(points_m: Array, normals: Array, spacing_m: float, reach_m: float) -> NDArray[np.int32]:
    """Triangles of a thinned cloud.

    Args:
        points_m: No two nearer than `spacing_m`, shape (n, 3).
        normals: Unit, of either sign, shape (n, 3).
        spacing_m: The thinning's.
        reach_m: Greatest radius of the circle around a triangle; greater ones are holes.

    Returns:
        Indices, int32, shape (f, 3), each row ascending.
    """
    if len(points_m) < 3:
        return np.zeros((0, 3), np.int32)
    found = cubes(points_m, 2 * reach_m)
    fans = np.full((len(points_m), _CORNERS, 2), -1, np.int32)
    _fans(points_m, normals, spacing_m, reach_m, found.parts, fans)
    centre = np.repeat(np.arange(len(points_m)), _CORNERS)
    pairs = fans.reshape(-1, 2)
    real = pairs[:, 0] >= 0
    corners = np.sort(np.column_stack([centre[real], pairs[real]]), axis=1).astype(np.int64)
    key = (corners[:, 0] << 42) | (corners[:, 1] << 21) | corners[:, 2]
    unique, votes = np.unique(key, return_counts=True)
    agreed = unique[votes >= 2]
    mask = (1 << 21) - 1
    return np.column_stack([agreed >> 42, (agreed >> 21) & mask, agreed & mask]).astype(np.int32)


@numba.njit(cache=True, parallel=True)
def _fans(points_m, normals, spacing_m, reach_m, parts, fans):  # type: ignore[no-untyped-def]
    """The two outer corners of each triangle around each point; -1 where there is none."""
    order, keys, starts, origin_m, size_m = parts
    for i in numba.prange(points_m.shape[0]):
        found = np.empty(_MOST, np.int64)
        here, n = points_m[i], normals[i]
        total = near(here, 2 * reach_m, points_m, order, keys, starts, origin_m, size_m, found)
        first, second = across(n)
        flat = np.empty((_MOST, 2))
        ids = np.empty(_MOST, np.int64)
        count = 0
        for k in range(total):
            j = found[k]
            if j == i:
                continue
            d = points_m[j] - here
            away = np.sqrt(d @ d)
            height = abs(d @ n)
            cosine = abs(normals[j] @ n)
            # A neighbour of the same sheet lies beside, not above, and does not face across.
            if cosine < 0.5 or height > 0.7 * away:
                continue
            u, v = d @ first, d @ second
            stretch = away / (np.sqrt(u * u + v * v) + 1e-12)
            flat[count, 0], flat[count, 1] = u * stretch, v * stretch
            ids[count] = j
            count += 1
        _cell(flat[:count], ids[:count], reach_m, fans[i])


@numba.njit(cache=True)
def _cell(flat, ids, reach_m, fan):  # type: ignore[no-untyped-def]
    """Cut the Voronoi cell of the origin and note the pairs of neighbours that meet in a corner within reach."""
    corner = np.empty((2, _CORNERS + 2, 2))
    wall = np.empty((2, _CORNERS + 2), np.int64)
    size = 4
    big = 4 * reach_m
    for k in range(4):
        corner[0, k, 0] = big if k in (0, 3) else -big
        corner[0, k, 1] = big if k < 2 else -big
        wall[0, k] = -1
    now = 0
    nearest = np.argsort(flat[:, 0] ** 2 + flat[:, 1] ** 2)
    for m in nearest:
        u, v = flat[m]
        half = (u * u + v * v) / 2
        size = _cut(corner[now], wall[now], size, u, v, half, m, corner[1 - now], wall[1 - now])
        now = 1 - now
        if size < 3 or size > _CORNERS - 2:
            return
    out = 0
    for k in range(size):
        a, b = wall[now, k - 1 if k else size - 1], wall[now, k]
        x, y = corner[now, k]
        if a >= 0 and b >= 0 and a != b and x * x + y * y <= reach_m * reach_m:
            fan[out, 0], fan[out, 1] = ids[a], ids[b]
            out += 1


@numba.njit(cache=True)
def _cut(corner, wall, size, u, v, half, name, new_corner, new_wall):  # type: ignore[no-untyped-def]
    """The part of a convex polygon where (x, y) . (u, v) <= half; `wall[k]` names the edge that follows corner k."""
    out = 0
    for k in range(size):
        nxt = k + 1 if k + 1 < size else 0
        here = corner[k, 0] * u + corner[k, 1] * v - half
        there = corner[nxt, 0] * u + corner[nxt, 1] * v - half
        if here <= 0:
            new_corner[out] = corner[k]
            new_wall[out] = wall[k]
            out += 1
        if (here <= 0) != (there <= 0):
            share = here / (here - there)
            new_corner[out, 0] = corner[k, 0] + share * (corner[nxt, 0] - corner[k, 0])
            new_corner[out, 1] = corner[k, 1] + share * (corner[nxt, 1] - corner[k, 1])
            # Leaving the kept part, the new edge begins; coming back, the old edge goes on.
            new_wall[out] = name if here <= 0 else wall[k]
            out += 1
    return out
