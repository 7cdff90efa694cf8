"""How much surface the cameras could see and the reconstruction did not find, from what it found.

What few views see is found seldom. So each face that was found and that few views see stands for others that were not:
for 1 / (the share of such surface that is found) of it in all. What fewer than two views see is not in it.

Source: Horvitz and Thompson, A Generalization of Sampling Without Replacement from a Finite Universe (1952).
"""

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from reconstruction.model import Array, Model
from reconstruction.records import Surface

#: A face counts as seen by a view that looks at it within this angle of its normal, unhindered.
_SLANT_RAD = np.radians(75)
#: Share of a surface that is found where so many views see it, on simulated leaves photographed from 15 to 64 places
#: (docs/decisions/0006). The same few views find more of an open place than of one deep inside: each counts for as many
#: more as `_OPEN` times the share, beyond `_DEEP`, that these views are of those that would see it if nothing hid it.
_VIEWS, _FOUND = (2, 3, 4, 5, 6, 8, 10), (0.19, 0.31, 0.47, 0.62, 0.76, 0.92, 1.0)
_OPEN, _DEEP = 1.5, 0.1


def missed_area(model: Model, surface: Surface) -> float:
    """How much more surface two cameras or more could see than was found, in the model's unit squared."""
    if len(surface.faces) == 0:
        return 0.0
    views, unhindered = views_of_faces(model, surface)
    openness = views / np.maximum(unhindered, 1)
    found = np.interp(views * (1 + _OPEN * np.maximum(openness - _DEEP, 0)), _VIEWS, _FOUND)
    return float((surface.face_areas_m2 * (1 / found - 1)).sum())


def views_of_faces(model: Model, surface: Surface) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many cameras see each face within 75 deg of its normal, and how many would if nothing stood before it."""
    corners = surface.vertices_m[surface.faces]
    middle = corners.mean(axis=1)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-18
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(surface.vertices_m.astype(np.float32), surface.faces.astype(np.uint32))
    views, unhindered = np.zeros(len(middle), np.int64), np.zeros(len(middle), np.int64)
    for centre in model.centres_world_m:
        direct, seen = _sees(scene, centre, middle, normal)
        views += seen
        unhindered += direct
    return views, unhindered


def _sees(
    scene: o3d.t.geometry.RaycastingScene, centre: Array, middle: Array, normal: Array
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which faces, by their middles, are turned to a camera at `centre`, and which of those it sees."""
    way = middle - centre
    distance = np.linalg.norm(way, axis=1)
    direct = np.abs((way * normal).sum(axis=1)) > np.cos(_SLANT_RAD) * distance
    rays = np.concatenate([np.broadcast_to(centre, way.shape), way / distance[:, None]], axis=1).astype(np.float32)
    hit = scene.cast_rays(o3d.core.Tensor(rays))["t_hit"].numpy()
    return np.asarray(direct), np.asarray(direct & (hit > distance * 0.995))
