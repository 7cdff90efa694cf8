"""What is true of a simulated plant: areas, masses, size, and how much of it a set of views can see."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from hardware_sim.render import distort
from hardware_sim.rigid import Array
from hardware_sim.scene import Scene, StandingPlant
from hardware_sim.world import TrueLens

#: A view sees a face well if it looks at it within this angle of its normal, from either side.
WELL_SEEN_DEG = 75.0
#: So many views must see it.
WELL_SEEN_VIEWS = 2


@dataclass(frozen=True, eq=False)
class PlantTruth:
    """The truth about one plant. `seen`: for each of its faces, by how many views it is well seen."""

    plant: StandingPlant
    views: int
    leaf_area_m2: float
    well_seen_area_m2: float
    height_m: float
    diameter_m: float
    seen: NDArray[np.int32]

    def as_json(self) -> dict[str, Any]:
        """The truth as it is published."""
        lettuce = self.plant.lettuce
        return {
            "plant": self.plant.spec.name,
            "day": lettuce.day,
            "cultivar": lettuce.cultivar.name,
            "leaves": len(lettuce.leaves),
            "flat_leaf_area_m2": lettuce.flat_leaf_area_m2,
            "leaf_area_m2": self.leaf_area_m2,
            "well_seen_area_m2": self.well_seen_area_m2,
            "fresh_mass_kg": lettuce.fresh_mass_kg,
            "dry_mass_kg": lettuce.dry_mass_kg,
            "height_m": self.height_m,
            "diameter_m": self.diameter_m,
            "position_m": [float(v) for v in self.plant.spec.position_m],
            "views": self.views,
        }


def plant_truth(scene: Scene, plant: StandingPlant, lens: TrueLens, world_from_cameras: Array) -> PlantTruth:
    """The truth about a plant of the scene, seen from camera poses (n, 4, 4)."""
    poses = np.asarray(world_from_cameras, dtype=float).reshape(-1, 4, 4)
    own = scene.faces[plant.first_face : plant.last_face]
    a, b, c = (scene.vertices_m[own[:, k]].astype(float) for k in range(3))
    cross = np.cross(b - a, c - a)
    areas = np.linalg.norm(cross, axis=1) / 2
    normals = cross / np.maximum(2 * areas[:, None], 1e-15)
    centres = (a + b + c) / 3
    seen = np.zeros(len(own), np.int32)
    for pose in poses:
        seen += _sees(scene, plant.first_face, lens, pose, centres, normals)
    points = np.concatenate([a, b, c]) - np.array(plant.spec.position_m)
    return PlantTruth(
        plant=plant,
        views=len(poses),
        leaf_area_m2=float(areas.sum()),
        well_seen_area_m2=float(areas[seen >= WELL_SEEN_VIEWS].sum()),
        height_m=float(points[:, 2].max()),
        diameter_m=diameter(points),
        seen=seen,
    )


def diameter(points_m: Array) -> float:
    """Mean width of the plant's outline seen along the wall's normal, over all directions in the wall."""
    angles = np.linspace(0, np.pi, 36, endpoint=False)
    across = points_m[:, :2] @ np.stack([np.cos(angles), np.sin(angles)])
    return float((across.max(0) - across.min(0)).mean())


def _sees(
    scene: Scene, first_face: int, lens: TrueLens, world_from_camera: Array, centres: Array, normals: Array
) -> NDArray[np.bool_]:
    """For each face: its middle is in the picture, nothing stands before it, and it is not seen from its edge."""
    eye = world_from_camera[:3, 3]
    ray = centres - eye
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    good = np.abs((ray * normals).sum(1)) > np.cos(np.radians(WELL_SEEN_DEG))
    good &= _in_picture(lens, (centres - eye) @ world_from_camera[:3, :3])
    which = np.flatnonzero(good)
    rays = np.concatenate([np.broadcast_to(eye, (len(which), 3)), ray[which]], 1).astype(np.float32)
    hit = scene.caster.cast_rays(o3d.core.Tensor(rays))
    same = hit["primitive_ids"].numpy().astype(np.int64) == which + first_face
    # A ray to a face's middle may meet its neighbour first by rounding: so near is as good as itself.
    near = np.abs(hit["t_hit"].numpy() - np.linalg.norm(centres[which] - eye, axis=1)) < 1e-4
    good[which] = same | near
    return good


def _in_picture(lens: TrueLens, points: Array) -> NDArray[np.bool_]:
    """Points (n, 3) in the camera's frame."""
    depth = np.maximum(points[:, 2], 1e-6)
    x, y = points[:, 0] / depth, points[:, 1] / depth
    u, v = distort(lens, x, y)
    u, v = u * lens.fx_px + lens.cx_px, v * lens.fy_px + lens.cy_px
    inside = (u >= 0) & (u <= lens.width_px) & (v >= 0) & (v <= lens.height_px)
    return np.asarray(inside & (points[:, 2] > 0.01) & (x * x + y * y < 1.5))
