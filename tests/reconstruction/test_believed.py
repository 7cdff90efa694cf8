"""A model that begins at the believed poses: when these are a little off, and when one is quite wrong."""

from pathlib import Path

import numpy as np
import pytest

from reconstruction.believed import model_from_beliefs
from reconstruction.config import SparseOptions
from reconstruction.images import read_folder
from reconstruction.matching import extract, match
from trellis.geometry import Pose
from trellis.lens import read_lens
from trellis.pose_file import CameraPose


@pytest.fixture(scope="module")
def matched(small_set, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """COLMAP's database of the small set."""
    work = tmp_path_factory.mktemp("matched")
    folder, database = read_folder(small_set.path / "images"), work / "database.db"
    extract(folder, database, read_lens(small_set.path / "camera.toml"), SparseOptions())
    match(folder, work, database, {}, SparseOptions())
    return database


def _shaken(small_set, metres: float, degrees: float) -> dict[str, CameraPose]:
    random = np.random.default_rng(4)
    return {
        name: CameraPose(
            name,
            Pose.from_rotation_vector(pose.rotation_vector_rad, pose.translation_m + metres * random.standard_normal(3))
            @ Pose.from_rotation_vector(np.radians(degrees) * random.standard_normal(3)),
            0.006,
            0.02,
        )
        for name, pose in zip(small_set.names, small_set.poses, strict=True)
    }


def _off_mm(found, small_set) -> np.ndarray:
    """Distances of centres from the truth after a similarity: by the change of all mutual distances."""
    true = dict(zip(small_set.names, small_set.poses, strict=True))
    images = [image for image in found.images.values() if image.has_pose]
    ours = np.array([image.projection_center() for image in images])
    theirs = np.array([true[image.name].translation_m for image in images])
    between = [np.linalg.norm(p[:, None] - p[None], axis=2) for p in (ours, theirs)]
    return np.asarray(1e3 * np.abs(between[0] * between[1].sum() / between[0].sum() - between[1]).ravel())


def test_poses_off_by_six_millimetres_and_a_degree_are_pulled_together(
    small_set, matched: Path, tmp_path: Path
) -> None:
    believed = _shaken(small_set, 0.006, 1.0)
    found = model_from_beliefs(matched, small_set.path / "images", tmp_path, believed, seed=0)
    assert found is not None
    assert found.num_reg_images() == len(small_set.names)
    assert found.compute_mean_reprojection_error() < 1.0
    # Six millimetres became a few tenths; 0.2 m away with ten photographs, half a millimetre is a pixel or two.
    assert np.median(_off_mm(found, small_set)) < 0.5


def test_a_photograph_that_was_taken_elsewhere_is_let_go(small_set, matched: Path, tmp_path: Path) -> None:
    believed = _shaken(small_set, 0.002, 0.3)
    stranger = small_set.names[4]
    elsewhere = Pose.looking_at((0.0, 0.0, -0.2), (0, 0, 0), (0, 1, 0))
    believed[stranger] = CameraPose(stranger, elsewhere, 0.006, 0.02)
    found = model_from_beliefs(matched, small_set.path / "images", tmp_path, believed, seed=0)
    assert found is not None
    placed = {image.name for image in found.images.values() if image.has_pose}
    assert placed == set(small_set.names) - {stranger}
