"""Robots that several tests of the maths share."""

from dataclasses import replace

import numpy as np

from cdpr.robot import CableRobot

#: The first robot of Chen et al. (IROS 2022), whose figures were published and computed again.
KLAUS = CableRobot(
    pulleys_m=np.array([(2.815, 0), (2.845, 2.239), (0.033, 2.225), (0, 0)]),
    corners_m=np.array([(0.063, -0.060), (0.063, 0.060), (-0.063, 0.060), (-0.063, -0.060)]),
    mass_kg=0.727,
    centre_of_mass_m=np.zeros(2),
    tension_min_n=5.0,
    tension_max_n=90.0,
)
#: The same over wheels of different sizes, the cables coming along the outer sides of the posts.
WHEELS = replace(
    KLAUS,
    pulley_radii_m=np.array([0.02, 0.025, 0.03, 0.015]),
    pulley_entries_rad=np.array([0.0, 0.1, np.pi, np.pi - 0.2]),
    pulley_turns=np.array([-1.0, 1.0, -1.0, 1.0]),
)
#: A fifth cable, from above the middle: two tensions are free.
FIVE = replace(
    WHEELS,
    pulleys_m=np.vstack([KLAUS.pulleys_m, [(1.4, 2.6)]]),
    corners_m=np.vstack([KLAUS.corners_m, [(0.02, 0.06)]]),
    pulley_radii_m=np.full(1, 0.02),
    pulley_entries_rad=np.array([0.0, 0.0, np.pi, np.pi, np.pi]),
    pulley_turns=np.array([-1.0, 1.0, -1.0, 1.0, -1.0]),
)


def poses(count: int, seed: int, yaw_rad: float = 0.2) -> np.ndarray:
    """Anywhere in the frame of KLAUS but for its edges, shape (count, 3)."""
    return np.random.default_rng(seed).uniform((0.2, 0.2, -yaw_rad), (2.6, 2.0, yaw_rad), (count, 3))
