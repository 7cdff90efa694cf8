"""An arm's weight in the tensions: where it is, on the way as it swings, and where no tensions hold all of it."""

from dataclasses import replace

import numpy as np
import pytest

from cdpr.config import CablesSection
from cdpr.kinematics import length_jacobian
from cdpr.load import Load, tensions_for
from cdpr.robot import GRAVITY_M_S2
from cdpr.tension import distribute, gravity_wrench, margins_n
from cdpr.trajectory import plan_straight
from cdpr.yaw_map import yaw_map

SECTION = CablesSection()
ROBOT = SECTION.robot()
ARM = Load(0.3, np.array([[0.2, 0.05]]))


def _pose(x_m: float, y_m: float) -> np.ndarray:
    return np.array([[x_m, y_m, float(yaw_map(SECTION).yaw_rad(x_m, y_m))]])


def test_a_load_weighs_as_much_as_before_and_pulls_where_it_is() -> None:
    loaded = ARM.on(ROBOT)
    assert loaded.mass_kg == pytest.approx(ROBOT.mass_kg)
    np.testing.assert_allclose(loaded.centre_of_mass_m, 0.3 / ROBOT.mass_kg * ARM.track_m[0])
    pose = _pose(1.1, 1.0)
    np.testing.assert_allclose(tensions_for(ROBOT, pose, load=ARM), distribute(loaded, pose), atol=1e-9)


def test_tensions_differ_by_many_newtons_with_the_arm_stretched_out_sideways() -> None:
    pose = _pose(1.1, 1.0)
    # 0.59 N m over levers of some centimetres.
    assert np.abs(tensions_for(ROBOT, pose, load=ARM) - distribute(ROBOT, pose)).max() > 10.0


def test_an_accelerated_load_is_heavier() -> None:
    pose, up = _pose(1.0, 1.1), np.array([[0.0, 1.0, 0.0]])
    tensions_n = tensions_for(ROBOT, pose, up, ARM)
    wrench = np.einsum("nci,nc->ni", length_jacobian(ROBOT, pose), tensions_n)[0]
    # By hand: force of all the mass, moment of the load's own about the carriage's centre.
    x = np.cos(pose[0, 2]) * 0.2 - np.sin(pose[0, 2]) * 0.05
    expected = [0, -ROBOT.mass_kg * (GRAVITY_M_S2 + 1), -0.3 * x * (GRAVITY_M_S2 + 1)]
    np.testing.assert_allclose(wrench, expected, atol=1e-9)


def test_the_load_swings_evenly_from_where_it_was_to_where_it_goes() -> None:
    swing = Load(0.3, np.array([[0.0, 0.0], [0.1, 0.1], [0.2, 0.0]]))
    np.testing.assert_allclose(swing.at([0.0, 0.25, 0.75, 1.0]), [(0, 0), (0.05, 0.05), (0.15, 0.05), (0.2, 0)])
    np.testing.assert_allclose(swing.rest_of(0.5).at([0.0, 0.5, 1.0]), [(0.1, 0.1), (0.15, 0.05), (0.2, 0)])
    np.testing.assert_allclose(swing.ended.at(0.3), [(0.2, 0)])


def test_a_rest_with_a_swinging_arm_is_setpoints_with_tensions_that_go_along() -> None:
    swing = Load(0.3, np.array([[-0.2, 0.0], [0.2, 0.0]]))
    rest = replace(plan_straight(SECTION, (1.1, 1.0), (1.1, 1.0)).lasting(1.0), load=swing).setpoints()
    assert rest.duration_s == pytest.approx(1.0, abs=0.03)
    assert np.ptp(rest.poses, axis=0).max() == 0.0
    # Right and left change places, without a jump on the way.
    np.testing.assert_allclose(rest.tensions_n[0], rest.tensions_n[-1][[3, 2, 1, 0]], atol=1.0)
    assert np.abs(np.diff(rest.tensions_n, axis=0)).max() < 2.0


def test_a_way_takes_no_less_time_and_a_pause_does_not_hold_the_arm_up() -> None:
    swing = Load(0.3, np.array([[0.0, 0.0], [0.2, 0.0]]))
    drive = replace(plan_straight(SECTION, (1.0, 1.0), (1.3, 1.0)).lasting(8.0), load=swing)
    assert drive.profile.duration_s == pytest.approx(8.0)
    braked = drive.paused(4.0)
    assert braked.load is not None
    np.testing.assert_allclose(braked.load.at([0.0, 1.0]), [(0.1, 0), (0.2, 0)])
    resumed = braked.resumed()
    assert resumed is not None
    assert resumed.load is not None
    np.testing.assert_allclose(resumed.load.at([0.0, 1.0]), [(0.2, 0), (0.2, 0)])


def test_where_no_tensions_hold_the_whole_moment_they_hold_as_much_of_it_as_can_be_had() -> None:
    far = Load(0.3, np.array([[-0.24, 0.0]]))
    pose = _pose(2.0, 1.0)
    assert margins_n(far.on(ROBOT), pose)[0] < 0 < margins_n(ROBOT, pose)[0]
    tensions_n = tensions_for(ROBOT, pose, load=far)
    assert tensions_n.min() >= ROBOT.tension_min_n
    assert tensions_n.max() <= ROBOT.tension_max_n
    wrench = np.einsum("nci,nc->ni", length_jacobian(ROBOT, pose), tensions_n)[0]
    bare, whole = gravity_wrench(ROBOT, pose)[0], gravity_wrench(far.on(ROBOT), pose)[0]
    # The weight is held in full, the moment between none of the arm's and all of it, and no more could be.
    np.testing.assert_allclose(wrench[:2], bare[:2], atol=1e-9)
    share = (wrench[2] - bare[2]) / (whole[2] - bare[2])
    assert 0.2 < share < 1.0
    more = bare + (share + 0.02) * (whole - bare)
    assert margins_n(ROBOT, pose, more[None])[0] < 0


def test_no_load_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="mass_kg > 0"):
        Load(0.0, np.zeros((1, 2)))
    with pytest.raises(ValueError, match="track of shape"):
        Load(0.3, np.zeros((2, 3)))
