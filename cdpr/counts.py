"""From turns of the drums to lengths of the cables, counted from one place where both are known.

What a drum pays out is the cable's length without its tension: the stretch is taken off. A calibrated robot's drums
pay out `scales` times what their nominal radius says (docs/calibration.md).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cdpr.config import CablesSection, CalibrationSection
from cdpr.drums import Drums
from cdpr.kinematics import PosePrior, cable_lengths, forward
from cdpr.robot import CABLES, Array
from cdpr.yaw_map import yaw_map
from trellis.errors import DeviceError

_DOCK_STD = (0.02, 0.02, 0.03)


@dataclass(frozen=True, eq=False)
class Counts:
    """How the drums stand against the cables.

    Args:
        home_m: Unstretched lengths in the dock, shape (4,).
        home_turns: Of the drums there, shape (4,).
        drums: How much they pay out.
        stiffness_n: Force that would double a cable's length.
    """

    home_m: Array
    home_turns: Array
    drums: Drums
    stiffness_n: float

    def turns_for(self, lengths_m: ArrayLike, tensions_n: ArrayLike) -> Array:
        """Turns at which cables under tension have these lengths, shape (4,)."""
        paid_m = np.asarray(lengths_m) / (1 + np.asarray(tensions_n) / self.stiffness_n)
        return np.asarray(self.home_turns + self.drums.turns(paid_m - self.home_m))

    def a_turn_m(self, turns: ArrayLike) -> Array:
        """Cable that a turn pays out here, shape (4,)."""
        here = np.where(np.isfinite(turns), turns, self.home_turns)
        return self.drums.metres_a_turn(here - self.home_turns)

    def paid_at(self, turns: ArrayLike) -> Array:
        """Unstretched lengths at these turns, shape (4,); not a number where the turns are not.

        Raises:
            DeviceError: One would be below zero.
        """
        paid_m: Array = self.home_m + self.drums.paid_m(np.asarray(turns) - self.home_turns)
        if (paid_m <= 0).any():
            cable = CABLES[int(np.nanargmin(paid_m))]
            raise DeviceError(f"the {cable} encoder says a length below zero; it slipped or was reset: home again")
        return paid_m

    def lengths_at(self, turns: ArrayLike, tensions_n: ArrayLike) -> Array:
        """Lengths under tension, shape (4,). Raises as `paid_at`."""
        return np.asarray(self.paid_at(turns) * (1 + np.asarray(tensions_n) / self.stiffness_n))


def counts_from(section: CablesSection, calibration: CalibrationSection, paid_m: Array, turns: Array) -> Counts:
    """Counting from known unstretched lengths at known turns."""
    drums, home_m = section.drums(calibration.scales), docked_lengths_m(section, calibration)
    return Counts(home_m, turns - drums.turns(paid_m - home_m), drums, section.cable_stiffness_n)


def docked_lengths_m(section: CablesSection, calibration: CalibrationSection) -> Array:
    """Lengths of the just taut cables in the dock, shape (4,).

    By the calibration where it says what the encoders read there; else the dock stands exactly at `home_m`.
    """
    if calibration.dock_readings_m:
        readings_m = np.array(calibration.dock_readings_m)
        return np.asarray(np.array(calibration.scales) * readings_m + np.array(calibration.offsets_m))
    return cable_lengths(section.robot(), pose_in(section, section.home_m))


def docked_pose(section: CablesSection, calibration: CalibrationSection) -> Array:
    """Where the dock holds the carriage: x, y, yaw, shape (3,)."""
    nominal = pose_in(section, section.home_m)
    if not calibration.dock_readings_m:
        return nominal
    prior = PosePrior(nominal, np.diag(np.square(_DOCK_STD)))
    lengths_m = docked_lengths_m(section, calibration)
    return forward(section.robot(), lengths_m, calibration.reading_std_m, nominal, prior).pose


def pose_in(section: CablesSection, place_m: ArrayLike) -> Array:
    """A place with the yaw that the carriage is driven at there, shape (3,)."""
    x, y = np.asarray(place_m, dtype=float)
    return np.array([x, y, float(yaw_map(section).yaw_rad(x, y))])
