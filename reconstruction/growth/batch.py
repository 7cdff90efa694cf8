"""The curve of a batch, fitted to all its plants at once, and what the others say about each plant's.

A measurement is ln size = curve(day) + deviation of the plant + error. The deviation is an Ornstein-Uhlenbeck process
(`Size.between_std`, `Size.memory_days`), so a plant that is large today is likely to be large next week, less likely
next month. The curve's parameters are found by Gauss-Newton, with their prior; what all plants but one say is the
sum of information less that plant's own, exact for the linearised curve.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reconstruction.growth.curve import PRIOR_MEAN, Array, Size, gradient, knots_for, log_size, prior
from reconstruction.growth.looks import Looks

#: Variance of ln size that a jump may add, and that is left of a measurement which is unlike all others.
ANYWHERE = 4.0
#: Standard deviations at which a measurement is unlike the others, and at which a jump is believed.
_UNLIKE, _JUMP = 3.7, 4.3
_ROUNDS, _REPAIRS = 30, 6


@dataclass(frozen=True)
class BatchCurve:
    """Parameters (p,) of the curve where it is linearised; for each plant, what the other plants and the prior say.

    `others_mean` (n, p) is relative to `parameters`, `others_covariance` (n, p, p); `knots` (K,) carry its bend;
    `precision` (n, T, T) is the inverse covariance of each plant's deviations and errors, zero where nothing was
    measured.
    """

    size: Size
    knots: Array
    parameters: Array
    covariance: Array
    others_mean: Array
    others_covariance: Array
    precision: Array


def fit_batch(seen: Looks, start: Array | None = None) -> BatchCurve:
    """The curve of a batch.

    Args:
        seen: Its measurements; at least one.
        start: Parameters to begin from, of a part of these days; without them the best of a grid of starting days.
    """
    knots = knots_for(seen.days)
    before = _Before.of(knots)
    precision = _precision(seen)
    parameters = _coarse(seen, precision, before) if start is None else _longer(start, len(before.mean))
    loss = _loss(seen, precision, parameters, before)
    for _ in range(_ROUNDS):
        information, pull = _sums(seen, precision, parameters, knots)
        step = np.linalg.solve(before.precision + information.sum(axis=0), before.pull(parameters) + pull.sum(axis=0))
        for share in (1.0, 0.3, 0.1, 0.03):
            tried = parameters + share * step
            new_loss = _loss(seen, precision, tried, before)
            if new_loss <= loss:
                break
        else:
            break
        small = bool(np.abs(share * step / before.std).max() < 1e-4)
        parameters, loss = tried, new_loss
        if small:
            break
    information, pull = _sums(seen, precision, parameters, knots)
    total, total_pull = before.precision + information.sum(axis=0), before.pull(parameters) + pull.sum(axis=0)
    others = np.linalg.inv(total - information)
    mean = np.einsum("nij,nj->ni", others, total_pull - pull)
    return BatchCurve(seen.size, knots, parameters, np.linalg.inv(total), mean, others, precision)


@dataclass(frozen=True)
class _Before:
    """The prior: mean and standard deviation (p,), inverse covariance (p, p), and its knots."""

    knots: Array
    mean: Array
    std: Array
    precision: Array

    @staticmethod
    def of(knots: Array) -> "_Before":
        mean, covariance = prior(knots)
        return _Before(knots, mean, np.sqrt(np.diag(covariance)), np.linalg.inv(covariance))

    def pull(self, parameters: Array) -> Array:
        """Gradient towards the prior's mean, (p,)."""
        return np.asarray(self.precision @ (self.mean - parameters))


def residuals(seen: Looks, curve: BatchCurve) -> Array:
    """ln size less what the others' curve says, (n, T); zero where nothing was measured."""
    slope = gradient(seen.size, curve.parameters, seen.time_days, curve.knots)
    expected = log_size(seen.size, curve.parameters, seen.time_days, curve.knots) + np.einsum(
        "ntk,nk->nt", slope, curve.others_mean
    )
    return np.where(seen.seen, seen.log_size - expected, 0.0)


def whole_precision(seen: Looks, curve: BatchCurve) -> Array:
    """Inverse covariance of `residuals`, with the doubt about the curve in it, (n, T, T)."""
    slope = gradient(seen.size, curve.parameters, seen.time_days, curve.knots)
    weighted = curve.precision @ slope  # (n, T, p)
    inner = np.linalg.inv(np.linalg.inv(curve.others_covariance) + np.swapaxes(slope, 1, 2) @ weighted)
    return curve.precision - weighted @ inner @ np.swapaxes(weighted, 1, 2)


def repaired(seen: Looks, lately: int = 0) -> tuple[Looks, BatchCurve]:
    """Measurements unlike all others of their plant without weight, jumps of its size marked, and the curve then.

    The worst of each plant goes first: one measurement that stands out is an error, two and more on a new level
    are a jump. In the last `lately` days nothing is touched.
    """
    for _ in range(_REPAIRS):
        curve = fit_batch(seen)
        told = _told(seen, curve, seen.log_size.shape[1] - lately)
        if told is None:
            return seen, curve
        seen = told
    return seen, fit_batch(seen)


def step_statistics(weights: Array, left: Array, patterns: Array) -> tuple[Array, Array]:
    """How much of each pattern is in the residuals, in units of ln size, and in standard deviations.

    Args:
        weights: Inverse covariances (n, T, T).
        left: Residuals (n, T).
        patterns: (m, T).

    Returns:
        Best amounts (n, m) and amounts by their standard deviations (n, m); zero where a pattern meets no measurement.
    """
    shaped = np.einsum("nst,mt->nms", weights, patterns)
    power = np.einsum("nms,ms->nm", shaped, patterns)
    score = np.einsum("nms,ns->nm", shaped, left)
    told = power > 1e-6
    safe = np.where(told, power, 1.0)
    return np.where(told, score / safe, 0.0), np.where(told, score / np.sqrt(safe), 0.0)


def _told(seen: Looks, curve: BatchCurve, count: int) -> Looks | None:
    """The worst measurement or jump of each plant within its first `count` days repaired; None when none is bad."""
    days = seen.log_size.shape[1]
    weights, left = whole_precision(seen, curve), residuals(seen, curve)
    _, spikes = step_statistics(weights, left, np.eye(days))
    _, steps = step_statistics(weights, left, np.triu(np.ones((days, days))))
    after = np.cumsum(seen.seen[:, ::-1], axis=1)[:, ::-1]
    before = np.cumsum(seen.seen, axis=1) - seen.seen
    within = np.arange(days) < count
    spikes = np.where(within & seen.seen, np.abs(spikes), 0.0)
    steps = np.where(within & seen.seen & (after >= 2) & (before >= 1), np.abs(steps), 0.0)
    plants = np.arange(len(seen.plants))
    worst, jump = spikes.argmax(axis=1), steps.argmax(axis=1)
    spike_size, step_size = spikes[plants, worst], steps[plants, jump]
    bad = (spike_size > _UNLIKE) | (step_size > _JUMP)
    if not bad.any():
        return None
    std, jumps = seen.log_std.copy(), seen.jumps.copy()
    is_jump = (step_size > _JUMP) & (step_size > spike_size)
    std[plants[bad & ~is_jump], worst[bad & ~is_jump]] = ANYWHERE
    jumps[plants[bad & is_jump], jump[bad & is_jump]] = True
    return replace(seen, log_std=std, jumps=jumps)


def _precision(seen: Looks) -> Array:
    size, there = seen.size, seen.seen
    times = np.where(there, seen.time_days, 0.0)
    apart = np.abs(times[:, :, None] - times[:, None, :])
    covariance = size.between_std**2 * np.exp(-apart / size.memory_days)
    level = np.cumsum(seen.jumps, axis=1)
    for jump in range(1, int(level.max(initial=0)) + 1):
        after = (level >= jump).astype(float)
        covariance = covariance + ANYWHERE * after[:, :, None] * after[:, None, :]
    both = there[:, :, None] & there[:, None, :]
    variance = np.where(there, seen.log_std**2, 1.0)
    covariance = np.where(both, covariance, 0.0) + variance[:, :, None] * np.eye(there.shape[1])
    return np.where(both, np.linalg.inv(covariance), 0.0)


def _sums(seen: Looks, precision: Array, parameters: Array, knots: Array) -> tuple[Array, Array]:
    """Information (n, p, p) and pull (n, p) of each plant about the curve."""
    slope = gradient(seen.size, parameters, seen.time_days, knots)
    left = np.where(seen.seen, seen.log_size - log_size(seen.size, parameters, seen.time_days, knots), 0.0)
    weighted = precision @ slope
    return np.swapaxes(weighted, 1, 2) @ slope, np.einsum("nti,nt->ni", weighted, left)


def _loss(seen: Looks, precision: Array, parameters: Array, before: _Before) -> float:
    left = np.where(seen.seen, seen.log_size - log_size(seen.size, parameters, seen.time_days, before.knots), 0.0)
    off = parameters - before.mean
    return float(np.einsum("nt,nts,ns->", left, precision, left, optimize=True) + off @ before.precision @ off)


def _coarse(seen: Looks, precision: Array, before: _Before) -> NDArray[np.float64]:
    """The best of the prior's curves moved along the days, without a bend."""
    starts = [_longer(np.array([*PRIOR_MEAN[:2], PRIOR_MEAN[2] + shift]), len(before.mean))
              for shift in range(-40, 121, 4)]  # fmt: skip
    return min(starts, key=lambda parameters: _loss(seen, precision, parameters, before))


def _longer(parameters: Array, count: int) -> Array:
    """The same curve with more knots, which have no bend yet."""
    return np.concatenate([parameters, np.zeros(count - len(parameters))])
