"""The way from one posture to the next: straight where that is clear, else with the arm drawn back in between.

A straight move takes carriage and joints from one posture to the other, each along its own line. How the two keep step
depends on drives, so a move counts as clear only if every share of the carriage's way goes with every share of the
joints'. Where it is not clear the arm is drawn back towards its folded shape, as little as will do, and let out again.
"""

import numpy as np

from scan.cell import Cell, CellPosture
from scan.clearance import Surroundings

#: Shares of the way to folded that are tried, the last of which is clear whenever both postures can be unfolded to.
_DRAWN = (0.25, 0.4, 0.6, 1.0)


def way(
    cell: Cell,
    start: CellPosture,
    goal: CellPosture,
    around: Surroundings,
) -> tuple[CellPosture, ...]:
    """Postures to pass between two, none where the straight move is clear.

    Through the folded arm it is clear whenever both can be unfolded to, which the planner has made sure of.

    Args:
        cell: The cell.
        start: Where it stands.
        goal: Where it is to go.
        around: What stands on the wall.
    """
    if around.clear_move(start, goal):
        return ()
    for share in _DRAWN[:-1]:
        out, back = drawn(cell, start, share), drawn(cell, goal, share)
        if around.clear_move(out, back) and around.clear_move(start, out) and around.clear_move(back, goal):
            return out, back
    folded = [cell.folded(start), cell.folded(goal)]
    return tuple(posture for posture in folded if posture not in (start, goal))


def drawn(cell: Cell, posture: CellPosture, share: float) -> CellPosture:
    """The arm drawn back by a share of the way to its folded shape, the carriage where it is."""
    joints, folded = np.array(posture.joints_rad), np.array(cell.folded(posture).joints_rad)
    base, shoulder, elbow, wrist = map(float, joints + share * (folded - joints))
    return CellPosture(posture.x_m, posture.y_m, posture.yaw_rad, (base, shoulder, elbow, wrist))
