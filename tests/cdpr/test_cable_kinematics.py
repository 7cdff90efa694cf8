"""Lengths, tensions and the forward solution against published figures and independent oracles."""

import mujoco
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from cdpr.config import CablesSection
from cdpr.kinematics import NoForwardSolution, PosePrior, cable_lengths, forward, length_jacobian
from cdpr.robot import CableRobot
from cdpr.tension import NoTension, distribute, gravity_wrench

# The first robot of Chen et al. (IROS 2022), whose figures were published and computed again.
KLAUS = CableRobot(
    pulleys_m=np.array([(2.815, 0), (2.845, 2.239), (0.033, 2.225), (0, 0)]),
    corners_m=np.array([(0.063, -0.060), (0.063, 0.060), (-0.063, 0.060), (-0.063, -0.060)]),
    mass_kg=0.727,
    centre_of_mass_m=np.zeros(2),
    tension_min_n=5.0,
    tension_max_n=90.0,
)
LENGTHS = [
    ((1.45, 1.12, 0.0), (1.678929, 1.701677, 1.710363, 1.745672)),
    ((1.0, 0.8, 0.0), (1.901869, 2.253257, 1.637205, 1.193972)),
    ((2.2, 1.6, np.radians(3)), (1.638097, 0.820986, 2.176472, 2.634820)),
]
TENSIONS = [
    ((1.45, 1.12, 0.0), (46.504, 49.155, 51.702, 42.302)),
    ((1.0, 0.8, 0.0), (53.146, 24.157, 52.590, 49.727)),
    ((2.2, 1.6, np.radians(3)), (9.395, 21.413, 14.866, 5.000)),
]
_poses = st.tuples(st.floats(0.3, 2.5), st.floats(0.3, 1.9), st.floats(-0.2, 0.2))


@pytest.mark.parametrize(("pose", "lengths_m"), LENGTHS)
def test_lengths_match_published_values(pose: tuple[float, ...], lengths_m: tuple[float, ...]) -> None:
    # Six digits were published.
    np.testing.assert_allclose(cable_lengths(KLAUS, pose), lengths_m, atol=6e-7)


@pytest.mark.parametrize(("pose", "tensions_n"), TENSIONS)
def test_tensions_nearest_the_middle_match_published_values(
    pose: tuple[float, ...], tensions_n: tuple[float, ...]
) -> None:
    np.testing.assert_allclose(distribute(KLAUS, pose), tensions_n, atol=6e-4)


def test_a_pose_without_tensions_says_which_cable_and_by_how_much() -> None:
    with pytest.raises(NoTension, match="cable would need") as error:
        distribute(KLAUS, (0.4, 0.35, 0.0))
    assert error.value.shortfall_n > 0


def test_spread_of_a_forward_solution_at_the_centre_matches_published_values() -> None:
    centre = np.append(KLAUS.pulleys_m.mean(axis=0), 0.0)
    std = forward(KLAUS, cable_lengths(KLAUS, centre), length_std_m=0.0018).std
    # Published to three digits, for a centre that is not stated more exactly than this.
    np.testing.assert_allclose(std, [1.15e-3, 1.46e-3, np.radians(6.25)], rtol=0.02)


def test_lengths_and_jacobian_agree_with_mujoco() -> None:
    sites = "".join(f'<site name="p{i}" pos="{x} {y} 0"/>' for i, (x, y) in enumerate(KLAUS.pulleys_m))
    corners = "".join(f'<site name="c{i}" pos="{x} {y} 0"/>' for i, (x, y) in enumerate(KLAUS.corners_m))
    joints = '<joint type="slide" axis="1 0 0"/><joint type="slide" axis="0 1 0"/><joint type="hinge" axis="0 0 1"/>'
    tendons = "".join(f'<spatial><site site="p{i}"/><site site="c{i}"/></spatial>' for i in range(4))
    model = mujoco.MjModel.from_xml_string(
        f'<mujoco><worldbody>{sites}<body>{joints}<geom size="0.05"/>{corners}</body></worldbody>'
        f"<tendon>{tendons}</tendon></mujoco>"
    )
    data = mujoco.MjData(model)
    for pose in np.random.default_rng(1).uniform((0.3, 0.3, -0.3), (2.5, 1.9, 0.3), (20, 3)):
        data.qpos[:] = pose
        mujoco.mj_forward(model, data)
        np.testing.assert_allclose(cable_lengths(KLAUS, pose), data.ten_length, atol=1e-12)
        dense = np.zeros((4, 3))
        mujoco.mju_sparse2dense(dense, data.ten_J.ravel(), *_sparsity(model, data))
        np.testing.assert_allclose(length_jacobian(KLAUS, pose), dense, atol=1e-12)


def _sparsity(model: mujoco.MjModel, data: mujoco.MjData) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    holder = data if hasattr(data, "ten_J_rownnz") else model
    return holder.ten_J_rownnz, holder.ten_J_rowadr, holder.ten_J_colind.ravel()


@given(_poses)
def test_jacobian_is_the_slope_of_lengths(pose: tuple[float, ...]) -> None:
    step = 1e-6
    slopes = [(cable_lengths(KLAUS, pose + d) - cable_lengths(KLAUS, pose - d)) / (2 * step) for d in step * np.eye(3)]
    # Central differences of lengths of order 1 m: rounding 1e-16 / 1e-6.
    np.testing.assert_allclose(length_jacobian(KLAUS, pose), np.transpose(slopes), atol=1e-8)


@given(_poses)
def test_forward_solution_inverts_lengths(pose: tuple[float, ...]) -> None:
    found = forward(KLAUS, cable_lengths(KLAUS, pose))
    np.testing.assert_allclose(found.pose, pose, atol=1e-6)
    assert found.residual_m < 1e-9


def test_a_prior_on_yaw_is_what_pins_yaw() -> None:
    pose = np.array([1.4, 1.1, 0.0])
    noisy = cable_lengths(KLAUS, pose) + 1.8e-3 * np.array([1, -1, 1, -1])
    level = PosePrior(pose, np.diag([1.0, 1.0, np.radians(0.5) ** 2]))
    assert abs(forward(KLAUS, noisy, prior=level).pose[2]) < np.radians(0.5)
    assert forward(KLAUS, noisy, prior=level).std[2] < np.radians(0.5)


@pytest.mark.parametrize("lengths", [(1, 1, 1), (1, 1, 1, -1), (1, 1, 1, np.nan)])
def test_impossible_lengths_are_refused(lengths: tuple[float, ...]) -> None:
    with pytest.raises(NoForwardSolution):
        forward(KLAUS, lengths)


def test_distribution_agrees_with_linear_programming_on_what_is_feasible() -> None:
    poses = np.random.default_rng(2).uniform((0.1, 0.1, -0.2), (2.7, 2.1, 0.2), (300, 3))
    feasible = 0
    for pose in poses:
        balance, load = length_jacobian(KLAUS, pose).T, gravity_wrench(KLAUS, pose)
        oracle = linprog(np.zeros(4), A_eq=balance, b_eq=load, bounds=(5.0, 90.0)).status == 0
        try:
            tensions_n = distribute(KLAUS, pose)
        except NoTension:
            assert not oracle, pose
            continue
        assert oracle, pose
        feasible += 1
        assert tensions_n.min() >= 5.0
        assert tensions_n.max() <= 90.0
        # The wrench balances to rounding of forces of order 100 N.
        np.testing.assert_allclose(balance @ tensions_n, load, atol=1e-9)
    assert 50 < feasible < 300


def test_batches_are_rows_of_single_poses() -> None:
    poses = np.array([pose for pose, _ in LENGTHS])
    np.testing.assert_array_equal(cable_lengths(KLAUS, poses)[1], cable_lengths(KLAUS, poses[1]))
    assert length_jacobian(KLAUS, poses[None]).shape == (1, 3, 4, 3)


def test_the_hydroponic_robot_hangs_at_home_with_tensions_in_its_box() -> None:
    section = CablesSection()
    tensions_n = distribute(section.robot(), (*section.home_m, 0.0))
    # Hanging level on the frame's axis: left and right pull alike, and the upper pair carries the weight besides.
    assert tensions_n[1] == pytest.approx(tensions_n[2])
    assert tensions_n[1] > tensions_n[0]
