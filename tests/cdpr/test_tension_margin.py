"""The margin of the tensions, and the yaw that makes it greatest."""

import numpy as np
import pytest
from scipy.optimize import linprog

from cdpr.config import CablesSection
from cdpr.kinematics import length_jacobian
from cdpr.tension import NoTension, distribute, easiest_yaw_rad, gravity_wrench, margin_n

ROBOT = CablesSection().robot()
POSES = np.random.default_rng(3).uniform((0.2, 0.2, -0.2), (2.0, 1.8, 0.2), (200, 3))


def test_margin_is_what_linear_programming_finds() -> None:
    for pose in POSES:
        balance, load = length_jacobian(ROBOT, pose).T, gravity_wrench(ROBOT, pose)
        # Variables: four tensions and the margin, which every distance to a limit must exceed.
        limits = np.vstack([np.hstack([-np.eye(4), np.ones((4, 1))]), np.hstack([np.eye(4), np.ones((4, 1))])])
        bounds = np.concatenate([np.full(4, -ROBOT.tension_min_n), np.full(4, ROBOT.tension_max_n)])
        found = linprog(
            [0, 0, 0, 0, -1],
            A_ub=limits,
            b_ub=bounds,
            A_eq=np.hstack([balance, np.zeros((3, 1))]),
            b_eq=load,
            bounds=[(None, None)] * 5,
        )
        assert margin_n(ROBOT, pose) == pytest.approx(-found.fun, abs=1e-6)


def test_margin_is_negative_exactly_where_no_tensions_are_found() -> None:
    outcomes = set()
    for pose in POSES:
        try:
            distribute(ROBOT, pose)
            held = True
        except NoTension:
            held = False
        assert held == (margin_n(ROBOT, pose) >= 0), pose
        outcomes.add(held)
    assert outcomes == {True, False}


def test_the_easiest_yaw_holds_the_carriage_over_the_whole_workspace() -> None:
    section = CablesSection()
    for x in np.linspace(*section.workspace_x_m, 7):
        for y in np.linspace(*section.workspace_y_m, 7):
            yaw = easiest_yaw_rad(ROBOT, x, y)
            assert distribute(ROBOT, (x, y, yaw)).min() >= ROBOT.tension_min_n
            # The search for yaw stops at about 1e-5 rad, where the margin's slope is some 1000 N/rad.
            assert margin_n(ROBOT, (x, y, yaw)) >= margin_n(ROBOT, (x, y, 0.0)) - 0.05


def test_the_easiest_yaw_mirrors_with_the_frame() -> None:
    # Found by a search that stops at about 1e-5 rad.
    assert easiest_yaw_rad(ROBOT, 0.6, 0.8) == pytest.approx(-easiest_yaw_rad(ROBOT, 1.6, 0.8), abs=1e-4)
    assert easiest_yaw_rad(ROBOT, 1.1, 1.0) == pytest.approx(0.0, abs=1e-4)
