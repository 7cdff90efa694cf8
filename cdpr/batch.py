"""Forward solutions for many sets of lengths at once: the same minima as `cdpr.kinematics.forward`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cdpr.kinematics import NoForwardSolution, PosePrior, cable_lengths, length_curvature, length_jacobian
from cdpr.robot import Array, CableRobot, Indices

#: Metres and radians; rounding in lengths of some metres moves yaw, the weakest of the three, by less.
_STEP_MIN = 1e-9
#: A longer step could turn the carriage over: beyond half a turn there is another minimum.
_STEP_LIMITS = np.array([0.5, 0.5, 0.1])
_STEPS_LEVEL, _STEPS_MAX = 12, 100


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
    """The poses that explain rows of four lengths best, by Newton's method, damped, on all rows together.

    Args:
        robot: The robot.
        lengths_m: Shape (n, 4).
        length_std_m: Standard deviation, one or one a cable (4,).
        starts: Shape (n, 3) or (3,); the middle of the pulleys with yaw 0 when not given.
        prior: One prior on every pose.

    Raises:
        NoForwardSolution: A length is not positive and finite, or a row does not converge; the row is named.
    """
    lengths = np.atleast_2d(np.asarray(lengths_m, dtype=float))
    bad = ~(np.isfinite(lengths) & (lengths > 0)).all(axis=1)
    if lengths.shape[1] != 4 or bad.any():
        raise NoForwardSolution(f"row {int(bad.argmax())} of the lengths is not four positive numbers; check encoders")
    middle = np.append(robot.pulleys_m.mean(axis=0), 0.0)
    poses = np.array(np.broadcast_to(middle if starts is None else np.asarray(starts, dtype=float), (len(lengths), 3)))
    std = np.broadcast_to(np.asarray(length_std_m, dtype=float), (4,))
    weights = np.zeros((3, 3)) if prior is None else np.asarray(np.linalg.inv(prior.covariance), dtype=float)
    mean = np.zeros(3) if prior is None else prior.mean
    level = np.diag([0.0, 0.0, 1 / 0.02**2])  # first nearly level, for the reason given in `kinematics.forward`
    poses, _, _ = _descend(robot, lengths, std, poses, level, poses, newton=False)
    poses, normals, moving = _descend(
        robot, lengths, std, poses, weights, np.broadcast_to(mean, poses.shape), newton=True
    )
    if len(moving):
        raise NoForwardSolution(f"no pose explains row {moving[0]}: lengths {lengths[moving[0]].round(4).tolist()} m")
    misfit = lengths - cable_lengths(robot, poses)
    return PlanarEstimates(poses, np.asarray(np.linalg.inv(normals), dtype=float), np.sqrt(np.mean(misfit**2, axis=1)))


def _descend(
    robot: CableRobot, lengths: Array, std: Array, starts: Array, weights: Array, mean: Array, newton: bool
) -> tuple[Array, Array, Indices]:
    """Poses at the minimum, their normal matrices, and the rows that did not arrive; each row has its own damping."""
    poses, damping, moving = starts.copy(), np.full(len(starts), 1e-4), np.arange(len(starts))
    normals = np.empty((len(starts), 3, 3))
    for _ in range(_STEPS_MAX if newton else _STEPS_LEVEL):
        where, off = poses[moving], mean[moving]
        rows, errors = _rows(robot, where, lengths[moving], std)
        normal = np.swapaxes(rows, 1, 2) @ rows + weights
        normals[moving] = normal
        slope = np.einsum("nij,ni->nj", rows, errors) + (where - off) @ weights
        curved = _uphill(normal + length_curvature(robot, where, errors / std), normal) if newton else normal
        damped = curved + (damping[moving, None] * np.diagonal(normal, axis1=1, axis2=2))[..., None] * np.eye(3)
        step = -np.linalg.solve(damped, slope[..., None])[..., 0]
        step *= np.minimum(1.0, (_STEP_LIMITS / np.maximum(np.abs(step), 1e-30)).min(axis=1))[:, None]
        gain = _squares(errors, where - off, weights) - _cost(robot, where + step, lengths[moving], std, weights, off)
        promised = -2 * (slope * step).sum(axis=1) - np.einsum("ni,nij,nj->n", step, curved, step)
        poses[moving] = where + step * (gain > 0)[:, None]
        kept = gain / np.maximum(promised, 1e-12)
        change = np.where(kept > 0.75, 0.1, np.where(kept > 0.25, 1.0, 10.0))
        damping[moving] = np.maximum(damping[moving] * change, 1e-8)
        # A step below rounding, taken or refused, means that this is the minimum.
        moving = moving[np.abs(step).max(axis=1) > _STEP_MIN]
        if not len(moving):
            break
    return poses, normals, moving


def _uphill(curved: Array, normal: Array) -> Array:
    """The matrices with every curvature made positive, so that a step leads down and away from a saddle."""
    fine = np.linalg.det(curved) > 0  # the other two curvatures, of x and y, are
    if fine.all():
        return curved
    scale = np.sqrt(np.diagonal(normal[~fine], axis1=1, axis2=2))
    square = scale[:, :, None] * scale[:, None, :]
    values, vectors = np.linalg.eigh(curved[~fine] / square)
    values = np.maximum(np.abs(values), 1e-4)
    curved[~fine] = (vectors * values[:, None, :]) @ np.swapaxes(vectors, 1, 2) * square
    return curved


def _rows(robot: CableRobot, poses: Array, lengths: Array, std: Array) -> tuple[Array, Array]:
    return length_jacobian(robot, poses) / std[:, None], (cable_lengths(robot, poses) - lengths) / std


def _cost(robot: CableRobot, poses: Array, lengths: Array, std: Array, weights: Array, mean: Array) -> Array:
    return _squares((cable_lengths(robot, poses) - lengths) / std, poses - mean, weights)


def _squares(errors: Array, off: Array, weights: Array) -> Array:
    return np.asarray((errors**2).sum(axis=1) + np.einsum("ni,ij,nj->n", off, weights, off))
