"""Tags as points of the adjustment."""

import numpy as np
import pycolmap
import pytest
from scipy.spatial.transform import Rotation

from reconstruction.adjustment import adjust
from reconstruction.tag_points import crossing, take_over, with_tags
from reconstruction.tags import Corners
from trellis.geometry import Pose

FOCAL, WIDTH, HEIGHT = 1000.0, 1000, 800


def test_diagonals_of_a_square_cross_in_its_middle_from_every_side() -> None:
    square = np.array([[-0.02, 0.02, 0], [0.02, 0.02, 0], [0.02, -0.02, 0], [-0.02, -0.02, 0]])
    for turn in Rotation.from_rotvec([(0, 0, 0.3), (0.9, 0, 0), (0.4, -0.8, 0.2)]):
        seen = turn.apply(square) + np.array([0.05, -0.02, 0.3])
        middle = np.array([0.05, -0.02]) / 0.3
        assert crossing(seen[:, :2] / seen[:, 2:]) == pytest.approx(middle, abs=1e-12)


def _scene(seed: int) -> tuple[pycolmap.Reconstruction, dict[str, dict[int, np.ndarray]], Corners, list[Pose]]:
    """Twelve views of a tag board and of points in front of it: pixels of points are off by 0.8 px, tags exact.

    The lens in the model is off by 1 % in focal length, and the model was made to fit it.
    """
    random = np.random.default_rng(seed)
    found = pycolmap.Reconstruction()
    found.add_camera_with_trivial_rig(
        pycolmap.Camera(
            camera_id=1, model="PINHOLE", width=WIDTH, height=HEIGHT, params=[1.01 * FOCAL, 1.01 * FOCAL, 500.0, 400.0]
        )
    )
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    poses = [
        Pose.looking_at((0.18 * np.cos(a), 0.18 * np.sin(a), 0.3 + 0.05 * np.sin(2 * a)), (0, 0, 0), (0, 1, 0))
        for a in angles
    ]
    points = random.uniform((-0.08, -0.08, 0.0), (0.08, 0.08, 0.04), (60, 3))
    grid = [(x, y, 0.0) for x in (-0.1, -0.05, 0.0, 0.05, 0.1) for y in (-0.1, -0.05, 0.0, 0.05, 0.1)]
    square = 0.01 * np.array([[-1, 1, 0], [1, 1, 0], [1, -1, 0], [-1, -1, 0]])
    corners = {tag: np.array(middle) + square for tag, middle in enumerate(grid)}
    seen = {}
    for index, pose in enumerate(poses):
        pixels = _project(pose, points) + random.normal(0, 0.8, (60, 2))
        image = pycolmap.Image(f"{index:03d}.jpg", pixels, camera_id=1, image_id=index + 1)
        believed = Pose(pose.rotation, 1.01 * pose.translation_m)
        rotation = pycolmap.Rotation3d(believed.inverse.rotation)
        found.add_image_with_trivial_frame(image, pycolmap.Rigid3d(rotation, believed.inverse.translation_m))
        seen[image.name] = {tag: _project(pose, quad) for tag, quad in corners.items()}
    for row, point in enumerate(points):
        track = pycolmap.Track([pycolmap.TrackElement(index + 1, row) for index in range(12)])
        found.add_point3D(point, track, np.zeros(3, np.uint8))
    middles = np.array(grid)
    few = np.full(25, 1e-4)
    return found, seen, Corners(np.arange(25), middles, few, middles, few), poses


def _project(pose: Pose, points: np.ndarray) -> np.ndarray:
    local = pose.inverse @ points
    return local[:, :2] / local[:, 2:] * FOCAL + (500.0, 400.0)


def test_exact_tags_hold_lens_scale_and_cameras_where_noisy_points_do_not() -> None:
    found, seen, tags, poses = _scene(3)
    copy, points = with_tags(found, seen, tags, as_on_board=True)
    assert len(points) == 25
    adjust(copy, {}, 0, free_lens=True, fixed_points=points)
    take_over(found, copy)
    assert found.num_points3D() == 60
    assert found.camera(1).params == pytest.approx([FOCAL, FOCAL, 500, 400], abs=0.5)
    centres = np.array([found.image(i + 1).projection_center() for i in range(12)])
    # 0.8 px at 0.35 m are 0.28 mm; 60 such points alone leave 0.1 mm at the median, and no scale at all.
    assert np.linalg.norm(centres - [pose.translation_m for pose in poses], axis=1).max() < 1e-4


def test_a_tag_that_is_seen_where_it_cannot_be_has_no_say() -> None:
    found, seen, tags, _ = _scene(4)
    seen["000.jpg"][12] = seen["000.jpg"][12] + 60.0
    copy, points = with_tags(found, seen, tags, as_on_board=True)
    lengths = sorted(copy.point3D(point).track.length() for point in points)
    assert lengths[1] - lengths[0] == lengths[-1] // 12
