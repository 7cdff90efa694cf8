"""Blur by what devices report, and where servos are sent so that the arm's weight brings them where they should be."""

import numpy as np
import pytest

from cdpr.kinematics import length_jacobian
from scan.cell import Cell, CellPosture
from scan.give import aimed, loads_n_m
from scan.stillness import Stillness

POSTURE = CellPosture(1.0, 0.9, 0.0, (0.4, -0.9, 1.2, 0.8))
SWING_HZ = 7.2


def cable_speeds(cell: Cell, rates: tuple[float, float, float]) -> np.ndarray:
    return length_jacobian(cell.robot, (POSTURE.x_m, POSTURE.y_m, POSTURE.yaw_rad)) @ np.array(rates)


def test_a_steady_creep_is_as_much_blur_as_the_lens_makes_of_it(cell: Cell) -> None:
    # Joints only: the wrist at 1 deg/s turns the camera at its own place, so the picture moves by f times the angle,
    # and the point before the camera by what the mount's length adds.
    still = Stillness(cell, POSTURE, 0.01, SWING_HZ)
    still.blur_px(0.0, np.zeros(4), np.zeros(4))
    speeds = np.array([0.0, 0.0, 0.0, np.radians(1.0)])
    expected = cell.lens.params[0] * np.radians(1.0) * 0.01 * (1 + cell.arm.mount_m / 0.3)
    assert still.blur_px(0.02, np.zeros(4), speeds) == pytest.approx(expected, rel=1e-3)


def test_a_swing_is_seen_even_at_its_turning_point(cell: Cell) -> None:
    period_s, gap_s = 1 / SWING_HZ, 0.025
    for phase in np.linspace(0, 1, 9):
        still = Stillness(cell, POSTURE, 0.01, SWING_HZ)
        blurs = []
        for time_s in (phase * period_s, phase * period_s + gap_s):
            turning = 0.03 * np.cos(2 * np.pi * SWING_HZ * time_s)
            blurs.append(still.blur_px(time_s, cable_speeds(cell, (0.0, 0.0, turning)), np.zeros(4)))
        assert blurs[0] == np.inf
        if phase == 0:
            most = blurs[1]
        assert blurs[1] == pytest.approx(most, rel=1e-6)


def test_gravity_loads_are_the_slope_of_potential_energy(cell: Cell) -> None:
    masses, step = np.array([0.11, 0.11, 0.08]), 1e-6

    def energy(joints: np.ndarray) -> float:
        base, shoulder, elbow, wrist = map(float, joints)
        points = cell.arm_points_m(CellPosture(1.0, 0.9, 0.0, (base, shoulder, elbow, wrist)))
        return float(9.81 * masses @ points[2:, 1])

    joints = np.array(POSTURE.joints_rad)
    slopes = [(energy(joints + step * unit) - energy(joints - step * unit)) / (2 * step) for unit in np.eye(4)]
    assert loads_n_m(cell, POSTURE) == pytest.approx(-np.array(slopes), abs=1e-6)


def test_servos_are_sent_against_the_weight_and_never_out_of_limits(cell: Cell) -> None:
    loads, sent = loads_n_m(cell, POSTURE), aimed(cell, POSTURE) - POSTURE.joints_rad
    assert (np.sign(sent) == -np.sign(loads)).all()
    edge = CellPosture(1.0, 0.9, 0.0, tuple(map(float, cell.arm.limits_rad[:, 1])))  # type: ignore[arg-type]
    assert cell.arm.within_limits(aimed(cell, edge))
