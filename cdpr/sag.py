"""How far cables hang through under their own weight, and what that does to their length: mostly nothing, but say so.

The parabola of a cable that is nearly straight: a sag of a thousandth of the chord is a few millionths of length.
Source: Irvine, Cable Structures (1981), chapter 2; the exact catenary agrees (tests).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cdpr.kinematics import cable_vectors
from cdpr.robot import GRAVITY_M_S2, Array, CableRobot


@dataclass(frozen=True, eq=False)
class Sag:
    """Of every cable.

    Args:
        depth_m: How far its middle hangs below the straight line, vertically, shape (..., m).
        extra_m: How much longer it is than that line, shape (..., m). A length read from the drum is too long by this.
    """

    depth_m: Array
    extra_m: Array


def sag(robot: CableRobot, pose: ArrayLike, tensions_n: ArrayLike) -> Sag:
    """Sag of the straight parts at a pose (..., 3) under tensions (..., m), by `cable_kg_m`."""
    parts = cable_vectors(robot, np.asarray(pose, dtype=float))[0]
    chord = np.linalg.norm(parts, axis=-1)
    # Weight of a metre of chord over the tension along it, 1/m.
    weight = robot.cable_kg_m * GRAVITY_M_S2 / np.asarray(tensions_n, dtype=float)
    across = np.abs(parts[..., 0])
    return Sag(np.asarray(weight * chord**2 / 8), np.asarray((weight * across) ** 2 * chord / 24))
