"""What the depth maps of other photographs propose for each pixel of one, compiled for the CPU.

PatchMatch finds depth one photograph at a time, and where few of its partners see a place it is often wrong. Another
photograph may look at the same place squarely and know it. So each map is carried over into the others, and where two
differ, the plane that matches better wins, with some favour for planes on which several maps agree.

Source: Xu and Tao, Multi-Scale Geometric Consistency Guided Multi-View Stereo (2019), for the idea of a second stage in
which maps judge each other; the carrying over of planes is ours.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from reconstruction.levels import Level, Planes, motions
from reconstruction.model import Model
from reconstruction.patch_cost import NO_MATCH, SAMPLES, patch_around, two_best_of

#: A plane that matches worse in its own photograph proposes nothing (127 is no likeness).
_WORST = 76
#: Two depths are the same place when they differ by less than this share.
_SAME = np.float32(0.004)
#: What each map that agrees with a plane takes off its cost, and how many count.
_FAVOUR, _MOST = np.float32(0.04), 4
#: A plane that so many others share stays without a look.
_ENOUGH = 3


def reconcile(
    model: Model, level: Level, view: int, others: list[int], planes: Planes, half: bool
) -> NDArray[np.bool_]:
    """A view's planes against what the maps of others propose; `planes` is bettered in place.

    With `half` only one colour of the chessboard is looked at.

    Returns: Where another plane won, shape (h, w).
    """
    p, shape = level.pinhole, level.depth_m.shape[1:]
    lens = np.float32(p.focal_px), np.float32(p.cx_px - 0.5), np.float32(p.cy_px - 0.5)
    turns, shifts = motions(model, view, others)
    back_turns = np.ascontiguousarray(turns.transpose(0, 2, 1))
    back_shifts = -np.einsum("kij,kj->ki", back_turns, shifts)
    proposers = np.array(others)
    nearest, origin = np.zeros((len(others), *shape), np.float32), np.zeros((len(others), *shape), np.int32)
    _carry_over(level.depth_m, level.cost, proposers, back_turns, back_shifts, *lens, nearest, origin)
    changed = np.zeros(shape, np.bool_)
    wanted = (planes[0] > 0) & ~level.flat[view]
    if half:
        wanted &= np.add.outer(np.arange(shape[0]), np.arange(shape[1])) % 2 == 0
    sources, size = level.grey[others].reshape(-1), np.array(level.grey.shape[1:])
    _settle(
        level.grey[view], sources, size, level.zoom, turns, shifts, back_turns, back_shifts, *lens, *planes, wanted,
        level.depth_m, level.normal, proposers, nearest, origin, changed,
    )  # fmt: skip
    return changed


@numba.njit(cache=True, fastmath=True, error_model="numpy", parallel=True)
def _carry_over(depth, cost, others, turns, shifts, focal, cx, cy, nearest, origin):  # type: ignore[no-untyped-def]
    """The maps of other views as one view sees them.

    Args:
        depth, cost: All maps, shapes (v, h, w), float32 and uint8.
        others: Which of them to carry over, shape (k,).
        turns, shifts: From each other camera to the view's, shapes (k, 3, 3) and (k, 3), float32.
        focal, cx, cy: One pinhole for all, by array index.
        nearest: Filled in: depth in the view, 0 where nothing falls, shape (k, h, w), float32.
        origin: Filled in: the pixel of the other view, row by row, shape (k, h, w), int32.
    """
    height, width = depth.shape[1], depth.shape[2]
    for k in numba.prange(others.size):
        other = others[k]
        for y in range(height):
            for x in range(width):
                d = depth[other, y, x]
                if d <= 0 or cost[other, y, x] > _WORST:
                    continue
                a, b = d * (np.float32(x) - cx) / focal, d * (np.float32(y) - cy) / focal
                z = turns[k, 2, 0] * a + turns[k, 2, 1] * b + turns[k, 2, 2] * d + shifts[k, 2]
                if z <= np.float32(1e-6):
                    continue
                u = focal * (turns[k, 0, 0] * a + turns[k, 0, 1] * b + turns[k, 0, 2] * d + shifts[k, 0]) / z + cx
                v = focal * (turns[k, 1, 0] * a + turns[k, 1, 1] * b + turns[k, 1, 2] * d + shifts[k, 1]) / z + cy
                if not (u >= 0 and v >= 0 and u < width - 1 and v < height - 1):
                    continue
                for corner in range(4):
                    iu, iv = int(u) + corner % 2, int(v) + corner // 2
                    if nearest[k, iv, iu] == 0 or z < nearest[k, iv, iu]:
                        nearest[k, iv, iu] = z
                        origin[k, iv, iu] = y * width + x


@numba.njit(cache=True, fastmath=True, error_model="numpy", parallel=True)
def _settle(  # type: ignore[no-untyped-def]
    reference, sources, size, zoom, turns, shifts, back_turns, back_shifts, focal, cx, cy, depth, normal, cost, wanted,
    all_depth, all_normal, others, nearest, origin, changed,
):  # fmt: skip
    """Each pixel's plane against those that other views propose; the better one stays.

    Args:
        reference, sources, size, zoom, turns, shifts, focal, cx, cy, depth, normal, cost, wanted: As in
            `patchmatch.sweep`.
        back_turns, back_shifts: From each source's camera to the reference's.
        all_depth, all_normal: All maps, (v, h, w) and (v, h, w, 3), int8.
        others, nearest, origin: As in `_carry_over`.
        changed: Set where another plane won, shape (h, w), bool.
    """
    height, width = depth.shape
    fine_focal, fine_cx, fine_cy = focal * np.float32(zoom), cx * np.float32(zoom), cy * np.float32(zoom)
    count = others.size
    for y in numba.prange(height):
        weights = np.empty(SAMPLES, np.float32)
        patch = np.empty(SAMPLES, np.float32)
        planes = np.empty((count + 1, 4), np.float32)
        votes = np.empty(count + 1, np.int64)
        for x in range(width):
            if not wanted[y, x]:
                continue
            rx, ry = (np.float32(x) - cx) / focal, (np.float32(y) - cy) / focal
            planes[0, 0], planes[0, 1] = depth[y, x], normal[y, x, 0]
            planes[0, 2], planes[0, 3] = normal[y, x, 1], normal[y, x, 2]
            votes[0] = 0
            found = 1
            for k in range(count):
                if nearest[k, y, x] <= 0:
                    continue
                # Seen from the same place, a depth that is the present one's needs no second look.
                if abs(nearest[k, y, x] - planes[0, 0]) < _SAME * planes[0, 0]:
                    votes[0] += 1
                    continue
                pixel = origin[k, y, x]
                v, u = pixel // width, pixel % width
                d = all_depth[others[k], v, u]
                a, b = d * (np.float32(u) - cx) / focal, d * (np.float32(v) - cy) / focal
                m0, m1 = (
                    all_normal[others[k], v, u, 0] / np.float32(127),
                    all_normal[others[k], v, u, 1] / np.float32(127),
                )
                m2 = all_normal[others[k], v, u, 2] / np.float32(127)
                T = back_turns
                nx = T[k, 0, 0] * m0 + T[k, 0, 1] * m1 + T[k, 0, 2] * m2
                ny = T[k, 1, 0] * m0 + T[k, 1, 1] * m1 + T[k, 1, 2] * m2
                nz = T[k, 2, 0] * m0 + T[k, 2, 1] * m1 + T[k, 2, 2] * m2
                slope = nx * rx + ny * ry + nz
                if slope > np.float32(-0.08):
                    continue
                px = T[k, 0, 0] * a + T[k, 0, 1] * b + T[k, 0, 2] * d + back_shifts[k, 0]
                py = T[k, 1, 0] * a + T[k, 1, 1] * b + T[k, 1, 2] * d + back_shifts[k, 1]
                pz = T[k, 2, 0] * a + T[k, 2, 1] * b + T[k, 2, 2] * d + back_shifts[k, 2]
                there = (nx * px + ny * py + nz * pz) / slope
                if abs(there - nearest[k, y, x]) > np.float32(0.02) * there:
                    continue
                same = -1
                for j in range(found):
                    if abs(planes[j, 0] - there) < _SAME * there:
                        same = j
                        break
                if same >= 0:
                    votes[same] += 1
                else:
                    planes[found, 0], planes[found, 1], planes[found, 2], planes[found, 3] = there, nx, ny, nz
                    votes[found] = 1
                    found += 1
            if found == 1 or votes[0] >= _ENOUGH:
                continue
            mean, variance = patch_around(reference, x * zoom, y * zoom, patch, weights)
            best, winner, its_cost = np.float32(1e9), 0, cost[y, x]
            for j in range(found):
                c = two_best_of(
                    sources, size, turns, shifts, fine_focal, fine_cx, fine_cy, x * zoom, y * zoom, patch, weights,
                    mean, variance, planes[j, 0], planes[j, 1], planes[j, 2], planes[j, 3],
                )  # fmt: skip
                score = c - _FAVOUR * np.float32(min(votes[j], _MOST))
                if score < best:
                    best, winner, its_cost = score, j, c
            cost[y, x] = min(its_cost, np.float32(NO_MATCH))
            if winner > 0:
                changed[y, x] = True
                depth[y, x] = planes[winner, 0]
                normal[y, x, 0], normal[y, x, 1], normal[y, x, 2] = (
                    planes[winner, 1],
                    planes[winner, 2],
                    planes[winner, 3],
                )
