"""Rays of the true lens through the scene, two a pixel."""

from functools import lru_cache

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from hardware_sim.render_light import Light
from hardware_sim.render_shade import shade, turn
from hardware_sim.rigid import Array
from hardware_sim.scene import Scene
from hardware_sim.world import TrueLens

#: Places of the rays inside a pixel.
SAMPLES = ((0.25, 0.30), (0.75, 0.70))


def render(
    scene: Scene, light: Light, lens: TrueLens, world_from_camera: Array
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What a pinhole would see, and how near it is.

    Returns:
        Radiance (height, width, 3), linear; 1 is a white sheet in the middle of the wall, before the lens's losses.
        One over the distance along the line of sight (height, width), 1/m, of the nearest that a pixel's rays met; 0
        where they met nothing.
    """
    camera = directions(lens)
    rays = np.empty((*camera.shape[:3], 6), np.float32)
    rays[..., :3] = world_from_camera[:3, 3]
    turn(camera.reshape(-1, 3), world_from_camera[:3, :3].astype(np.float32), rays.reshape(-1, 6))
    hit = scene.caster.cast_rays(o3d.core.Tensor(rays))
    mesh = (scene.vertices_m, scene.faces, scene.normals, scene.texels, scene.leaf_of_face)
    pictures = (scene.pictures, scene.starts, scene.widths, scene.heights)
    picture = np.empty((lens.height_px, lens.width_px, 3), np.float32)
    nearness = np.empty(picture.shape[:2], np.float32)
    forward = world_from_camera[:3, 2].astype(np.float32)
    met = [hit[name].numpy() for name in ("t_hit", "primitive_ids", "primitive_uvs")]
    shade(rays, *met, mesh, pictures, light.leaves, scene.wall, light.wall, forward, picture, nearness)
    return picture, nearness


@lru_cache(maxsize=4)
def directions(lens: TrueLens) -> NDArray[np.float32]:
    """Unit directions in the camera's frame, shape (height, width, samples, 3)."""
    rows, columns = np.mgrid[: lens.height_px, : lens.width_px]
    parts = []
    for dx, dy in SAMPLES:
        x, y = undistort(lens, (columns + dx - lens.cx_px) / lens.fx_px, (rows + dy - lens.cy_px) / lens.fy_px)
        ray = np.stack([x, y, np.ones_like(x)], -1)
        parts.append(ray / np.linalg.norm(ray, axis=-1, keepdims=True))
    return np.stack(parts, 2).astype(np.float32)


def distort(lens: TrueLens, x: Array, y: Array) -> tuple[Array, Array]:
    """OPENCV's model: where an ideal point of the plane z = 1 appears."""
    r2 = x * x + y * y
    radial = 1 + lens.k1 * r2 + lens.k2 * r2 * r2
    return (
        x * radial + 2 * lens.p1 * x * y + lens.p2 * (r2 + 2 * x * x),
        y * radial + lens.p1 * (r2 + 2 * y * y) + 2 * lens.p2 * x * y,
    )


def undistort(lens: TrueLens, x: Array, y: Array) -> tuple[Array, Array]:
    """The inverse, by iteration; 20 rounds leave under 1e-9 for the lenses of the simulated farm."""
    u, v = x, y
    for _ in range(20):
        du, dv = distort(lens, u, v)
        u, v = u + (x - du), v + (y - dv)
    return u, v
