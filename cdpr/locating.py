"""Where the carriage was at every row of a log, by a calibrated robot, with how far that may be off."""

from dataclasses import dataclass

import numpy as np

from cdpr.batch import forward_batch
from cdpr.cable_log import CableLog
from cdpr.kinematics import PosePrior
from cdpr.reading_model import ReadingModel
from cdpr.robot import Array

_ANYWHERE_M = 10.0
#: Four lengths that disagree by more standard deviations than this are not what the calibration knows: what is said of
#: such a row is as much less certain.
_AT_ODDS = 3.0


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A robot as calibrated.

    Args:
        model: Geometry, and how the encoders count.
        covariance: Of `reading_model.PARAMETERS`, shape (25, 25).
        reading_std_m: Noise of a reading.
        yaw_prior: Mean and standard deviation of the carriage's yaw (rad).
    """

    model: ReadingModel
    covariance: Array
    reading_std_m: float
    yaw_prior: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Located:
    """Poses of a log's rows.

    Args:
        poses: x, y (m, world), yaw (rad), shape (n, 3).
        covariances: Of reading noise, the yaw's prior and the calibration together, shape (n, 3, 3); widened where a
            row's lengths disagree by more than their noise explains.
        residuals_m: Root mean square of what a row's four lengths leave unexplained, shape (n,).
    """

    poses: Array
    covariances: Array
    residuals_m: Array

    @property
    def stds(self) -> Array:
        """Standard deviations of x, y and yaw, shape (n, 3)."""
        return np.asarray(np.sqrt(np.diagonal(self.covariances, axis1=1, axis2=2)))


def locate(robot: Calibrated, log: CableLog) -> Located:
    """Find the pose of every row from its four readings alone; fixes in the log are not looked at.

    Raises:
        NoForwardSolution: A row's lengths fit no pose.
    """
    model, (yaw_mean, yaw_std) = robot.model, robot.yaw_prior
    rates = log.rates_m_s()
    start = np.append(model.robot.pulleys_m.mean(axis=0), yaw_mean)
    prior = PosePrior(start, np.diag([_ANYWHERE_M**2, _ANYWHERE_M**2, yaw_std**2]))
    lengths = model.lengths_m(log.readings_m, rates)
    found = forward_batch(model.robot, lengths, robot.reading_std_m * model.scales, start, prior)
    # The pose follows a parameter by -(its own covariance) (its derivatives)ᵀ (the parameter's), all whitened.
    by_pose = model.by_pose(found.poses) / robot.reading_std_m
    by_parameters = model.by_parameters(found.poses, rates) / robot.reading_std_m
    follows = found.covariances @ np.swapaxes(by_pose, 1, 2) @ by_parameters
    covariances = found.covariances + follows @ robot.covariance @ np.swapaxes(follows, 1, 2)
    odds = 2 * found.residuals_m / robot.reading_std_m  # the root of the squares' sum, one of four free
    widened = np.where(odds > _AT_ODDS, odds, 1.0) ** 2
    return Located(found.poses, covariances * widened[:, None, None], found.residuals_m)
