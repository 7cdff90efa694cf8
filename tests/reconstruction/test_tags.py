"""Tags in photographs of a panel with cards before it, made by homographies: the truth is known to rounding."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from reconstruction.config import SparseOptions
from reconstruction.images import read_folder
from reconstruction.model import Model, ScaleSource, View
from reconstruction.sparse import sparse_model
from reconstruction.tags import poses_from_board, see_tags, triangulate
from trellis.board import TagBoard
from trellis.errors import InputError, ReconstructionFailed
from trellis.geometry import Pose
from trellis.lens import Lens
from trellis.pose_file import CameraPose

FAMILY = "DICT_APRILTAG_36h11"
LENS = Lens("PINHOLE", 640, 480, (640.0, 640.0, 320.0, 240.0))
TAG_M, PITCH_M, ROWS, TEXELS_M = 0.04, 0.095, 4, 2000
Plane = tuple[float, float, float, np.ndarray]


def _texture(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    grains = [(3, 25), (9, 30), (30, 30)]
    layers = [
        amount * cv2.resize(random.normal(size=(height // grain + 2, width // grain + 2)), (width, height))
        for grain, amount in grains
    ]
    return np.clip(sum(layers, np.full((height, width), 130.0)), 5, 250).astype(np.uint8)


def _scene(seed: int) -> tuple[list[Plane], TagBoard]:
    """Planes (z, x of the left edge, y of the upper edge, texture), far ones first, and the board on the first."""
    random = np.random.default_rng(seed)
    half_m = ROWS * PITCH_M / 2
    size = int(2 * half_m * TEXELS_M)
    panel, corners = _texture(random, size, size), {}
    dictionary, side = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36h11), int(TAG_M * TEXELS_M)
    for tag in range(ROWS * ROWS):
        left, top = (int(((cell + 0.5) * PITCH_M - TAG_M / 2) * TEXELS_M) for cell in (tag % ROWS, tag // ROWS))
        panel[top - 12 : top + side + 12, left - 12 : left + side + 12] = 235
        panel[top : top + side, left : left + side] = cv2.aruco.generateImageMarker(dictionary, tag, side)
        x_m, y_m = left / TEXELS_M - half_m, half_m - top / TEXELS_M
        square = [(x_m, y_m), (x_m + TAG_M, y_m), (x_m + TAG_M, y_m - TAG_M), (x_m, y_m - TAG_M)]
        corners[tag] = np.array([(x, y, 0.0) for x, y in square])
    planes = [(0.0, -half_m, half_m, panel)]
    for height_m in np.linspace(0.01, 0.07, 14):
        x_m, y_m = random.uniform((-0.08, -0.05), (0.05, 0.08))
        planes.append((float(height_m), float(x_m), float(y_m), _texture(random, 60, 70)))
    return planes, TagBoard(FAMILY, TAG_M, corners)


def _photograph(planes: Sequence[Plane], world_from_camera: Pose) -> np.ndarray:
    """Three times too large, then averaged; COLMAP's pixel centre (0.5, 0.5) is kept."""
    fine = 3
    focal, _, cx, cy = LENS.params
    inner = np.array([[focal * fine, 0, cx * fine - 0.5], [0, focal * fine, cy * fine - 0.5], [0, 0, 1]])
    picture = np.full((LENS.height_px * fine, LENS.width_px * fine), 90, np.uint8)
    for z_m, x_m, y_m, texture in planes:
        step = 1 / TEXELS_M
        world_from_texel = np.array([[step, 0, x_m + step / 2], [0, -step, y_m - step / 2], [0, 0, z_m], [0, 0, 1]])
        cv2.warpPerspective(
            texture, inner @ world_from_camera.inverse.matrix[:3] @ world_from_texel, picture.shape[::-1], picture,
            borderMode=cv2.BORDER_TRANSPARENT,
        )  # fmt: skip
    return cv2.resize(picture, (LENS.width_px, LENS.height_px), interpolation=cv2.INTER_AREA)


def _cameras(count: int) -> list[Pose]:
    poses = []
    for i in range(count):
        tilt, around = np.radians((10, 28, 42)[i % 3]), 2.4 * i
        away = np.array([np.sin(tilt) * np.cos(around), np.sin(tilt) * np.sin(around), np.cos(tilt)])
        target = np.array([0.01 * np.cos(i), 0.01 * np.sin(i), 0.02])
        poses.append(Pose.looking_at(target + 0.36 * away, target, (np.cos(i), np.sin(i), 0.01)))
    return poses


class Shown:
    """A folder of photographs, the truth of their poses, and beliefs about them that are off by 6 mm and 1 degree."""

    def __init__(self, folder: Path, count: int = 18) -> None:
        planes, self.board = _scene(seed=3)
        random = np.random.default_rng(5)
        self.folder = folder
        self.truth = {f"{i:03d}.png": pose for i, pose in enumerate(_cameras(count))}
        self.believed = {}
        for name, pose in self.truth.items():
            cv2.imwrite(str(folder / name), _photograph(planes, pose))
            off = Pose.from_rotation_vector(random.normal(scale=0.0175, size=3)).rotation
            place_m = pose.translation_m + random.normal(scale=0.006, size=3)
            self.believed[name] = CameraPose(name, Pose(pose.rotation @ off, place_m), 0.006, 0.0175)

    def model(self, work: Path, poses: dict[str, CameraPose], board: TagBoard | None) -> Model:
        options = SparseOptions(features=2000, neighbours=8, threads=1)
        return sparse_model(read_folder(self.folder), work, poses, LENS, options, board)

    def centres(self, model: Model) -> np.ndarray:
        return np.array([self.truth[view.name].translation_m for view in model.views])


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    return Shown(tmp_path_factory.mktemp("shown"))


def _scale_error(model: Model, truth_m: np.ndarray) -> float:
    spread = np.linalg.norm(model.centres_world_m - model.centres_world_m.mean(axis=0))
    return float(spread / np.linalg.norm(truth_m - truth_m.mean(axis=0)) - 1)


def test_tags_are_seen_where_they_are(shown: Shown) -> None:
    name, pose = next(iter(shown.truth.items()))
    seen = see_tags(shown.folder, [name], shown.board, threads=1)[name]
    assert len(seen) >= 4
    for tag, pixels in seen.items():
        x, y, z = (pose.inverse @ shown.board.corners_world_m[tag]).T
        expected = np.column_stack([640 * x / z + 320, 640 * y / z + 240])
        # Averaging over pixels rounds a corner off by some tenths; half a pixel would be a wrong convention.
        assert np.abs(pixels.mean(axis=0) - expected.mean(axis=0)).max() < 0.25


def test_the_board_says_where_a_camera_stands(shown: Shown) -> None:
    seen = see_tags(shown.folder, list(shown.truth), shown.board, threads=1)
    found = poses_from_board(seen, shown.board, LENS)
    assert len(found) >= 10
    apart = np.array([shown.truth[name].distance_to(pose) for name, pose in found.items()])
    # A quarter of a pixel over a hundred of baseline, at 0.36 m, is about a millimetre.
    assert np.median(apart[:, 0]) < 0.002
    assert np.median(apart[:, 1]) < 0.01


def test_tags_triangulated_from_true_poses_stand_on_the_board(shown: Shown) -> None:
    seen = see_tags(shown.folder, list(shown.truth), shown.board, threads=1)
    views = [View(name, shown.folder / name, pose) for name, pose in shown.truth.items()]
    tags = triangulate(seen, views, shown.board, LENS).centres()
    assert len(tags) >= 10
    away_m = np.linalg.norm(tags.found - tags.board_m, axis=1)
    assert np.median(away_m) < 0.0002


def test_one_sighting_of_another_tag_has_no_say(shown: Shown) -> None:
    seen = dict(see_tags(shown.folder, list(shown.truth), shown.board, threads=1))
    views = [View(name, shown.folder / name, pose) for name, pose in shown.truth.items()]
    tag = max(range(16), key=lambda tag: sum(tag in sighting for sighting in seen.values()))
    name = next(name for name, sighting in seen.items() if tag in sighting)
    seen[name] = {**seen[name], tag: seen[name][tag] + 60.0}
    tags = triangulate(seen, views, shown.board, LENS).centres()
    (row,) = np.flatnonzero(tags.tags == tag)
    assert np.linalg.norm(tags.found[row] - tags.board_m[row]) < 0.0005


def test_poses_and_board_together_give_scale_and_frame(shown: Shown, tmp_path: Path) -> None:
    model = shown.model(tmp_path / "work", shown.believed, shown.board)
    assert len(model.views) == 18
    assert model.scale_source is ScaleSource.BOTH
    assert abs(_scale_error(model, shown.centres(model))) < 0.001
    assert np.median(np.linalg.norm(model.centres_world_m - shown.centres(model), axis=1)) < 0.0005
    assert model.board_residual_m is not None
    assert model.board_residual_m < 0.001
    assert not any(residual.wrong for residual in model.residuals)
    assert model.notes == ()


def test_the_board_alone_gives_scale_and_frame(shown: Shown, tmp_path: Path) -> None:
    model = shown.model(tmp_path / "work", {}, shown.board)
    assert model.scale_source is ScaleSource.BOARD
    assert abs(_scale_error(model, shown.centres(model))) < 0.001
    assert np.median(np.linalg.norm(model.centres_world_m - shown.centres(model), axis=1)) < 0.0005


def test_two_runs_of_one_seed_give_the_same_poses(shown: Shown, tmp_path: Path) -> None:
    first, second = (shown.model(tmp_path / name, shown.believed, shown.board) for name in ("a", "b"))
    assert np.array_equal(first.centres_world_m, second.centres_world_m)


def test_a_slipped_cable_is_said_and_does_not_pull(shown: Shown, tmp_path: Path) -> None:
    slipped = dict(shown.believed)
    for name in ("004.png", "011.png"):
        pose = slipped[name].world_from_camera
        slipped[name] = CameraPose(
            name, Pose(pose.rotation, pose.translation_m + np.array([0.06, -0.04, 0])), 0.006, 0.0175
        )
    model = shown.model(tmp_path / "work", slipped, None)
    assert [residual.name for residual in model.residuals if residual.wrong] == ["004.png", "011.png"]
    # 16 good places of 6 mm over a quarter of a metre: a scale of 1 % (two standard deviations).
    assert abs(_scale_error(model, shown.centres(model))) < 0.01


def test_poses_with_a_mirrored_axis_are_refused(shown: Shown, tmp_path: Path) -> None:
    mirrored = {}
    for name, pose in shown.believed.items():
        old = pose.world_from_camera
        mirrored[name] = CameraPose(name, Pose(old.rotation, old.translation_m * np.array([-1, 1, 1])), 0.006, 0.0175)
    with pytest.raises(ReconstructionFailed, match="mirror"):
        shown.model(tmp_path / "work", mirrored, None)


def test_a_family_that_opencv_does_not_know_is_refused(shown: Shown) -> None:
    with pytest.raises(InputError, match="DICT_APRILTAG_36h11"):
        see_tags(shown.folder, list(shown.truth), TagBoard("36h11", 0.04, shown.board.corners_world_m), threads=1)
