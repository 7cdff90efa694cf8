"""The drive through all views of a plant: in which order, and in which of its many postures each.

First among postures drawn from everywhere, then twice among new ones drawn about those of the drive found so far, of
which the ones nearest to their neighbours in the drive are kept. The search itself is `scan.tour_kernel`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scan.candidates import Drawing, Draws, Indices
from scan.cell import Array, Cell, CellPosture
from scan.clearance import OWN_GAP_M, Surroundings, row_of
from scan.order import carriage_s
from scan.tour_kernel import search

#: Of the carriage, x and y in the world.
Place = tuple[float, float]

#: Trials for each view, and how many of its postures take part in a search.
_TRIALS, _KEPT = 350, 48
#: Rounds of the first search and of each further one.
_ROUNDS = (200, 150, 150)
#: Places along a move at which the search looks; whoever drives it looks at more (`scan.route`).
_SHARES = 5
#: What drawing the arm back on the way costs, about, and how many seconds a penalty of 1 is worth.
_DETOUR_S, _PENALTY_S = 1.0, 0.3


@dataclass(frozen=True, eq=False)
class Tour:
    """A drive as it was found.

    Args:
        draws: A posture for each stop, in driving order; `draws.view` says of which wish.
        missing: Wishes for which no clear posture was found.
        seconds: Of the moves, what comes before the first and after the last stop left out.
    """

    draws: Draws
    missing: tuple[int, ...]
    seconds: float


def find_tour(
    cell: Cell,
    drawing: Drawing,
    around: Surroundings,
    start: CellPosture | Place | None = None,
    end_m: Place | None = None,
) -> Tour | None:
    """The quickest drive found, or None where no view can be had.

    Args:
        cell: The cell.
        drawing: Where postures come from.
        around: Everything that stands.
        start: Where the cell or its carriage stands before the first stop; it does not matter without.
        end_m: Where the carriage goes after the last stop; likewise.
    """
    every, lot = _first_lot(drawing)
    if len(lot) == 0:
        return None
    seconds = 0.0
    for number, rounds in enumerate(_ROUNDS):
        lot, seconds = _searched(cell, around, lot, drawing.units, start, end_m, rounds, number)
        if number + 1 < len(_ROUNDS):
            lot = _nearby(cell, drawing, lot, every)
    missing = tuple(sorted(set(range(len(drawing.units))) - set(lot.view.tolist())))
    return Tour(lot, missing, seconds)


def _first_lot(drawing: Drawing) -> tuple[Draws, Draws]:
    """All draws, and some of each view that the arm can unfold to; views that have none are drawn for again, wider."""
    random = np.random.default_rng(0)
    every = drawing.anywhere(_TRIALS)
    lot = every[_some_of_each(drawing, every, random)]
    missing = sorted(set(range(len(drawing.units))) - set(lot.view.tolist()))
    if missing:
        wider = drawing.wider(missing, 4 * _TRIALS)
        every, lot = Draws.joined([every, wider]), Draws.joined([lot, wider[_some_of_each(drawing, wider, random)]])
    return every, lot


def _some_of_each(drawing: Drawing, every: Draws, random: np.random.Generator) -> Indices:
    """Some postures of each view that the arm can unfold to."""
    order = random.permutation(len(every))
    order = order[np.argsort(every.view[order], kind="stable")]
    rank = _rank(every.view[order])
    asked = order[rank < 2 * _KEPT]
    asked = asked[drawing.unfolding(every[asked])]
    return np.asarray(asked[_rank(every.view[asked]) < _KEPT])


def _rank(sorted_views: Indices) -> Indices:
    """Of each entry among those of its view."""
    starts = np.searchsorted(sorted_views, sorted_views, side="left")
    return np.asarray(np.arange(len(sorted_views)) - starts)


def _nearby(cell: Cell, drawing: Drawing, picks: Draws, every: Draws) -> Draws:
    """For each stop of a drive: itself, and the postures of its view from which its neighbours are quickly reached."""
    place = np.full(int(max(every.view.max(), picks.view.max())) + 1, -1)
    place[picks.view] = np.arange(len(picks))
    lot = Draws.joined([every[place[every.view] >= 0], drawing.near(picks, _TRIALS // 2)])
    at = place[lot.view]
    cost = _PENALTY_S * lot.penalties
    for other in (np.maximum(at - 1, 0), np.minimum(at + 1, len(picks) - 1)):
        neighbour = picks.rows[other]
        cost += np.where(other == at, 0.0, _pairwise_s(cell, lot.rows, neighbour))
    order = np.lexsort((cost, lot.view))
    asked = order[_rank(lot.view[order]) < int(1.3 * _KEPT)]
    asked = asked[drawing.unfolding(lot[asked])]
    kept = asked[_rank(lot.view[asked]) < _KEPT - 1]
    return Draws.joined([picks, lot[kept]])


def _searched(
    cell: Cell,
    around: Surroundings,
    lot: Draws,
    units: Array,
    start: CellPosture | Place | None,
    end_m: Place | None,
    rounds: int,
    seed: int,
) -> tuple[Draws, float]:
    """The quickest drive through one posture of each view of a lot, in driving order."""
    lot = lot[np.argsort(lot.view, kind="stable")]
    views, first = np.unique(lot.view, return_index=True)
    first = np.append(first, len(lot)).astype(np.int64)
    alike = units[views] @ units[views].T
    near = np.argsort(-alike, axis=1, kind="stable")[:, 1:].astype(np.int64).copy()
    begin, end = np.zeros(len(lot)), np.zeros(len(lot))
    if isinstance(start, tuple):
        begin = np.hypot(*(lot.rows[:, :2] - start).T) / cell.pace.speed_m_s
    elif start is not None:
        begin = _pairwise_s(cell, lot.rows, row_of(start))
    if end_m is not None:
        end = np.hypot(*(lot.rows[:, :2] - end_m).T) / cell.pace.speed_m_s
    pace = cell.pace
    carriage = (pace.speed_m_s, pace.acceleration_m_s2, pace.jerk_m_s3)
    laws = np.array([*carriage, pace.joint_speed_rad_s, _DETOUR_S, pace.least_s])
    tour, seconds = search(first, lot.rows, begin, end, _PENALTY_S * lot.penalties, near, laws, around.scene, _SHARES,
                           cell.bodies.clearance_m, OWN_GAP_M, rounds, seed)  # fmt: skip
    ends = float(begin[tour[0]] + end[tour[-1]] + _PENALTY_S * lot.penalties[tour].sum())
    return lot[tour], float(seconds) - ends


def _pairwise_s(cell: Cell, rows: Array, others: Array) -> NDArray[np.float64]:
    """Seconds from each posture (n, 6) to its own other, (n, 6) or (6,)."""
    way_m = np.hypot(rows[:, 0] - others[..., 0], rows[:, 1] - others[..., 1])
    turn_rad = np.abs(rows[:, 2:] - others[..., 2:]).max(axis=-1)
    return np.asarray(np.maximum(carriage_s(cell, way_m), turn_rad / cell.pace.joint_speed_rad_s))
