"""The day on which a plant reaches a size, with an interval: the state of today carried on by chance."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from reconstruction.growth.batch import BatchCurve
from reconstruction.growth.curve import Array, log_size
from reconstruction.growth.state_space import Smoothed

HORIZON_DAYS = 90
_DRAWS, _QUANTILES = 600, (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Forecast:
    """For each plant (n,): the middle day and the ends of the 90 % interval; infinite beyond the horizon."""

    day: Array
    low_day: Array
    high_day: Array


def forecast(curve: BatchCurve, smoothed: Smoothed, last_day: float, target: float, seed: int = 0) -> Forecast:
    """When each plant first reaches a target, from the day after the last look on.

    A plant that has reached it by the last day gets that day; `growth.csv` says when it did.

    Args:
        curve: Of the batch.
        smoothed: Of its plants.
        last_day: The last day of `smoothed`.
        target: In the unit of the size, above zero.
        seed: Of the draws; the same seed gives the same answer.
    """
    chance = np.random.default_rng(seed)
    days = _crossings(curve, smoothed, last_day, float(np.log(target)), chance)
    low, middle, high = np.quantile(days, _QUANTILES, axis=1, method="inverted_cdf")
    return Forecast(middle, low, high)


def batch_forecast(curve: BatchCurve, first_day: float, target: float) -> float:
    """The day on which the batch's own curve first reaches the target, from `first_day` to its horizon; or infinite."""
    days = np.arange(first_day, first_day + 2 * HORIZON_DAYS, 0.05)
    above = log_size(curve.size, curve.parameters, days, curve.knots) >= np.log(target)
    return float(days[above.argmax()]) if above.any() else float("inf")


def _crossings(
    curve: BatchCurve, smoothed: Smoothed, last_day: float, log_target: float, chance: np.random.Generator
) -> Array:
    """Days of first reaching the target, (n, draws)."""
    futures = _futures(curve, smoothed, last_day, chance)
    _, before = next(futures)
    reached = np.where(before >= log_target, last_day, np.inf)
    for day, now in futures:
        first = (now >= log_target) & np.isinf(reached)
        share = (log_target - before) / np.where(first, now - before, 1.0)
        reached = np.where(first, day - 1 + share, reached)
        if np.isfinite(reached).all():
            break
        before = now
    return reached


def course(curve: BatchCurve, smoothed: Smoothed, last_day: float, days: int, seed: int = 0) -> Array:
    """Sizes that are likely from the last look on: low, middle and high end of 90 % a day, (days + 1, n, 3)."""
    futures = _futures(curve, smoothed, last_day, np.random.default_rng(seed))
    rows = [np.exp(np.quantile(size, _QUANTILES, axis=1)).T for _, size in islice(futures, days + 1)]
    return np.array(rows)


def _futures(
    curve: BatchCurve, smoothed: Smoothed, last_day: float, chance: np.random.Generator
) -> Iterator[tuple[float, Array]]:
    """Day by day from the last look to the horizon: the day, and ln size in each of many futures, (n, draws)."""
    size, plants, count = curve.size, len(smoothed.last_mean), len(curve.parameters)
    part = slice(0, count + 1)
    root = np.linalg.cholesky(smoothed.last_covariance[:, part, part] + 1e-10 * np.eye(count + 1))
    draws = chance.standard_normal((plants, _DRAWS, count + 1)) @ np.swapaxes(root, 1, 2)
    draws = draws + smoothed.last_mean[:, None, part]
    parameters, deviation = curve.parameters + draws[..., :count], draws[..., count]
    memory = np.exp(-1 / size.memory_days)
    kick = size.between_std * np.sqrt(1 - memory**2)
    yield last_day, log_size(size, parameters, last_day, curve.knots) + deviation
    for ahead in range(1, HORIZON_DAYS + 1):
        deviation = memory * deviation + kick * chance.standard_normal(deviation.shape)
        yield last_day + ahead, log_size(size, parameters, last_day + ahead, curve.knots) + deviation
