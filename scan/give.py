"""Where the servos must be sent so that the arm, under its own weight, comes to stand where it is wanted.

A servo of the AX-12's kind pulls in proportion to what it is short of its goal, so under a load it stays short: by the
load's share of the stall torque times the angle over which the pull grows to full (its compliance slope). The loads
are those of gravity, which in the cell acts across the arm's base, so on all four joints.
"""

import numpy as np

from arm.kinematics import joint_points_m
from scan.cell import Array, Cell, CellPosture
from scan.cell_model import ARM_MASSES_KG

#: AX-12A at 12 V (its manual): stall torque, and compliance slope as shipped, 32 counts of 300/1023 deg.
_STALL_N_M, _SLOPE_RAD = 1.5, np.radians(32 * 300 / 1023)
_GRAVITY_M_S2 = 9.81


def loads_n_m(cell: Cell, posture: CellPosture) -> Array:
    """Torque of gravity about each joint, positive where it pushes the joint's angle up, shape (4,)."""
    points = joint_points_m(cell.arm, posture.joints_rad)
    down = cell.world_from_base(posture).rotation.T @ np.array([0.0, -_GRAVITY_M_S2, 0.0])
    yaw = posture.joints_rad[0]
    across = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
    axes = (np.array([0.0, 0.0, 1.0]), across, across, across)
    loads = np.zeros(4)
    for joint, axis in enumerate(axes):
        # The masses sit at elbow, wrist and tool, points 2 to 4; a joint turns those beyond it.
        for place in range(max(joint + 1, 2), 5):
            turned = np.cross(axis, points[place] - points[joint])
            loads[joint] += ARM_MASSES_KG[place - 2] * float(turned @ down)
    return loads


def aimed(cell: Cell, posture: CellPosture) -> Array:
    """Goals of the servos for a posture, inside the joints' limits, shape (4,)."""
    goals = np.array(posture.joints_rad) - loads_n_m(cell, posture) / _STALL_N_M * _SLOPE_RAD
    return np.asarray(np.clip(goals, *cell.arm.limits_rad.T))
