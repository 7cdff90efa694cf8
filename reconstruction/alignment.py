"""From COLMAP's arbitrary frame into the frame of the believed poses, and how far each photograph is from its belief.

Only camera centres decide scale and frame: how the camera is mounted on the wrist may be off by a common rotation,
which is estimated here and taken out before any pose is called wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pycolmap
from scipy.spatial.transform import Rotation

from reconstruction.model import Array, PoseResidual, View
from trellis.errors import ReconstructionFailed
from trellis.pose_file import CameraPose

#: What a pose is good for when its file does not say.
DEFAULT_POSITION_STD_M, DEFAULT_ROTATION_STD_RAD = 0.01, 0.1

#: Beyond so many standard deviations a pose is called wrong.
_WRONG = 4.0


@dataclass(frozen=True, eq=False)
class Similarity:
    """new = scale * rotation @ old + translation; `scale_std` is relative."""

    scale: float
    rotation: Array
    translation: Array
    scale_std: float


def align(views: tuple[View, ...], believed: Mapping[str, CameraPose], seed: int) -> Similarity:
    """The similarity that brings camera centres nearest to where they are believed, robust to some wrong poses.

    Raises:
        ReconstructionFailed: Fewer than three photographs have a believed pose, or no similarity explains half of them.
    """
    known = [view for view in views if view.name in believed]
    if len(known) < 3:
        raise ReconstructionFailed(f"{len(known)} placed photographs have a believed pose; scale needs at least 3")
    found = np.array([view.world_from_camera.translation_m for view in known])
    wanted = np.array([believed[view.name].world_from_camera.translation_m for view in known])
    stds_m = np.array([believed[view.name].position_std_m or DEFAULT_POSITION_STD_M for view in known])
    options = pycolmap.RANSACOptions(max_error=float(_WRONG * np.median(stds_m)), random_seed=seed)
    result = pycolmap.estimate_sim3d_robust(found, wanted, options)
    if result is None or result["num_inliers"] < len(known) / 2:
        raise ReconstructionFailed(
            "the camera places that the photographs show do not fit the believed ones in any scale; check that the "
            "pose file belongs to these photographs and that no axis is mirrored"
        )
    similarity = result["tgt_from_src"]
    inside = np.asarray(result["inlier_mask"], dtype=bool)
    rotation, translation = similarity.rotation.matrix(), np.asarray(similarity.translation)
    misfit = (similarity.scale * found @ rotation.T + translation - wanted)[inside]
    spread_m = np.linalg.norm(wanted[inside] - wanted[inside].mean(axis=0))
    scale_std = float(np.sqrt((misfit**2).mean()) / spread_m)
    return Similarity(float(similarity.scale), rotation, translation, scale_std)


def residuals(views: tuple[View, ...], believed: Mapping[str, CameraPose]) -> tuple[PoseResidual, ...]:
    """How far aligned views are from their beliefs, after the median turn that all share."""
    known = [view for view in views if view.name in believed]
    turns = Rotation.from_matrix(
        [believed[v.name].world_from_camera.rotation.T @ v.world_from_camera.rotation for v in known]
    )
    rest_rad = (_median_turn(turns).inv() * turns).magnitude()
    found = []
    for view, turned_rad in zip(known, rest_rad, strict=True):
        pose = believed[view.name]
        moved_m = view.world_from_camera.distance_to(pose.world_from_camera)[0]
        position_std_m = pose.position_std_m or DEFAULT_POSITION_STD_M
        rotation_std_rad = pose.rotation_std_rad or DEFAULT_ROTATION_STD_RAD
        wrong = bool(moved_m > _WRONG * position_std_m or turned_rad > _WRONG * rotation_std_rad)
        found.append(PoseResidual(view.name, moved_m, float(turned_rad), wrong))
    return tuple(found)


def _median_turn(turns: Rotation) -> Rotation:
    """A mean that a few wrong ones do not pull: the most far ones are left out three times over."""
    mean = turns.mean()
    for _ in range(3):
        away = (mean.inv() * turns).magnitude()
        mean = turns[away <= np.median(away) * 2.5 + 1e-9].mean()
    return mean
