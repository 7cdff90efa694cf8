"""How long moves of the cell take: cables and joints move together, so as long as the slower of the two."""

import numpy as np

from scan.cell import UNMOVED_M, Array, Cell, CellPosture
from scan.inverse import Postures


def move_s(cell: Cell, start: Postures, goal: Postures) -> Array:
    """Seconds of moves from each of n postures to each of m, from rest to rest, shape (n, m)."""
    pace = cell.pace
    way_m = np.hypot(start.x_m[:, None] - goal.x_m, start.y_m[:, None] - goal.y_m)
    turn_rad = np.abs(start.joints_rad[:, None] - goal.joints_rad).max(axis=-1)
    return np.asarray(np.maximum(carriage_s(cell, way_m), turn_rad / pace.joint_speed_rad_s))


def carriage_s(cell: Cell, way_m: Array) -> Array:
    """Of a jerk-limited move that reaches full speed; of a shorter one as if its acceleration were limited only."""
    speed, acceleration, jerk = cell.pace.speed_m_s, cell.pace.acceleration_m_s2, cell.pace.jerk_m_s3
    ramps_s = speed / acceleration + acceleration / jerk
    full_s = way_m / speed + ramps_s
    short_s = 2 * np.sqrt(way_m / acceleration) + acceleration / jerk
    quickest_s = np.where(way_m > speed * speed / acceleration, full_s, short_s)
    return np.where(way_m < UNMOVED_M, 0.0, np.maximum(quickest_s, cell.pace.least_s))


def one(posture: CellPosture) -> Postures:
    """A single posture as an array of one."""
    return Postures(np.array([posture.x_m]), np.array([posture.y_m]), np.array([posture.joints_rad]))
