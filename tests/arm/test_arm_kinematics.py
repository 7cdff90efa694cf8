"""The arm's kinematics against published values, finite differences, MuJoCo and a real day's targets."""

import csv
from pathlib import Path

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arm.config import ArmSection
from arm.kinematics import (
    PlanarTarget,
    PoseUnreachable,
    all_branches,
    forward,
    inverse,
    jacobian,
    joint_points_m,
    planar,
)
from arm.model import Arm
from trellis.geometry import Pose

ARM = ArmSection().arm()
TARGETS = Path(__file__).parents[3] / "shared/data/lettuce_arm/configurations.csv"
INSIDE = [st.floats(low, high) for low, high in ARM.limits_rad]


def solve(target):
    return inverse(ARM, target.yaw_rad, target.radius_m, target.height_m, target.pitch_rad)


# FACTS section 3, computed there from the published source.
@pytest.mark.parametrize(
    ("yaw_deg", "radius_m", "height_m", "focus_m", "joints"),
    [
        (-150, 0.125, 0.160, 0.215, (-2.617994, -1.832021, 1.388813, 1.599498)),
        (150, 0.125, 0.230, 0.285, (2.617994, -1.128157, 0.614587, 1.669860)),
    ],
)
def test_check_values_of_the_published_arm_are_met_by_one_branch(yaw_deg, radius_m, height_m, focus_m, joints):
    target = PlanarTarget.looking_at_axis(np.radians(yaw_deg), radius_m, height_m, focus_m)
    found = inverse(ARM, target.yaw_rad, target.radius_m, target.height_m, target.pitch_rad)
    assert np.abs(found - joints).max(axis=1).min() < 2e-6  # the published digits
    assert forward(ARM, joints).translation_m[2] == pytest.approx(height_m, abs=1e-6)


def test_zero_pose_stands_upright_and_looks_along_the_axis():
    tool = forward(ARM, np.zeros(4))
    assert tool.translation_m == pytest.approx((0, 0, 0.0803 + 0.107 + 0.107 + 0.0265), abs=1e-15)
    assert tool.rotation[:, 2] == pytest.approx((0, 0, 1), abs=1e-15)
    assert tool.rotation[:, 0] == pytest.approx((0, -1, 0), abs=1e-15)


def test_wrist_below_the_shoulder_is_reached():
    """The case where the published solution is wrong by up to 166 mm (FACTS section 3)."""
    shoulder = ARM.shoulder_height_m
    for height_m, focus_m in ((0.03, 0.05), (shoulder - 0.03, shoulder - 0.05), (0.03, shoulder - 0.05)):
        target = PlanarTarget.looking_at_axis(0.4, 0.125, height_m, focus_m)
        for joints in solve_within_wide_limits(target):
            tool = forward(ARM, joints)
            assert tool.translation_m == pytest.approx((0.125 * np.cos(0.4), 0.125 * np.sin(0.4), height_m), abs=1e-12)
            along = (np.array([0, 0, focus_m]) - tool.translation_m) / np.hypot(0.125, focus_m - height_m)
            assert tool.rotation[:, 2] == pytest.approx(along, abs=1e-12)


def solve_within_wide_limits(target):
    free = Arm(ARM.shoulder_height_m, *ARM.links_m, np.array([[-np.pi, np.pi]] * 4))
    return inverse(free, target.yaw_rad, target.radius_m, target.height_m, target.pitch_rad)


@settings(max_examples=200, deadline=None)
@given(st.tuples(*INSIDE))
def test_inverse_finds_the_posture_that_forward_came_from(joints):
    joints = np.array(joints)
    radius_m, height_m, pitch_rad = planar(ARM, joints)
    found = inverse(ARM, joints[0], radius_m, height_m, pitch_rad)
    assert ARM.within_limits(found).all()
    # Where the elbow is straight two branches meet and the angle is known to the root of the rounding only.
    assert np.abs(found - joints).max(axis=1).min() < 1e-6
    assert len(found) <= 4


@settings(max_examples=200, deadline=None)
@given(st.tuples(*INSIDE))
def test_every_branch_puts_the_tool_at_the_same_place_and_line_of_sight(joints):
    joints = np.array(joints)
    wanted = forward(ARM, joints)
    radius_m, height_m, pitch_rad = planar(ARM, joints)
    for branch in inverse(ARM, joints[0], radius_m, height_m, pitch_rad):
        reached = forward(ARM, branch)
        assert reached.translation_m == pytest.approx(wanted.translation_m, abs=1e-9)
        assert reached.rotation[:, 2] == pytest.approx(wanted.rotation[:, 2], abs=1e-9)
        turned_over = np.cos(branch[0] - joints[0]) < 0
        assert reached.rotation[:, 0] == pytest.approx((-1 if turned_over else 1) * wanted.rotation[:, 0], abs=1e-9)


def test_all_four_branches_are_found_where_limits_allow():
    # Straight above the shoulder and looking up: both elbows, the base either way round.
    found = inverse(ARM, 1.2, 0.0, 0.26, np.pi / 2)
    assert len(found) == 4
    assert {round(float(q), 6) for q in found[:, 0]} == {1.2, round(1.2 - np.pi, 6)}


def test_target_behind_the_axis_is_the_flip_of_a_target_before_it():
    before = solve(PlanarTarget(0.2, 0.1, 0.25, 2.0))
    behind = solve(PlanarTarget(0.2 - np.pi, -0.1, 0.25, np.pi - 2.0))
    assert sorted(before.round(9).tolist()) == sorted(behind.round(9).tolist())


def test_jacobian_matches_finite_differences():
    rng = np.random.default_rng(3)
    for joints in rng.uniform(*ARM.limits_rad.T, (50, 4)):
        expected = np.empty((6, 4))
        for k in range(4):
            step = np.zeros(4)
            step[k] = 1e-6
            low, high = forward(ARM, joints - step), forward(ARM, joints + step)
            expected[:3, k] = (high.translation_m - low.translation_m) / 2e-6
            expected[3:, k] = Pose(high.rotation @ low.rotation.T, np.zeros(3)).rotation_vector_rad / 2e-6
        assert jacobian(ARM, joints) == pytest.approx(expected, abs=1e-8)


def test_mujoco_agrees_with_tool_pose_and_jacobian():
    """Another program's tree of bodies, its joint axes set from the words of FACTS section 3."""
    model = mujoco.MjModel.from_xml_string("""
    <mujoco><compiler angle="radian"/><worldbody><body>
      <joint name="base" axis="0 0 1"/><geom size=".01"/>
      <body pos="0 0 0.0803"><joint axis="0 -1 0"/><geom size=".01"/>
        <body pos="0 0 0.107"><joint axis="0 -1 0"/><geom size=".01"/>
          <body pos="0 0 0.107"><joint axis="0 -1 0"/><geom size=".01"/>
            <site name="tool" pos="0 0 0.0265"/></body></body></body></body></worldbody></mujoco>""")
    data, rng = mujoco.MjData(model), np.random.default_rng(4)
    for joints in rng.uniform(*ARM.limits_rad.T, (50, 4)):
        data.qpos[:] = joints
        mujoco.mj_forward(model, data)
        tool = forward(ARM, joints)
        assert tool.translation_m == pytest.approx(data.site("tool").xpos, abs=1e-12)
        # At zero MuJoCo's site has the base's axes, where the tool's x is the base's -y, its y the base's x.
        turned = data.site("tool").xmat.reshape(3, 3) @ [[0, 1, 0], [-1, 0, 0], [0, 0, 1]]
        assert tool.rotation == pytest.approx(turned, abs=1e-12)
        translational, rotational = np.zeros((3, 4)), np.zeros((3, 4))
        mujoco.mj_jacSite(model, data, translational, rotational, model.site("tool").id)
        assert jacobian(ARM, joints) == pytest.approx(np.vstack([translational, rotational]), abs=1e-12)


def test_joint_points_keep_the_links_lengths_and_end_at_the_tool():
    joints = np.random.default_rng(5).uniform(*ARM.limits_rad.T, (3, 7, 4))
    points_m = joint_points_m(ARM, joints)
    assert points_m.shape == (3, 7, 5, 3)
    lengths_m = np.linalg.norm(np.diff(points_m, axis=-2), axis=-1)
    assert lengths_m == pytest.approx(np.broadcast_to((0.0803, 0.107, 0.107, 0.0265), lengths_m.shape), abs=1e-12)
    assert points_m[2, 3, 4] == pytest.approx(forward(ARM, joints[2, 3]).translation_m, abs=1e-12)


def test_unreachable_target_names_the_nearest_reachable_pose():
    with pytest.raises(PoseUnreachable, match=r"nearest it can is yaw 0\.00 deg") as caught:
        inverse(ARM, 0.0, 0.5, ARM.shoulder_height_m, 0.0)
    # Straight out at shoulder height: all links in a line, 90 deg at the shoulder.
    assert caught.value.nearest.radius_m == pytest.approx(0.2405, abs=1e-5)
    assert caught.value.nearest_joints_rad == pytest.approx((0, -np.pi / 2, 0, 0), abs=1e-2)
    assert ARM.within_limits(caught.value.nearest_joints_rad)
    again = caught.value.nearest
    assert len(inverse(ARM, again.yaw_rad, again.radius_m * 0.999, again.height_m, again.pitch_rad)) > 0


def test_nearest_pose_is_nearer_than_any_of_a_hundred_thousand_others():
    wanted = np.array([0.2, -0.02, 2.5])
    with pytest.raises(PoseUnreachable) as caught:
        inverse(ARM, 0.0, *wanted)
    others = np.random.default_rng(6).uniform(*ARM.limits_rad.T, (100_000, 4))
    gaps = planar(ARM, others) - wanted
    gaps[:, 2] = 0.1 * ((gaps[:, 2] + np.pi) % (2 * np.pi) - np.pi)
    nearest = caught.value.nearest
    gap = np.array([nearest.radius_m, nearest.height_m, 0.1 * nearest.pitch_rad]) - wanted * (1, 1, 0.1)
    assert np.linalg.norm(gap) <= np.linalg.norm(gaps, axis=1).min()


def test_yaw_beyond_the_servos_stop_is_named_with_the_stop():
    one_side = ArmSection(limits_rad=((-2.618, 2.618), (-2.1, 0.0), (0.0, 2.4), (0.0, 1.6))).arm()
    with pytest.raises(PoseUnreachable) as caught:
        inverse(one_side, np.radians(179), 0.125, 0.16, np.radians(156))
    assert abs(caught.value.nearest_joints_rad[0]) == pytest.approx(2.618, abs=1e-9)


def test_every_target_of_a_real_day_is_reached():
    if not TARGETS.exists():
        pytest.skip("no ../shared/data/lettuce_arm beside this checkout")
    rows = list(csv.DictReader(TARGETS.read_text().splitlines()))
    assert len(rows) == 126
    for row in rows:
        yaw, radius, height, focus = (float(row[name]) for name in list(row)[1:])
        target = PlanarTarget.looking_at_axis(yaw, radius, height, focus)
        for joints in inverse(ARM, yaw, radius, height, target.pitch_rad):
            tool = forward(ARM, joints)
            assert tool.translation_m == pytest.approx((radius * np.cos(yaw), radius * np.sin(yaw), height), abs=1e-12)
            miss = np.cross(tool.rotation[:, 2], np.array([0, 0, focus]) - tool.translation_m)
            assert np.linalg.norm(miss) < 1e-12


def test_every_branch_of_many_targets_at_once_reaches_its_target():
    targets = np.random.default_rng(3).uniform((-2.5, -0.15, 0.0, -3), (2.5, 0.15, 0.3, 3), size=(50, 4))
    together = all_branches(ARM, *targets.T)
    assert together.shape == (50, 4, 4)
    reached = np.isfinite(together).all(axis=-1)
    assert reached.any(axis=0).all()  # every one of the four branches serves some target
    for i, k in zip(*np.nonzero(reached), strict=True):
        yaw, radius, height, pitch = targets[i]
        outward = np.array([np.cos(yaw), np.sin(yaw), 0.0])
        pose = forward(ARM, together[i, k])
        assert pose.translation_m == pytest.approx(radius * outward + [0, 0, height], abs=1e-9)
        assert pose.rotation[:, 2] == pytest.approx(np.cos(pitch) * outward + [0, 0, np.sin(pitch)], abs=1e-9)
