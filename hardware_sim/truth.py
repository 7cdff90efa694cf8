"""What is true of a simulated plant: areas, masses, size, and how much of it a set of views can see."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from hardware_sim.lettuce_leaf import LeafSheet
from hardware_sim.lettuce_stance import diameter
from hardware_sim.render import distort
from hardware_sim.rigid import Array
from hardware_sim.scene import Scene, StandingPlant
from hardware_sim.world import TrueLens

#: A view sees a face well if it looks at it within this angle of its normal, from either side.
WELL_SEEN_DEG = 75.0
#: So many views must see it.
WELL_SEEN_VIEWS = 2


@dataclass(frozen=True)
class LeafTruth:
    """The truth about one leaf.

    Args:
        index: Which leaf it is, for life: 0 is the first, and leaf 7 of tomorrow is leaf 7 of today.
        age_days: Since it showed.
        azimuth_rad: Direction in the wall in which it grows, from x towards y, 0 to 2 pi.
        flat_area_m2, area_m2, well_seen_area_m2: Laid flat; of its curved surface; and what is well seen of that.
        length_m, width_m: Laid flat.
        inclination_rad: Mean angle between its surface and the wall, weighed by area, 0 to pi/2.
        elevation_rad: Angle above the wall of the line from its foot to its tip.
        tip_m: Where its tip is, in the world.
    """

    index: int
    age_days: float
    azimuth_rad: float
    flat_area_m2: float
    area_m2: float
    well_seen_area_m2: float
    length_m: float
    width_m: float
    inclination_rad: float
    elevation_rad: float
    tip_m: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class PlantTruth:
    """The truth about one plant.

    Args:
        seen: For each of its faces, by how many views it is well seen; `leaf_of_face`: the index of its leaf.
        leaves: Oldest first.
    """

    plant: StandingPlant
    views: int
    leaf_area_m2: float
    well_seen_area_m2: float
    height_m: float
    diameter_m: float
    seen: NDArray[np.int32]
    leaf_of_face: NDArray[np.int32]
    leaves: tuple[LeafTruth, ...]

    def as_json(self) -> dict[str, Any]:
        """The truth as it is published."""
        lettuce = self.plant.lettuce
        return {
            "plant": self.plant.spec.name,
            "day": lettuce.day,
            "cultivar": lettuce.cultivar.name,
            "treatment": lettuce.treatment.name,
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
            "leaf": [asdict(leaf) for leaf in self.leaves],
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
    of_each = [np.full(len(sheet.faces()), sheet.leaf.index, np.int32) for sheet in plant.sheets]
    leaf_of_face = np.concatenate([np.zeros(0, np.int32), *of_each])
    return PlantTruth(
        plant=plant,
        views=len(poses),
        leaf_area_m2=float(areas.sum()),
        well_seen_area_m2=float(areas[seen >= WELL_SEEN_VIEWS].sum()),
        height_m=float(points[:, 2].max()),
        diameter_m=diameter(points),
        seen=seen,
        leaf_of_face=leaf_of_face,
        leaves=tuple(_leaf(plant, sheet, areas, normals, seen, leaf_of_face) for sheet in plant.sheets),
    )


def _leaf(
    plant: StandingPlant, sheet: LeafSheet, areas: Array, normals: Array, seen: Array, leaf_of_face: Array
) -> LeafTruth:
    leaf, own = sheet.leaf, leaf_of_face == sheet.leaf.index
    tilts = np.arccos(np.clip(np.abs(normals[own, 2]), 0, 1))
    middle = sheet.vertices_m.shape[1] // 2
    foot, tip = sheet.vertices_m[0, middle], sheet.vertices_m[-1, middle]
    reach = tip - foot
    x, y, z = (float(v) for v in tip + np.array(plant.spec.position_m))
    return LeafTruth(
        index=leaf.index,
        age_days=leaf.age_d,
        azimuth_rad=float(leaf.azimuth_rad % (2 * np.pi)),
        flat_area_m2=leaf.flat_area_m2,
        area_m2=float(areas[own].sum()),
        well_seen_area_m2=float(areas[own & (seen >= WELL_SEEN_VIEWS)].sum()),
        length_m=sheet.length_m,
        width_m=sheet.width_m,
        inclination_rad=float((areas[own] * tilts).sum() / areas[own].sum()),
        elevation_rad=float(np.arctan2(reach[2], np.hypot(reach[0], reach[1]))),
        tip_m=(x, y, z),
    )


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
