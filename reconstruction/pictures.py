"""Pictures of clouds, meshes and cameras, drawn by the processor alone; everything around a thing is transparent."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import open3d as o3d
import pycolmap
from numpy.typing import NDArray

from reconstruction.model_files import faces_outwards
from reconstruction.records import Surface
from trellis.geometry import Pose
from trellis.lens import Lens

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]  # RGB and opacity, shape (height, width, 4)

Colour = tuple[int, int, int]

#: Drawn so much larger and then shrunk, so that edges are smooth.
_OVERSAMPLED = 2

_AMBIENT, _HEADLIGHT = 0.62, 0.48


@dataclass(frozen=True)
class Eye:
    """A pinhole camera to draw from: OpenCV axes, focal length in pixels, the line of sight through the middle."""

    world_from_camera: Pose
    focal_px: float
    width_px: int
    height_px: int

    @staticmethod
    def around(centre: Array, radius: float, direction: Array, up: Array, size_px: tuple[int, int]) -> "Eye":
        """An eye that has a ball of this radius just in view.

        Args:
            centre: Of the ball, world frame.
            radius: Of the ball, in the model's unit.
            direction: From the ball to the eye; any length.
            up: What is up in the picture.
            size_px: Width and height.
        """
        width_px, height_px = size_px
        away = 3.2 * radius
        eye = centre + away * direction / np.linalg.norm(direction)
        # The outline of a ball is seen under a sine, not a tangent.
        focal_px = 0.48 * min(width_px, height_px) * np.sqrt(away**2 - radius**2) / radius
        return Eye(Pose.looking_at(eye, centre, up), float(focal_px), width_px, height_px)

    def seen(self, points: Array) -> tuple[Array, Array]:
        """Pixels (n, 2) and depths (n,) of points; what lies behind the eye has a depth below zero."""
        local = self.world_from_camera.inverse @ np.asarray(points, dtype=float)
        depth = local[:, 2]
        safe = np.where(depth > 1e-9, depth, np.inf)
        return local[:, :2] / safe[:, None] * self.focal_px + (self.width_px / 2, self.height_px / 2), depth

    def finer(self) -> "Eye":
        return Eye(
            self.world_from_camera,
            self.focal_px * _OVERSAMPLED,
            self.width_px * _OVERSAMPLED,
            self.height_px * _OVERSAMPLED,
        )


def draw_points(points: Array, colours: NDArray[np.uint8], eye: Eye, size_px: int = 2) -> Picture:
    """Points as squares of `size_px` in the final picture, near ones before far ones."""
    fine = eye.finer()
    pixels, depth = fine.seen(points)
    order = np.argsort(-depth)
    order = order[depth[order] > 0]
    picture = np.zeros((fine.height_px, fine.width_px, 4), np.uint8)
    column, row = np.round(pixels[order]).astype(int).T
    filled = np.column_stack([colours[order], np.full(len(order), 255, np.uint8)])
    half = size_px * _OVERSAMPLED // 2
    nearest = np.full(picture.shape[:2], -1)
    for down in range(-half, half + 1):
        for right in range(-half, half + 1):
            x, y = column + right, row + down
            inside = (x >= 0) & (x < fine.width_px) & (y >= 0) & (y < fine.height_px)
            # `order` runs from far to near and counts up, so the greatest rank at a pixel is the nearest point.
            np.maximum.at(nearest, (y[inside], x[inside]), np.flatnonzero(inside))
    hit = nearest >= 0
    picture[hit] = filled[nearest[hit]]
    return _shrunk(picture)


def draw_mesh(surface: Surface, eye: Eye, coloured: bool = True) -> Picture:
    """A mesh lit from the eye; in its own colours, or in one green that shows its form."""
    fine = eye.finer()
    return _shrunk(_shaded(surface, _pinhole_sights(fine), fine.world_from_camera, coloured))


def draw_mesh_as_photographed(surface: Surface, world_from_camera: Pose, lens: Lens, width_px: int) -> Picture:
    """A mesh as a real camera would see it, its lens's distortion included."""
    height_px = round(width_px * lens.height_px / lens.width_px)
    return _shaded(surface, _lens_sights(lens, width_px, height_px), world_from_camera, True)


def draw_frusta(
    picture: Picture, eye: Eye, cameras: Sequence[tuple[Pose, tuple[int, int, int]]], length: float
) -> None:
    """Camera outlines over a picture, in place, each in its own colour; `length` is how deep one is drawn."""
    corners = np.array([[0, 0, 0], [-0.5, -0.375, 1], [0.5, -0.375, 1], [0.5, 0.375, 1], [-0.5, 0.375, 1]]) * length
    for pose, colour in cameras:
        pixels, depth = eye.seen(pose @ corners)
        if (depth <= 0).any():
            continue
        tip, *base = np.round(pixels * 16).astype(np.int32)
        ink = (*colour, 255)
        cv2.polylines(picture, [np.array(base)], True, ink, 1, cv2.LINE_AA, 4)
        for corner in base:
            cv2.line(picture, tip.tolist(), corner.tolist(), ink, 1, cv2.LINE_AA, 4)


def _shaded(surface: Surface, sights: Array, world_from_camera: Pose, coloured: bool) -> Picture:
    """What rays along `sights` (camera frame, (h, w, 3)) meet first."""
    picture = np.zeros((*sights.shape[:2], 4), np.uint8)
    if len(surface.faces) == 0:
        return picture
    scene = o3d.t.geometry.RaycastingScene()
    faces = faces_outwards(surface)
    scene.add_triangles(surface.vertices_m.astype(np.float32), faces.astype(np.uint32))
    directions = sights @ world_from_camera.rotation.T
    origins = np.broadcast_to(world_from_camera.translation_m, directions.shape)
    hits = scene.cast_rays(o3d.core.Tensor(np.concatenate([origins, directions], axis=-1).astype(np.float32)))
    hit = np.isfinite(hits["t_hit"].numpy())
    corners = faces[hits["primitive_ids"].numpy()[hit]]
    u, v = hits["primitive_uvs"].numpy()[hit].T
    weights = np.column_stack([1 - u - v, u, v])[:, :, None]
    normals = (surface.normals[corners] * weights).sum(axis=1)
    toward = directions[hit] / np.linalg.norm(directions[hit], axis=1, keepdims=True)
    facing = np.abs((normals * toward).sum(axis=1)) / np.maximum(np.linalg.norm(normals, axis=1), 1e-9)
    colours = (surface.colours[corners] * weights).sum(axis=1) if coloured else np.array([[118.0, 172.0, 92.0]])
    light = _AMBIENT + _HEADLIGHT * facing if coloured else 0.25 + 0.8 * facing**1.5
    picture[hit] = np.column_stack([np.clip(colours * light[:, None], 0, 255), np.full(len(light), 255.0)])
    return picture


def _pinhole_sights(eye: Eye) -> Array:
    u, v = np.meshgrid(np.arange(eye.width_px) + 0.5, np.arange(eye.height_px) + 0.5)
    across = (np.stack([u, v], axis=-1) - (eye.width_px / 2, eye.height_px / 2)) / eye.focal_px
    return np.concatenate([across, np.ones((*across.shape[:2], 1))], axis=-1)


def _lens_sights(lens: Lens, width_px: int, height_px: int) -> Array:
    """Through the middle of each pixel of a picture shrunk to this size; depth 1."""
    camera = pycolmap.Camera(model=lens.model, width=lens.width_px, height=lens.height_px, params=lens.params)
    u, v = np.meshgrid(np.arange(width_px) + 0.5, np.arange(height_px) + 0.5)
    pixels = np.column_stack([u.ravel() * lens.width_px / width_px, v.ravel() * lens.height_px / height_px])
    across = np.asarray(camera.cam_from_img(pixels)).reshape(height_px, width_px, 2)
    return np.concatenate([across, np.ones((height_px, width_px, 1))], axis=-1)


def _shrunk(picture: Picture) -> Picture:
    """Half the size; colours are weighed by opacity, so that edges do not darken."""
    opacity = picture[..., 3:].astype(np.float32) / 255
    size = (picture.shape[1] // _OVERSAMPLED, picture.shape[0] // _OVERSAMPLED)
    mean_opacity = cv2.resize(opacity, size, interpolation=cv2.INTER_AREA)[..., None]
    weighed = cv2.resize(picture[..., :3] * opacity, size, interpolation=cv2.INTER_AREA)
    colours = weighed / np.maximum(mean_opacity, 1e-6)
    return np.concatenate([colours, mean_opacity * 255], axis=-1).round().astype(np.uint8)
