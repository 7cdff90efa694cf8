"""`transforms.json` as nerfstudio reads it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reconstruction.model import Model, ScaleSource, View
from reconstruction.nerfstudio import transforms_json
from trellis.geometry import Pose
from trellis.lens import Lens


def _model(lens: Lens, pose: Pose) -> Model:
    nothing = np.zeros((0, 3))
    return Model(
        lens=lens,
        views=(View("a.jpg", Path("a.jpg"), pose),),
        points_world_m=nothing,
        colours=nothing.astype(np.uint8),
        errors_px=np.zeros(0),
        observations=np.zeros((0, 2), np.int32),
        reprojection_error_px=0.5,
        scale_source=ScaleSource.POSES,
        scale_std=0.001,
        images_given=1,
    )


def test_a_point_lands_on_the_pixel_that_opengls_axes_say(tmp_path: Path) -> None:
    pose = Pose.looking_at((0.1, 0.2, 0.5), (0, 0, 0), (0, 1, 0))
    lens = Lens("OPENCV", 800, 600, (700.0, 710.0, 400.0, 300.0, 0.1, 0.01, 0.0, 0.0))
    written = json.loads(transforms_json(_model(lens, pose), tmp_path / "images", tmp_path / "out"))
    assert written["frames"][0]["file_path"] == "../images/a.jpg"
    assert (written["fl_x"], written["k1"], written["w"], written["camera_model"]) == (700.0, 0.1, 800, "OPENCV")
    camera_from_world = np.linalg.inv(written["frames"][0]["transform_matrix"])
    # nerfstudio: x right, y up, looking along -z. A point above the one that is looked at is above it in the picture.
    x, y, z = (camera_from_world @ (0.0, 0.05, 0.0, 1.0))[:3]
    assert z < 0
    assert y > 0
    assert abs(x) < 1e-9


@pytest.mark.parametrize(
    ("lens", "said"),
    [
        (
            Lens("SIMPLE_RADIAL", 8, 6, (7.0, 4.0, 3.0, 0.1)),
            {"fl_x": 7.0, "fl_y": 7.0, "k1": 0.1, "camera_model": "OPENCV"},
        ),
        (Lens("OPENCV_FISHEYE", 8, 6, (7, 7, 4, 3, 1, 2, 3, 4)), {"k4": 4, "camera_model": "OPENCV_FISHEYE"}),
    ],
)
def test_every_lens_has_its_names(tmp_path: Path, lens: Lens, said: dict) -> None:
    model = replace(_model(lens, Pose.identity()))
    written = json.loads(transforms_json(model, tmp_path, tmp_path))
    assert said.items() <= written.items()
