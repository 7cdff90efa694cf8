"""From the carriage's pose to its cables' lengths, and back from lengths to the pose with what is not known about it.

A planar pose is (x, y, yaw): metres in the world, radians about world z. Formulas: docs/cable-robot.md.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdpr.robot import Array, CableRobot
from cdpr.search import search
from trellis.errors import TrellisError

_ANYWHERE_M = 1e6
#: Squared metres: a corner inside a pulley's wheel, where a search may stray, has no tangent.
_STRAIGHT_MIN_M2 = 1e-8


class NoForwardSolution(TrellisError):
    """Lengths that no pose near the start explains."""


@dataclass(frozen=True, eq=False)
class PosePrior:
    """What is believed about a planar pose before lengths are read.

    Args:
        mean: x, y, yaw; shape (3,).
        covariance: Shape (3, 3), in metres and radians. A large variance says nothing about that coordinate.
    """

    mean: Array
    covariance: Array

    @staticmethod
    def of_yaw(mean_rad: float, std_rad: float) -> "PosePrior":
        """A belief about yaw alone: what four lengths hardly tell."""
        return PosePrior(np.array([0.0, 0.0, mean_rad]), np.diag([_ANYWHERE_M**2, _ANYWHERE_M**2, std_rad**2]))


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
    """Lengths from where each cable comes onto its pulley to the corner: wrapped arc and straight part.

    Args:
        robot: The robot.
        pose: x, y, yaw; shape (..., 3).

    Returns:
        Metres, shape (..., m), ordered as `robot.pulleys_m`. Neglects sag and stretch (`cdpr.elasticity`).

    Source: docs/cable-robot.md, sections 1 and 2; MuJoCo's tendons and cylinder wrap agree (tests).
    """
    where = np.asarray(pose, dtype=float)
    straight = np.asarray(np.linalg.norm(cable_vectors(robot, where)[0], axis=-1))
    return straight + robot.pulley_radii_m * wrapped_rad(robot, where) if robot.has_wheels else straight


def wrapped_rad(robot: CableRobot, pose: ArrayLike) -> Array:
    """Angle that each cable lies on its wheel, shape (..., m), between -pi/2 and 3 pi/2.

    Below zero the cable has left the wheel: such a pose is not what the pulley was mounted for. The angle is then still
    continuous, so that derivatives hold.
    """
    arms, _ = _arms(robot, np.asarray(pose, dtype=float))
    radius, turn = robot.pulley_radii_m, robot.pulley_turns
    straight = np.sqrt(np.maximum((arms**2).sum(axis=-1) - radius**2, _STRAIGHT_MIN_M2))
    # The leaving point's direction n is arm * (radius - i turn straight), as complex numbers; here turned back by the
    # entry, and mirrored for a clockwise wheel, so that its angle is what lies on the wheel.
    cos, sin = np.cos(robot.pulley_entries_rad), np.sin(robot.pulley_entries_rad)
    right, up = arms[..., 0] * cos + arms[..., 1] * sin, turn * (arms[..., 1] * cos - arms[..., 0] * sin)
    angle = np.arctan2(radius * up - straight * right, radius * right + straight * up)
    return np.asarray(np.where(angle < -np.pi / 2, angle + 2 * np.pi, angle))


def length_jacobian(robot: CableRobot, pose: ArrayLike) -> Array:
    """Derivative of the lengths by x, y and yaw, shape (..., m, 3).

    The row of a cable is its unit vector u along the straight part towards the corner, and u · (d corner / d yaw): what
    the wheel takes up in arc, the straight part gives, so the wheel enters through u alone. The negative transpose
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
        pulls: Shape (..., m).

    A corner that moves across its cable turns it about the point where it leaves the wheel, so the wheel's radius
    enters through the straight part's length alone.
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
    """Straight parts from leaving the pulley to the corner, and the corners' levers turned by yaw; both (..., m, 2)."""
    arms, turned = _arms(robot, pose)
    if not robot.has_wheels:
        return arms, turned
    square, radius = (arms**2).sum(axis=-1), robot.pulley_radii_m
    straight = np.sqrt(np.maximum(square - radius**2, _STRAIGHT_MIN_M2))
    along, across = straight**2 / square, straight * robot.pulley_turns * radius / square
    x, y = arms[..., 0], arms[..., 1]
    return np.stack([along * x - across * y, along * y + across * x], axis=-1), turned


def _arms(robot: CableRobot, pose: Array) -> tuple[Array, Array]:
    """Vectors from the wheels' centres to the corners, and the corners' levers turned by yaw, world axes."""
    cos, sin = np.cos(pose[..., 2])[..., None], np.sin(pose[..., 2])[..., None]
    corner_x, corner_y = robot.corners_m[:, 0], robot.corners_m[:, 1]
    turned = np.stack([cos * corner_x - sin * corner_y, sin * corner_x + cos * corner_y], axis=-1)
    return pose[..., None, :2] + turned - robot.pulleys_m, turned


def forward(
    robot: CableRobot,
    lengths_m: ArrayLike,
    length_std_m: ArrayLike = 0.0018,
    start: ArrayLike | None = None,
    prior: PosePrior | None = None,
) -> PlanarEstimate:
    """The pose that explains the lengths best: the least squared error, from any start in the frame (`cdpr.search`).

    Args:
        robot: The robot.
        lengths_m: Measured lengths, shape (m,).
        length_std_m: Their standard deviation, one or one a cable (m,); the default is the published robot's (Chen et
            al., IROS 2022).
        start: Where to begin; the middle of the pulleys with yaw 0 when not given.
        prior: Enters as three more measurements.

    Raises:
        NoForwardSolution: It does not converge, or a length is not positive and finite.
    """
    lengths = np.asarray(lengths_m, dtype=float)
    if lengths.shape != (robot.cables,) or not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise NoForwardSolution(f"{robot.cables} positive lengths are needed, not {lengths_m!r}; check the encoders")
    begin = np.append(robot.pulleys_m.mean(axis=0), 0.0) if start is None else np.asarray(start, dtype=float)
    poses, normals, arrived = least_squares(robot, lengths[None], length_std_m, begin[None], prior)
    if not arrived[0]:
        raise NoForwardSolution(f"no pose explains the lengths {lengths.round(4).tolist()} m; home the robot again")
    misfit_m = lengths - cable_lengths(robot, poses[0])
    return PlanarEstimate(poses[0], np.asarray(np.linalg.inv(normals[0])), float(np.sqrt(np.mean(misfit_m**2))))


def least_squares(
    robot: CableRobot, lengths_m: Array, length_std_m: ArrayLike, starts: Array, prior: PosePrior | None
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Poses (n, 3), their inverse covariances (n, 3, 3), which rows arrived; lengths (n, m) and starts (n, 3)."""
    count = len(lengths_m)
    poses, normals, arrived = np.empty((count, 3)), np.empty((count, 3, 3)), np.zeros(count, dtype=np.bool_)
    stds = np.array(np.broadcast_to(np.asarray(length_std_m, dtype=float), (robot.cables,)))
    weights = np.zeros((3, 3)) if prior is None else np.linalg.inv(prior.covariance)
    mean = np.zeros(3) if prior is None else np.array(prior.mean, dtype=float)
    lengths, begin = np.ascontiguousarray(lengths_m, dtype=float), np.ascontiguousarray(starts, dtype=float)
    search(robot.table, lengths, stds, begin, mean, np.ascontiguousarray(weights), poses, normals, arrived)
    if prior is None:  # a whole turn more is the same pose
        poses[:, 2] -= 2 * np.pi * np.round((poses[:, 2] - begin[:, 2]) / (2 * np.pi))
    return poses, normals, arrived
