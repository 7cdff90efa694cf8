"""Stretch, equilibrium, stiffness and sag: inverse and forward are inverse, derivatives match differences."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq

from cdpr.elasticity import NoEquilibrium, hang, paid_out_m, stiffness, unstretched_m
from cdpr.kinematics import cable_lengths, length_jacobian
from cdpr.robot import CableRobot
from cdpr.sag import sag
from cdpr.tension import distribute, gravity_wrench, margins_n
from tests.cdpr.shared_robots import FIVE, KLAUS, WHEELS, poses

OFF_CENTRE = replace(WHEELS, mass_kg=3.55, centre_of_mass_m=np.array([0.01, -0.02]))


def _held(robot: CableRobot, seed: int, count: int = 150) -> np.ndarray:
    where = poses(count, seed)
    return where[margins_n(robot, where) > 0]


def test_fifty_newtons_stretch_two_metres_by_five_millimetres() -> None:
    # FACTS of the field, with EA = 20 kN.
    assert 2.005 - unstretched_m(KLAUS, 2.005, 50.0) == pytest.approx(0.005, abs=2e-5)


def test_a_long_lead_stretches_too() -> None:
    alone, with_lead = (unstretched_m(KLAUS, 2.0, 50.0, lead_m) for lead_m in (0.0, 1.0))
    assert alone - with_lead == pytest.approx(1.0 * 50 / 20e3, rel=0.01)


@pytest.mark.parametrize("robot", [KLAUS, OFF_CENTRE, FIVE], ids=["points", "off-centre", "five"])
def test_where_it_hangs_is_where_it_was_sent(robot: CableRobot) -> None:
    where = _held(robot, 21)
    assert len(where) > 15
    for pose in where:
        found = hang(robot, paid_out_m(robot, pose), pose + np.array([0.02, -0.03, 0.05]))
        np.testing.assert_allclose(found.pose, pose, atol=1e-9)
        np.testing.assert_allclose(found.tensions_n, distribute(robot, pose), atol=1e-5)  # 10 kN/m times 1e-9 m


def test_winches_that_hold_a_tension_leave_it_where_it_was_sent() -> None:
    for pose in _held(KLAUS, 22):
        tensions_n, paid_m = distribute(KLAUS, pose), paid_out_m(KLAUS, pose)
        held_n = np.where([True, False, False, True], tensions_n, np.nan)
        stiff = stiffness(KLAUS, pose, tensions_n, np.isfinite(held_n))
        if np.linalg.eigvalsh(stiff)[0] <= 1.0:
            continue  # two lengths and two tensions do not hold it there: it would turn away
        np.testing.assert_allclose(hang(KLAUS, paid_m, pose, held_n=held_n).pose, pose, atol=1e-8)


def test_a_push_moves_it_by_the_stiffness() -> None:
    pose = np.array([1.45, 1.12, 0.0])
    paid_m, push = paid_out_m(KLAUS, pose), np.array([0.1, -0.2, 0.01])
    moved = hang(KLAUS, paid_m, pose, push).pose - pose
    expected = np.linalg.solve(stiffness(KLAUS, pose, distribute(KLAUS, pose)), push)
    np.testing.assert_allclose(moved, expected, rtol=0.01, atol=1e-8)  # a small push: linear to a hundredth


@pytest.mark.parametrize("robot", [KLAUS, OFF_CENTRE, FIVE], ids=["points", "off-centre", "five"])
def test_stiffness_matches_finite_differences(robot: CableRobot) -> None:
    for pose in _held(robot, 23)[:20]:
        paid_m = paid_out_m(robot, pose)

        def pull(at: np.ndarray, paid_m: np.ndarray = paid_m) -> np.ndarray:
            tensions_n = robot.cable_stiffness_n * (cable_lengths(robot, at) / paid_m - 1)
            return np.asarray(length_jacobian(robot, at).T @ tensions_n - gravity_wrench(robot, at))

        slopes = [(pull(pose + d) - pull(pose - d)) / 2e-6 for d in 1e-6 * np.eye(3)]
        found = stiffness(robot, pose, distribute(robot, pose))
        # Forces of some 100 N known to 1e-12 N, over 1e-6; and the curvature of 1e4 N/m over a metre.
        np.testing.assert_allclose(found, np.transpose(slopes), atol=1e-4)
        np.testing.assert_allclose(found, found.T, atol=1e-9)


def test_a_carriage_without_cables_enough_hangs_nowhere() -> None:
    # Four winches that hold 5 N each, wherever the carriage goes, do not carry 3.55 kg.
    with pytest.raises(NoEquilibrium):
        hang(OFF_CENTRE, np.full(4, 1.5), (1.4, 1.1, 0.0), held_n=np.full(4, 5.0))


def _catenary(across_m: float, up_m: float, tension_n: float, weight_n_m: float) -> tuple[float, float]:
    """Length and sag at mid-span of the exact catenary whose tension at mid-chord direction is `tension_n`."""
    chord = np.hypot(across_m, up_m)

    def shape(a: float) -> tuple[float, float, float]:
        """Lowest point's place and height offset for parameter a = horizontal force over weight; and the length."""
        middle = across_m / 2 - a * np.arcsinh(up_m / (2 * a * np.sinh(across_m / (2 * a))))
        length = a * (np.sinh((across_m - middle) / a) + np.sinh(middle / a))
        height_at_half = a * (np.cosh((across_m / 2 - middle) / a) - np.cosh(middle / a))
        return length, up_m / 2 - height_at_half, middle

    horizontal_n = brentq(lambda h: h * chord / across_m - tension_n, 1e-3, 1e4)
    length, depth, _ = shape(horizontal_n / weight_n_m)
    return length, depth


def test_sag_agrees_with_the_exact_catenary() -> None:
    heavy = replace(KLAUS, cable_kg_m=0.02)
    pose, tensions_n = np.array([1.0, 0.8, 0.0]), np.array([12.0, 20.0, 15.0, 10.0])
    found = sag(heavy, pose, tensions_n)
    corners = pose[:2] + heavy.corners_m
    for cable in range(4):
        across, up = np.abs(heavy.pulleys_m[cable] - corners[cable])
        length, depth = _catenary(across, up, tensions_n[cable], 0.02 * 9.81)
        # The parabola's next term is the square of weight times length over tension: some thousandths here.
        assert found.depth_m[cable] == pytest.approx(depth, rel=0.01)
        assert found.extra_m[cable] == pytest.approx(length - np.hypot(across, up), rel=0.02)
