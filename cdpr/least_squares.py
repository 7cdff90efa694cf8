"""Least squares over a robot and many poses at once: the poses are eliminated row by row (Schur complement)."""

from dataclasses import dataclass

import numpy as np

from cdpr.reading_model import ReadingModel
from cdpr.robot import Array, Indices
from trellis.errors import TrellisError

_STEPS_MAX = 300
#: Less to gain than this, in squares of standard deviations, and the minimum is within a thousandth of one.
_PROMISE_MIN = 1e-6


class NoCalibration(TrellisError):
    """The least squares found no minimum."""


@dataclass(frozen=True, eq=False)
class Equations:
    """What is to be explained. A row has eight errors: four readings, the prior of its yaw, and its fix in x, y, yaw.

    Args:
        prior: Mean of the priors.
        prior_stds: Their standard deviations, shape (25,); what has zero is not estimated.
        readings_m: Shape (n, 4).
        rates_m_s: Shape (n, 4).
        fixes: Shape (n, 3), not a number where there is none.
        yaw_prior: Mean and standard deviation of every row's yaw.
        fix_yaw_std_rad: Noise of a fix's yaw.
    """

    prior: ReadingModel
    prior_stds: Array
    readings_m: Array
    rates_m_s: Array
    fixes: Array
    yaw_prior: tuple[float, float]
    fix_yaw_std_rad: float

    @property
    def free(self) -> Indices:
        """Indices of the parameters that are estimated."""
        return np.flatnonzero(self.prior_stds > 0)


@dataclass(frozen=True, eq=False)
class Solution:
    """A minimum.

    Args:
        model: The robot there.
        poses: Shape (n, 3).
        errors: Whitened and weighted, shape (n, 8); zero where nothing was measured.
        by_pose: Their derivative by their own pose, shape (n, 8, 3).
        by_free: Their derivative by the estimated parameters once the poses follow these, shape (n, 8, k).
        measured: 1 where something was measured, times its weight, shape (n, 8).
        covariance: Of all parameters, shape (25, 25).
    """

    model: ReadingModel
    poses: Array
    errors: Array
    by_pose: Array
    by_free: Array
    measured: Array
    covariance: Array


def minimise(eq: Equations, model: ReadingModel, poses: Array, noise: Array, weights: Array) -> Solution:
    """The minimum near a start, by Levenberg-Marquardt.

    Args:
        eq: What is to be explained.
        model: Where to begin.
        poses: Likewise, shape (n, 3).
        noise: Standard deviations of a reading and of a fix, metres.
        weights: Of every error, shape (n, 8).

    Raises:
        NoCalibration: No minimum in 300 steps.
    """
    stds = np.array([noise[0]] * 4 + [eq.yaw_prior[1]] + [noise[1]] * 2 + [eq.fix_yaw_std_rad])
    roots = np.sqrt(weights) / stds
    vector, damping = model.vector(), 1e-4
    errors, strain = _errors(eq, vector, poses, roots), _strain(eq, vector)
    for _ in range(_STEPS_MAX):
        a, b = _derivatives(eq, vector, poses, roots)
        step, pose_step = _step(eq, a, b, errors, strain, damping)
        linear = errors + np.einsum("nij,nj->ni", a, pose_step) + b @ step
        cost = _squares(errors, strain)
        promised = cost - _squares(linear, strain + step / eq.prior_stds[eq.free])
        if promised < _PROMISE_MIN and damping < 0.1:
            return _solution(eq, vector, poses, errors, roots, weights)
        new_vector = vector.copy()
        new_vector[eq.free] += step
        new_errors, new_strain = _errors(eq, new_vector, poses + pose_step, roots), _strain(eq, new_vector)
        kept = (cost - _squares(new_errors, new_strain)) / max(promised, 1e-30)
        if kept > 0:
            vector, poses, errors, strain = new_vector, poses + pose_step, new_errors, new_strain
        # The damping follows how much of the promised gain came true: a curved valley is walked, not zigzagged.
        damping = float(np.clip(damping * (0.2 if kept > 0.75 else 1.0 if kept > 0.25 else 5.0), 1e-10, 1e10))
    raise NoCalibration("no robot explains the log; check the order of the cables and the units of the columns")


def redundancies(solution: Solution) -> Array:
    """How much of each error the solution leaves free to show noise, 0 to 1, shape (n, 8).

    One minus the diagonal of the hat matrix; an error of less weight counts so much less.
    """
    a, b = solution.by_pose, solution.by_free
    free = np.flatnonzero(np.diag(solution.covariance) > 0)
    own = np.einsum("nij,njk,nik->ni", a, np.linalg.inv(_transposed(a) @ a), a)
    shared = np.einsum("nij,jk,nik->ni", b, solution.covariance[np.ix_(free, free)], b)
    return np.asarray(solution.measured - own - shared)


def _step(eq: Equations, a: Array, b: Array, errors: Array, strain: Array, damping: float) -> tuple[Array, Array]:
    """Steps of parameters and poses; the poses' normal matrices are inverted one by one."""
    own = _transposed(a) @ a
    own_inverse = np.linalg.inv(own + damping * own * np.eye(3))
    mixed = _transposed(a) @ b
    shared = np.einsum("nij,nik->jk", b, b) + np.diag(1 / eq.prior_stds[eq.free] ** 2)
    shared += damping * np.diag(np.diag(shared))
    follow = _transposed(mixed) @ own_inverse
    by_pose = np.einsum("nij,ni->nj", a, errors)
    slope = np.einsum("nij,ni->j", b, errors) + strain / eq.prior_stds[eq.free]
    step = -np.linalg.solve(
        shared - np.einsum("nij,njk->ik", follow, mixed), slope - np.einsum("nij,nj->i", follow, by_pose)
    )
    return step, -np.einsum("nij,nj->ni", own_inverse, by_pose + mixed @ step)


def _solution(eq: Equations, vector: Array, poses: Array, errors: Array, roots: Array, weights: Array) -> Solution:
    a, b = _derivatives(eq, vector, poses, roots)
    reduced = b - a @ np.linalg.solve(_transposed(a) @ a, _transposed(a) @ b)
    normal = np.einsum("nij,nik->jk", reduced, reduced) + np.diag(1 / eq.prior_stds[eq.free] ** 2)
    covariance = np.zeros((len(vector), len(vector)))
    covariance[np.ix_(eq.free, eq.free)] = np.linalg.inv(normal)
    measured = weights * np.column_stack([np.ones((len(poses), 5)), np.isfinite(eq.fixes)])
    return Solution(eq.prior.with_vector(vector), poses, errors, a, reduced, measured, covariance)


def _errors(eq: Equations, vector: Array, poses: Array, roots: Array) -> Array:
    """Whitened and weighted errors, shape (n, 8)."""
    readings = eq.prior.with_vector(vector).readings_m(poses, eq.rates_m_s) - eq.readings_m
    fixes = np.where(np.isfinite(eq.fixes), poses - eq.fixes, 0.0)
    return np.asarray(np.column_stack([readings, poses[:, 2] - eq.yaw_prior[0], fixes]) * roots)


def _derivatives(eq: Equations, vector: Array, poses: Array, roots: Array) -> tuple[Array, Array]:
    """Of the errors by their poses (n, 8, 3) and by the estimated parameters (n, 8, k)."""
    model = eq.prior.with_vector(vector)
    by_pose = np.zeros((len(poses), 8, 3))
    by_pose[:, :4] = model.by_pose(poses)
    by_pose[:, 4, 2] = 1.0
    by_pose[:, 5:] = np.isfinite(eq.fixes)[:, :, None] * np.eye(3)
    by_free = np.zeros((len(poses), 8, len(eq.free)))
    by_free[:, :4] = model.by_parameters(poses, eq.rates_m_s)[:, :, eq.free]
    return by_pose * roots[..., None], by_free * roots[..., None]


def _squares(errors: Array, strain: Array) -> float:
    return float((errors**2).sum() + (strain**2).sum())


def _strain(eq: Equations, vector: Array) -> Array:
    """How far the estimated parameters are from their priors, whitened."""
    return np.asarray((vector - eq.prior.vector())[eq.free] / eq.prior_stds[eq.free])


def _transposed(matrices: Array) -> Array:
    return np.swapaxes(matrices, 1, 2)
