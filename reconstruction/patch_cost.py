"""How well the patch around a pixel matches the other photographs by a plane, compiled for the CPU.

One minus a correlation weighted by likeness to the middle pixel, so that a patch does not reach over a leaf's edge, in
the two photographs that match best. Where a place is seen by only one other photograph, that one decides.

Source: Schoenberger et al., Pixelwise View Selection for Unstructured Multi-View Stereo (2016), for the weighted
correlation.
"""

import math

import numba
import numpy as np

#: A patch reaches so many samples to each side, `STEP` pixels apart.
REACH, STEP = 2, 2
_SIDE = 2 * REACH + 1
SAMPLES = _SIDE * _SIDE
#: Where each sample of a patch lies, in steps from the middle, row by row.
_DOWN, _ACROSS = np.mgrid[-REACH : REACH + 1, -REACH : REACH + 1].reshape(2, -1).astype(np.float32)
#: Grey levels (0 to 1) and pixels at which a sample's weight has fallen to 60 %.
LIKE, _NEAR = np.float32(0.06), np.float32(REACH * STEP * 0.75)
#: Variance of grey that noise alone makes; a patch with less texture than this matches nothing well.
NOISE = np.float32(1.5e-5)
#: A second source that matches worse than this does not see the place at all.
_UNSEEN = np.float32(0.2)
#: Cost of a patch that leaves the photograph or has no texture.
NO_MATCH = 2.0

_jit = numba.njit(cache=True, fastmath=True, error_model="numpy")


@_jit
def patch_around(image, x, y, patch, weights):  # type: ignore[no-untyped-def]
    """Samples around a pixel, their weights (sum 1), weighted mean and variance."""
    height, width = image.shape
    middle = image[y, x]
    total = mean = square = np.float32(0)
    k = 0
    for j in range(-REACH, REACH + 1):
        v = min(max(y + j * STEP, 0), height - 1)
        for i in range(-REACH, REACH + 1):
            u = min(max(x + i * STEP, 0), width - 1)
            value = image[v, u]
            unlike = (value - middle) / LIKE
            far2 = np.float32((i * i + j * j) * (STEP * STEP)) / (_NEAR * _NEAR)
            weight = math.exp(np.float32(-0.5) * (unlike * unlike + far2))
            patch[k], weights[k] = value, weight
            total += weight
            mean += weight * value
            square += weight * value * value
            k += 1
    for k in range(SAMPLES):
        weights[k] /= total
    mean /= total
    return mean, square / total - mean * mean


@_jit
def _match(sources, size, turns, shifts, focal, cx, cy, x, y, patch, weights, mean, variance, d, nx, ny, nz, s):  # type: ignore[no-untyped-def]
    """One minus the weighted correlation of the patch with its image in source `s` by the plane's homography."""
    height, width = np.int32(size[0]), np.int32(size[1])
    one = np.float32(1)
    rx, ry = (np.float32(x) - cx) / focal, (np.float32(y) - cy) / focal
    share = one / (d * (nx * rx + ny * ry + nz))
    ax, ay, az = shifts[s, 0] * share, shifts[s, 1] * share, shifts[s, 2] * share
    # Rows of the homography from rays to the source's pixels, (a, b) / c.
    c0, c1, c2 = turns[s, 2, 0] + az * nx, turns[s, 2, 1] + az * ny, turns[s, 2, 2] + az * nz
    a0 = focal * (turns[s, 0, 0] + ax * nx) + cx * c0
    a1 = focal * (turns[s, 0, 1] + ax * ny) + cx * c1
    a2 = focal * (turns[s, 0, 2] + ax * nz) + cx * c2
    b0 = focal * (turns[s, 1, 0] + ay * nx) + cy * c0
    b1 = focal * (turns[s, 1, 1] + ay * ny) + cy * c1
    b2 = focal * (turns[s, 1, 2] + ay * nz) + cy * c2
    # From here on by steps from the middle.
    step = np.float32(STEP) / focal
    a2, b2, c2 = a0 * rx + a1 * ry + a2, b0 * rx + b1 * ry + b2, c0 * rx + c1 * ry + c2
    a0, a1, b0, b1, c0, c1 = a0 * step, a1 * step, b0 * step, b1 * step, c0 * step, c1 * step
    # A homography keeps the patch convex: with its corners inside, all of it is.
    for corner in range(4):
        i = np.float32(REACH if corner % 2 else -REACH)
        j = np.float32(REACH if corner // 2 else -REACH)
        c = c0 * i + c1 * j + c2
        if c <= np.float32(1e-6):
            return np.float32(NO_MATCH)
        u, v = a0 * i + a1 * j + a2, b0 * i + b1 * j + b2
        if not (u >= 0 and v >= 0 and u < (width - 1) * c and v < (height - 1) * c):
            return np.float32(NO_MATCH)
    # Slices would count references, and two threads that count the same one wait for each other.
    first = np.uint32(s * height * width)
    total = square = cross = np.float32(0)
    # One plain loop over flat arrays without branches: the compiler makes it eight or sixteen samples at a time.
    for k in range(SAMPLES):
        scale = one / (c0 * _ACROSS[k] + c1 * _DOWN[k] + c2)
        u = (a0 * _ACROSS[k] + a1 * _DOWN[k] + a2) * scale
        v = (b0 * _ACROSS[k] + b1 * _DOWN[k] + b2) * scale
        iu, iv = np.int32(u), np.int32(v)
        fu, fv = u - np.float32(iu), v - np.float32(iv)
        at = first + np.uint32(iv * width + iu)
        below = at + np.uint32(width)
        top = sources[at] + fu * (sources[at + np.uint32(1)] - sources[at])
        low = sources[below] + fu * (sources[below + np.uint32(1)] - sources[below])
        value = top + fv * (low - top)
        weighted = weights[k] * value
        total += weighted
        square += weighted * value
        cross += weighted * patch[k]
    other = square - total * total
    covariance = cross - total * mean
    return one - covariance / math.sqrt((variance + NOISE) * (max(other, np.float32(0)) + NOISE))


@_jit
def sort_sources(  # type: ignore[no-untyped-def]
    sources,
    size,
    turns,
    shifts,
    focal,
    cx,
    cy,
    x,
    y,
    patch,
    weights,
    mean,
    variance,
    d,
    nx,
    ny,
    nz,
    costs,
    order,
):
    """Cost of a plane in every source, and the sources from the best to the worst."""
    for s in range(shifts.shape[0]):
        costs[s] = _match(
            sources, size, turns, shifts, focal, cx, cy, x, y, patch, weights, mean, variance, d, nx, ny, nz, s
        )
        place = s
        while place > 0 and costs[order[place - 1]] > costs[s]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = s


@_jit
def two_best(costs, order):  # type: ignore[no-untyped-def]
    if order.size == 1:
        return costs[order[0]]
    return _together(costs[order[0]], costs[order[1]])


@_jit
def two_best_of(  # type: ignore[no-untyped-def]
    sources, size, turns, shifts, focal, cx, cy, x, y, patch, weights, mean, variance, d, nx, ny, nz
):  # fmt: skip
    """Cost of a plane by the two sources that suit it best."""
    first = second = np.float32(NO_MATCH)
    for s in range(shifts.shape[0]):
        found = _match(
            sources, size, turns, shifts, focal, cx, cy, x, y, patch, weights, mean, variance, d, nx, ny, nz, s
        )
        if found < first:
            first, second = found, first
        elif found < second:
            second = found
    return _together(first, second)


@_jit
def _together(first, second):  # type: ignore[no-untyped-def]
    """Cost by the best two sources; where only one of them sees the place, the other says little."""
    return np.float32(0.5) * (first + min(second, max(first, _UNSEEN)))


@_jit
def judge(  # type: ignore[no-untyped-def]
    sources, size, turns, shifts, focal, cx, cy, x, y, patch, weights, mean, variance, d, nx, ny, nz, order,
    all_sources, best, costs,
):  # fmt: skip
    """Cost of a candidate by its two best sources, or by the two that suit the present plane; may give up early."""
    first = second = np.float32(NO_MATCH)
    count = order.size if all_sources else min(2, order.size)
    for k in range(count):
        found = _match(
            sources, size, turns, shifts, focal, cx, cy, x, y, patch, weights, mean, variance, d, nx, ny, nz, order[k]
        )
        if found < first:
            first, second = found, first
        elif found < second:
            second = found
        if not all_sources and min(found, _UNSEEN) >= 2 * best:
            return np.float32(NO_MATCH)
    return first if order.size == 1 else _together(first, second)
