"""Many forward solutions at once are the single ones."""

import numpy as np
import pytest

from cdpr.batch import forward_batch
from cdpr.config import CablesSection
from cdpr.kinematics import NoForwardSolution, PosePrior, cable_lengths, forward, length_curvature, length_jacobian

ROBOT = CablesSection().robot()
PRIOR = PosePrior(np.array([1.1, 1.0, 0.0]), np.diag([100.0, 100.0, 0.05**2]))


def _poses(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(0.3, 1.9, count), rng.uniform(0.3, 1.7, count), rng.normal(0, 0.05, count)])


def test_batch_finds_the_poses_that_the_lengths_came_from() -> None:
    poses = _poses(500, 1)
    found = forward_batch(ROBOT, cable_lengths(ROBOT, poses))
    # Yaw is the weakest: a rounding of 1e-16 m in length is some 1e-13 rad, and a step of 1e-9 ends the search.
    np.testing.assert_allclose(found.poses, poses, atol=1e-8)
    assert found.residuals_m.max() < 1e-9


def test_batch_agrees_with_the_single_solution_with_noise_and_prior() -> None:
    poses = _poses(60, 2)
    lengths = cable_lengths(ROBOT, poses) + np.random.default_rng(3).normal(0, 0.0018, (60, 4))
    batch = forward_batch(ROBOT, lengths, prior=PRIOR)
    for row, measured in enumerate(lengths):
        single = forward(ROBOT, measured, prior=PRIOR)
        np.testing.assert_allclose(batch.poses[row], single.pose, atol=1e-7)
        np.testing.assert_allclose(batch.covariances[row], single.covariance, rtol=1e-4)
        assert batch.residuals_m[row] == pytest.approx(single.residual_m, abs=1e-8)


def test_single_solution_arrives_where_lengths_hardly_show_yaw() -> None:
    # Without a prior, 29 of 800 such rows once zigzagged in yaw until they were given up.
    lengths = cable_lengths(ROBOT, _poses(300, 11)) + np.random.default_rng(8).normal(0, 0.003, (300, 4))
    batch = forward_batch(ROBOT, lengths, 0.003)
    single = [forward(ROBOT, measured, 0.003).pose for measured in lengths]
    np.testing.assert_allclose(single, batch.poses, atol=1e-6)


def test_curvature_of_lengths_matches_finite_differences() -> None:
    pose, pulls = np.array([1.3, 0.7, 0.2]), np.array([1.0, -2.0, 0.5, 3.0])
    found = length_curvature(ROBOT, pose, pulls)
    for column in range(3):
        step = 1e-6 * np.eye(3)[column]
        slope = pulls @ (length_jacobian(ROBOT, pose + step) - length_jacobian(ROBOT, pose - step)) / 2e-6
        np.testing.assert_allclose(found[column], slope, atol=1e-8)  # rounding over 1e-6


def test_many_noisy_rows_all_arrive() -> None:
    poses = _poses(5000, 4)
    lengths = cable_lengths(ROBOT, poses) + np.random.default_rng(5).normal(0, 0.003, (5000, 4))
    found = forward_batch(ROBOT, lengths, 0.003, prior=PRIOR)
    errors = (found.poses - poses) / found.stds
    # 5000 rows: their root mean square is known to 1 %; curvature in yaw adds some.
    np.testing.assert_allclose(np.sqrt(np.mean(errors**2, axis=0)), 1.0, atol=0.1)


@pytest.mark.parametrize("std_m", [1e-5, 1e-4, 1e-3, 1e-2])
def test_no_row_ends_turned_over_however_sure_the_lengths_are(std_m: float) -> None:
    poses = _poses(2000, 7)
    lengths = cable_lengths(ROBOT, poses) + np.random.default_rng(8).normal(0, std_m, (2000, 4))
    found = forward_batch(ROBOT, lengths, std_m, prior=PRIOR)
    # Yaw is drawn with 0.05 rad, and so is its prior: five of them.
    assert np.abs(found.poses[:, 2]).max() < 0.25


def test_a_faulty_row_is_named() -> None:
    lengths = cable_lengths(ROBOT, _poses(3, 6))
    lengths[1, 2] = np.nan
    with pytest.raises(NoForwardSolution, match="row 1 "):
        forward_batch(ROBOT, lengths)
