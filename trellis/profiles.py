"""Motion laws along a line: from rest to rest in the least time under limits of speed, acceleration and jerk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Profile:
    """Distance over time, made of stretches of constant jerk; before it starts at 0, after it ends at its length.

    Args:
        starts_s: When each stretch starts, ascending from 0, shape (n,).
        states: Distance, speed, acceleration and jerk at each start, shape (n, 4).
        duration_s: When it ends.
        length: The distance at the end, in the unit of the limits (metres or radians).
    """

    starts_s: Array
    states: Array
    duration_s: float
    length: float

    def at(self, time_s: ArrayLike) -> tuple[Array, Array, Array]:
        """Distance, speed and acceleration at a time or at times of any shape."""
        time = np.clip(np.asarray(time_s, dtype=float), 0.0, self.duration_s)
        index = np.maximum(np.searchsorted(self.starts_s, time, side="right") - 1, 0)
        s, v, a, j = np.moveaxis(self.states[index], -1, 0)
        t = time - self.starts_s[index]
        distance = np.minimum(s + t * (v + t * (a / 2 + t * j / 6)), self.length)
        done = np.asarray(time_s, dtype=float) >= self.duration_s
        speed = np.where(done, 0.0, v + t * (a + t * j / 2))
        acceleration = np.where(done, 0.0, a + t * j)
        return np.where(done, self.length, distance), speed, acceleration


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


def _integrate(steps: list[tuple[float, float]], length: float) -> Profile:
    time = s = v = a = 0.0
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
    return Profile(np.array(starts), np.array(states), time, length)
