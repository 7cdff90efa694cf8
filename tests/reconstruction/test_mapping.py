"""Which of two models is taken: COLMAP's from nothing, or the one that begins at the believed poses."""

from pathlib import Path

import numpy as np
import pycolmap
import pytest

from reconstruction import mapping
from reconstruction.config import SparseOptions
from reconstruction.images import read_folder
from reconstruction.mapping import mapped
from reconstruction.matching import extract, match
from trellis.geometry import Pose
from trellis.lens import read_lens
from trellis.pose_file import CameraPose

OPTIONS = SparseOptions()


@pytest.fixture(scope="module")
def matched(small_set, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """COLMAP's database of the small set."""
    work = tmp_path_factory.mktemp("matched")
    folder, database = read_folder(small_set.path / "images"), work / "database.db"
    extract(folder, database, read_lens(small_set.path / "camera.toml"), OPTIONS)
    match(folder, work, database, {}, OPTIONS)
    return database


def _believed(small_set, mirrored: bool = False) -> dict[str, CameraPose]:
    flip = np.array([-1.0 if mirrored else 1.0, 1.0, 1.0])
    return {
        name: CameraPose(
            name, Pose.from_rotation_vector(pose.rotation_vector_rad, flip * pose.translation_m), 0.006, 0.02
        )
        for name, pose in zip(small_set.names, small_set.poses, strict=True)
    }


def _folded(real, *arguments) -> pycolmap.Reconstruction:
    """What the mapper found, with half of the photographs turned half way round the plant: all placed, and wrong."""
    found = real(*arguments)
    images = sorted((image for image in found.images.values() if image.has_pose), key=lambda image: image.name)
    centre = np.mean([image.projection_center() for image in images], axis=0)
    half_turn = Pose(np.diag([-1.0, -1.0, 1.0]), centre - np.diag([-1.0, -1.0, 1.0]) @ centre)
    for image in images[::2]:
        pose = image.cam_from_world()
        moved = Pose(pose.rotation.matrix(), pose.translation) @ half_turn
        image.frame.set_cam_from_world(
            image.camera_id, pycolmap.Rigid3d(pycolmap.Rotation3d(moved.rotation), moved.translation_m)
        )
    return found


def _spread_mm(found: pycolmap.Reconstruction, small_set) -> float:
    """How far mutual distances of cameras are from the true ones, at the median, scale set free."""
    true = dict(zip(small_set.names, small_set.poses, strict=True))
    images = [image for image in found.images.values() if image.has_pose]
    ours = np.array([image.projection_center() for image in images])
    theirs = np.array([true[image.name].translation_m for image in images])
    between = [np.linalg.norm(p[:, None] - p[None], axis=2) for p in (ours, theirs)]
    return float(1e3 * np.median(np.abs(between[0] * between[1].sum() / between[0].sum() - between[1])))


def test_a_folded_model_that_lost_nothing_gives_way_to_the_beliefs(
    small_set, matched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, real = read_folder(small_set.path / "images"), mapping._from_nothing
    folded = _folded(real, folder, tmp_path, matched, OPTIONS)
    assert folded.num_reg_images() == len(small_set.names)
    assert _spread_mm(folded, small_set) > 5
    monkeypatch.setattr(mapping, "_from_nothing", lambda *_: folded)
    found = mapped(folder, tmp_path, matched, _believed(small_set), OPTIONS)
    assert found.num_reg_images() == len(small_set.names)
    assert _spread_mm(found, small_set) < 0.5


def test_beliefs_in_a_mirror_do_not_move_a_good_model(small_set, matched: Path, tmp_path: Path) -> None:
    folder = read_folder(small_set.path / "images")
    found = mapped(folder, tmp_path, matched, _believed(small_set, mirrored=True), OPTIONS)
    assert found.num_reg_images() == len(small_set.names)
    assert _spread_mm(found, small_set) < 0.5
