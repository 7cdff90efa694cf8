"""The choice of tensions against scipy's LP and QP, for one and for two free tensions, and along paths."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog, lsq_linear, minimize

from cdpr.kinematics import length_jacobian
from cdpr.robot import CableRobot
from cdpr.tension import NoTension, distribute, gravity_wrench, margin_n, margins_n
from tests.cdpr.shared_robots import FIVE, KLAUS, WHEELS, poses

#: SLSQP ends within about a millionth of the tensions' order.
QP_N = 1e-3


def _margin_by_lp(robot: CableRobot, pose: np.ndarray) -> float:
    """Variables: the tensions and the margin, which every distance to a limit must exceed."""
    count = robot.cables
    ones = np.ones((count, 1))
    found = linprog(
        [*np.zeros(count), -1.0],
        A_ub=np.vstack([np.hstack([-np.eye(count), ones]), np.hstack([np.eye(count), ones])]),
        b_ub=np.concatenate([np.full(count, -robot.tension_min_n), np.full(count, robot.tension_max_n)]),
        A_eq=np.hstack([length_jacobian(robot, pose).T, np.zeros((3, 1))]),
        b_eq=gravity_wrench(robot, pose),
        bounds=[(None, None)] * (count + 1),
    )
    assert found.status == 0
    return -float(found.fun)


def _nearest_by_qp(robot: CableRobot, pose: np.ndarray) -> np.ndarray:
    balance, load = length_jacobian(robot, pose).T, gravity_wrench(robot, pose)
    middle = np.full(robot.cables, robot.tension_mid_n)
    found = minimize(
        lambda t: ((t - middle) ** 2).sum() / 2,
        middle,
        jac=lambda t: t - middle,
        method="SLSQP",
        bounds=[(robot.tension_min_n, robot.tension_max_n)] * robot.cables,
        constraints={"type": "eq", "fun": lambda t: balance @ t - load, "jac": lambda _: balance},
        options={"ftol": 1e-12, "maxiter": 200},
    )
    if found.success:
        return np.asarray(found.x)
    # Where hardly anything is feasible SLSQP gives up: then as bounded least squares, the balance weighing most.
    heavy = lsq_linear(
        np.vstack([np.eye(robot.cables), 1e6 * balance]),
        np.concatenate([middle, 1e6 * load]),
        bounds=(robot.tension_min_n, robot.tension_max_n),
        method="bvls",
        tol=1e-15,
    )
    assert heavy.success, heavy.message
    return np.asarray(heavy.x)


def _compare(robot: CableRobot, where: np.ndarray) -> int:
    """Every pose by LP and, where it can be held, by QP; returns how many can."""
    held = 0
    for pose in where:
        margin = _margin_by_lp(robot, pose)
        assert margin_n(robot, pose) == pytest.approx(margin, abs=1e-6)
        if abs(margin) < 1e-6:
            continue  # rounding decides
        if margin < 0:
            with pytest.raises(NoTension) as error:
                distribute(robot, pose)
            assert error.value.shortfall_n == pytest.approx(-margin, abs=1e-6)
            continue
        tensions_n = distribute(robot, pose)
        assert tensions_n.min() >= robot.tension_min_n
        assert tensions_n.max() <= robot.tension_max_n
        load = gravity_wrench(robot, pose)
        np.testing.assert_allclose(length_jacobian(robot, pose).T @ tensions_n, load, atol=1e-8)
        np.testing.assert_allclose(tensions_n, _nearest_by_qp(robot, pose), atol=QP_N)
        held += 1
    return held


@pytest.mark.parametrize("robot", [KLAUS, WHEELS, FIVE], ids=["points", "wheels", "five"])
def test_margin_and_choice_are_those_of_linear_and_quadratic_programming(robot: CableRobot) -> None:
    assert 20 < _compare(robot, poses(150, 11)) < 150


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
@pytest.mark.parametrize("robot", [KLAUS, WHEELS, FIVE], ids=["points", "wheels", "five"])
def test_ten_thousand_poses_against_linear_and_quadratic_programming(robot: CableRobot, part: int) -> None:
    # A tenth at a time: half a minute each, and it is seen how far it has come.
    assert _compare(robot, poses(10_000, 12)[1000 * part : 1000 * (part + 1)]) > 100


@pytest.mark.parametrize("robot", [KLAUS, WHEELS, FIVE], ids=["points", "wheels", "five"])
def test_tensions_are_continuous_along_a_path(robot: CableRobot) -> None:
    # A loop whose tensions touch limits and leave them. Halving the step must halve the greatest change: no jump.
    def greatest_change(count: int) -> float:
        t = np.linspace(0, 2 * np.pi, count)
        path = np.column_stack([1.42 + 0.55 * np.cos(t), 1.25 + 0.35 * np.sin(2 * t), 0.02 * np.sin(3 * t)])
        tensions_n, held = np.full((count, robot.cables), np.nan), margins_n(limited, path) > 0
        tensions_n[held] = distribute(limited, path[held])
        touching = np.isclose(tensions_n, limited.tension_min_n) | np.isclose(tensions_n, limited.tension_max_n)
        assert touching.any()
        return float(np.nanmax(np.abs(np.diff(tensions_n, axis=0))))

    limited = replace(robot, tension_min_n=15.0, tension_max_n=70.0)
    assert greatest_change(2001) < 0.6 * greatest_change(1001)


def test_an_impossible_pose_names_the_cable_and_by_how_much() -> None:
    with pytest.raises(NoTension, match=r"would need -?[\d.]+ N, [\d.]+ N below its least of 5 N") as error:
        distribute(KLAUS, (0.4, 0.35, 0.0))
    assert error.value.cable == 1
    assert error.value.shortfall_n == pytest.approx(-_margin_by_lp(KLAUS, np.array([0.4, 0.35, 0.0])))
    assert error.value.needed_n == pytest.approx(5.0 - error.value.shortfall_n)


def test_too_heavy_a_load_is_said_to_exceed_the_most() -> None:
    with pytest.raises(NoTension, match="above its most of 90 N"):
        distribute(replace(KLAUS, mass_kg=30.0), (1.42, 1.12, 0.0))


def test_batches_are_rows_of_single_choices_and_the_first_bad_row_is_named() -> None:
    where = poses(300, 13)[margins_n(KLAUS, poses(300, 13)) > 0]
    np.testing.assert_allclose(distribute(KLAUS, where), [distribute(KLAUS, pose) for pose in where], atol=1e-10)
    with pytest.raises(NoTension, match=r"x 0\.400 m, y 0\.350 m"):
        distribute(KLAUS, np.vstack([where[:2], [(0.4, 0.35, 0.0)], where[2:4]]))


def test_what_the_carriage_carries_pulls_where_it_is() -> None:
    bare = replace(KLAUS, mass_kg=3.0)
    arm = bare.carrying(0.55, (0.12, 0.03))
    yaw = 0.2
    x, y = 0.55 * 0.12 / 3.55, 0.55 * 0.03 / 3.55
    lever_m = np.cos(yaw) * x - np.sin(yaw) * y
    np.testing.assert_allclose(
        gravity_wrench(arm, (1.4, 1.2, yaw)), [0, -3.55 * 9.81, -lever_m * 3.55 * 9.81], atol=1e-12
    )
    with_arm, without = (distribute(robot, (1.42, 1.2, 0.0)) for robot in (arm, bare.carrying(0.55, (0, 0))))
    # 0.65 N m over a lever of some centimetres: several newtons that a load put at the centre would miss.
    assert np.abs(with_arm - without).max() > 2.0


def test_two_free_tensions_hold_more_than_one() -> None:
    where = poses(300, 14)
    assert (margins_n(FIVE, where) > 0).sum() > 1.1 * (margins_n(WHEELS, where) > 0).sum()
