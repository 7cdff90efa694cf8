"""From turns to lengths: exact both ways, counted from wherever both are known."""

import numpy as np
import pytest

from cdpr.config import CablesSection, CalibrationSection
from cdpr.counts import counts_from, docked_lengths_m, docked_pose, pose_in
from cdpr.kinematics import cable_lengths
from trellis.errors import DeviceError

SECTION = CablesSection()
TURNS = np.array([0.25, -3.0, 1.5, 7.0])
TENSIONS_N = np.array([60.0, 85.0, 85.0, 60.0])
CALIBRATION = CalibrationSection(scales=(1.002, 0.998, 1.001, 0.999), offsets_m=(0.01, -0.02, 0.03, 0.0))


@pytest.mark.parametrize("section", [SECTION, CablesSection(drum_buildup_m=2e-5)], ids=["plain", "cord builds up"])
@pytest.mark.parametrize("calibration", [CalibrationSection(), CALIBRATION], ids=["nominal", "calibrated"])
def test_turns_and_lengths_are_mutually_inverse(section: CablesSection, calibration: CalibrationSection) -> None:
    paid_m = docked_lengths_m(section, calibration) + np.array([0.2, -0.3, 0.1, -0.4])
    counts = counts_from(section, calibration, paid_m, TURNS)
    np.testing.assert_allclose(counts.paid_at(TURNS), paid_m, atol=1e-12)
    lengths_m = counts.lengths_at(TURNS, TENSIONS_N)
    np.testing.assert_allclose(lengths_m, paid_m * (1 + TENSIONS_N / section.cable_stiffness_n), atol=1e-12)
    np.testing.assert_allclose(counts.turns_for(lengths_m, TENSIONS_N), TURNS, atol=1e-9)


def test_where_counting_began_makes_no_difference() -> None:
    section = CablesSection(drum_buildup_m=2e-5)
    first = counts_from(section, CALIBRATION, docked_lengths_m(section, CALIBRATION), np.zeros(4))
    again = counts_from(section, CALIBRATION, first.paid_at(TURNS), TURNS + 100.0)
    np.testing.assert_allclose(again.paid_at(TURNS + 101.0), first.paid_at(TURNS + 1.0), atol=1e-12)


def test_a_turn_is_the_derivative_of_what_is_paid_out() -> None:
    section = CablesSection(drum_buildup_m=2e-5)
    counts = counts_from(section, CALIBRATION, docked_lengths_m(section, CALIBRATION), np.zeros(4))
    slope = (counts.paid_at(TURNS + 1e-4) - counts.paid_at(TURNS - 1e-4)) / 2e-4
    np.testing.assert_allclose(counts.a_turn_m(TURNS), slope, rtol=1e-8)


def test_calibrated_drums_pay_out_by_their_scales() -> None:
    counts = counts_from(SECTION, CALIBRATION, docked_lengths_m(SECTION, CALIBRATION), np.zeros(4))
    paid_m = counts.paid_at(np.ones(4)) - counts.paid_at(np.zeros(4))
    np.testing.assert_allclose(paid_m, 2 * np.pi * SECTION.drum_radius_m * np.array(CALIBRATION.scales), rtol=1e-12)


def test_a_length_below_zero_names_the_cable_and_silence_is_not_a_number() -> None:
    counts = counts_from(SECTION, CalibrationSection(), docked_lengths_m(SECTION, CalibrationSection()), np.zeros(4))
    with pytest.raises(DeviceError, match="the top left encoder says a length below zero"):
        counts.paid_at(np.array([0.0, 0.0, -1000.0, 0.0]))
    heard = counts.paid_at(np.array([0.0, np.nan, 0.0, 0.0]))
    assert np.isnan(heard).tolist() == [False, True, False, False]


def test_the_dock_stands_at_home_unless_its_readings_say_otherwise() -> None:
    np.testing.assert_allclose(docked_pose(SECTION, CalibrationSection())[:2], SECTION.home_m)
    # A dock 4 mm to the right and 3 mm up, read by encoders with scales and offsets of their own.
    true = pose_in(SECTION, np.add(SECTION.home_m, (0.004, 0.003)))
    lengths_m = cable_lengths(SECTION.robot(), true)
    readings_m = (lengths_m - np.array(CALIBRATION.offsets_m)) / np.array(CALIBRATION.scales)
    calibration = CALIBRATION.model_copy(update={"dock_readings_m": tuple(map(float, readings_m))})
    np.testing.assert_allclose(docked_lengths_m(SECTION, calibration), lengths_m, atol=1e-12)
    # The prior of 20 mm pulls four lengths of 1.8 mm by next to nothing.
    np.testing.assert_allclose(docked_pose(SECTION, calibration)[:2], true[:2], atol=2e-4)
