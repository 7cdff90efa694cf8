"""A linear mixed model: groups and looks fixed, plants random, looks of one plant the more alike the nearer they are.

y = X b + plant(t) + e; plant(t) has standard deviation `plant_std` and correlation exp(-|dt| / memory_days), e has
`error_std`. Variances by restricted maximum likelihood. A memory without end is the usual random intercept; real plants
forget (0.38 after 26 days), and a random intercept then finds differences of growth that are chance.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import f as f_distribution

from reconstruction.growth.curve import Array

_FOREVER_DAYS = 1e6
_MEMORY_STARTS = (5.0, 30.0)
_LONGEST_DAYS = 365.0


@dataclass(frozen=True)
class Mixed:
    """Fixed effects (p,), their covariance (p, p), and the variances found; `error_df` are plants less groups."""

    effects: Array
    covariance: Array
    plant_std: float
    error_std: float
    memory_days: float
    log_likelihood: float

    def test(self, contrasts: Array, error_df: int) -> tuple[float, float]:
        """F and p that all contrasts (k, p) of the effects are zero (Wald; the denominator's freedom is given)."""
        value = contrasts @ self.effects
        spread = contrasts @ self.covariance @ contrasts.T
        rank = len(contrasts)
        ratio = float(value @ np.linalg.solve(spread, value)) / rank
        return ratio, float(f_distribution.sf(ratio, rank, error_df))


def fit_mixed(y: Array, design: Array, plant: NDArray[np.int64], day: Array, memory_days: float | None = None) -> Mixed:
    """Fit by restricted maximum likelihood.

    Args:
        y: (n,).
        design: X, (n, p), of full rank.
        plant: Which plant each row is of, (n,).
        day: When, (n,).
        memory_days: Given, or found from the data; `float("inf")` for a random intercept.
    """
    rows = [np.flatnonzero(plant == one) for one in np.unique(plant)]
    fixed = None if memory_days is None else min(memory_days, _FOREVER_DAYS)

    def loss(free: Array) -> float:
        return -_profile(y, design, rows, day, *_shape(free, fixed))[0]

    starts = [np.array([0.5]), np.array([-2.0])] if fixed else [np.array([0.5, np.log(m)]) for m in _MEMORY_STARTS]
    found = [minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-8}) for start in starts]
    best = min(found, key=lambda one: float(one.fun))
    share, memory = _shape(best.x, fixed)
    likelihood, effects, unit, variance = _profile(y, design, rows, day, share, memory)
    return Mixed(
        effects,
        variance * unit,
        float(np.sqrt(variance * share)),
        float(np.sqrt(variance * (1 - share))),
        memory,
        likelihood,
    )


def _shape(free: Array, fixed: float | None) -> tuple[float, float]:
    """Share of the variance that is the plant's, and its memory, from numbers without bounds."""
    share = float(1 / (1 + np.exp(-np.clip(free[0], -16, 16))))
    return share, fixed if fixed else float(np.exp(np.clip(free[1], np.log(0.5), np.log(_LONGEST_DAYS))))


def _profile(
    y: Array, design: Array, rows: list[NDArray[np.int64]], day: Array, share: float, memory: float
) -> tuple[float, Array, Array, float]:
    """Restricted log-likelihood at its best: it, the effects, their unit covariance, the variance."""
    effects_count = design.shape[1]
    normal, right, square, log_det = np.zeros((effects_count, effects_count)), np.zeros(effects_count), 0.0, 0.0
    for one in rows:
        apart = np.abs(day[one, None] - day[None, one])
        root = np.linalg.cholesky(share * np.exp(-apart / memory) + (1 - share) * np.eye(len(one)))
        x, value = np.linalg.solve(root, design[one]), np.linalg.solve(root, y[one])
        normal, right, square = normal + x.T @ x, right + x.T @ value, square + float(value @ value)
        log_det += 2 * float(np.log(np.diag(root)).sum())
    unit = np.linalg.inv(normal)
    effects = unit @ right
    freedom = len(y) - effects_count
    variance = max((square - float(right @ effects)) / freedom, 1e-12)
    log_det_normal = float(np.linalg.slogdet(normal)[1])
    likelihood = -0.5 * (freedom * (np.log(2 * np.pi * variance) + 1) + log_det + log_det_normal)
    return float(likelihood), effects, unit, variance
