"""Drums on which cable builds up: exact both ways, against a drum wound turn by turn."""

import numpy as np
import pytest

from cdpr.drums import Drums


def test_a_plain_drum_pays_out_its_circumference() -> None:
    drums = Drums(np.array([0.0127, 0.0119]), np.zeros(1))
    np.testing.assert_allclose(drums.paid_m([10.0, 10.0]), 20 * np.pi * np.array([0.0127, 0.0119]))


def test_turns_and_metres_are_inverse() -> None:
    drums = Drums(np.array([0.0127, 0.012, 0.013, 0.0125]), np.array([0.0, 1e-5, 3e-5, 1e-7]))
    turns = np.random.default_rng(1).uniform(-25, 25, (1000, 4))
    np.testing.assert_allclose(drums.turns(drums.paid_m(turns)), turns, atol=1e-11)


def test_metres_a_turn_is_the_slope() -> None:
    drums = Drums(np.array([0.0127]), np.array([3e-5]))
    turns = np.linspace(-20, 20, 41)[:, None]
    slope = (drums.paid_m(turns + 1e-5) - drums.paid_m(turns - 1e-5)) / 2e-5
    np.testing.assert_allclose(drums.metres_a_turn(turns), slope, atol=1e-9)


def test_a_tape_wound_on_itself_is_as_long_as_its_turns() -> None:
    # 0.3 mm tape: every turn raises the radius by its thickness, so turn k lies at radius + k thickness on average.
    thickness_m, radius_m = 0.0003, 0.0127
    drums = Drums(np.array([radius_m]), np.array([thickness_m / np.pi]))
    wound = [2 * np.pi * (radius_m + (k + 0.5) * thickness_m) for k in range(20)]
    assert -drums.paid_m(-20.0) == pytest.approx(sum(wound))


def test_more_than_a_drum_ever_held_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot pay out"):
        Drums(np.array([0.0127]), np.array([1e-4])).turns(5.0)
    with pytest.raises(ValueError, match="radii above 0"):
        Drums(np.array([0.0]), np.array([0.0]))
