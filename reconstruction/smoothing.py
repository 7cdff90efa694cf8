"""A noisy cloud becomes one thin sheet a leaf: points move onto the local plane, and are thinned to an even spacing.

A leaf is 0.3 mm thick, thinner than the noise of a depth map: its two sides are one sheet here. So normals count
without their sign, and a point follows only neighbours that face the way it does, so that leaves that cross or touch at
an angle stay two.

Source: Alexa et al., Computing and Rendering Point Set Surfaces (2003), for the projection; Poisson-disk thinning by
dart throwing in order of confidence.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from reconstruction.neighbours import Array, cubes, near
from reconstruction.records import Cloud

#: Most neighbours looked at.
_MOST = 512


def gathered(cloud: Cloud, size_m: float) -> Cloud:
    """One point for each cube of `size_m`, the mean of its points weighted by their confidence."""
    if len(cloud) == 0:
        return cloud
    found = cubes(cloud.points_m, size_m)
    weight = np.maximum(cloud.confidence.astype(float), 0.5)[found.order]
    total = np.add.reduceat(weight, found.starts[:-1])

    def mean(values: Array) -> Array:
        return np.asarray(np.add.reduceat(values * weight[:, None], found.starts[:-1]) / total[:, None])

    normals = cloud.normals[found.order]
    # Both sides of a leaf fall into one cube: turn all to the side of its first.
    first = np.repeat(normals[found.starts[:-1]], np.diff(found.starts), axis=0)
    normals = mean(normals * np.sign((normals * first).sum(axis=1) + 1e-12)[:, None])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    colours = np.clip(np.rint(mean(cloud.colours[found.order].astype(float))), 0, 255).astype(np.uint8)
    return Cloud(mean(cloud.points_m[found.order]), normals, colours, total.astype(np.float32))


def smoothed(cloud: Cloud, reach_m: float, least: int) -> Cloud:
    """Points moved onto the plane of their neighbours within `reach_m`; those with fewer than `least` are dropped."""
    if len(cloud) == 0:
        return cloud
    found = cubes(cloud.points_m, reach_m)
    points, normals = np.empty_like(cloud.points_m), np.empty_like(cloud.normals)
    count = np.zeros(len(cloud), np.int64)
    _project(cloud.points_m, cloud.normals, cloud.confidence, reach_m, found.parts, points, normals, count)
    kept = count >= least
    return Cloud(points[kept], normals[kept], cloud.colours[kept], cloud.confidence[kept])


def supported(cloud: Cloud, reach_m: float, share: float) -> Cloud:
    """Points at least `share` as sure as the surest fifth of those within `reach_m`.

    Webs between leaves and fringes around them hang on few photographs beside a surface that many agree on; a leaf
    deep inside a head hangs on few as well, but so does all that is near it.
    """
    if len(cloud) == 0:
        return cloud
    found = cubes(cloud.points_m, reach_m)
    usual = np.zeros(len(cloud))
    _surest(cloud.points_m, cloud.confidence.astype(float), reach_m, found.parts, usual)
    return cloud.chosen(cloud.confidence >= share * usual)


def thinned(cloud: Cloud, spacing_m: float) -> NDArray[np.int64]:
    """Indices of points no two of which are nearer than `spacing_m`, the surest first; every other is near one."""
    if len(cloud) == 0:
        return np.zeros(0, np.int64)
    found = cubes(cloud.points_m, spacing_m)
    order = np.argsort(-cloud.confidence, kind="stable")
    return np.flatnonzero(_throw(cloud.points_m, order, spacing_m, found.parts))


@numba.njit(cache=True, parallel=True)
def _project(points_m, normals, weight, reach_m, parts, out_points, out_normals, count):  # type: ignore[no-untyped-def]
    order, keys, starts, origin_m, size_m = parts
    for i in numba.prange(points_m.shape[0]):
        found = np.empty(_MOST, np.int64)
        here, n = points_m[i], normals[i]
        total = near(here, reach_m, points_m, order, keys, starts, origin_m, size_m, found)
        mean = np.zeros(3)
        spread = np.zeros((3, 3))
        turned = np.zeros(3)
        weights = used = 0.0
        for k in range(total):
            j = found[k]
            cosine = normals[j, 0] * n[0] + normals[j, 1] * n[1] + normals[j, 2] * n[2]
            if abs(cosine) < 0.6:
                continue
            d = points_m[j] - here
            w = weight[j] * np.exp(-4.5 * (d @ d) / (reach_m * reach_m)) * cosine * cosine
            weights += w
            used += 1
            for a in range(3):
                mean[a] += w * d[a]
                turned[a] += w * np.sign(cosine) * normals[j, a]
                for b in range(3):
                    spread[a, b] += w * d[a] * d[b]
        count[i] = int(used)
        out_points[i], out_normals[i] = here, n
        if used < 4:
            continue
        mean /= weights
        spread = spread / weights - np.outer(mean, mean)
        values, vectors = np.linalg.eigh(spread)
        plane = vectors[:, 0].copy()
        # Where few neighbours make a line rather than a plane, the normals of the depth maps know better.
        if values[1] < 4 * values[0] + 1e-18:
            plane = turned
        plane = plane / (np.sqrt(plane @ plane) + 1e-18)
        if plane @ n < 0:
            plane = -plane
        out_normals[i] = plane
        out_points[i] = here + plane * (mean @ plane)


@numba.njit(cache=True, parallel=True)
def _surest(points_m, confidence, reach_m, parts, usual):  # type: ignore[no-untyped-def]
    """The confidence that four fifths of the points around each do not exceed."""
    order, keys, starts, origin_m, size_m = parts
    for i in numba.prange(points_m.shape[0]):
        found = np.empty(4 * _MOST, np.int64)
        total = near(points_m[i], reach_m, points_m, order, keys, starts, origin_m, size_m, found)
        around = np.empty(total)
        for k in range(total):
            around[k] = confidence[found[k]]
        usual[i] = np.sort(around)[int(0.8 * (total - 1))]


@numba.njit(cache=True)
def _throw(points_m, order, spacing_m, parts):  # type: ignore[no-untyped-def]
    sorted_points, keys, starts, origin_m, size_m = parts
    taken = np.zeros(points_m.shape[0], np.bool_)
    covered = np.zeros(points_m.shape[0], np.bool_)
    found = np.empty(4096, np.int64)
    for i in order:
        if covered[i]:
            continue
        taken[i] = True
        total = near(points_m[i], spacing_m, points_m, sorted_points, keys, starts, origin_m, size_m, found)
        for k in range(total):
            covered[found[k]] = True
    return taken
