"""The quickest drive through one posture of every view, compiled: order and postures are searched together.

A travelling salesman whose cities are sets (views) of places (postures). A view is put where, and in the posture in
which, it costs least; large neighbourhoods are searched: some views are taken out of the tour and put back one by one,
stretches are turned round (2-opt), and postures are chosen anew along the order by dynamic programming. Whether a move
is clear of everything is asked only of tours that would be taken, and remembered.

`rows`: postures x, y, four joints, shape (n, 6). `first`: where each view's postures begin in them, shape (views + 1,).
`pace`: speed, acceleration, jerk of the carriage along a line, speed of the joints, what a detour costs, and the least
that a move of the carriage takes.
Source of the large neighbourhood search: Pisinger & Ropke, Large Neighborhood Search, in: Handbook of Metaheuristics.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from scan.gaps_kernel import move_is_clear

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

UNKNOWN, CLEAR, BLOCKED = 0, 1, 2
_jit = numba.njit(cache=True, fastmath=False)


@_jit  # type: ignore[untyped-decorator]
def carriage_s(pace: Array, way: float) -> float:
    """Of a jerk-limited move that reaches full speed; of a shorter one as if its acceleration were limited only."""
    speed, acceleration, jerk = pace[0], pace[1], pace[2]
    if way < 0.0005:
        return 0.0
    if way > speed * speed / acceleration:
        return float(max(way / speed + speed / acceleration + acceleration / jerk, pace[5]))
    return float(max(2 * math.sqrt(way / acceleration) + acceleration / jerk, pace[5]))


@_jit  # type: ignore[untyped-decorator]
def step_s(rows: Array, pace: Array, known: NDArray[np.int8], i: int, j: int) -> float:
    """Seconds from posture i to j, a detour included where the straight move is known not to be clear."""
    dx, dy = rows[i, 0] - rows[j, 0], rows[i, 1] - rows[j, 1]
    turn = 0.0
    for k in range(2, 6):
        turn = max(turn, abs(rows[i, k] - rows[j, k]))
    time = max(carriage_s(pace, math.sqrt(dx * dx + dy * dy)), turn / pace[3])
    if known[i, j] == BLOCKED:
        time += pace[4]
    return float(time)


@_jit  # type: ignore[untyped-decorator]
def tour_s(
    tour: Indices, rows: Array, begin: Array, end: Array, penalty: Array, pace: Array, known: NDArray[np.int8]
) -> float:
    """Seconds of a tour of postures, `begin` and `end` being what each costs as the first and as the last."""
    total = begin[tour[0]] + end[tour[-1]] + penalty[tour[0]]
    for k in range(1, len(tour)):
        total += step_s(rows, pace, known, tour[k - 1], tour[k]) + penalty[tour[k]]
    return float(total)


@_jit  # type: ignore[untyped-decorator]
def _put(
    view: int,
    tour: Indices,
    count: int,
    first: Indices,
    rows: Array,
    begin: Array,
    end: Array,
    penalty: Array,
    pace: Array,
    known: NDArray[np.int8],
) -> None:
    """Put a view into a tour of `count` postures where it costs least; the array has room for it."""
    best, at, which = math.inf, 0, first[view]
    for gap in range(count + 1):
        old = 0.0
        if 0 < gap < count:
            old = step_s(rows, pace, known, tour[gap - 1], tour[gap])
        elif count > 0:
            old = begin[tour[0]] if gap == 0 else end[tour[count - 1]]
        for c in range(first[view], first[view + 1]):
            cost = penalty[c] - old
            if cost >= best:
                continue
            cost += begin[c] if gap == 0 else step_s(rows, pace, known, tour[gap - 1], c)
            if cost >= best:
                continue
            cost += end[c] if gap == count else step_s(rows, pace, known, c, tour[gap])
            if cost < best:
                best, at, which = cost, gap, c
    for k in range(count, at, -1):
        tour[k] = tour[k - 1]
    tour[at] = which


@_jit  # type: ignore[untyped-decorator]
def _turned(tour: Indices, rows: Array, begin: Array, end: Array, pace: Array, known: NDArray[np.int8]) -> None:
    """Turn stretches round while that gains, in place."""
    n = len(tour)
    gained = True
    while gained:
        gained = False
        for i in range(n - 1):
            before = begin[tour[i]] if i == 0 else step_s(rows, pace, known, tour[i - 1], tour[i])
            for j in range(i + 1, n):
                after = end[tour[j]] if j == n - 1 else step_s(rows, pace, known, tour[j], tour[j + 1])
                new = begin[tour[j]] if i == 0 else step_s(rows, pace, known, tour[i - 1], tour[j])
                new += end[tour[i]] if j == n - 1 else step_s(rows, pace, known, tour[i], tour[j + 1])
                if new < before + after - 1e-9:
                    a, b = i, j
                    while a < b:
                        tour[a], tour[b] = tour[b], tour[a]
                        a, b = a + 1, b - 1
                    gained = True
                    before = begin[tour[i]] if i == 0 else step_s(rows, pace, known, tour[i - 1], tour[i])


@_jit  # type: ignore[untyped-decorator]
def _chosen_anew(
    tour: Indices,
    view_of: Indices,
    first: Indices,
    rows: Array,
    begin: Array,
    end: Array,
    penalty: Array,
    pace: Array,
    known: NDArray[np.int8],
) -> None:
    """The postures with which the tour's order is quickest, by dynamic programming, in place."""
    n = len(tour)
    spent, came = np.empty(len(rows)), np.zeros(len(rows), np.int64)
    view = view_of[tour[0]]
    for c in range(first[view], first[view + 1]):
        spent[c] = begin[c] + penalty[c]
    for k in range(1, n):
        before, view = view_of[tour[k - 1]], view_of[tour[k]]
        for c in range(first[view], first[view + 1]):
            best, which = math.inf, 0
            for b in range(first[before], first[before + 1]):
                if spent[b] < best:
                    cost = spent[b] + step_s(rows, pace, known, b, c)
                    if cost < best:
                        best, which = cost, b
            spent[c], came[c] = best + penalty[c], which
    view = view_of[tour[n - 1]]
    best, which = math.inf, first[view]
    for c in range(first[view], first[view + 1]):
        if spent[c] + end[c] < best:
            best, which = spent[c] + end[c], c
    for k in range(n - 1, -1, -1):
        tour[k] = which
        which = came[which]


@_jit  # type: ignore[untyped-decorator]
def _looked_at(  # type: ignore[no-untyped-def]
    tour: Indices, rows: Array, known: NDArray[np.int8], scene, shares: int, clearance: float, own_gap: float
) -> bool:
    """Whether looking at the moves of a tour that nobody looked at yet found one that is not clear."""
    news = False
    for k in range(1, len(tour)):
        i, j = tour[k - 1], tour[k]
        if known[i, j] == UNKNOWN:
            clear = move_is_clear(scene[0], scene[1], scene[2], scene[3], scene[4], scene[5], scene[6], scene[7],
                                  rows[i], rows[j], shares, clearance, own_gap)  # fmt: skip
            known[i, j] = known[j, i] = CLEAR if clear else BLOCKED
            news = news or not clear
    return news


@_jit  # type: ignore[untyped-decorator]
def search(  # type: ignore[no-untyped-def]
    first: Indices,
    rows: Array,
    begin: Array,
    end: Array,
    penalty: Array,
    near: Indices,
    pace: Array,
    scene,
    shares: int,
    clearance: float,
    own_gap: float,
    rounds: int,
    seed: int,
) -> tuple[Indices, float]:
    """The best tour found in so many rounds, and its seconds.

    `near`: for each view the others, the nearest by direction first, shape (views, views - 1).
    """
    np.random.seed(seed)
    views = len(first) - 1
    known = np.zeros((len(rows), len(rows)), np.int8)
    view_of = np.zeros(len(rows), np.int64)
    for view in range(views):
        view_of[first[view] : first[view + 1]] = view
    tour = np.zeros(views, np.int64)
    shuffled = np.random.permutation(views)
    for count in range(views):
        _put(shuffled[count], tour, count, first, rows, begin, end, penalty, pace, known)
    _turned(tour, rows, begin, end, pace, known)
    for _ in range(20):
        _chosen_anew(tour, view_of, first, rows, begin, end, penalty, pace, known)
        if not _looked_at(tour, rows, known, scene, shares, clearance, own_gap):
            break
    now = tour_s(tour, rows, begin, end, penalty, pace, known)
    best, best_s = tour.copy(), now
    out = np.zeros(views, np.bool_)
    for number in range(rounds):
        heat = 0.25 * (1.0 - number / rounds)
        trial = _without_some(tour, view_of, near, out)
        taken = np.flatnonzero(out)
        count = views - len(taken)
        np.random.shuffle(taken)
        for index in range(len(taken)):
            _put(taken[index], trial, count, first, rows, begin, end, penalty, pace, known)
            count += 1
        _turned(trial, rows, begin, end, pace, known)
        limit = now - heat * math.log(1.0 - np.random.random())
        if tour_s(trial, rows, begin, end, penalty, pace, known) > limit:
            continue
        if number % 4 == 0:
            _chosen_anew(trial, view_of, first, rows, begin, end, penalty, pace, known)
        _looked_at(trial, rows, known, scene, shares, clearance, own_gap)
        cost = tour_s(trial, rows, begin, end, penalty, pace, known)
        if cost > limit:
            continue
        tour, now = trial, cost
        if now < best_s - 1e-9:
            best, best_s = tour.copy(), now
    for _ in range(20):
        _chosen_anew(best, view_of, first, rows, begin, end, penalty, pace, known)
        if not _looked_at(best, rows, known, scene, shares, clearance, own_gap):
            break
    return best, tour_s(best, rows, begin, end, penalty, pace, known)


@_jit  # type: ignore[untyped-decorator]
def _without_some(tour: Indices, view_of: Indices, near: Indices, out: NDArray[np.bool_]) -> Indices:
    """The tour without a stretch of it, or without views that look from nearby; `out` says which are missing."""
    views = len(tour)
    out[:] = False
    size = min(3 + int(np.random.random() * 8), views - 1)
    if np.random.random() < 0.4:
        at = int(np.random.random() * (views - size + 1))
        for k in range(at, at + size):
            out[view_of[tour[k]]] = True
    else:
        centre = int(np.random.random() * views)
        out[centre] = True
        taken = 1
        for view in near[centre]:
            if taken >= size:
                break
            if np.random.random() < 0.7:
                out[view] = True
                taken += 1
    left = np.zeros(views, np.int64)
    count = 0
    for k in range(views):
        if not out[view_of[tour[k]]]:
            left[count] = tour[k]
            count += 1
    return left
