"""From photographs and believed poses to a sparse model."""

from pathlib import Path

import cv2
import numpy as np
import pycolmap
import pytest
from scipy.spatial.transform import Rotation

from arm.command import camera_pose, read_targets
from arm.config import ArmSection
from reconstruction import matching
from reconstruction.alignment import align, residuals
from reconstruction.config import SparseOptions
from reconstruction.images import read_folder
from reconstruction.matching import extract
from reconstruction.model import ScaleSource, View
from reconstruction.pairs import likely_pairs
from reconstruction.sparse import sparse_model
from trellis.errors import InputError, ReconstructionFailed
from trellis.geometry import Pose
from trellis.pose_file import CameraPose

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "lettuce_arm"
needs_real_data = pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data/lettuce_arm is not here")


def _ring(count: int) -> list[Pose]:
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return [Pose.looking_at((0.3 * np.cos(a), 0.3 * np.sin(a), 0.2), (0, 0, 0.05), (0, 0, 1)) for a in angles]


def test_on_a_ring_the_neighbours_are_those_beside() -> None:
    pairs = likely_pairs(_ring(12), 2)
    assert pairs == sorted((min(i, (i + 1) % 12), max(i, (i + 1) % 12)) for i in range(12))


def test_pairs_grow_with_photographs_not_with_their_square() -> None:
    assert len(likely_pairs(_ring(128), 12)) <= 128 * 12
    assert len(likely_pairs(_ring(3), 12)) == 3


def _moved(poses: list[Pose], mount: Pose) -> tuple[tuple[View, ...], dict[str, CameraPose]]:
    """Views in an arbitrary frame and unit, and the beliefs that they came from, but for the mount."""
    turn = Rotation.from_rotvec((0.3, -0.8, 0.4)).as_matrix()
    names = [f"{i:03d}.jpg" for i in range(len(poses))]
    views = tuple(
        View(name, Path(name), Pose(turn @ (p @ mount).rotation, 7.0 * turn @ p.translation_m + np.array([1, 2, 3])))
        for name, p in zip(names, poses, strict=True)
    )
    return views, {name: CameraPose(name, p, 0.005, 0.02) for name, p in zip(names, poses, strict=True)}


def test_scale_and_frame_come_back_although_some_beliefs_are_wrong() -> None:
    poses = _ring(24)
    views, believed = _moved(poses, Pose.identity())
    for name in ("003.jpg", "011.jpg"):
        away = Pose(believed[name].world_from_camera.rotation, believed[name].world_from_camera.translation_m + 0.08)
        believed[name] = CameraPose(name, away, 0.005, 0.02)
    similarity = align(views, believed, seed=1)
    # Centres are exact, so the scale is exact to rounding.
    assert similarity.scale == pytest.approx(1 / 7, rel=1e-6)
    aligned = tuple(
        View(
            view.name,
            view.path,
            Pose(
                similarity.rotation @ view.world_from_camera.rotation,
                similarity.scale * similarity.rotation @ view.world_from_camera.translation_m + similarity.translation,
            ),
        )
        for view in views
    )
    wrong = [residual.name for residual in residuals(aligned, believed) if residual.wrong]
    assert wrong == ["003.jpg", "011.jpg"]


def test_a_turn_that_all_cameras_share_is_the_mounts_and_no_pose_is_wrong() -> None:
    poses = _ring(16)
    mount = Pose.from_rotation_vector((0.1, 0.0, 0.12))
    views = tuple(View(f"{i:03d}.jpg", Path("x"), pose @ mount) for i, pose in enumerate(poses))
    believed = {view.name: CameraPose(view.name, pose, 0.005, 0.02) for view, pose in zip(views, poses, strict=True)}
    found = residuals(views, believed)
    assert max(residual.rotation_rad for residual in found) < 1e-6
    assert not any(residual.wrong for residual in found)


def test_shuffled_beliefs_are_said_and_never_forced() -> None:
    views, believed = _moved(_ring(24), Pose.identity())
    order = np.random.default_rng(4).permutation(24)
    shuffled = {f"{i:03d}.jpg": believed[f"{j:03d}.jpg"] for i, j in enumerate(order)}
    with pytest.raises(ReconstructionFailed, match="do not fit"):
        align(views, shuffled, seed=1)


def _photograph(path: Path, seed: int, size: tuple[int, int] = (96, 128)) -> Path:
    noise = np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8)
    cv2.imwrite(str(path), noise)
    return path


def test_bad_files_are_named_and_left_out(tmp_path: Path) -> None:
    for i in range(4):
        _photograph(tmp_path / f"{i}.jpg", i)
    whole = _photograph(tmp_path / "torn.jpg", 9).read_bytes()
    (tmp_path / "torn.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.png").write_bytes(b"")
    cv2.imwrite(str(tmp_path / "black.jpg"), np.zeros((96, 128, 3), np.uint8))
    _photograph(tmp_path / "small.jpg", 5, (48, 64))
    _photograph(tmp_path / "with space.jpg", 6)
    (tmp_path / "notes.txt").write_text("not a photograph")
    folder = read_folder(tmp_path)
    assert folder.names == ("0.jpg", "1.jpg", "2.jpg", "3.jpg", "with space.jpg")
    reasons = {item.name: item.reason.split(":")[0].split(" ")[0] for item in folder.left_out}
    assert reasons == {
        "torn.jpg": "truncated",
        "empty.png": "unreadable",
        "black.jpg": "black",
        "small.jpg": "size",
    }


def _textured(path: Path, seed: int) -> np.ndarray:
    coarse = cv2.resize(np.random.default_rng(seed).normal(size=(24, 32)), (320, 240), interpolation=cv2.INTER_CUBIC)
    fine = np.random.default_rng(seed + 100).normal(size=(240, 320))
    picture = np.clip(128 + 40 * coarse + 15 * fine, 0, 255).astype(np.uint8)
    cv2.imwrite(str(path), picture)
    return picture


def test_blurred_stale_and_torn_photographs_are_named(tmp_path: Path) -> None:
    pictures = [_textured(tmp_path / f"{i}.png", i) for i in range(6)]
    cv2.imwrite(str(tmp_path / "blurred.png"), cv2.GaussianBlur(_textured(tmp_path / "blurred.png", 20), (0, 0), 3))
    # The camera hung and gave its last frame again, packed anew.
    cv2.imwrite(str(tmp_path / "stale.jpg"), pictures[3], [cv2.IMWRITE_JPEG_QUALITY, 90])
    torn = _textured(tmp_path / "torn.png", 21)
    torn[180:] = 128
    cv2.imwrite(str(tmp_path / "torn.png"), torn)
    cv2.imwrite(str(tmp_path / "white.png"), np.full((240, 320), 255, np.uint8))
    folder = read_folder(tmp_path)
    assert folder.names == tuple(f"{i}.png" for i in range(6))
    reasons = {item.name: item.reason.split(":")[0] for item in folder.left_out}
    assert reasons == {"blurred.png": "blurred", "stale.jpg": "stale", "torn.png": "torn", "white.png": "burnt out"}
    assert "3.png" in next(item.reason for item in folder.left_out if item.name == "stale.jpg")


def test_a_folder_that_is_soft_all_over_loses_nothing(tmp_path: Path) -> None:
    for i in range(5):
        cv2.imwrite(str(tmp_path / f"{i}.png"), cv2.GaussianBlur(_textured(tmp_path / f"{i}.png", i), (0, 0), 2))
    assert read_folder(tmp_path).left_out == ()


def test_bytes_after_the_end_of_a_jpeg_do_no_harm(tmp_path: Path) -> None:
    for i in range(3):
        path = _photograph(tmp_path / f"{i}.jpg", i)
        path.write_bytes(path.read_bytes() + b"maker's note")
    assert read_folder(tmp_path).left_out == ()


def test_a_folder_without_enough_photographs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no photograph in it"):
        read_folder(tmp_path)
    _photograph(tmp_path / "a.jpg", 1)
    with pytest.raises(InputError, match="1 usable photographs, at least 3"):
        read_folder(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        read_folder(tmp_path / "nowhere")


def test_poses_of_other_photographs_are_refused(tmp_path: Path) -> None:
    for i in range(3):
        _photograph(tmp_path / f"{i}.jpg", i)
    poses = {f"other{i}.jpg": CameraPose(f"other{i}.jpg", Pose.identity()) for i in range(3)}
    with pytest.raises(InputError, match="names other photographs"):
        sparse_model(read_folder(tmp_path), tmp_path / "work", poses, None, SparseOptions())


@needs_real_data
def test_real_photographs_become_one_metric_model_that_agrees_with_the_arm(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    arm, roll = ArmSection().arm(), Pose.from_rotation_vector((0, 0, np.pi / 2))
    targets = read_targets(REAL / "configurations.csv")[36:60]
    for name, _ in targets:
        (images / name).symlink_to(REAL / "images" / name)
    believed = {name: camera_pose(arm, name, target, roll) for name, target in targets}
    model = sparse_model(read_folder(images), tmp_path / "work", believed, None, SparseOptions(features=2000))
    assert len(model.views) >= 23
    assert model.scale_source is ScaleSource.POSES
    assert (tmp_path / "work" / "sparse" / "points3D.bin").stat().st_size > 10_000
    # The arm reaches its targets to 4.2 mm at the median (FACTS section 7); a third of a head constrains less.
    assert np.median([residual.position_m for residual in model.residuals]) < 0.006


@pytest.mark.parametrize("ground", [0, 128, 255])
def test_a_small_plant_on_a_plain_ground_is_a_photograph(tmp_path: Path, ground: int) -> None:
    for index in range(4):
        picture = np.full((240, 320), ground, np.uint8)
        texture = _textured(tmp_path / "texture.png", index)
        # It reaches almost to the lower edge, and fills a hundredth of the picture.
        picture[180:222, 150 + index : 170 + index] = np.clip(texture[180:222, 150:170].astype(int) - 40, 30, 215)
        cv2.imwrite(str(tmp_path / f"{index}.jpg"), picture)
    (tmp_path / "texture.png").unlink()
    assert read_folder(tmp_path).left_out == ()


def test_fainter_features_are_taken_where_clear_ones_are_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for index in range(3):
        picture = _textured(tmp_path / f"{index}.png", index).astype(float)
        cv2.imwrite(str(tmp_path / f"{index}.png"), np.clip(200 + 0.12 * (picture - 128), 0, 255).astype(np.uint8))
    with_faint = _features(tmp_path)
    monkeypatch.setattr(matching, "_CONTRASTS", matching._CONTRASTS[:1])
    assert with_faint > 2 * _features(tmp_path)


def _features(path: Path) -> float:
    database = path / "database.db"
    extract(read_folder(path), database, None, SparseOptions())
    opened = pycolmap.Database.open(database)
    counts = [opened.num_keypoints_for_image(image.image_id) for image in opened.read_all_images()]
    opened.close()
    return float(np.median(counts))


def test_names_with_spaces_are_names(small_set, tmp_path: Path) -> None:
    images = tmp_path / "images of today"
    images.mkdir()
    renamed = {name: f"plant 3 ({index + 1}).jpg" for index, name in enumerate(small_set.names)}
    for name, new in renamed.items():
        (images / new).symlink_to(small_set.path / "images" / name)
    believed = {
        renamed[name]: CameraPose(renamed[name], pose, 0.002, 0.02)
        for name, pose in zip(small_set.names, small_set.poses, strict=True)
    }
    model = sparse_model(read_folder(images), tmp_path / "work", believed, None, SparseOptions(neighbours=4))
    assert {view.name for view in model.views} == set(renamed.values())
    assert max(residual.position_m for residual in model.residuals) < 0.001
