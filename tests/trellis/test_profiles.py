"""A motion law gets there, in time, within its limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trellis.profiles import rest_to_rest

_limits = st.floats(0.05, 5.0)


@given(st.floats(1e-4, 3.0), _limits, _limits, _limits)
def test_every_limit_holds_and_the_end_is_reached(
    length: float, speed: float, acceleration: float, jerk: float
) -> None:
    profile = rest_to_rest(length, speed, acceleration, jerk)
    time_s = np.linspace(0, profile.duration_s, 2001)
    s, v, a = profile.at(time_s)
    assert s[0] == 0
    assert s[-1] == length
    assert np.all(np.diff(s) >= -1e-9)
    assert v.max() <= speed * (1 + 1e-6)
    assert np.abs(a).max() <= acceleration * (1 + 1e-6)
    # Finite differences of a piecewise-linear acceleration never exceed the jerk itself.
    assert np.abs(np.diff(a[:-1])).max() <= jerk * (time_s[1] - time_s[0]) * (1 + 1e-6)


@given(st.floats(1e-3, 3.0), _limits, _limits, _limits)
def test_speed_and_acceleration_are_derivatives_of_distance(
    length: float, speed: float, acceleration: float, jerk: float
) -> None:
    profile = rest_to_rest(length, speed, acceleration, jerk)
    time_s = np.linspace(0, profile.duration_s, 4001)
    s, v, a = profile.at(time_s)
    step_s = time_s[1]
    # The central difference of a cubic is off by at most jerk * step^2 / 6.
    assert (
        np.abs((s[2:] - s[:-2]) / (2 * step_s) - v[1:-1]).max() <= jerk * step_s**2 / 6 + 1e-9 * speed + 1e-12 / step_s
    )
    assert np.abs((v[2:] - v[:-2]) / (2 * step_s) - a[1:-1]).max() <= jerk * step_s + 1e-9 / step_s


def test_a_long_move_takes_the_time_of_the_textbook() -> None:
    # 1 m at 0.1 m/s, 1 m/s2, 10 m/s3: v/a + a/j + (L/v - v/a - a/j) = L/v + v/a + a/j up to rounding.
    assert rest_to_rest(1.0, 0.1, 1.0, 10.0).duration_s == pytest.approx(1.0 / 0.1 + 0.1 / 1.0 + 1.0 / 10.0)


def test_after_its_end_it_stands_at_its_end() -> None:
    profile = rest_to_rest(0.2, 0.1, 1.0, 10.0)
    s, v, a = profile.at([profile.duration_s, 1e6])
    assert (list(s), list(v), list(a)) == ([0.2, 0.2], [0.0, 0.0], [0.0, 0.0])


def test_no_distance_takes_no_time() -> None:
    assert rest_to_rest(0.0, 1, 1, 1).duration_s == 0


@pytest.mark.parametrize("limits", [(-1, 1, 1, 1), (1, 0, 1, 1), (1, 1, -1, 1), (1, 1, 1, 0)])
def test_impossible_limits_are_refused(limits: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="limits"):
        rest_to_rest(*limits)
