"""The curve a batch of plants follows: expolinear fresh mass, and the other sizes by allometry.

Mass (g) at day t is (c/r) ln(1 + exp(r (t - tb))): exponential growth at r a day until about day tb, then c grams a day
(Goudriaan and Monteith 1990). Other sizes follow from mass by the laws of 233 hydroponic heads: FW = 0.0143 LA^1.184,
H = 1.45 LA^0.294 (g, cm2, cm).

No batch follows a formula. Weekly means of those heads depart from their own best expolinear curve by 0.13 (rms of ln
mass, their standard errors are 0.08, three of seven numbers were fitted), with little memory from week to week. So the
curve has a bend: a smooth random departure with `BEND_STD` and `BEND_LENGTH_DAYS`, given by its values at knots.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Size:
    """A size that grows: ln size = `offset + slope * ln(fresh mass in g)`.

    `between_std` is the standard deviation of the natural logarithm between plants of a batch, `memory_days` how long
    a plant stays a small or a large one: the correlation with itself is exp(-days / memory_days).
    """

    name: str
    offset: float
    slope: float
    between_std: float = 0.135
    memory_days: float = 27.0  # correlation 0.38 after 26 days, 0.86 to 0.83 after 4 to 5


_AREA_SLOPE = 1 / 1.184
_AREA_OFFSET = -np.log(0.0143) / 1.184

#: The sizes that a table may hold. The height's spread is assumed, not measured.
SIZES = {
    "fresh_mass_g": Size("fresh_mass_g", 0.0, 1.0),
    "leaf_area_cm2": Size("leaf_area_cm2", _AREA_OFFSET, _AREA_SLOPE),
    "height_cm": Size("height_cm", np.log(1.45) + 0.294 * _AREA_OFFSET, 0.294 * _AREA_SLOPE, between_std=0.1),
}

#: Parameters (ln c, ln r, tb) before anything was measured: middle and standard deviation. c 5 to 13 g/day, r 0.18 to
#: 0.33 /day on real heads; tb 14 to 22 days there, wider here because a table may count its days from elsewhere.
PRIOR_MEAN = np.array([2.09, -1.41, 18.0])
PRIOR_STD = np.array([0.3, 0.2, 7.0])


#: Departure of a batch from the formula: standard deviation of ln mass, and how long it lasts (squared exponential).
BEND_STD, BEND_LENGTH_DAYS = 0.12, 6.0
_KNOT_DAYS = 4
#: Knots reach so far beyond the last day; further ahead the departure stays what it is there.
_KNOTS_AHEAD_DAYS = 16
_FORMULA = 3


def knots_for(days: NDArray[np.int64]) -> Array:
    """Where the bend is told, on a grid that does not move as days are added, (K,)."""
    first, last = int(days[0]) // _KNOT_DAYS, -(-(int(days[-1]) + _KNOTS_AHEAD_DAYS) // _KNOT_DAYS)
    return np.arange(first, last + 1) * float(_KNOT_DAYS)


def prior(knots: Array) -> tuple[Array, Array]:
    """Mean (p,) and covariance (p, p) of ln c, ln r, tb and the bend at each knot before anything was measured."""
    apart = (knots[:, None] - knots[None]) / BEND_LENGTH_DAYS
    covariance = np.zeros((_FORMULA + len(knots),) * 2)
    covariance[:_FORMULA, :_FORMULA] = np.diag(PRIOR_STD**2)
    covariance[_FORMULA:, _FORMULA:] = BEND_STD**2 * np.exp(-(apart**2) / 2) + 1e-6 * np.eye(len(knots))
    return np.concatenate([PRIOR_MEAN, np.zeros(len(knots))]), covariance


def log_size(size: Size, parameters: ArrayLike, day: ArrayLike, knots: Array) -> Array:
    """ln size on the curve; `parameters` (..., 3 + K) as ln c, ln r, tb and the bend, `day` a shape that fits."""
    values = np.asarray(parameters, dtype=float)
    log_c, log_r, start = np.moveaxis(values[..., :_FORMULA], -1, 0)
    z = np.exp(log_r) * (np.asarray(day, dtype=float) - start)
    bend = np.einsum("...k,...k->...", _hats(knots, day), values[..., _FORMULA:])
    return np.asarray(size.offset + size.slope * (log_c - log_r + _log_softplus(z) + bend))


def gradient(size: Size, parameters: ArrayLike, day: ArrayLike, knots: Array) -> Array:
    """Derivatives of `log_size` by its parameters, (..., 3 + K)."""
    _, log_r, start = np.moveaxis(np.asarray(parameters, dtype=float)[..., :_FORMULA], -1, 0)
    z = np.exp(log_r) * (np.asarray(day, dtype=float) - start)
    steepness = np.exp(-np.logaddexp(0, -z) - _log_softplus(z))  # d ln(softplus) / dz
    parts = (np.ones_like(z), steepness * z - 1, -steepness * np.exp(log_r))
    formula = np.stack(np.broadcast_arrays(*parts), axis=-1)
    return np.asarray(size.slope * np.concatenate([formula, _hats(knots, day)], axis=-1))


def _hats(knots: Array, day: ArrayLike) -> Array:
    """How much of each knot's bend is in a day: linear between knots, constant beyond the ends, (..., K)."""
    inside = np.clip(np.asarray(day, dtype=float), knots[0], knots[-1])
    return np.maximum(0.0, 1 - np.abs(inside[..., None] - knots) / _KNOT_DAYS)


def _log_softplus(z: Array) -> Array:
    """ln ln(1 + exp z), which is z far below zero, where ln(1 + exp z) has no digits left."""
    low = z < -30
    return np.where(low, z, np.log(np.logaddexp(0, np.where(low, 0.0, z))))
