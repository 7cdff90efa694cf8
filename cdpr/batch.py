"""Forward solutions for many sets of lengths at once: the same minima as `cdpr.kinematics.forward`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cdpr.kinematics import NoForwardSolution, PosePrior, cable_lengths, least_squares
from cdpr.robot import Array, CableRobot


@dataclass(frozen=True, eq=False)
class PlanarEstimates:
    """Poses found from lengths, one a row; as `cdpr.kinematics.PlanarEstimate`.

    Args:
        poses: x, y, yaw; shape (n, 3).
        covariances: Shape (n, 3, 3).
        residuals_m: Root mean square of measured minus explained lengths, shape (n,).
    """

    poses: Array
    covariances: Array
    residuals_m: Array

    @property
    def stds(self) -> Array:
        """Standard deviations of x, y (m) and yaw (rad), shape (n, 3)."""
        return np.asarray(np.sqrt(np.diagonal(self.covariances, axis1=1, axis2=2)))


def forward_batch(
    robot: CableRobot,
    lengths_m: ArrayLike,
    length_std_m: ArrayLike = 0.0018,
    starts: ArrayLike | None = None,
    prior: PosePrior | None = None,
) -> PlanarEstimates:
    """The poses that explain rows of lengths best (`cdpr.search`).

    Args:
        robot: The robot.
        lengths_m: Shape (n, m).
        length_std_m: Standard deviation, one or one a cable (m,).
        starts: Shape (n, 3) or (3,); the middle of the pulleys with yaw 0 when not given.
        prior: One prior on every pose.

    Raises:
        NoForwardSolution: A length is not positive and finite, or a row does not converge; the row is named.
    """
    lengths = np.atleast_2d(np.asarray(lengths_m, dtype=float))
    bad = ~(np.isfinite(lengths) & (lengths > 0)).all(axis=1)
    if lengths.shape[1] != robot.cables or bad.any():
        raise NoForwardSolution(
            f"row {int(bad.argmax())} of the lengths is not {robot.cables} positive numbers; check the encoders"
        )
    middle = np.append(robot.pulleys_m.mean(axis=0), 0.0)
    begin = np.broadcast_to(middle if starts is None else np.asarray(starts, dtype=float), (len(lengths), 3))
    poses, normals, arrived = least_squares(robot, lengths, length_std_m, begin, prior)
    if not arrived.all():
        row = int(arrived.argmin())
        raise NoForwardSolution(f"no pose explains row {row}: lengths {lengths[row].round(4).tolist()} m")
    misfit = lengths - cable_lengths(robot, poses)
    return PlanarEstimates(poses, np.asarray(np.linalg.inv(normals), dtype=float), np.sqrt(np.mean(misfit**2, axis=1)))
