"""A motion law gets there, in time, within its limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trellis.profiles import Profile, along, between, braking, change_length, rest_to_rest

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


def _is_legal(profile: Profile, speed: float, acceleration: float, jerk: float) -> None:
    """Distance, speed and acceleration are continuous, derivatives of one another, and within their limits."""
    times = np.linspace(0, profile.duration_s, 4001)
    s, v, a = profile.at(times)
    step = times[1]
    assert np.abs(v).max() <= speed * (1 + 1e-9)
    assert v.min() >= -1e-9
    assert np.abs(a[:-1]).max() <= acceleration * (1 + 1e-9)
    # A difference over a step is off by half a step of the next derivative.
    np.testing.assert_allclose(np.diff(s), step * (v[1:] + v[:-1]) / 2, atol=jerk * step**3 + 1e-12)
    assert np.abs(np.diff(a[:-1])).max() <= jerk * step * (1 + 1e-6) + 1e-9


@given(
    st.floats(0.01, 3), st.floats(0, 1), st.floats(0, 1), st.floats(0.05, 1), st.floats(0.1, 3), st.floats(1, 50)
)  # fmt: skip
def test_any_two_speeds_are_joined_within_the_limits(
    length: float, start: float, end: float, speed: float, acceleration: float, jerk: float
) -> None:
    start, end = start * speed, end * speed
    needed = change_length(start, end, acceleration, jerk)
    if needed > length:
        with pytest.raises(ValueError, match="too short"):
            between(length, start, end, speed, acceleration, jerk)
        return
    profile = between(length, start, end, speed, acceleration, jerk)
    _is_legal(profile, speed, acceleration, jerk)
    assert float(profile.at(0.0)[1]) == pytest.approx(start)
    assert float(profile.at(np.nextafter(profile.duration_s, 0))[1]) == pytest.approx(end, abs=1e-6)
    assert float(profile.at(np.nextafter(profile.duration_s, 0))[0]) == pytest.approx(length, abs=1e-6)


def test_from_rest_to_rest_between_is_the_double_s() -> None:
    for length in (0.001, 0.03, 0.4):
        ours = between(length, 0, 0, 0.3, 1.0, 20.0).duration_s
        assert ours == pytest.approx(rest_to_rest(length, 0.3, 1.0, 20.0).duration_s, rel=1e-6)


@given(st.floats(0, 1), st.floats(-1, 1))
def test_a_stop_keeps_the_limits_and_ends_at_rest(share: float, pull: float) -> None:
    speed, acceleration, jerk = 0.5, 1.0, 20.0
    # Who slows down already had the speed for it.
    now, slowing = share * speed, pull * acceleration
    if slowing < 0 and slowing**2 / (2 * jerk) > now:
        return
    profile = braking(now, slowing, acceleration, jerk)
    _is_legal(profile, speed + acceleration**2 / (2 * jerk), acceleration, jerk)
    if profile.duration_s:
        assert float(profile.at(0.0)[2]) == pytest.approx(slowing)
        last = profile.at(np.nextafter(profile.duration_s, 0))
        assert float(last[1]) == pytest.approx(0, abs=1e-7)
        assert float(last[2]) == pytest.approx(0, abs=1e-5)


def test_a_stop_from_half_a_metre_a_second_takes_its_textbook_length() -> None:
    # v² / 2a + v a / 2j: 0.125 + 0.0125 m.
    assert braking(0.5, 0.0, 1.0, 20.0).length == pytest.approx(0.1375)


def test_stretches_keep_their_own_limits_of_speed() -> None:
    stretches = [(0.4, 0.5), (0.05, 0.1), (0.02, 0.5), (0.05, 0.1), (0.4, 0.5)]
    profile = along(stretches, 1.0, 20.0)
    _is_legal(profile, 0.5, 1.0, 20.0)
    s, v, _ = profile.at(np.linspace(0, profile.duration_s, 3000))
    ends = np.cumsum([0, *(length for length, _ in stretches)])
    for index, (_, limit) in enumerate(stretches):
        assert v[(s >= ends[index]) & (s <= ends[index + 1])].max() <= limit + 1e-9
    assert v.max() == pytest.approx(0.5)
    assert profile.length == pytest.approx(0.92)


def test_stretches_that_are_too_short_to_stop_in_are_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        along([(0.1, 0.5)], 1.0, 20.0, start_speed=0.5)


def test_a_stretched_profile_covers_the_same_way_in_its_time_and_is_slower_everywhere() -> None:
    quick = rest_to_rest(0.05, 0.1, 1.0, 20.0)
    slow = quick.stretched(2 * quick.duration_s)
    share = np.linspace(0, 1, 50)
    for k, (before, after) in enumerate(
        zip(quick.at(share * quick.duration_s), slow.at(share * slow.duration_s), strict=True)
    ):
        assert after == pytest.approx(before / 2**k, abs=1e-9)
    assert quick.stretched(0.1 * quick.duration_s) is quick
