"""What the report's 3-D view holds: cloud, mesh and cameras, thinned, in integers, as text for a page."""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from reconstruction.model import Array, Model
from reconstruction.model_files import faces_outwards
from reconstruction.records import Cloud, Surface

#: Beyond these the page gets heavy and the view no better.
_MOST_POINTS, _MOST_PLANT_POINTS, _MOST_FACES = 40_000, 50_000, 40_000

_STEPS = 65535


@dataclass(frozen=True, eq=False)
class Stage:
    """What a picture turns around.

    Args:
        centre: Middle of the plant.
        radius: Of a ball that holds the plant.
        camera_radius: Of a ball about the same centre that holds all cameras.
        axes: Rows are right, up and out (towards the cameras), orthonormal, shape (3, 3).
        tilt_rad: How far from straight in front the middle one of the cameras looks from; a picture does well there.
    """

    centre: Array
    radius: float
    camera_radius: float
    axes: Array
    tilt_rad: float

    @staticmethod
    def of(model: Model, plant_points: Array) -> "Stage":
        """Out is the world axis that points most nearly towards the cameras; without scale, the direction itself."""
        low, high = np.percentile(plant_points, (1, 99), axis=0)
        centre = (low + high) / 2
        radius = float(np.percentile(np.linalg.norm(plant_points - centre, axis=1), 99)) * 1.05
        away = model.centres_world_m - centre
        out = (away / np.linalg.norm(away, axis=1, keepdims=True)).mean(axis=0)
        if model.metric:
            axis = int(np.argmax(np.abs(out)))
            out = np.eye(3)[axis] * np.sign(out[axis])
        out = out / np.linalg.norm(out)
        up = np.eye(3)[1] if abs(out[1]) < 0.9 else np.eye(3)[2]
        right = np.cross(up, out)
        right /= np.linalg.norm(right)
        reach = float(np.linalg.norm(away, axis=1).max())
        axes = np.array([right, np.cross(out, right), out])
        tilts_rad = np.arccos(np.clip(away @ out / np.linalg.norm(away, axis=1), -1, 1))
        return Stage(centre, radius, max(reach, radius), axes, float(np.clip(np.median(tilts_rad), 0.6, 1.2)))

    def direction(self, turn_rad: float, tilt_rad: float) -> Array:
        """From the plant to an eye that is tilted away from straight in front."""
        right, up, out = self.axes
        sideways = np.sin(turn_rad) * right - np.cos(turn_rad) * up
        return np.asarray(np.sin(tilt_rad) * sideways + np.cos(tilt_rad) * out)


def scene_json(stage: Stage, model: Model, cloud: Cloud, plant: NDArray[np.bool_], surface: Surface) -> dict[str, Any]:
    """Everything that the page's script draws, in the stage's axes, in units of the plant's radius."""
    random = np.random.default_rng(0)
    return {
        "cloud": _points(stage, cloud.chosen(_some(np.flatnonzero(~plant), _MOST_POINTS, random))),
        "plant": _points(stage, cloud.chosen(_some(np.flatnonzero(plant), _MOST_PLANT_POINTS, random))),
        "mesh": _mesh(stage, surface),
        "cameras": _cameras(stage, model),
        "cameraRadius": stage.camera_radius / stage.radius,
        "tilt": round(stage.tilt_rad, 3),
    }


def _some(indices: NDArray[np.int64], most: int, random: np.random.Generator) -> NDArray[np.int64]:
    return indices if len(indices) <= most else np.sort(random.choice(indices, most, replace=False))


def _points(stage: Stage, cloud: Cloud) -> dict[str, Any]:
    return _numbers(_staged(stage, cloud.points_m)) | {"colours": _text(cloud.colours), "count": len(cloud)}


def _mesh(stage: Stage, surface: Surface) -> dict[str, Any]:
    faces = faces_outwards(surface)
    mesh = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(_staged(stage, surface.vertices_m)), o3d.utility.Vector3iVector(faces)
    )
    mesh.vertex_colors = o3d.utility.Vector3dVector(surface.colours / 255)
    if len(faces) > _MOST_FACES:
        mesh = mesh.simplify_quadric_decimation(_MOST_FACES)
    vertices, corners = np.asarray(mesh.vertices), np.asarray(mesh.triangles).astype("<u4")
    colours = np.round(np.clip(np.asarray(mesh.vertex_colors), 0, 1) * 255).astype(np.uint8)
    return _numbers(vertices) | {
        "colours": _text(colours),
        "faces": _text(corners),
        "count": len(vertices),
        "faceCount": len(corners),
    }


def _cameras(stage: Stage, model: Model) -> list[dict[str, Any]]:
    wrong = {residual.name for residual in model.residuals if residual.wrong}
    cameras = []
    for view in model.views:
        rotation = stage.axes @ view.world_from_camera.rotation
        place = _staged(stage, view.world_from_camera.translation_m)
        numbers = [*place, *rotation[:, 0], *rotation[:, 1], *rotation[:, 2]]
        cameras.append({"name": view.name, "pose": [round(float(v), 4) for v in numbers], "wrong": view.name in wrong})
    return cameras


def _staged(stage: Stage, points: Array) -> Array:
    return np.asarray((np.asarray(points) - stage.centre) @ stage.axes.T / stage.radius)


def _numbers(points: Array) -> dict[str, Any]:
    """Coordinates as 16-bit steps of a box."""
    if len(points) == 0:
        return {"low": [0, 0, 0], "size": 1.0, "positions": ""}
    low = points.min(axis=0)
    size = float(np.ptp(points, axis=0).max()) or 1.0
    steps = np.round((points - low) / size * _STEPS).astype("<u2")
    return {"low": [round(float(v), 5) for v in low], "size": size, "positions": _text(steps)}


def _text(array: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
