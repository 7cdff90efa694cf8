"""From the carriage's pose to four lengths, and back from lengths to the pose with what is not known about it.

A planar pose is (x, y, yaw): metres in the world, radians about world z.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cdpr.robot import Array, CableRobot
from trellis.errors import TrellisError

_NEARLY_LEVEL_RAD = 0.02
_PATIENCE = 20


class NoForwardSolution(TrellisError):
    """Four lengths that no pose near the start explains."""


@dataclass(frozen=True, eq=False)
class PosePrior:
    """What is believed about a planar pose before lengths are read.

    Args:
        mean: x, y, yaw; shape (3,).
        covariance: Shape (3, 3), in metres and radians. A large variance says nothing about that coordinate.
    """

    mean: Array
    covariance: Array


@dataclass(frozen=True, eq=False)
class PlanarEstimate:
    """A pose found from lengths.

    Args:
        pose: x, y, yaw; shape (3,).
        covariance: Of the pose, shape (3, 3); yaw is weakly observed by lengths, and this says how weakly.
        residual_m: Root mean square of measured minus explained lengths.
    """

    pose: Array
    covariance: Array
    residual_m: float

    @property
    def std(self) -> Array:
        """Standard deviations of x, y (m) and yaw (rad), shape (3,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))


def cable_lengths(robot: CableRobot, pose: ArrayLike) -> Array:
    """Lengths from pulley to corner.

    Args:
        robot: The robot.
        pose: x, y, yaw; shape (..., 3).

    Returns:
        Metres, shape (..., 4), ordered as `robot.pulleys_m`. Neglects sag, stretch and the pulleys' radius.
    """
    return np.asarray(np.linalg.norm(cable_vectors(robot, np.asarray(pose, dtype=float))[0], axis=-1))


def length_jacobian(robot: CableRobot, pose: ArrayLike) -> Array:
    """Derivative of the four lengths by x, y and yaw, shape (..., 4, 3).

    The row of a cable is its unit vector u from pulley to corner, and u · (d corner / d yaw). Its negative transpose
    takes tensions to the wrench on the carriage (virtual work).
    """
    cables, turned = cable_vectors(robot, np.asarray(pose, dtype=float))
    unit = cables / np.linalg.norm(cables, axis=-1, keepdims=True)
    by_yaw = unit[..., 1] * turned[..., 0] - unit[..., 0] * turned[..., 1]
    return np.concatenate([unit, by_yaw[..., None]], axis=-1)


def length_curvature(robot: CableRobot, pose: ArrayLike, pulls: ArrayLike) -> Array:
    """Second derivatives of the lengths by x, y and yaw, each times its cable's pull and summed, shape (..., 3, 3).

    Lengths say so little about yaw that, with some millimetres unexplained, this is as large as what they say: a least
    squares without it zigzags or creeps in yaw.

    Args:
        robot: The robot.
        pose: Shape (..., 3).
        pulls: Shape (..., 4).
    """
    cables, turned = cable_vectors(robot, np.asarray(pose, dtype=float))
    lengths = np.linalg.norm(cables, axis=-1)
    along = cables / lengths[..., None]
    across = np.stack([-along[..., 1], along[..., 0]], axis=-1)
    by_yaw = (along * turned).sum(axis=-1)  # turning moves a corner across its lever
    sideways = np.concatenate([across, by_yaw[..., None]], axis=-1)
    second = np.einsum("...c,...cj,...ck->...jk", np.asarray(pulls) / lengths, sideways, sideways)
    second[..., 2, 2] -= (np.asarray(pulls) * by_yaw).sum(axis=-1)
    return np.asarray(second)


def cable_vectors(robot: CableRobot, pose: Array) -> tuple[Array, Array]:
    """Vectors from pulley to corner, and the corners' levers turned by yaw, in world axes; both (..., 4, 2)."""
    cos, sin = np.cos(pose[..., 2])[..., None], np.sin(pose[..., 2])[..., None]
    corner_x, corner_y = robot.corners_m[:, 0], robot.corners_m[:, 1]
    turned = np.stack([cos * corner_x - sin * corner_y, sin * corner_x + cos * corner_y], axis=-1)
    return pose[..., None, :2] + turned - robot.pulleys_m, turned


def forward(
    robot: CableRobot,
    lengths_m: ArrayLike,
    length_std_m: float = 0.0018,
    start: ArrayLike | None = None,
    prior: PosePrior | None = None,
) -> PlanarEstimate:
    """The pose that explains four lengths best, by damped least squares (Levenberg-Marquardt).

    Args:
        robot: The robot.
        lengths_m: Measured lengths, shape (4,).
        length_std_m: Their standard deviation; the default is the published robot's (Chen et al., IROS 2022).
        start: Where to begin; the middle of the pulleys with yaw 0 when not given.
        prior: Enters as three more measurements.

    Raises:
        NoForwardSolution: It does not converge, or a length is not positive and finite.
    """
    lengths = np.asarray(lengths_m, dtype=float)
    if lengths.shape != (4,) or not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise NoForwardSolution(f"four positive lengths are needed, not {lengths_m!r}; check the drives' encoders")
    begin = np.append(robot.pulleys_m.mean(axis=0), 0.0) if start is None else np.array(start, dtype=float)
    # Yaw is so weakly seen that a long step in x and y may turn the carriage over: first go there nearly level.
    level = PosePrior(begin, np.diag([1e6, 1e6, _NEARLY_LEVEL_RAD**2]))
    near, _ = _minimise(robot, lengths, length_std_m, begin, level)
    pose, rows = _minimise(robot, lengths, length_std_m, near, prior)
    misfit_m = lengths - cable_lengths(robot, pose)
    return PlanarEstimate(pose, np.asarray(np.linalg.inv(rows.T @ rows)), float(np.sqrt(np.mean(misfit_m**2))))


def _minimise(
    robot: CableRobot, lengths: Array, std_m: float, start: Array, prior: PosePrior | None
) -> tuple[Array, Array]:
    """The pose of least squared error and the whitened Jacobian there."""
    whitener = None if prior is None else np.linalg.cholesky(np.linalg.inv(prior.covariance)).T
    pose, damping = start, 1e-3
    rows, errors = _equations(robot, pose, lengths, std_m, prior, whitener)
    for turn in range(200):
        normal = rows.T @ rows
        if turn >= _PATIENCE:  # it zigzags or creeps: see `length_curvature`
            curved = normal + length_curvature(robot, pose, errors[:4] / std_m)
            normal = curved if np.linalg.det(curved) > 0 else normal
        step = -np.linalg.solve(normal + damping * np.diag(np.diag(normal)), rows.T @ errors)
        new_rows, new_errors = _equations(robot, pose + step, lengths, std_m, prior, whitener)
        if new_errors @ new_errors < errors @ errors:
            pose, rows, errors, damping = pose + step, new_rows, new_errors, max(damping / 10, 1e-12)
        else:
            damping *= 10
        # A step below rounding, taken or refused, means that this is the minimum.
        if np.abs(step).max() < 1e-11:
            return pose, rows
    raise NoForwardSolution(f"no pose explains the lengths {lengths.round(4).tolist()} m; home the robot again")


def _equations(
    robot: CableRobot, pose: Array, lengths: Array, std_m: float, prior: PosePrior | None, whitener: Array | None
) -> tuple[Array, Array]:
    """Whitened Jacobian and errors of lengths and prior."""
    rows = length_jacobian(robot, pose) / std_m
    errors = (cable_lengths(robot, pose) - lengths) / std_m
    if prior is None or whitener is None:
        return rows, errors
    return np.vstack([rows, whitener]), np.concatenate([errors, whitener @ (pose - prior.mean)])
