"""What the arm weighs on the carriage, and where: for tensions that hold it as it moves."""

import numpy as np
from numpy.typing import ArrayLike

from arm.kinematics import joint_points_m
from cdpr.load import Load
from scan.cell import Array, Cell
from scan.cell_model import ARM_MASSES_KG

#: Postures on the way of a swing of the arm.
_PLACES = 9


def carried(
    cell: Cell, joints_rad: ArrayLike, goal_rad: ArrayLike | None = None, masses_kg: ArrayLike = ARM_MASSES_KG
) -> Load:
    """The arm as the winches have to carry it, at rest or on an even swing from one posture to another.

    Args:
        cell: Its `[cables] mass_kg` has the arm in, its `centre_of_mass_m` is that of all the rest.
        joints_rad: Where the joints are, shape (4,).
        goal_rad: Where they go meanwhile, likewise; nowhere without.
        masses_kg: At elbow, wrist and camera, shape (3,).
    """
    begin, masses = np.asarray(joints_rad, dtype=float), np.asarray(masses_kg, dtype=float)
    end = begin if goal_rad is None else np.asarray(goal_rad, dtype=float)
    shares = np.linspace(0, 1, 1 if goal_rad is None else _PLACES)
    track_m = [_centre_m(cell, begin + share * (end - begin), masses) for share in shares]
    return Load(float(masses.sum()), np.array(track_m))


def _centre_m(cell: Cell, joints_rad: Array, masses_kg: Array) -> Array:
    """The arm's centre of mass, platform x and y, shape (2,)."""
    points_m = cell.platform_from_base @ joint_points_m(cell.arm, joints_rad)[2:5]
    return np.asarray(masses_kg @ points_m[:, :2] / masses_kg.sum())
