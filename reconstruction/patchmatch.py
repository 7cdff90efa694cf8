"""Depth and slope of every pixel by PatchMatch over slanted planes, compiled for the CPU.

Each pixel carries a plane. Good planes spread to neighbours, and each is tried with small random changes. A plane is
judged by how well the patch around the pixel, carried over by the plane's homography, matches in the best two of the
other photographs: one minus a correlation weighted by likeness to the middle pixel, so that a patch does not reach over
a leaf's edge.

Source: Bleyer, Rhemann, Rother, PatchMatch Stereo (2011), for slanted windows; Schoenberger et al., Pixelwise View
Selection for Unstructured Multi-View Stereo (2016), for the weighted correlation; Xu and Tao, Multi-Scale Geometric
Consistency Guided Multi-View Stereo (2019), for the chessboard order.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

#: A patch reaches so many samples to each side, `STEP` pixels apart.
REACH, STEP = 2, 2
_SIDE = 2 * REACH + 1
_SAMPLES = _SIDE * _SIDE
#: Where each sample of a patch lies, in steps from the middle, row by row.
_DOWN, _ACROSS = np.mgrid[-REACH : REACH + 1, -REACH : REACH + 1].reshape(2, -1).astype(np.float32)
#: Grey levels (0 to 1) and pixels at which a sample's weight has fallen to 60 %.
_LIKE, _NEAR = np.float32(0.06), np.float32(REACH * STEP * 0.75)
#: Variance of grey that noise alone makes; a patch with less texture than this matches nothing well.
_NOISE = np.float32(1.5e-5)
FAR_AND_NEAR, ONLY_NEAR, ONLY_JUDGE = 0, 4, 11
#: Cost of a patch that leaves the photograph or has no texture.
NO_MATCH = 2.0

Float = NDArray[np.float32]

_jit = numba.njit(cache=True, fastmath=True, error_model="numpy")


@numba.njit(cache=True, fastmath=True, error_model="numpy", parallel=True)
def sweep(  # type: ignore[no-untyped-def]
    reference,
    sources,
    size,
    turns,
    shifts,
    focal,
    cx,
    cy,
    depth,
    normal,
    cost,
    wanted,
    colour,
    all_sources,
    spread,
    hints,
    seed,
):
    """One pass over the pixels of one colour of the chessboard; planes and costs are bettered in place.

    Args:
        reference: Grey, 0 to 1, shape (h, w), float32.
        sources: The others likewise, one after the other, shape (s * h * w,); `size` is (h, w).
        turns, shifts: From the reference camera to each source's, shapes (s, 3, 3) and (s, 3), float32.
        focal, cx, cy: One pinhole for all, pixels; `cx`, `cy` by array index (COLMAP's less a half).
        depth, normal, cost: The planes, shapes (h, w), (h, w, 3), (h, w); normals point to the camera.
        wanted: Where to look, shape (h, w), bool.
        colour: 0 or 1.
        all_sources: Judge every candidate by all sources, not only by the two that suit the present plane.
        spread: Size of random changes: share of the depth; slopes change by five times as much.
        hints: `FAR_AND_NEAR` asks neighbours five pixels and one pixel away, `ONLY_NEAR` only the latter;
            `ONLY_JUDGE` tries nothing and fills in the cost of the planes as they are.
        seed: Of the random changes.
    """
    height, width = reference.shape
    for y in numba.prange(height):
        weights = np.empty(_SAMPLES, np.float32)
        patch = np.empty(_SAMPLES, np.float32)
        order = np.empty(shifts.shape[0], np.int64)
        costs = np.empty(shifts.shape[0], np.float32)
        trial = np.empty(4, np.float32)
        state = np.uint32((seed * 747796405 + y * 2891336453 + 1) & 0xFFFFFFFF)
        for x in range((y + colour) % 2, width, 2):
            if not wanted[y, x]:
                continue
            mean, variance = _patch(reference, x, y, patch, weights)
            if variance < 0.3 * _NOISE:
                continue
            _sort_sources(
                reference, sources, size, turns, shifts, focal, cx, cy, x, y, patch, weights, mean, variance,
                depth[y, x], normal[y, x, 0], normal[y, x, 1], normal[y, x, 2], costs, order,
            )  # fmt: skip
            best = _two_best(costs, order)
            rx, ry = (np.float32(x) - cx) / focal, (np.float32(y) - cy) / focal
            for k in range(hints, 11):
                if k < 8:
                    ok = _neighbour(depth, normal, focal, cx, cy, x, y, k, rx, ry, trial)
                else:
                    state = _change(
                        state, k, depth[y, x], normal[y, x, 0], normal[y, x, 1], normal[y, x, 2], rx, ry, spread, trial
                    )
                    ok = trial[0] > 0
                if not ok:
                    continue
                found = _judge(
                    sources, size, turns, shifts, focal, cx, cy, x, y, patch, weights, mean, variance,
                    trial[0], trial[1], trial[2], trial[3], order, all_sources, best, costs,
                )  # fmt: skip
                if found < best:
                    best = found
                    depth[y, x] = trial[0]
                    normal[y, x, 0], normal[y, x, 1], normal[y, x, 2] = trial[1], trial[2], trial[3]
            cost[y, x] = best


@_jit
def _patch(image, x, y, patch, weights):  # type: ignore[no-untyped-def]
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
            unlike = (value - middle) / _LIKE
            far2 = np.float32((i * i + j * j) * (STEP * STEP)) / (_NEAR * _NEAR)
            weight = math.exp(np.float32(-0.5) * (unlike * unlike + far2))
            patch[k], weights[k] = value, weight
            total += weight
            mean += weight * value
            square += weight * value * value
            k += 1
    for k in range(_SAMPLES):
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
    for k in range(_SAMPLES):
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
    return one - covariance / math.sqrt((variance + _NOISE) * (max(other, np.float32(0)) + _NOISE))


@_jit
def _sort_sources(  # type: ignore[no-untyped-def]
    reference,
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
def _two_best(costs, order):  # type: ignore[no-untyped-def]
    if order.size == 1:
        return costs[order[0]]
    return np.float32(0.5) * (costs[order[0]] + costs[order[1]])


@_jit
def _judge(  # type: ignore[no-untyped-def]
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
        if not all_sources and found >= 2 * best:
            return np.float32(NO_MATCH)
    return first if order.size == 1 else np.float32(0.5) * (first + second)


@_jit
def _neighbour(depth, normal, focal, cx, cy, x, y, k, rx, ry, trial):  # type: ignore[no-untyped-def]
    """The plane of a neighbour one or five pixels away, at this pixel's ray; false where there is none."""
    far = 5 if k < 4 else 1
    side = k % 4
    u = x + far * ((side == 0) - (side == 1))
    v = y + far * ((side == 2) - (side == 3))
    if u < 0 or v < 0 or u >= depth.shape[1] or v >= depth.shape[0] or depth[v, u] <= 0:
        return False
    nx, ny, nz = normal[v, u, 0], normal[v, u, 1], normal[v, u, 2]
    slope = nx * rx + ny * ry + nz
    if slope > -0.08:
        return False
    d = depth[v, u] * (nx * (u - cx) / focal + ny * (v - cy) / focal + nz) / slope
    # A plane seen at a slant may run away; it is a neighbour's only while it stays near.
    if not 0.8 * depth[v, u] < d < 1.25 * depth[v, u]:
        return False
    trial[0], trial[1], trial[2], trial[3] = d, nx, ny, nz
    return True


@_jit
def _random(state):  # type: ignore[no-untyped-def]
    """The next state (xorshift) and a number in [-1, 1)."""
    state = np.uint32(state ^ np.uint32(state << np.uint32(13)))
    state = np.uint32(state ^ np.uint32(state >> np.uint32(17)))
    state = np.uint32(state ^ np.uint32(state << np.uint32(5)))
    return state, np.float32(state * 4.656612873e-10 - 1.0)


@_jit
def _change(state, k, d, n0, n1, n2, rx, ry, spread, trial):  # type: ignore[no-untyped-def]
    """A changed plane: its depth (k = 8), its slope (9), or both by less (10); depth 0 where it would face away."""
    size = spread if k < 10 else 0.3 * spread
    trial[0], trial[1], trial[2], trial[3] = d, n0, n1, n2
    if k != 9:
        state, r = _random(state)
        trial[0] = d * (1 + size * r)
    if k != 8:
        turn = min(5 * size, 0.7)
        state, a = _random(state)
        state, b = _random(state)
        state, c = _random(state)
        nx, ny, nz = n0 + turn * a, n1 + turn * b, n2 + turn * c
        length = math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
        trial[1], trial[2], trial[3] = nx / length, ny / length, nz / length
    if trial[1] * rx + trial[2] * ry + trial[3] > -0.08 * math.sqrt(rx * rx + ry * ry + 1):
        trial[0] = 0
    return state
