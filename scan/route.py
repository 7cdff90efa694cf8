"""The way from one posture to the next: straight where that is clear, else with the arm folded in between.

A straight move takes carriage and joints from one posture to the other, each along its own line. How the two keep step
depends on drives, so a move counts as clear only if every share of the carriage's way goes with every share of the
joints'.
"""

from collections.abc import Sequence

import numpy as np

from scan.cell import Cell, CellPosture
from scan.clearance import Obstacle, gaps

_SHARES = 9


def way(cell: Cell, start: CellPosture, goal: CellPosture, plants: Sequence[Obstacle]) -> tuple[CellPosture, ...]:
    """Postures to pass between two, none where the straight move is clear.

    Through the folded arm it is clear whenever both can be unfolded to, which the planner has made sure of.
    """
    if straight_is_clear(cell, start, goal, plants):
        return ()
    folded = [cell.folded(start), cell.folded(goal)]
    return tuple(posture for posture in folded if posture not in (start, goal))


def straight_is_clear(cell: Cell, start: CellPosture, goal: CellPosture, plants: Sequence[Obstacle]) -> bool:
    """Whether a straight move keeps the cell's clearance, however carriage and joints keep step."""
    share = np.linspace(0, 1, _SHARES)
    carriage, arm = (grid.ravel() for grid in np.meshgrid(share, share, indexing="ij"))
    x = start.x_m + carriage * (goal.x_m - start.x_m)
    y = start.y_m + carriage * (goal.y_m - start.y_m)
    first, last = np.array(start.joints_rad), np.array(goal.joints_rad)
    near = gaps(cell, x, y, first + arm[:, None] * (last - first), plants)
    return bool(near.clear(cell.bodies.clearance_m).all())
