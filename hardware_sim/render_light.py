"""How much light falls where, computed once for a scene that stands still: soft shadows and one bounce.

For every point of a leaf, on both of its sides, and for the wall: the light of the lamps as a vector (so that fine
relief can still be shaded by it) and the rest (room, wall, other leaves) as a colour. Photographs only interpolate.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from hardware_sim.lettuce_contact import upward_normals
from hardware_sim.rigid import Array
from hardware_sim.scene import LAMPS, Lamp, Scene
from hardware_sim.wall import GUTTER_DEPTH_M, GUTTER_HEIGHT_M, WALL_MAX_M, WALL_MIN_M, gutters_y_m

#: Light is computed at every second vertex of a leaf, and every 6 mm on the wall.
VERTEX_STEP = 2
WALL_STEP_M = 0.006
#: Beyond this from every plant the wall is taken as unshaded.
SHADOW_REACH_M = 0.45
#: The room's own light, as a share of what the lamps give in the middle of the wall.
ROOM = 0.10
#: What a leaf gives back and lets through of the light on it, linear red, green, blue, on average.
LEAF_BACK = np.array([0.11, 0.22, 0.055])
LEAF_THROUGH = np.array([0.06, 0.16, 0.02])
WALL_BACK = 0.62
#: Light that bounced more than once, relative to what bounced once.
MORE_BOUNCES = 1.35


@dataclass(frozen=True, eq=False)
class Light:
    """Irradiances, in units of the lamps' on the middle of the wall.

    Args:
        leaves: (n, 12) for each vertex: vector of lamp light on the upper side, on the under side, other light on the
            upper side (red, green, blue), on the under side.
        wall: (rows, columns, 6): vector of lamp light, other light; a point every `WALL_STEP_M` from `WALL_MIN_M`.
    """

    leaves: NDArray[np.float32]
    wall: NDArray[np.float32]


def light_scene(scene: Scene, lamps: Sequence[Lamp] = LAMPS) -> Light:
    """Compute the light of a scene."""
    points, strengths = _lamp_points(lamps)
    # Of all lamps, so that it is darker with one out.
    unit = _unit(*_lamp_points(LAMPS))
    strengths = strengths / unit
    where, normals, rebuild = _leaf_samples(scene)
    up, down = _lamp_light(scene, where, normals, points, strengths)
    wall_points = _wall_points(scene.gutters)
    near = _near_plants(scene, wall_points)
    wall_up = _wall_light(scene, wall_points, near, points, strengths)
    wall_grid_shape = _wall_shape()
    direct_all = rebuild(np.concatenate([up, down], 1))
    glow = _Glow(scene, direct_all, np.linalg.norm(wall_up, axis=1).reshape(wall_grid_shape))
    above, below = glow.gather(where, normals), glow.gather(where, -normals)
    leaves = np.concatenate([direct_all, rebuild(np.concatenate([above, below], 1))], 1)
    ambient = np.full((len(wall_points), 3), ROOM, np.float32)
    facing = np.broadcast_to(np.array([0.0, 0.0, 1.0]), (int(near.sum()), 3))
    ambient[near] = glow.gather(wall_points[near], facing)
    wall = np.concatenate([wall_up, ambient], 1).reshape(*wall_grid_shape, 6)
    return Light(leaves.astype(np.float32), wall.astype(np.float32))


def _lamp_points(lamps: Sequence[Lamp]) -> tuple[Array, Array]:
    points = np.concatenate([lamp.points_m() for lamp in lamps])
    return points, np.repeat([lamp.strength / 9 for lamp in lamps], 9)


def _unit(points: Array, strengths: Array) -> float:
    to_lamp = points - np.array([1.1, 1.0, 0.0])
    distance = np.linalg.norm(to_lamp, axis=1)
    return float((strengths * to_lamp[:, 2] / distance**3).sum())


def _occluded(scene: Scene, origins: Array, directions: Array, reach: float = np.inf) -> NDArray[np.bool_]:
    rays = np.concatenate([origins, directions], -1).astype(np.float32)
    return np.asarray(scene.caster.test_occlusions(o3d.core.Tensor(rays), tfar=reach).numpy())


def _lamp_light(
    scene: Scene, where: Array, normals: Array, points: Array, strengths: Array
) -> tuple[Array, Array]:  # fmt: skip
    """Vector irradiance on the side of the normal and on the other: each (n, 3)."""
    up, down = np.zeros_like(where), np.zeros_like(where)
    for point, strength in zip(points, strengths, strict=True):
        to_lamp = point - where
        distance = np.linalg.norm(to_lamp, axis=1, keepdims=True)
        direction = to_lamp / distance
        side = np.sign((direction * normals).sum(1, keepdims=True))
        free = ~_occluded(scene, where + 0.0006 * side * normals, direction)
        vector = strength * direction / distance**2 * free[:, None]
        up += np.where(side > 0, vector, 0)
        down += np.where(side > 0, 0, vector)
    return up, down


def _wall_shape() -> tuple[int, int]:
    columns, rows = (round((b - a) / WALL_STEP_M) + 1 for a, b in zip(WALL_MIN_M, WALL_MAX_M, strict=True))
    return rows, columns


def _wall_points(gutters: bool) -> Array:
    """The panel's points, and where gutters are, their fronts'."""
    rows, columns = _wall_shape()
    y, x = np.mgrid[:rows, :columns].reshape(2, -1) * WALL_STEP_M
    y += WALL_MIN_M[1]
    away = np.abs(y[:, None] - gutters_y_m()).min(axis=1)
    z = np.where((away <= GUTTER_HEIGHT_M / 2) & gutters, GUTTER_DEPTH_M, 0.0)
    return np.stack([x + WALL_MIN_M[0], y, z], -1)


def _near_plants(scene: Scene, points: Array) -> NDArray[np.bool_]:
    near = np.zeros(len(points), bool)
    for plant in scene.plants:
        near |= np.linalg.norm(points - np.array(plant.spec.position_m), axis=1) < SHADOW_REACH_M
    if scene.gutters:
        # A gutter's own shadow reaches no further than a few of its depths.
        near |= np.abs(points[:, 1:2] - gutters_y_m()).min(axis=1) < GUTTER_HEIGHT_M / 2 + 3 * GUTTER_DEPTH_M
    return near


def _wall_light(scene: Scene, where: Array, near: NDArray[np.bool_], points: Array, strengths: Array) -> Array:
    light = np.zeros_like(where)
    for point, strength in zip(points, strengths, strict=True):
        to_lamp = point - where
        distance = np.linalg.norm(to_lamp, axis=1, keepdims=True)
        vector = strength * to_lamp / distance**3
        # A little above the wall, so that the wall itself does not shade.
        start = where[near] + np.array([0, 0, 0.0004])
        vector[near] *= ~_occluded(scene, start, to_lamp[near] / distance[near])[:, None]
        light += vector
    return light


def _leaf_samples(scene: Scene) -> tuple[Array, Array, Callable[[Array], Array]]:
    where, normals, maps = [], [], []
    for plant in scene.plants:
        for sheet in plant.sheets:
            grid = sheet.vertices_m + np.array(plant.spec.position_m)
            rows, columns = grid.shape[:2]
            r = np.unique(np.linspace(0, rows - 1, max(3, rows // VERTEX_STEP)).round().astype(int))
            c = np.unique(np.linspace(0, columns - 1, max(3, columns // VERTEX_STEP)).round().astype(int))
            normal = upward_normals(grid)
            where.append(grid[np.ix_(r, c)].reshape(-1, 3))
            normals.append(normal[np.ix_(r, c)].reshape(-1, 3))
            y = np.interp(np.arange(rows), r, np.arange(len(r))).astype(np.float32)
            x = np.interp(np.arange(columns), c, np.arange(len(c))).astype(np.float32)
            maps.append((len(r), len(c), *np.meshgrid(x, y)))

    def rebuild(values: Array) -> Array:
        parts, start = [], 0
        for rows, columns, x, y in maps:
            block = values[start : start + rows * columns].reshape(rows, columns, -1).astype(np.float32)
            planes = [
                cv2.remap(np.ascontiguousarray(block[..., k]), x, y, cv2.INTER_LINEAR) for k in range(block.shape[-1])
            ]
            parts.append(np.stack(planes, -1).reshape(-1, block.shape[-1]))
            start += rows * columns
        return np.concatenate(parts) if parts else np.zeros((0, values.shape[1]), np.float32)

    if not where:
        return np.zeros((0, 3)), np.zeros((0, 3)), rebuild
    return np.concatenate(where), np.concatenate(normals), rebuild


class _Glow:
    """Light that reaches a point from everything but the lamps: gathered over 32 fixed directions of its hemisphere."""

    def __init__(self, scene: Scene, leaves: Array, wall: Array) -> None:
        self.scene = scene
        first = scene.faces[:, 0]
        a, b, c = (scene.vertices_m[scene.faces[:, k]] for k in range(3))
        self.normals = np.cross(b - a, c - a)
        up, down = leaves[first, :3], leaves[first, 3:6]
        unit = self.normals / np.maximum(np.linalg.norm(self.normals, axis=1, keepdims=True), 1e-15)
        # The normals of faces are those of the upper side, so that a positive dot product is light on that side.
        self.up = np.abs((up * unit).sum(1)) + ROOM * 0.5
        self.down = np.abs((down * unit).sum(1)) + ROOM * 0.5
        self.wall = wall
        k = np.arange(32) + 0.5
        radius, angle = np.sqrt(k / 32), k * 2.399963
        self.directions = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.sqrt(1 - k / 32)], -1)

    def gather(self, where: Array, normals: Array) -> Array:
        """Irradiance (n, 3) of points with these normals; the directions are spread by the cosine law."""
        other = np.where(np.abs(normals[:, :1]) < 0.8, [[1.0, 0, 0]], [[0, 1.0, 0]])
        u = np.cross(normals, other)
        u /= np.maximum(np.linalg.norm(u, axis=1, keepdims=True), 1e-15)
        v = np.cross(normals, u)
        total = np.zeros((len(where), 3))
        start = where + 0.0006 * normals
        for x, y, z in self.directions:
            total += self._seen(start, x * u + y * v + z * normals)
        return total / len(self.directions)

    def _seen(self, start: Array, direction: Array) -> Array:
        rays = o3d.core.Tensor(np.concatenate([start, direction], -1).astype(np.float32))
        hit = self.scene.caster.cast_rays(rays)
        face = hit["primitive_ids"].numpy().astype(np.int64)
        distance = hit["t_hit"].numpy()
        # A room brighter above than below.
        light = np.repeat(ROOM * (1.1 + 0.6 * direction[:, 1:2]), 3, axis=1)
        leaf = np.isfinite(distance) & (face < len(self.scene.faces))
        on_wall = np.isfinite(distance) & ~leaf
        found = face[leaf]
        lit_from_here = (self.normals[found] * direction[leaf]).sum(1) < 0
        near, far = (np.where(lit_from_here, a, b)[:, None] for a, b in
                     ((self.up[found], self.down[found]), (self.down[found], self.up[found])))  # fmt: skip
        light[leaf] = MORE_BOUNCES * (near * LEAF_BACK + far * LEAF_THROUGH)
        place = start[on_wall] + direction[on_wall] * distance[on_wall][:, None]
        column = ((place[:, 0] - WALL_MIN_M[0]) / WALL_STEP_M).round().astype(int)
        row = ((place[:, 1] - WALL_MIN_M[1]) / WALL_STEP_M).round().astype(int)
        rows, columns = self.wall.shape
        lit = self.wall[np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)]
        light[on_wall] = (MORE_BOUNCES * WALL_BACK * lit)[:, None]
        return light
