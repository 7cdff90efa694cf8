"""Simulated plants' true leaves as a reconstruction would have them at its best: what two views see, as a noisy cloud.

No photograph is rendered: rays from 64 ring views decide what is seen, points are drawn on it and made a surface again
by `reconstruction.surface`. Hidden parts are missing, leaves that touch grow together; matching errors are not in it.
"""

from dataclasses import dataclass

import cv2  # noqa: F401  before open3d and pycolmap: see reconstruction/__init__.py
import numpy as np
import open3d as o3d
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hardware_sim.dataset import ring_views
from hardware_sim.lettuce import grow
from hardware_sim.lettuce_shape import leaf_sheets
from reconstruction.config import SurfaceOptions
from reconstruction.records import Array, Cloud, Surface
from reconstruction.surface import leaf_surface, thin_sheets

_POINTS_A_CM2, _NOISE_M, _VIEWS = 250, 0.0003, 64
_SLANT_COS = float(np.cos(np.radians(75.0)))


@dataclass(frozen=True, eq=False)
class SeenPlant:
    """A plant of one day: its surface about the collar at the origin, which true leaf each face is of, and the truth.

    `true_area_m2` and `seen_area_m2` are by the leaf's number for life.
    """

    surface: Surface
    leaf_of_face: NDArray[np.int64]
    true_area_m2: dict[int, float]
    seen_area_m2: dict[int, float]


def seen_plant(seed: int, day: float, cultivar: str) -> SeenPlant:
    """The plant of a seed on a day, as 64 views see it."""
    sheets = leaf_sheets(grow(seed, day, cultivar))
    corners, faces, leaf, count = [], [], [], 0
    for sheet in sheets:
        points, own = sheet.vertices_m.reshape(-1, 3), sheet.faces()
        corners.append(points)
        faces.append(own + count)
        leaf.append(np.full(len(own), sheet.leaf.index))
        count += len(points)
    mesh = (np.concatenate(corners), np.concatenate(faces), np.concatenate(leaf))
    chance = np.random.default_rng([seed, round(day), 0x5EE7])
    middle = np.array([0.0, 0.0, mesh[0][:, 2].max() / 2])
    seen = _seen(mesh[0], mesh[1], ring_views(middle, _VIEWS, chance))
    return _as_reconstructed(*mesh, seen, chance)


def _seen(corners: Array, faces: NDArray[np.int64], poses: Array) -> NDArray[np.int64]:
    """By how many views each face is seen within 75 degrees of its normal, nothing before it."""
    caster = o3d.t.geometry.RaycastingScene()
    caster.add_triangles(corners.astype(np.float32), faces.astype(np.uint32))
    a, b, c = (corners[faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-18
    centres = (a + b + c) / 3
    counts = np.zeros(len(faces), int)
    for pose in poses:
        eye = pose[:3, 3]
        way = centres - eye
        distance = np.linalg.norm(way, axis=1)
        rays = np.concatenate([np.broadcast_to(eye, way.shape), way / distance[:, None]], 1).astype(np.float32)
        hit = caster.cast_rays(o3d.core.Tensor(rays))["t_hit"].numpy()
        facing = np.abs((way * normals).sum(axis=1)) / distance > _SLANT_COS
        counts += facing & (np.abs(hit - distance) < 1e-4)
    return counts


def _as_reconstructed(
    corners: Array,
    faces: NDArray[np.int64],
    leaf: NDArray[np.int64],
    seen: NDArray[np.int64],
    chance: np.random.Generator,
) -> SeenPlant:
    a, b, c = (corners[faces[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    areas = np.linalg.norm(cross, axis=1) / 2
    weight = areas * (seen >= 2)
    count = int(_POINTS_A_CM2 * 1e4 * weight.sum())
    pick = chance.choice(len(faces), count, p=weight / weight.sum())
    s, t = np.sqrt(chance.random(count))[:, None], chance.random(count)[:, None]
    points = (1 - s) * a[pick] + s * (1 - t) * b[pick] + s * t * c[pick] + _NOISE_M * chance.standard_normal((count, 3))
    normals = cross[pick] / (2 * areas[pick, None])
    normals *= np.where(normals[:, 2:] < 0, -1, 1)
    cloud = Cloud(points, normals, np.full((count, 3), 90, np.uint8), seen[pick].astype(np.float32))
    options = SurfaceOptions()
    surface = leaf_surface(thin_sheets(cloud, options), options)
    middles = surface.vertices_m[surface.faces].mean(axis=1)
    of_face = leaf[pick][cKDTree(points).query(middles)[1]]
    numbers = np.unique(leaf).tolist()
    true = {number: float(areas[leaf == number].sum()) for number in numbers}
    return SeenPlant(surface, of_face, true, {number: float(weight[leaf == number].sum()) for number in numbers})
