"""Motion laws along a line, limited in speed, acceleration and jerk: from rest, from any speed, and to a stop.

All are stretches of constant jerk, so distance, speed and acceleration are continuous wherever two are joined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

#: A stretch of constant jerk: how long, and the jerk.
Step = tuple[float, float]

_HALVINGS = 60  # of an interval of speeds: down to rounding


@dataclass(frozen=True)
class Profile:
    """Distance over time, made of stretches of constant jerk; before it starts at 0, after it ends at its length.

    Args:
        starts_s: When each stretch starts, ascending from 0, shape (n,).
        states: Distance, speed, acceleration and jerk at each start, shape (n, 4).
        duration_s: When it ends.
        length: The distance at the end, in the unit of the limits (metres or radians).
        end_speed: The speed at the end; after it all is taken to stand at `length`.
    """

    starts_s: Array
    states: Array
    duration_s: float
    length: float
    end_speed: float = 0.0

    def at(self, time_s: ArrayLike) -> tuple[Array, Array, Array]:
        """Distance, speed and acceleration at a time or at times of any shape."""
        time = np.clip(np.asarray(time_s, dtype=float), 0.0, self.duration_s)
        index = np.maximum(np.searchsorted(self.starts_s, time, side="right") - 1, 0)
        s, v, a, j = np.moveaxis(self.states[index], -1, 0)
        t = time - self.starts_s[index]
        distance = np.minimum(s + t * (v + t * (a / 2 + t * j / 6)), self.length)
        done = np.asarray(time_s, dtype=float) >= self.duration_s
        speed = np.where(done, self.end_speed, v + t * (a + t * j / 2))
        acceleration = np.where(done, 0.0, a + t * j)
        return np.where(done, self.length, distance), speed, acceleration

    def stretched(self, duration_s: float) -> Profile:
        """The same profile over a longer time: all slower, so within every limit that it was in; never quicker."""
        if duration_s <= self.duration_s or self.duration_s == 0:
            return self
        slower = duration_s / self.duration_s
        states = self.states / slower ** np.arange(4)
        return Profile(self.starts_s * slower, states, duration_s, self.length, self.end_speed / slower)


def rest_to_rest(length: float, speed: float, acceleration: float, jerk: float) -> Profile:
    """The quickest jerk-limited profile over `length` that starts and ends at rest.

    Args:
        length: Distance to cover, not negative; speed, acceleration and jerk are limits, all positive, in one unit.

    Raises:
        ValueError: A limit is not positive, or the length is negative.

    Source: Biagiotti & Melchiorri, Trajectory Planning for Automatic Machines and Robots, section 3.4 (double S).
    """
    if length < 0 or min(speed, acceleration, jerk) <= 0:
        raise ValueError(f"needs length >= 0 and limits > 0, got {length}, {speed}, {acceleration}, {jerk}")
    if length == 0:
        return Profile(np.zeros(1), np.zeros((1, 4)), 0.0, 0.0)
    jerk_s, flat_s, cruise_s = _phases(length, speed, acceleration, jerk)
    steps = [(jerk_s, jerk), (flat_s, 0.0), (jerk_s, -jerk), (cruise_s, 0.0),
             (jerk_s, -jerk), (flat_s, 0.0), (jerk_s, jerk)]  # fmt: skip
    return _integrate(steps, length)


def between(
    length: float, start_speed: float, end_speed: float, speed: float, acceleration: float, jerk: float
) -> Profile:
    """From one speed to another over `length`, as fast as a peak speed allows; without acceleration at both ends.

    Args:
        length: To cover. `start_speed` and `end_speed` lie within 0 and `speed`; the rest are limits, all positive.

    Raises:
        ValueError: A number is out of range, or the speeds are too far apart for the length.
    """
    if min(speed, acceleration, jerk) <= 0 or not 0 <= min(start_speed, end_speed) <= max(start_speed, end_speed):
        raise ValueError(f"needs speeds >= 0 and limits > 0, got {start_speed}, {end_speed}, {speed}")
    if max(start_speed, end_speed) > speed * (1 + 1e-9):
        raise ValueError(f"speeds {start_speed} and {end_speed} are above the limit {speed}")
    least = change_length(start_speed, end_speed, acceleration, jerk)
    if least > length * (1 + 1e-9) + 1e-12:
        raise ValueError(f"{length} is too short to go from speed {start_speed} to {end_speed}: {least} are needed")

    def needed(peak: float) -> float:
        return change_length(start_speed, peak, acceleration, jerk) + change_length(peak, end_speed, acceleration, jerk)

    low = max(start_speed, end_speed)
    peak = speed if needed(speed) <= length else _greatest(low, speed, lambda trial: needed(trial) <= length)
    cruise_s = max(length - needed(peak), 0.0) / peak if peak > 0 else 0.0
    steps = [*_change(start_speed, peak, acceleration, jerk), (cruise_s, 0.0)]
    return _integrate([*steps, *_change(peak, end_speed, acceleration, jerk)], length, start_speed, 0.0, end_speed)


def along(
    stretches: Sequence[tuple[float, float]], acceleration: float, jerk: float, start_speed: float = 0.0
) -> Profile:
    """To rest at the end of stretches that each have a length and a speed limit of their own.

    Args:
        stretches: (length, speed limit) in driving order; at least one.
        acceleration: Limit everywhere.
        jerk: Limit everywhere.
        start_speed: At the beginning.

    Raises:
        ValueError: It is too fast at the beginning to keep to the limits or to stop within the stretches.
    """
    limits = [limit for _, limit in stretches]
    speeds = [start_speed, *map(min, pairwise(limits)), 0.0]
    for index in range(len(stretches) - 1, 0, -1):
        speeds[index] = _attainable(stretches[index][0], speeds[index + 1], speeds[index], acceleration, jerk)
    for index, (length, _) in enumerate(stretches[:-1]):
        speeds[index + 1] = _attainable(length, speeds[index], speeds[index + 1], acceleration, jerk)
    parts = [
        between(length, speeds[index], speeds[index + 1], limit, acceleration, jerk)
        for index, (length, limit) in enumerate(stretches)
    ]
    return _joined(parts)


def braking(speed: float, acceleration_now: float, acceleration: float, jerk: float) -> Profile:
    """The shortest stop from a speed and an acceleration, as hard as the limits allow.

    Args:
        speed: Now, not negative.
        acceleration_now: Along the way, within the limit; negative while slowing down already.
        acceleration: Limit.
        jerk: Limit.
    """
    steps: list[Step] = []
    top, slowing = speed, max(-acceleration_now, 0.0)
    if acceleration_now > 0:
        steps.append((acceleration_now / jerk, -jerk))
        top += acceleration_now**2 / (2 * jerk)
    # Slowing grows from `slowing` to `peak` and fades to none: that takes (2 peak² - slowing²) / (2 jerk) of speed.
    peak = min(float(np.sqrt((2 * jerk * top + slowing**2) / 2)), acceleration)
    peak = max(peak, slowing)
    flat = top - (2 * peak**2 - slowing**2) / (2 * jerk)
    flat_s = max(flat / peak, 0.0) if peak > 0 else 0.0
    steps += [((peak - slowing) / jerk, -jerk), (flat_s, 0.0), (peak / jerk, jerk)]
    return _integrate(steps, None, speed, acceleration_now)


def change_length(start_speed: float, end_speed: float, acceleration: float, jerk: float) -> float:
    """Distance that a change of speed takes; its S is symmetric, so the mean speed counts."""
    return (start_speed + end_speed) / 2 * sum(time for time, _ in _change(start_speed, end_speed, acceleration, jerk))


def _change(start_speed: float, end_speed: float, acceleration: float, jerk: float) -> list[Step]:
    """The steps of the quickest change from a speed to another, without acceleration before and after."""
    size = abs(end_speed - start_speed)
    if size / jerk == 0:  # none, or so little that the time for it underflows
        return []
    sign = 1.0 if end_speed > start_speed else -1.0
    jerk_s = min(acceleration / jerk, float(np.sqrt(size / jerk)))
    flat_s = max(size / (jerk * jerk_s) - jerk_s, 0.0)
    return [(jerk_s, sign * jerk), (flat_s, 0.0), (jerk_s, -sign * jerk)]


def _attainable(length: float, other_speed: float, wanted: float, acceleration: float, jerk: float) -> float:
    """The greatest speed up to `wanted` that can be changed into or out of `other_speed` within a length."""
    if wanted <= other_speed or change_length(wanted, other_speed, acceleration, jerk) <= length:
        return wanted
    return _greatest(other_speed, wanted, lambda v: change_length(v, other_speed, acceleration, jerk) <= length)


def _greatest(low: float, high: float, allowed: Callable[[float], bool]) -> float:
    """The greatest number between two that is allowed; `low` is."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if allowed(middle) else (low, middle)
    return low


def _phases(length: float, speed: float, acceleration: float, jerk: float) -> tuple[float, float, float]:
    """Durations of one jerk ramp, of constant acceleration between two ramps, and of constant speed."""
    jerk_s = min(acceleration / jerk, float(np.sqrt(speed / jerk)))
    flat_s = max(speed / (jerk * jerk_s) - jerk_s, 0.0)
    ramp_length = speed * (2 * jerk_s + flat_s) / 2
    if 2 * ramp_length <= length:
        return jerk_s, flat_s, (length - 2 * ramp_length) / speed
    # The speed limit is never reached: first see whether the acceleration limit is.
    jerk_s = acceleration / jerk
    if 2 * jerk * jerk_s**3 <= length:
        flat_s = (-3 * jerk_s + np.sqrt(jerk_s**2 + 4 * length / acceleration)) / 2
        return jerk_s, float(flat_s), 0.0
    return float(np.cbrt(length / (2 * jerk))), 0.0, 0.0


def _integrate(
    steps: Sequence[Step], length: float | None, speed: float = 0.0, acceleration: float = 0.0, end_speed: float = 0.0
) -> Profile:
    """A profile from its steps; without a length its own is taken."""
    time = s = 0.0
    v, a = speed, acceleration
    starts, states = [], []
    for duration, j in steps:
        if duration <= 0:
            continue
        starts.append(time)
        states.append((s, v, a, j))
        s += duration * (v + duration * (a / 2 + duration * j / 6))
        v += duration * (a + duration * j / 2)
        a += duration * j
        time += duration
    end = s if length is None else length
    if not starts:
        return Profile(np.zeros(1), np.array([[0.0, speed, 0.0, 0.0]]), 0.0, end, end_speed)
    return Profile(np.array(starts), np.array(states), time, end, end_speed)


def _joined(parts: Sequence[Profile]) -> Profile:
    """One after the other."""
    times = np.cumsum([0.0, *(part.duration_s for part in parts)])
    lengths = np.cumsum([0.0, *(part.length for part in parts)])
    starts, states = [], []
    for part, time_s, gone in zip(parts, times, lengths, strict=False):
        if part.duration_s > 0:
            starts.append(part.starts_s + time_s)
            states.append(part.states + np.array([gone, 0.0, 0.0, 0.0]))
    if not starts:
        return Profile(np.zeros(1), np.zeros((1, 4)), 0.0, float(lengths[-1]))
    return Profile(np.concatenate(starts), np.concatenate(states), float(times[-1]), float(lengths[-1]))
