"""Motion along straight and rounded paths: smooth, within every limit, checked before it starts, pausable."""

from itertools import pairwise

import numpy as np
import pytest

from cdpr.config import CablesSection
from cdpr.kinematics import length_jacobian
from cdpr.paths import Corner, blended, straight
from cdpr.tension import NoTension, gravity_wrench
from cdpr.trajectory import Drive, plan_blended, plan_straight
from trellis.errors import Unreachable

SECTION = CablesSection()
QUICK = CablesSection(speed_m_s=0.5)
SQUARE_M = [(0.6, 0.6), (1.6, 0.6), (1.6, 1.4), (0.6, 1.4)]


def _check_smooth(drive: Drive) -> None:
    """Velocity and acceleration are those of the poses, and stay within the limits."""
    times = np.linspace(0, drive.profile.duration_s, 2001)
    pose, rate, change = drive.pose_at(times)
    step = times[1]
    # A central difference is off by a sixth of the jerk times the step squared; jumps would be far above it.
    np.testing.assert_allclose((pose[2:] - pose[:-2]) / (2 * step), rate[1:-1], atol=2e-3)
    np.testing.assert_allclose(((rate[2:] - rate[:-2]) / (2 * step))[:, :2], change[1:-1, :2], atol=0.12)
    assert np.linalg.norm(rate[:, :2], axis=1).max() <= drive.section.speed_m_s * (1 + 1e-6)
    # Along the path and to the inside of a bend the limit holds for each.
    assert np.linalg.norm(change[:, :2], axis=1).max() <= drive.section.acceleration_m_s2 * np.sqrt(2) * (1 + 1e-6)


def test_a_straight_drive_is_smooth_and_ends_at_rest() -> None:
    drive = plan_straight(QUICK, (0.6, 0.6), (1.6, 1.3))
    _check_smooth(drive)
    points = drive.setpoints()
    np.testing.assert_allclose(points.poses[-1, :2], (1.6, 1.3), atol=1e-12)
    assert not points.speeds_m_s[-1].any()


def test_every_setpoint_balances_weight_and_acceleration_inside_the_box() -> None:
    points = plan_straight(QUICK, (0.6, 0.6), (1.6, 1.3)).setpoints()
    assert points.tensions_n.min() >= QUICK.tension_min_n
    assert points.tensions_n.max() <= QUICK.tension_max_n
    robot = QUICK.robot()
    # Newton's law, with the acceleration taken from the poses themselves.
    steps = np.diff(points.times_s)[:-1]
    pull = np.diff(np.diff(points.poses[:-1], axis=0) / steps[:, None], axis=0) / steps[1:, None]
    for k, accelerated in enumerate(pull, start=1):
        force = -length_jacobian(robot, points.poses[k]).T @ points.tensions_n[k] + gravity_wrench(
            robot, points.poses[k]
        )
        # A second difference over 20 ms sees a jerk of 20 m/s3 as up to 0.4 m/s2.
        np.testing.assert_allclose(force[:2], QUICK.mass_kg * accelerated[:2], atol=QUICK.mass_kg * 0.45)


def test_corners_are_rounded_without_a_jump_of_acceleration() -> None:
    (drive,) = plan_blended(QUICK, SQUARE_M, 0.1)
    _check_smooth(drive)
    assert drive.path.length_m < 2.8
    places = drive.path.at(np.linspace(0, drive.path.length_m, 5000))[0]
    # The corner is cut by less than its blend, and the carriage does not stop there.
    assert 0 < min(np.linalg.norm(places - SQUARE_M[1], axis=1)) < 0.05
    times = np.linspace(0.5, drive.profile.duration_s - 0.5, 500)
    assert drive.profile.at(times)[1].min() > 0.1


def test_a_corner_meets_its_lines_without_curvature() -> None:
    corner = next(piece for path in blended(SQUARE_M, 0.1) for piece in path.pieces if isinstance(piece, Corner))
    bends = np.linalg.norm(corner.at(np.array([0.0, corner.length_m / 2, corner.length_m]))[2], axis=1)
    assert bends[0] == pytest.approx(0, abs=1e-9)
    assert bends[2] == pytest.approx(0, abs=1e-9)
    # A quarter turn within 2 x 0.1 m bends at least as much as the circle that touches both lines there.
    assert bends[1] >= 10


def test_a_path_that_turns_back_stops_there() -> None:
    there, back = blended([(0.6, 0.6), (1.0, 0.6), (0.7, 0.6)], 0.05)
    assert (there.length_m, back.length_m) == (pytest.approx(0.4), pytest.approx(0.3))


@pytest.mark.parametrize("at_s", [0.02, 0.3, 0.9, 1.7, 2.35, 2.5])
def test_a_pause_and_going_on_are_continuous(at_s: float) -> None:
    (drive,) = plan_blended(QUICK, SQUARE_M[:3], 0.15)
    paused = drive.paused(at_s)
    for ours, theirs in zip(drive.pose_at(at_s), paused.pose_at(0.0), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)
    _check_smooth(paused)
    _, rate, _ = paused.pose_at(paused.profile.duration_s)
    np.testing.assert_allclose(rate, 0, atol=1e-9)
    # As quick as the limits allow: 0.5 m/s, 1 m/s2, 20 m/s3 need 0.55 s from full speed, less than 0.1 s more from
    # full acceleration.
    assert paused.profile.duration_s < 0.65
    rest = paused.resumed()
    assert rest is not None
    np.testing.assert_allclose(rest.pose_at(0.0)[0], paused.pose_at(paused.profile.duration_s)[0], atol=1e-9)
    np.testing.assert_allclose(rest.pose_at(rest.profile.duration_s)[0][0, :2], SQUARE_M[2], atol=1e-9)
    _check_smooth(rest)


def test_a_pause_just_before_the_end_is_the_end() -> None:
    drive = plan_straight(SECTION, (1.1, 1.0), (1.2, 1.0))
    paused = drive.paused(drive.profile.duration_s - 0.03)
    assert paused.resumed() is None
    np.testing.assert_allclose(paused.pose_at(paused.profile.duration_s)[0][0, :2], (1.2, 1.0), atol=1e-9)


def test_a_paused_drive_keeps_its_tensions() -> None:
    drive = plan_straight(QUICK, (0.3, 0.4), (1.9, 1.5))
    for at_s in np.linspace(0.05, drive.profile.duration_s - 0.05, 12):
        points = drive.paused(float(at_s)).setpoints()
        assert points.tensions_n.min() >= QUICK.tension_min_n


def test_a_drive_too_fast_for_its_cables_is_refused_before_it_starts() -> None:
    # 3.55 kg at 60 m/s2 are 213 N beside the weight: no cable may bear that.
    hasty = CablesSection(speed_m_s=2.0, acceleration_m_s2=60.0, jerk_m_s3=1e4)
    with pytest.raises(NoTension, match="cable would need"):
        plan_straight(hasty, (0.6, 0.6), (1.6, 1.3))


def test_every_place_of_a_path_must_lie_inside() -> None:
    with pytest.raises(Unreachable, match=r"nearest point inside is \(2.000, 1.0"):
        plan_blended(SECTION, [(1.1, 1.0), (2.1, 1.0), (1.1, 1.2)], 0.05)


def test_who_stands_outside_may_come_back_in() -> None:
    assert plan_straight(SECTION, (0.19, 1.0), (0.5, 1.0)).path.length_m == pytest.approx(0.31)
    with pytest.raises(Unreachable):
        plan_straight(SECTION, (0.19, 1.0), (0.18, 1.0))


def test_no_way_at_all_is_one_setpoint() -> None:
    points = plan_straight(SECTION, (1.1, 1.0), (1.1, 1.0)).setpoints()
    assert len(points.poses) == 1
    assert straight((1, 1), (1, 1)).length_m == 0


def test_lengths_between_setpoints_change_as_their_speeds_say() -> None:
    points = plan_straight(QUICK, (0.6, 0.6), (1.6, 1.3)).setpoints()
    for (t0, l0, v0), (t1, l1, v1) in pairwise(
        list(zip(points.times_s, points.lengths_m, points.speeds_m_s, strict=True))[:-1]
    ):
        np.testing.assert_allclose(l1 - l0, (v0 + v1) / 2 * (t1 - t0), atol=2e-5)
