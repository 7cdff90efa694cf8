"""What the winches report, as one value."""

from dataclasses import dataclass, field

import numpy as np

from cdpr.kinematics import PlanarEstimate
from cdpr.robot import Array


@dataclass(frozen=True, eq=False)
class WinchState:
    """What the drives report, and what follows from it.

    Args:
        estimate: Pose of the carriage with covariance and residual.
        lengths_m: By the encoders, the calibration and the tensions that were asked for, shape (4,).
        tensions_n: By the measured motor currents, less the drums' friction, shape (4,).
        stopped: A stop is in force.
        turns: Of the drums since the dock, shape (4,).
        asked_n: Tensions as last asked for, shape (4,).
        readings_m: As `lengths_m`, but before any calibration: what a log for `trellis cdpr calibrate` holds.
        doubt: Why nothing may move until somebody has seen to it, or None.
        speeds_m_s: Of the lengths, by the encoders, shape (4,).
    """

    estimate: PlanarEstimate
    lengths_m: Array
    tensions_n: Array
    stopped: bool
    turns: Array
    asked_n: Array
    readings_m: Array
    doubt: str | None = None
    speeds_m_s: Array = field(default_factory=lambda: np.full(4, np.nan))
