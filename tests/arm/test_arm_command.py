"""`trellis arm poses`: an arm's targets become camera poses."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from arm.command import app, read_targets
from trellis.errors import InputError
from trellis.pose_file import read_poses

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "lettuce_arm"
HEADER = "image,base_yaw_rad,camera_radius_m,camera_height_m,focus_height_m\n"

needs_real_data = pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data/lettuce_arm is not here")


def _poses(tmp_path: Path, rows: str, *options: str) -> dict[str, np.ndarray]:
    targets, out = tmp_path / "targets.csv", tmp_path / "poses.csv"
    targets.write_text(HEADER + rows)
    result = CliRunner().invoke(app, ["poses", str(targets), "-o", str(out), *options])
    assert result.exit_code == 0, result.output
    return {pose.image: pose.world_from_camera.matrix for pose in read_poses(out)}


def test_a_camera_in_front_looks_back_at_the_axis(tmp_path: Path) -> None:
    matrix = _poses(tmp_path, "a.jpg,0,0.125,0.2,0.255\n", "--roll-deg", "0")["a.jpg"]
    # Nine digits are written.
    np.testing.assert_allclose(matrix[:3, 3], [0.125, 0, 0.2], atol=1e-8)
    # From 125 mm out and 55 mm below what it looks at.
    away = np.hypot(0.125, 0.055)
    np.testing.assert_allclose(matrix[:3, 2], np.array([-0.125, 0, 0.055]) / away, atol=1e-8)
    # Bent over to look inward the tool is upside down: its y, down in the picture, points up.
    np.testing.assert_allclose(matrix[:3, 1], np.array([0.055, 0, 0.125]) / away, atol=1e-8)


def test_by_default_the_pictures_x_runs_up(tmp_path: Path) -> None:
    matrix = _poses(tmp_path, "a.jpg,0.5,0.125,0.2,0.255\n")["a.jpg"]
    upward = np.array([0.055 * np.cos(0.5), 0.055 * np.sin(0.5), 0.125]) / np.hypot(0.125, 0.055)
    np.testing.assert_allclose(matrix[:3, 0], upward, atol=1e-8)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("image,yaw\n", "columns"),
        (HEADER, "no target"),
        (HEADER + "a.jpg,0,0.125,high,0.2\n", "line 2"),
        (HEADER + "a.jpg,0,0.125\n", "line 2"),
    ],
)
def test_faulty_targets_are_refused_with_their_place(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "targets.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=complaint):
        read_targets(path)


@needs_real_data
def test_every_real_target_becomes_a_pose_where_it_should_be(tmp_path: Path) -> None:
    out = tmp_path / "poses.csv"
    result = CliRunner().invoke(app, ["poses", str(REAL / "configurations.csv"), "-o", str(out)])
    assert result.exit_code == 0, result.output
    found = read_poses(out)
    assert len(found) == 126
    for pose, (image, target) in zip(found, read_targets(REAL / "configurations.csv"), strict=True):
        centre, sight = pose.world_from_camera.translation_m, pose.world_from_camera.rotation[:, 2]
        assert pose.image == image
        assert np.hypot(*centre[:2]) == pytest.approx(target.radius_m, abs=1e-8)
        assert centre[2] == pytest.approx(target.height_m, abs=1e-8)
        # The line of sight meets the axis: its horizontal part points straight inward.
        assert abs(centre[0] * sight[1] - centre[1] * sight[0]) < 1e-8
        assert centre[:2] @ sight[:2] < 0


@needs_real_data
def test_the_real_camera_sees_an_upward_move_as_a_move_to_the_left() -> None:
    angles = [_motion_deg(f"{i:03d}.jpg", f"{i + 1:03d}.jpg") for i in range(3)]
    # Roll +90 says 180 deg; the mount is off by some 6 deg, one pair's median by a few more.
    assert np.abs((np.array(angles) - 180 + 180) % 360 - 180).max() < 12


def _motion_deg(before: str, after: str) -> float:
    """Direction in which the picture's content moves between two photographs, by the median of SIFT matches."""
    sift = cv2.SIFT_create(3000)
    images = [cv2.resize(cv2.imread(str(REAL / "images" / name), 0), None, fx=0.5, fy=0.5) for name in (before, after)]
    (points_a, features_a), (points_b, features_b) = (sift.detectAndCompute(image, None) for image in images)
    pairs = cv2.BFMatcher().knnMatch(features_a, features_b, k=2)
    good = [best for best, second in pairs if best.distance < 0.75 * second.distance]
    a = np.array([points_a[match.queryIdx].pt for match in good])
    b = np.array([points_b[match.trainIdx].pt for match in good])
    inlier = cv2.findFundamentalMat(a, b, cv2.USAC_MAGSAC, 1.0, 0.999, 10000)[1].ravel() > 0
    x, y = np.median((b - a)[inlier], axis=0)
    return float(np.degrees(np.arctan2(y, x)))
