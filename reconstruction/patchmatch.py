"""Depth and slope of every pixel by PatchMatch over slanted planes, compiled for the CPU.

Each pixel carries a plane. Good planes spread to neighbours, and each is tried with small random changes. A plane is
judged by how well the patch around the pixel matches the other photographs (`reconstruction.patch_cost`).

Source: Bleyer, Rhemann, Rother, PatchMatch Stereo (2011), for slanted windows; Xu and Tao, Multi-Scale Geometric
Consistency Guided Multi-View Stereo (2019), for the chessboard order.
"""

import math

import numba
import numpy as np

from reconstruction.patch_cost import LIKE, NOISE, SAMPLES, judge, patch_around, sort_sources, two_best

FAR_AND_NEAR, ONLY_NEAR, ONLY_JUDGE = 0, 4, 11
#: A neighbour's plane that differs by less (share of depth; cosine) is the same: a few hundredths of a millimetre.
_SAME_DEPTH, _SAME_SLOPE = np.float32(1e-4), np.float32(0.9995)

_jit = numba.njit(cache=True, fastmath=True, error_model="numpy")


@numba.njit(cache=True, fastmath=True, error_model="numpy", parallel=True)
def sweep(  # type: ignore[no-untyped-def]
    reference,
    sources,
    size,
    zoom,
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
    rows,
    all_sources,
    spread,
    hints,
    seed,
):
    """One pass over the pixels of one colour of the chessboard; planes and costs are bettered in place.

    Pixels of one call only read what no pixel of the same call writes, so the order of rows does not matter.

    Args:
        reference: Grey, 0 to 1, `zoom` times as fine as the planes, float32.
        sources: The others likewise, one after the other, flat; `size` is the height and width of each.
        zoom: Pixels of the photographs for one of the planes.
        turns, shifts: From the reference camera to each source's, shapes (s, 3, 3) and (s, 3), float32.
        focal, cx, cy: One pinhole for all, pixels of the planes; `cx`, `cy` by array index (COLMAP's less a half).
        depth, normal, cost: The planes, shapes (h, w), (h, w, 3), (h, w); normals point to the camera.
        wanted: Where to look, shape (h, w), bool.
        colour: 0 or 1.
        rows: -1 for all; 0 or 1 for the even or the odd ones, and then diagonal neighbours are asked, which have the
            same colour, so that the other may be left out altogether.
        all_sources: Judge every candidate by all sources, not only by the two that suit the present plane.
        spread: Size of random changes: share of the depth; slopes change by five times as much.
        hints: `FAR_AND_NEAR` asks neighbours five pixels and one pixel away, `ONLY_NEAR` only the latter;
            `ONLY_JUDGE` tries nothing and fills in the cost of the planes as they are.
        seed: Of the random changes.
    """
    height, width = depth.shape
    step = 1 if rows < 0 else 2
    fine_focal, fine_cx, fine_cy = focal * np.float32(zoom), cx * np.float32(zoom), cy * np.float32(zoom)
    for row in numba.prange((height + step - 1) // step):
        y = row * step + max(rows, 0)
        if y >= height:
            continue
        weights = np.empty(SAMPLES, np.float32)
        patch = np.empty(SAMPLES, np.float32)
        order = np.empty(shifts.shape[0], np.int64)
        costs = np.empty(shifts.shape[0], np.float32)
        trial = np.empty(4, np.float32)
        state = np.uint32((seed * 747796405 + y * 2891336453 + 1) & 0xFFFFFFFF)
        for x in range((y + colour) % 2, width, 2):
            if not wanted[y, x]:
                continue
            mean, variance = patch_around(reference, x * zoom, y * zoom, patch, weights)
            if variance < 0.3 * NOISE:
                continue
            sort_sources(
                sources, size, turns, shifts, fine_focal, fine_cx, fine_cy, x * zoom, y * zoom, patch, weights, mean,
                variance, depth[y, x], normal[y, x, 0], normal[y, x, 1], normal[y, x, 2], costs, order,
            )  # fmt: skip
            best = two_best(costs, order)
            rx, ry = (np.float32(x) - cx) / focal, (np.float32(y) - cy) / focal
            for k in range(hints, 11):
                if k < 8:
                    ok = _neighbour(depth, normal, focal, cx, cy, x, y, k, rows >= 0, rx, ry, trial)
                    ok = ok and (
                        abs(trial[0] - depth[y, x]) > _SAME_DEPTH * depth[y, x]
                        or trial[1] * normal[y, x, 0] + trial[2] * normal[y, x, 1] + trial[3] * normal[y, x, 2]
                        < _SAME_SLOPE
                    )
                else:
                    state = _change(
                        state, k, depth[y, x], normal[y, x, 0], normal[y, x, 1], normal[y, x, 2], rx, ry, spread, trial
                    )
                    ok = trial[0] > 0
                if not ok:
                    continue
                found = judge(
                    sources, size, turns, shifts, fine_focal, fine_cx, fine_cy, x * zoom, y * zoom, patch, weights,
                    mean, variance, trial[0], trial[1], trial[2], trial[3], order, all_sources, best, costs,
                )  # fmt: skip
                if found < best:
                    best = found
                    depth[y, x] = trial[0]
                    normal[y, x, 0], normal[y, x, 1], normal[y, x, 2] = trial[1], trial[2], trial[3]
            cost[y, x] = best


@numba.njit(cache=True, fastmath=True, error_model="numpy", parallel=True)
def fill(grey, zoom, depth, normal, cost, focal, cx, cy, wanted):  # type: ignore[no-untyped-def]
    """Colour 1 of the chessboard from colour 0: each pixel takes the plane of the neighbour most like it in grey."""
    height, width = depth.shape
    for y in numba.prange(height):
        for x in range((y + 1) % 2, width, 2):
            if not wanted[y, x]:
                continue
            least, best_u, best_v = np.float32(1e9), -1, -1
            for side in range(4):
                u, v = x + (side == 0) - (side == 1), y + (side == 2) - (side == 3)
                if u < 0 or v < 0 or u >= width or v >= height or depth[v, u] <= 0:
                    continue
                unlike = abs(grey[v * zoom, u * zoom] - grey[y * zoom, x * zoom]) / LIKE + cost[v, u]
                if unlike < least:
                    least, best_u, best_v = unlike, u, v
            if best_u < 0:
                continue
            nx, ny, nz = normal[best_v, best_u, 0], normal[best_v, best_u, 1], normal[best_v, best_u, 2]
            there = nx * (best_u - cx) / focal + ny * (best_v - cy) / focal + nz
            here = nx * (x - cx) / focal + ny * (y - cy) / focal + nz
            depth[y, x] = depth[best_v, best_u] * (there / here if here < np.float32(-0.05) else np.float32(1))
            normal[y, x, 0], normal[y, x, 1], normal[y, x, 2] = nx, ny, nz
            cost[y, x] = cost[best_v, best_u]


@_jit
def _neighbour(depth, normal, focal, cx, cy, x, y, k, diagonal, rx, ry, trial):  # type: ignore[no-untyped-def]
    """The plane of a neighbour one or five pixels away, at this pixel's ray; false where there is none."""
    far = 5 if k < 4 else 1
    side = k % 4
    if diagonal:
        far = 3 if k < 4 else 1
        u = x + far * (1 - 2 * (side % 2))
        v = y + far * (1 - 2 * (side // 2))
    else:
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
