"""The drive through all views: in which order, and in which of its postures each, so that little time passes.

Cables and joints move together, so a move lasts as long as the slower of the two. The order comes from nearest
neighbour and 2-opt, the postures from dynamic programming along the order; the two take turns.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from scan.cell import Array, Cell, CellPosture
from scan.clearance import Surroundings
from scan.inverse import Postures
from scan.reach import Choice

Indices = NDArray[np.intp]

_ROUNDS = 4
#: What drawing the arm back on the way costs, about, and to how many neighbours of a stop moves are looked at.
_DETOUR_S, _NEAR = 1.5, 12
#: So often are moves that turned out not to be clear avoided.
_LAZY = 40
#: Seconds that a penalty of 1 is worth.
_PENALTY_S = 0.5


def drive(cell: Cell, choices: Sequence[Choice], around: Surroundings) -> tuple[list[int], list[int]]:
    """The order of the views, and for each view (not each stop) which of its postures."""
    picked = [0] * len(choices)
    order: list[int] = []
    best: tuple[float, list[int], list[int]] = (np.inf, [], [])
    for _ in range(_ROUNDS):
        order = _order(cell, choices, picked, order, around)
        picked, seconds = _pick(cell, choices, order, around)
        if seconds < best[0] - 1e-9:
            best = seconds, order, picked
    return best[1], best[2]


def move_s(cell: Cell, start: Postures, goal: Postures) -> Array:
    """Seconds of moves from each of n postures to each of m, from rest to rest, shape (n, m)."""
    pace = cell.pace
    way_m = np.hypot(start.x_m[:, None] - goal.x_m, start.y_m[:, None] - goal.y_m)
    turn_rad = np.abs(start.joints_rad[:, None] - goal.joints_rad).max(axis=-1)
    return np.asarray(np.maximum(_cable_s(cell, way_m), turn_rad / pace.joint_speed_rad_s))


def _cable_s(cell: Cell, way_m: Array) -> Array:
    """Of a jerk-limited move that reaches full speed; of a shorter one as if its acceleration were limited only."""
    speed, acceleration, jerk = cell.pace.speed_m_s, cell.pace.acceleration_m_s2, cell.pace.jerk_m_s3
    ramps_s = speed / acceleration + acceleration / jerk
    full_s = way_m / speed + ramps_s
    short_s = 2 * np.sqrt(way_m / acceleration) + acceleration / jerk
    return np.where(way_m == 0, 0.0, np.where(way_m > speed * speed / acceleration, full_s, short_s))


def one(posture: CellPosture) -> Postures:
    """A single posture as an array of one."""
    return Postures(np.array([posture.x_m]), np.array([posture.y_m]), np.array([posture.joints_rad]))


def _order(
    cell: Cell, choices: Sequence[Choice], picked: Sequence[int], before: list[int], around: Surroundings
) -> list[int]:
    """A quick closed tour from the park through the picked postures."""
    picks = [choice.postures[np.array([i])] for choice, i in zip(choices, picked, strict=True)]
    stops = [one(cell.park), *picks]
    all_stops = Postures(
        np.concatenate([stop.x_m for stop in stops]),
        np.concatenate([stop.y_m for stop in stops]),
        np.concatenate([stop.joints_rad for stop in stops]),
    )
    cost = move_s(cell, all_stops, all_stops)
    cost = cost + np.where(_near_and_clear(cost, all_stops, around), 0.0, _DETOUR_S)
    np.fill_diagonal(cost, 0.0)
    tours = [_improved(cost, _nearest_neighbour(cost))]
    if before:
        tours.append(_improved(cost, np.array([0, *(view + 1 for view in before)], dtype=np.intp)))
    best = min(tours, key=lambda tour: _length(cost, tour))
    return [int(stop) - 1 for stop in best[1:]]


def _near_and_clear(cost: Array, stops: Postures, around: Surroundings) -> NDArray[np.bool_]:
    """Which moves are clear, looked at only between near ones: the others will not be driven."""
    rows = _rows(stops)
    clear = np.zeros(cost.shape, bool)
    for stop, nearest in enumerate(np.argsort(cost, axis=1)[:, 1 : _NEAR + 1]):
        clear[stop, nearest] = around.clear_moves(rows[stop : stop + 1], rows[nearest])[0]
    found: NDArray[np.bool_] = clear | clear.T
    return found


def _rows(postures: Postures) -> Array:
    """As x, y and four joints, shape (n, 6)."""
    return np.column_stack([postures.x_m, postures.y_m, postures.joints_rad])


def _nearest_neighbour(cost: Array) -> Indices:
    tour, left = [0], set(range(1, len(cost)))
    while left:
        tour.append(min(left, key=lambda stop: (cost[tour[-1], stop], stop)))
        left.remove(tour[-1])
    return np.array(tour, dtype=np.intp)


def _improved(cost: Array, tour: Indices) -> Indices:
    """Turn stretches of a closed tour round (2-opt) and move single stops elsewhere, while that makes it shorter."""
    while True:
        shorter = min((_turned(cost, tour), _moved(cost, tour)), key=lambda found: _length(cost, found))
        if _length(cost, shorter) > _length(cost, tour) - 1e-9:
            return tour
        tour = shorter


def _turned(cost: Array, tour: Indices) -> Indices:
    """The tour with the stretch turned round whose turning gains most."""
    here, after = tour, np.roll(tour, -1)
    step = cost[here, after]
    # Turning positions i + 1 .. j round replaces the steps i -> i + 1 and j -> j + 1.
    gain = step[:, None] + step - cost[np.ix_(here, here)] - cost[np.ix_(after, after)]
    gain[np.tril_indices(len(tour))] = -np.inf
    i, j = np.unravel_index(int(gain.argmax()), gain.shape)
    return np.concatenate([tour[: i + 1], tour[i + 1 : j + 1][::-1], tour[j + 1 :]])


def _moved(cost: Array, tour: Indices) -> Indices:
    """The tour with the one stop elsewhere whose moving gains most; the park stays first."""
    before, after = np.roll(tour, 1), np.roll(tour, -1)
    freed = cost[before, tour] + cost[tour, after] - cost[before, after]
    # Putting stop k between positions i and i + 1.
    needed = cost[np.ix_(tour, tour)] + cost[np.ix_(tour, after)] - cost[tour, after]
    gain = freed[:, None] - needed
    places = np.arange(len(tour))
    gain[places, places] = gain[places, places - 1] = -np.inf
    gain[0] = -np.inf
    k, i = np.unravel_index(int(gain.argmax()), gain.shape)
    at = int(i) + 1 if i < k else int(i)
    return np.insert(np.delete(tour, k), at, tour[k])


def _length(cost: Array, tour: Indices) -> float:
    return float(cost[tour, np.roll(tour, -1)].sum())


def _pick(cell: Cell, choices: Sequence[Choice], order: Sequence[int], around: Surroundings) -> tuple[list[int], float]:
    """The posture of each view with which the drive in this order, from park to park, is quickest, and its seconds.

    Which moves are clear is looked at only for those that would be driven; one that is not gets the price of a detour,
    and the search is made again (lazy shortest path).
    """
    park = one(cell.park)
    stages = [choices[view] for view in order]
    first = move_s(cell, park, stages[0].postures)[0] + _PENALTY_S * stages[0].penalties
    last = move_s(cell, stages[-1].postures, park)[:, 0]
    costs = [
        move_s(cell, before.postures, stage.postures) + _PENALTY_S * stage.penalties
        for before, stage in pairwise(stages)
    ]
    rows = [_rows(stage.postures) for stage in stages]
    known = [np.zeros(cost.shape, bool) for cost in costs]
    for _ in range(_LAZY):
        picks, seconds = _cheapest(first, costs, last)
        news = False
        for place, (i, j) in enumerate(pairwise(picks)):
            if not known[place][i, j]:
                known[place][i, j] = True
                if not around.clear_moves(rows[place][i : i + 1], rows[place + 1][j : j + 1])[0, 0]:
                    costs[place][i, j] += _DETOUR_S
                    news = True
        if not news:
            break
    picks, seconds = _cheapest(first, costs, last)
    picked = [0] * len(choices)
    for place, pick in enumerate(picks):
        picked[order[place]] = pick
    return picked, seconds


def _cheapest(first: Array, costs: Sequence[Array], last: Array) -> tuple[list[int], float]:
    """The cheapest way through stages, by dynamic programming: which of each stage, and the cost."""
    spent, came_from = first, []
    for cost in costs:
        total = spent[:, None] + cost
        came_from.append(total.argmin(axis=0))
        spent = total.min(axis=0)
    best = int((spent + last).argmin())
    picks, seconds = [best], float((spent + last)[best])
    for before in reversed(came_from):
        picks.append(int(before[picks[-1]]))
    return picks[::-1], seconds
