"""How near a posture comes to its limits, and whether the arm can unfold to it."""

from collections.abc import Sequence

import numpy as np

from scan.cell import Array, Cell
from scan.clearance import Obstacle, gaps
from scan.inverse import Postures

#: Gaps, tension margin and distance from the joints' limits that are ample: more of them earns nothing.
_AMPLE_GAP_M, _AMPLE_MARGIN_N, _AMPLE_JOINT_RAD = 0.05, 10.0, 0.15
_STEPS_OF_UNFOLDING = 12


def penalties(cell: Cell, postures: Postures, gap_m: Array) -> Array:
    """Sum of squared shortages of gap, tension margin and room to the joints' limits, each as a share of ample."""
    margin_n = cell.yaw_map.margin_n(postures.x_m, postures.y_m)
    low, high = cell.arm.limits_rad.T
    room_rad = np.minimum(postures.joints_rad - low, high - postures.joints_rad).min(axis=-1)
    shortages = [1 - gap_m / _AMPLE_GAP_M, 1 - margin_n / _AMPLE_MARGIN_N, 1 - room_rad / _AMPLE_JOINT_RAD]
    return np.asarray(np.sum([np.maximum(shortage, 0) ** 2 for shortage in shortages], axis=0))


def unfolds(cell: Cell, posture: Postures, plants: Sequence[Obstacle]) -> bool:
    """Whether the arm comes clear from folded to one posture, all joints in step, with the carriage in place."""
    share = np.linspace(0, 1, _STEPS_OF_UNFOLDING)[:, None]
    goal = posture.joints_rad[0]
    folded = np.array([goal[0], *cell.park.joints_rad[1:]])
    x, y = (np.full(len(share), value[0]) for value in (posture.x_m, posture.y_m))
    near = gaps(cell, x, y, folded + share * (goal - folded), plants)
    return bool(near.clear(cell.bodies.clearance_m).all())
