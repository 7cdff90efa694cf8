"""A plant's size and growth day by day: a Kalman filter forwards, Rauch-Tung-Striebel backwards, gaps allowed.

State of a plant: the error of the batch's curve (constant, from what the others say), its deviation
from the curve today, and that of yesterday, so that growth over a day and its error come out of the same state. The
curve bends as plants do (exponential, then linear); the deviation carries the plant's own trend.
"""

from dataclasses import dataclass

import numpy as np

from reconstruction.growth.batch import ANYWHERE, BatchCurve
from reconstruction.growth.curve import Array, gradient, log_size
from reconstruction.growth.looks import Looks


@dataclass(frozen=True)
class Smoothed:
    """Of each plant on each day, (n, T): ln size and growth since the day before (1/day), with standard deviations.

    `last_mean` (n, p + 2) and `last_covariance` (n, p + 2, p + 2) are the state on the last day, from which forecasts
    start: errors of the curve's p parameters, the plant's deviation today and yesterday.
    """

    log_size: Array
    log_size_std: Array
    rate_per_day: Array
    rate_std_per_day: Array
    last_mean: Array
    last_covariance: Array


def smooth(seen: Looks, curve: BatchCurve) -> Smoothed:
    """Size and growth of each plant from all that was measured of it.

    Args:
        seen: Measurements, repaired (`batch.repaired`) or as they are.
        curve: What `fit_batch` found for them.
    """
    plants, days = seen.log_size.shape
    move, noise = _motion(seen, days, len(curve.parameters))
    mean, covariance = _first(seen, curve)
    predicted, filtered = [], []
    slope = gradient(seen.size, curve.parameters, seen.time_days, curve.knots)
    left = seen.log_size - log_size(seen.size, curve.parameters, seen.time_days, curve.knots)
    for day in range(days):
        if day > 0:
            mean = mean @ move.T
            covariance = move @ covariance @ move.T + noise[:, day]
        predicted.append((mean, covariance))
        row = np.concatenate([slope[:, day], np.ones((plants, 1)), np.zeros((plants, 1))], axis=1)
        mean, covariance = _updated(mean, covariance, row, left[:, day], seen.log_std[:, day])
        filtered.append((mean, covariance))
    smoothed = _backwards(move, predicted, filtered)
    return _answers(seen, curve, smoothed, filtered[-1])


def _first(seen: Looks, curve: BatchCurve) -> tuple[Array, Array]:
    size, plants, count = seen.size, len(seen.plants), len(curve.parameters)
    mean = np.concatenate([curve.others_mean, np.zeros((plants, 2))], axis=1)
    covariance = np.zeros((plants, count + 2, count + 2))
    covariance[:, :count, :count] = curve.others_covariance
    spread, memory = size.between_std**2, np.exp(-1 / size.memory_days)
    covariance[:, count:, count:] = spread * np.array([[1.0, memory], [memory, 1.0]])
    covariance[:, count:, count:] += ANYWHERE * seen.jumps[:, 0, None, None] * np.array([[1.0, 0.0], [0.0, 0.0]])
    return mean, covariance


def _motion(seen: Looks, days: int, count: int) -> tuple[Array, Array]:
    """From a day to the next: (p + 2, p + 2), and the noise (n, T, p + 2, p + 2)."""
    memory = np.exp(-1 / seen.size.memory_days)
    deviation, yesterday = count, count + 1
    move = np.eye(count + 2)
    move[deviation, deviation] = memory
    move[yesterday] = np.eye(count + 2)[deviation]
    noise = np.zeros((len(seen.plants), days, count + 2, count + 2))
    noise[..., deviation, deviation] = seen.size.between_std**2 * (1 - memory**2) + ANYWHERE * seen.jumps
    return move, noise


def _updated(mean: Array, covariance: Array, row: Array, left: Array, std: Array) -> tuple[Array, Array]:
    """After a measurement of each plant; those without one (NaN) stay as predicted."""
    there = np.isfinite(left)
    cross = np.einsum("nij,nj->ni", covariance, row)
    variance = np.einsum("ni,ni->n", cross, row) + np.where(there, std, 1.0) ** 2
    gain = np.where(there[:, None], cross / variance[:, None], 0.0)
    surprise = np.where(there, left - np.einsum("ni,ni->n", row, mean), 0.0)
    covariance = covariance - gain[:, :, None] * cross[:, None, :]
    return mean + gain * surprise[:, None], (covariance + np.swapaxes(covariance, 1, 2)) / 2


def _backwards(
    move: Array, predicted: list[tuple[Array, Array]], filtered: list[tuple[Array, Array]]
) -> list[tuple[Array, Array]]:
    smoothed = [filtered[-1]]
    for day in range(len(filtered) - 2, -1, -1):
        mean, covariance = filtered[day]
        mean_next, covariance_next = predicted[day + 1]
        gain = np.swapaxes(np.linalg.solve(covariance_next, move @ covariance), 1, 2)
        later_mean, later_covariance = smoothed[-1]
        mean = mean + np.einsum("nij,nj->ni", gain, later_mean - mean_next)
        covariance = covariance + gain @ (later_covariance - covariance_next) @ np.swapaxes(gain, 1, 2)
        smoothed.append((mean, covariance))
    return smoothed[::-1]


def _answers(
    seen: Looks, curve: BatchCurve, smoothed: list[tuple[Array, Array]], last: tuple[Array, Array]
) -> Smoothed:
    mean = np.stack([one for one, _ in smoothed], axis=1)  # (n, T, p + 2)
    covariance = np.stack([one for _, one in smoothed], axis=1)
    days = seen.days.astype(float)
    today, yesterday = (gradient(seen.size, curve.parameters, when, curve.knots) for when in (days, days - 1))
    level = np.concatenate([today, np.tile([1.0, 0.0], (len(days), 1))], axis=1)
    growth = np.concatenate([today - yesterday, np.tile([1.0, -1.0], (len(days), 1))], axis=1)
    middle, before = (log_size(seen.size, curve.parameters, when, curve.knots) for when in (days, days - 1))
    stds = [
        np.sqrt(np.maximum(np.einsum("ti,ntij,tj->nt", row, covariance, row, optimize=True), 0.0))
        for row in (level, growth)
    ]
    return Smoothed(
        middle + np.einsum("nti,ti->nt", mean, level),
        stds[0],
        middle - before + np.einsum("nti,ti->nt", mean, growth),
        stds[1],
        *last,
    )
