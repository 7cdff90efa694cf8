"""Pulleys with a radius: arc and straight part against MuJoCo's cylinder wrap, derivatives against differences."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from cdpr.batch import forward_batch
from cdpr.kinematics import cable_lengths, forward, length_curvature, length_jacobian, wrapped_rad
from cdpr.robot import CableRobot
from tests.cdpr.shared_robots import FIVE, KLAUS, WHEELS, poses

#: MuJoCo wraps only where the straight line from the lead-in to the corner meets the wheel: less arc lets it.
LESS_ARC = replace(WHEELS, pulley_entries_rad=WHEELS.pulley_entries_rad + 0.9 * WHEELS.pulley_turns)
LEAD_M = 0.5


def _mujoco_model(robot: CableRobot) -> mujoco.MjModel:
    world = corners = tendons = ""
    for i, (x, y) in enumerate(robot.pulleys_m):
        radius, entry, turn = robot.pulley_radii_m[i], robot.pulley_entries_rad[i], robot.pulley_turns[i]
        start_x = x + radius * np.cos(entry) + LEAD_M * turn * np.sin(entry)
        start_y = y + radius * np.sin(entry) - LEAD_M * turn * np.cos(entry)
        beside = entry + 0.8 * turn
        side_x, side_y = x + 2 * radius * np.cos(beside), y + 2 * radius * np.sin(beside)
        world += (
            f'<site name="p{i}" pos="{start_x:.17g} {start_y:.17g} 0"/>'
            f'<site name="s{i}" pos="{side_x:.17g} {side_y:.17g} 0"/>'
            f'<geom name="w{i}" type="cylinder" size="{radius:.17g} 0.5" pos="{x:.17g} {y:.17g} 0"/>'
        )
        corners += f'<site name="c{i}" pos="{robot.corners_m[i, 0]:.17g} {robot.corners_m[i, 1]:.17g} 0"/>'
        tendons += f'<spatial><site site="p{i}"/><geom geom="w{i}" sidesite="s{i}"/><site site="c{i}"/></spatial>'
    joints = '<joint type="slide" axis="1 0 0"/><joint type="slide" axis="0 1 0"/><joint type="hinge" axis="0 0 1"/>'
    return mujoco.MjModel.from_xml_string(
        f'<mujoco><worldbody>{world}<body>{joints}<geom size="0.05"/>{corners}</body></worldbody>'
        f"<tendon>{tendons}</tendon></mujoco>"
    )


def test_lengths_and_jacobian_agree_with_mujocos_cylinder_wrap() -> None:
    model = _mujoco_model(LESS_ARC)
    data = mujoco.MjData(model)
    holder = data if hasattr(data, "ten_J_rownnz") else model
    for pose in poses(200, 1, 0.3):
        data.qpos[:] = pose
        mujoco.mj_forward(model, data)
        # All its tendons wrap: two points of the wheel beside start and end.
        assert (data.ten_wrapnum == 4).all()
        np.testing.assert_allclose(cable_lengths(LESS_ARC, pose) + LEAD_M, data.ten_length, atol=1e-12)
        dense = np.zeros((4, 3))
        sparsity = holder.ten_J_rownnz, holder.ten_J_rowadr, holder.ten_J_colind.ravel()
        mujoco.mju_sparse2dense(dense, data.ten_J.ravel(), *sparsity)
        np.testing.assert_allclose(length_jacobian(LESS_ARC, pose), dense, atol=1e-12)


def test_another_entry_adds_its_arc() -> None:
    more = 0.9 * WHEELS.pulley_radii_m
    where = poses(200, 1, 0.3)
    np.testing.assert_allclose(cable_lengths(WHEELS, where), cable_lengths(LESS_ARC, where) + more, atol=1e-12)


def test_leaving_the_wheels_out_costs_centimetres() -> None:
    # FACTS of the field: ignoring a 20 mm pulley costs 35 to 61 mm of length.
    wheels = replace(WHEELS, pulley_radii_m=np.full(1, 0.02), pulley_entries_rad=np.array([0, 0, np.pi, np.pi]))
    missed_m = cable_lengths(wheels, poses(500, 2)) - cable_lengths(KLAUS, poses(500, 2))
    assert 0.030 < missed_m.min() < 0.037
    assert 0.058 < missed_m.max() < 0.063


@pytest.mark.parametrize("robot", [WHEELS, FIVE])
def test_derivatives_match_finite_differences(robot: CableRobot) -> None:
    where, step = poses(200, 3), 1e-6
    pulls = np.random.default_rng(4).normal(size=(200, robot.cables))
    for column, d in enumerate(step * np.eye(3)):
        slope = (cable_lengths(robot, where + d) - cable_lengths(robot, where - d)) / (2 * step)
        # Central differences of numbers of order 1: rounding 1e-16 / 1e-6.
        np.testing.assert_allclose(length_jacobian(robot, where)[..., column], slope, atol=2e-9)
        turn = (length_jacobian(robot, where + d) - length_jacobian(robot, where - d)) / (2 * step)
        summed = np.einsum("nc,ncj->nj", pulls, turn)
        np.testing.assert_allclose(length_curvature(robot, where, pulls)[:, column], summed, atol=2e-8)


def test_the_arc_is_continuous_where_a_cable_leaves_its_wheel() -> None:
    # Below its pulley the lower right cable would lift off: no jump of a full turn there.
    t = np.linspace(0.4, 5.9, 800)
    around = np.column_stack([2.815 + 0.5 * np.cos(t), 0.5 * np.sin(t), 0 * t])
    assert wrapped_rad(WHEELS, around)[:, 0].min() < 0
    assert np.abs(np.diff(cable_lengths(WHEELS, around)[:, 0])).max() < 0.002


@pytest.mark.parametrize("robot", [WHEELS, FIVE])
def test_forward_solution_inverts_lengths_from_any_start_in_the_frame(robot: CableRobot) -> None:
    where = poses(60, 5)
    starts = poses(60, 6, 0.5)
    for pose, start in zip(where, starts, strict=True):
        found = forward(robot, cable_lengths(robot, pose), start=start)
        np.testing.assert_allclose(found.pose, pose, atol=1e-6)
        assert found.residual_m < 1e-9
    batch = forward_batch(robot, cable_lengths(robot, where), starts=starts)
    np.testing.assert_allclose(batch.poses, where, atol=1e-7)


def test_a_wheel_needs_to_know_which_way_round() -> None:
    with pytest.raises(ValueError, match="turn"):
        replace(KLAUS, pulley_radii_m=np.full(4, 0.02))
