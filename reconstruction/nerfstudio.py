"""`transforms.json`: cameras and lens as nerfstudio and its kin read them; the cloud beside it is their start."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from reconstruction.model import Model
from trellis.lens import Lens

#: OpenCV's camera axes (y down, z forward) in OpenGL's (y up, z backward).
_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])

#: COLMAP's parameters by nerfstudio's names, in COLMAP's order. `f` stands for both focal lengths.
_NAMES = {
    "SIMPLE_PINHOLE": ("f", "cx", "cy"),
    "PINHOLE": ("fl_x", "fl_y", "cx", "cy"),
    "SIMPLE_RADIAL": ("f", "cx", "cy", "k1"),
    "RADIAL": ("f", "cx", "cy", "k1", "k2"),
    "OPENCV": ("fl_x", "fl_y", "cx", "cy", "k1", "k2", "p1", "p2"),
    "OPENCV_FISHEYE": ("fl_x", "fl_y", "cx", "cy", "k1", "k2", "k3", "k4"),
    "FULL_OPENCV": ("fl_x", "fl_y", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"),
}


def transforms_json(model: Model, images: Path, folder: Path) -> str:
    """The file's text.

    Args:
        model: Cameras and lens; poses stay in its frame and unit.
        images: Where the photographs lie.
        folder: Where the file will lie; photographs are named relative to it.
    """
    where = Path(os.path.relpath(images.absolute(), folder.absolute()))
    frames = []
    for view in model.views:
        world_from_camera = np.eye(4)
        world_from_camera[:3, :3] = view.world_from_camera.rotation
        world_from_camera[:3, 3] = view.world_from_camera.translation_m
        matrix = (world_from_camera @ _OPENGL).tolist()
        frames.append({"file_path": (where / view.name).as_posix(), "transform_matrix": matrix})
    return json.dumps(_lens(model.lens) | {"ply_file_path": "cloud.ply", "frames": frames}, indent=1) + "\n"


def _lens(lens: Lens) -> dict[str, Any]:
    given = dict(zip(_NAMES[lens.model], lens.params, strict=True))
    focal = given.pop("f", None)
    if focal is not None:
        given = {"fl_x": focal, "fl_y": focal} | given
    kind = lens.model if lens.model in ("OPENCV_FISHEYE", "FULL_OPENCV") else "OPENCV"
    return {"camera_model": kind, "w": lens.width_px, "h": lens.height_px} | given
