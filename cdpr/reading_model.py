"""What the encoders read at a pose, by the calibrated robot, with derivatives by pose and by everything calibrated.

    reading = (length(pose) - offset) / scale - delay * rate

`delay` is how much older the readings of a row are than its fix, `rate` how fast the reading changes there.
"""

from dataclasses import dataclass, replace

import numpy as np

from cdpr.kinematics import cable_lengths, length_jacobian
from cdpr.robot import CABLES, Array, CableRobot

_PLACES = [f"{cable} {axis}" for cable in CABLES for axis in "xy"]

#: Names of all that can be calibrated, in the order of parameter vectors and covariances.
PARAMETERS = (
    *(f"pulley {place}" for place in _PLACES),
    *(f"scale {cable}" for cable in CABLES),
    *(f"offset {cable}" for cable in CABLES),
    "delay",
    *(f"corner {place}" for place in _PLACES),
)
PULLEYS, SCALES, OFFSETS, DELAY, CORNERS = slice(0, 8), slice(8, 12), slice(12, 16), 16, slice(17, 25)

_CABLE = np.arange(4)


@dataclass(frozen=True, eq=False)
class ReadingModel:
    """A robot and how its encoders count.

    Args:
        robot: Its geometry.
        scales: Metres of cable for a metre read, shape (4,).
        offsets_m: Length of cable at a reading of zero, shape (4,).
        delay_s: How much older the readings of a row are than its fix.
    """

    robot: CableRobot
    scales: Array
    offsets_m: Array
    delay_s: float = 0.0

    def vector(self) -> Array:
        """Everything calibrated, shape (25,), ordered as `PARAMETERS`."""
        robot = self.robot
        parts = (robot.pulleys_m.ravel(), self.scales, self.offsets_m, [self.delay_s], robot.corners_m.ravel())
        return np.concatenate(parts)

    def with_vector(self, vector: Array) -> "ReadingModel":
        """The same robot with other numbers, ordered as `PARAMETERS`."""
        robot = replace(self.robot, pulleys_m=vector[PULLEYS].reshape(4, 2), corners_m=vector[CORNERS].reshape(4, 2))
        return ReadingModel(robot, vector[SCALES], vector[OFFSETS], float(vector[DELAY]))

    def lengths_m(self, readings_m: Array, rates_m_s: Array) -> Array:
        """True lengths at the fixes' time, from readings and their rates, shape (..., 4)."""
        return np.asarray(self.scales * (readings_m + self.delay_s * rates_m_s) + self.offsets_m)

    def readings_m(self, poses: Array, rates_m_s: Array) -> Array:
        """What the encoders read at poses (..., 3), shape (..., 4)."""
        lengths = cable_lengths(self.robot, poses)
        return np.asarray((lengths - self.offsets_m) / self.scales - self.delay_s * rates_m_s)

    def by_pose(self, poses: Array) -> Array:
        """Derivative of the readings by pose, shape (..., 4, 3)."""
        return np.asarray(length_jacobian(self.robot, poses) / self.scales[:, None])

    def by_parameters(self, poses: Array, rates_m_s: Array) -> Array:
        """Derivative of the readings by `PARAMETERS`, shape (n, 4, 25)."""
        unit = length_jacobian(self.robot, poses)[..., :2]  # a pulley moves against it, a corner with it
        lengths = cable_lengths(self.robot, poses)
        cos, sin = np.cos(poses[:, 2])[:, None], np.sin(poses[:, 2])[:, None]
        rows = np.zeros((len(poses), 4, len(PARAMETERS)))
        for axis in (0, 1):
            rows[:, _CABLE, 2 * _CABLE + axis] = -unit[..., axis] / self.scales
        rows[:, _CABLE, SCALES.start + _CABLE] = -(lengths - self.offsets_m) / self.scales**2
        rows[:, _CABLE, OFFSETS.start + _CABLE] = -1 / self.scales
        rows[:, :, DELAY] = -rates_m_s
        rows[:, _CABLE, CORNERS.start + 2 * _CABLE] = (unit[..., 0] * cos + unit[..., 1] * sin) / self.scales
        rows[:, _CABLE, CORNERS.start + 2 * _CABLE + 1] = (unit[..., 1] * cos - unit[..., 0] * sin) / self.scales
        return rows
