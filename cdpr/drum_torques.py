"""Between the tension of a cable and the torque of its motor stand the drum's radius, friction and inertia."""

from math import pi

import numpy as np
from numpy.typing import ArrayLike

from cdpr.config import CablesSection
from cdpr.drives import Seen
from cdpr.robot import Array


def torques_for(
    section: CablesSection,
    a_turn_m: Array,
    tensions_n: Array,
    speeds_m_s: ArrayLike = 0.0,
    accelerations_m_s2: ArrayLike = 0.0,
) -> Array:
    """What the drums need: pull, friction and inertia; paying out is positive, newton metres, shape (4,).

    Args:
        section: Friction and inertia.
        a_turn_m: Cable that a turn pays out now, shape (4,).
        tensions_n: Of the cables, shape (4,).
        speeds_m_s: Of the cables.
        accelerations_m_s2: Likewise.
    """
    radius_m = a_turn_m / (2 * pi)
    rate_rad_s = np.asarray(speeds_m_s) / radius_m
    inertia_n_m = section.drum_inertia_kg_m2 * np.asarray(accelerations_m_s2) / radius_m
    return np.asarray(inertia_n_m + _friction_n_m(section, rate_rad_s) - tensions_n * radius_m)


def tensions_by(section: CablesSection, seen: Seen) -> Array:
    """Tensions by the motors' currents, less friction at the drums' speeds, shape (4,)."""
    torques_n_m = seen.currents_a * section.torque_constant_n_m_a
    friction_n_m = _friction_n_m(section, seen.speeds_turn_s * 2 * pi)
    return np.asarray((friction_n_m - torques_n_m) / section.drum_radius_m)


def _friction_n_m(section: CablesSection, rate_rad_s: Array) -> Array:
    static = section.static_friction_n_m * np.tanh(section.friction_rate_s * rate_rad_s)
    return np.asarray(static + section.viscous_friction_n_m_s * rate_rad_s)
