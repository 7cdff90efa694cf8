"""Photographs as a pinhole sees them, and which others to compare each with."""

from dataclasses import dataclass

import cv2
import numpy as np
import pycolmap
from numpy.typing import NDArray

from reconstruction.model import Array, Model
from trellis.lens import Lens

#: Between lines of sight to the same point: below, depth is not seen; above, leaves look too different. Radians.
_LEAST_ANGLE, _BEST_ANGLE, _MOST_ANGLE = np.radians((2.0, 9.0, 32.0))


@dataclass(frozen=True)
class Pinhole:
    """An undistorted camera; `cx_px`, `cy_px` by COLMAP's convention (the first pixel's middle is 0.5)."""

    width_px: int
    height_px: int
    focal_px: float
    cx_px: float
    cy_px: float

    def every(self, count: int) -> "Pinhole":
        """Every so many-th pixel of it, beginning with the first: their lines of sight are the same."""
        return Pinhole(
            self.width_px // count,
            self.height_px // count,
            self.focal_px / count,
            (self.cx_px - 0.5) / count + 0.5,
            (self.cy_px - 0.5) / count + 0.5,
        )

    def project(self, points_camera_m: Array) -> Array:
        """Image places of points (n, 3) in the camera frame, shape (n, 2)."""
        flat = points_camera_m[:, :2] / points_camera_m[:, 2:]
        return np.asarray(flat * self.focal_px + (self.cx_px, self.cy_px))


def pinhole_of(lens: Lens, scale: float) -> Pinhole:
    """The pinhole with the lens' own focal length, `scale` times as many pixels."""
    camera = _camera(lens)
    return Pinhole(
        round(lens.width_px * scale),
        round(lens.height_px * scale),
        float(camera.mean_focal_length()) * scale,
        float(camera.principal_point_x) * scale,
        float(camera.principal_point_y) * scale,
    )


def undistortion(lens: Lens, pinhole: Pinhole) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where each pixel of the pinhole lies in the photograph, as OpenCV's `remap` takes it."""
    u, v = np.meshgrid(np.arange(pinhole.width_px) + 0.5, np.arange(pinhole.height_px) + 0.5)
    rays = np.stack(
        [
            (u.ravel() - pinhole.cx_px) / pinhole.focal_px,
            (v.ravel() - pinhole.cy_px) / pinhole.focal_px,
            np.ones(u.size),
        ],
        axis=1,
    )
    found = np.asarray(_camera(lens).img_from_cam(rays)).reshape(*u.shape, 2) - 0.5
    return found[..., 0].astype(np.float32), found[..., 1].astype(np.float32)


def read_undistorted(
    model: Model, view: int, maps: tuple[NDArray[np.float32], NDArray[np.float32]]
) -> NDArray[np.uint8]:
    """A photograph as the pinhole sees it, BGR, shape (h, w, 3); averaged first where the pinhole is coarser."""
    picture = cv2.imread(str(model.views[view].path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    blur = model.lens.width_px / maps[0].shape[1] / 2
    if blur > 0.75:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.8 * blur)
    return np.asarray(cv2.remap(picture, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def partners(model: Model, count: int) -> list[list[int]]:
    """For each view the others to compare it with, best first, at most `count`.

    Good partners see many of the same points from a direction a little different.
    """
    shared = model.shared_points
    angle = _median_angles(model)
    like = np.where(angle < _BEST_ANGLE, angle / _BEST_ANGLE, np.exp(-(((angle - _BEST_ANGLE) / np.radians(9)) ** 2)))
    usable = (shared >= 8) & (angle > _LEAST_ANGLE) & (angle < _MOST_ANGLE)
    score = np.where(usable, like * np.minimum(shared, 200) ** 0.5, 0.0)
    np.fill_diagonal(score, 0)
    chosen = np.argsort(-score, axis=1, kind="stable")[:, :count]
    return [[int(j) for j in row if score[i, j] > 0] for i, row in enumerate(chosen)]


def _median_angles(model: Model) -> Array:
    """Between each two views, the angle under which the middle one of their shared points sees them, shape (v, v)."""
    count = len(model.views)
    angle = np.zeros((count, count))
    members = [frozenset(model.points_seen_by(view).tolist()) for view in range(count)]
    for i in range(count):
        for j in range(i + 1, count):
            common = sorted(members[i] & members[j])
            if common:
                point = np.median(model.points_world_m[common], axis=0)
                a, b = model.centres_world_m[i] - point, model.centres_world_m[j] - point
                cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
                angle[i, j] = angle[j, i] = np.arccos(np.clip(cosine, -1, 1))
    return angle


def _camera(lens: Lens) -> pycolmap.Camera:
    return pycolmap.Camera(
        model=lens.model, width=lens.width_px, height=lens.height_px, params=np.array(lens.params, dtype=float)
    )
