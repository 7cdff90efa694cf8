"""Rays of the true lens through the scene, and their colours."""

from functools import lru_cache

import numba
import numpy as np
import open3d as o3d
from numba import njit, prange
from numpy.typing import NDArray

from hardware_sim.lettuce_skin import TEXEL_M as SKIN_TEXEL_M
from hardware_sim.render_light import WALL_STEP_M, Light
from hardware_sim.rigid import Array
from hardware_sim.scene import Scene
from hardware_sim.wall import TEXEL_M as WALL_TEXEL_M
from hardware_sim.wall import WALL_MIN_M
from hardware_sim.world import TrueLens

# TBB, which numba would try first, warns where it is too old; OpenMP can be called from several threads as well.
numba.config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]

#: Places of the rays inside a pixel.
SAMPLES = ((0.25, 0.30), (0.75, 0.70))
#: Height in metres of the whole range of the fine relief in a leaf's picture.
RELIEF_M = 0.0007


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


def render(scene: Scene, light: Light, lens: TrueLens, world_from_camera: Array) -> NDArray[np.float32]:
    """Radiance (height, width, 3), linear, 1 for a white sheet in the middle of the wall (before the lens's own losses)."""
    camera = directions(lens)
    rotation = world_from_camera[:3, :3].astype(np.float32)
    rays = np.empty((*camera.shape[:3], 6), np.float32)
    rays[..., :3] = world_from_camera[:3, 3]
    _turn(camera.reshape(-1, 3), rotation, rays.reshape(-1, 6))
    hit = scene.caster.cast_rays(o3d.core.Tensor(rays))
    picture = np.empty((lens.height_px, lens.width_px, 3), np.float32)
    _shade(
        rays, hit["t_hit"].numpy(), hit["primitive_ids"].numpy(), hit["primitive_uvs"].numpy(),
        scene.vertices_m, scene.faces, _normals(scene), scene.texels, scene.leaf_of_face, scene.pictures, scene.starts,
        scene.widths, scene.heights, light.leaves, scene.wall, light.wall, picture,
    )  # fmt: skip
    return picture


def _normals(scene: Scene) -> NDArray[np.float32]:
    """Smooth normals of the vertices, towards the leaves' upper side."""
    found = scene.__dict__.get("_vertex_normals")
    if found is None:
        a, b, c = (scene.vertices_m[scene.faces[:, k]].astype(float) for k in range(3))
        of_faces = np.cross(b - a, c - a)
        total = np.zeros((len(scene.vertices_m), 3))
        for k in range(3):
            for axis in range(3):
                total[:, axis] += np.bincount(scene.faces[:, k], of_faces[:, axis], len(total))
        found = (total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-15)).astype(np.float32)
        scene.__dict__["_vertex_normals"] = found
    return found


@njit(parallel=True, cache=True, fastmath=True)
def _turn(camera, rotation, rays):  # pragma: no cover - compiled
    for i in prange(camera.shape[0]):
        for k in range(3):
            rays[i, 3 + k] = (
                rotation[k, 0] * camera[i, 0] + rotation[k, 1] * camera[i, 1] + rotation[k, 2] * camera[i, 2]
            )


@njit(parallel=True, cache=True, fastmath=True)
def _shade(rays, distance, face, bary, vertices, faces, normals, texels, leaf_of_face, pictures, starts, widths, heights,
           leaf_light, wall, wall_light, out):  # fmt: skip # pragma: no cover - compiled
    rows, columns, samples = distance.shape
    for row in prange(rows):
        colour = np.zeros(3, np.float32)
        for column in range(columns):
            colour[:] = 0
            for s in range(samples):
                t = distance[row, column, s]
                ray = rays[row, column, s]
                if not np.isfinite(t):
                    _add_room(ray, colour)
                elif face[row, column, s] < faces.shape[0]:
                    _add_leaf(ray, np.int64(face[row, column, s]), bary[row, column, s], vertices, faces, normals, texels,
                              leaf_of_face, pictures, starts, widths, heights, leaf_light, colour)  # fmt: skip
                else:
                    _add_wall(ray, t, wall, wall_light, colour)
            for k in range(3):
                out[row, column, k] = colour[k] / samples


@njit(cache=True, fastmath=True)
def _add_room(ray, colour):  # pragma: no cover - compiled
    """A dim room without detail."""
    tone = 0.10 + 0.05 * ray[4] + 0.03 * np.sin(3 * ray[3] + 1) * np.sin(4 * ray[5])
    colour[0] += tone
    colour[1] += tone * 1.01
    colour[2] += tone * 1.04


@njit(cache=True, fastmath=True)
def _add_wall(ray, t, wall, wall_light, colour):  # pragma: no cover - compiled
    x = ray[0] + t * ray[3] - WALL_MIN_M[0]
    y = ray[1] + t * ray[4] - WALL_MIN_M[1]
    u, v = x / WALL_TEXEL_M - 0.5, y / WALL_TEXEL_M - 0.5
    i = min(max(int(np.floor(u)), 0), wall.shape[1] - 2)
    j = min(max(int(np.floor(v)), 0), wall.shape[0] - 2)
    a, b = min(max(u - i, 0.0), 1.0), min(max(v - j, 0.0), 1.0)
    root = (
        (1 - a) * (1 - b) * wall[j, i] + a * (1 - b) * wall[j, i + 1]
        + (1 - a) * b * wall[j + 1, i] + a * b * wall[j + 1, i + 1]
    ) / 255  # fmt: skip
    albedo = root * root
    u, v = x / WALL_STEP_M, y / WALL_STEP_M
    i = min(max(int(np.floor(u)), 0), wall_light.shape[1] - 2)
    j = min(max(int(np.floor(v)), 0), wall_light.shape[0] - 2)
    a, b = min(max(u - i, 0.0), 1.0), min(max(v - j, 0.0), 1.0)
    w00, w10, w01, w11 = (1 - a) * (1 - b), a * (1 - b), (1 - a) * b, a * b
    lx = ly = lz = 0.0
    for k in range(3):
        value = (
            w00 * wall_light[j, i, k] + w10 * wall_light[j, i + 1, k]
            + w01 * wall_light[j + 1, i, k] + w11 * wall_light[j + 1, i + 1, k]
        )  # fmt: skip
        if k == 0:
            lx = value
        elif k == 1:
            ly = value
        else:
            lz = value
    # A faint sheen of the plastic panel.
    strength = np.sqrt(lx * lx + ly * ly + lz * lz) + 1e-9
    hx, hy, hz = lx / strength - ray[3], ly / strength - ray[4], lz / strength - ray[5]
    sheen = 0.05 * strength * (max(hz, 0.0) / np.sqrt(hx * hx + hy * hy + hz * hz + 1e-9)) ** 40
    for k in range(3):
        other = (
            w00 * wall_light[j, i, 3 + k] + w10 * wall_light[j, i + 1, 3 + k]
            + w01 * wall_light[j + 1, i, 3 + k] + w11 * wall_light[j + 1, i + 1, 3 + k]
        )  # fmt: skip
        colour[k] += albedo * (max(lz, 0.0) + other) + sheen


@njit(cache=True, fastmath=True)
def _add_leaf(ray, face, bary, vertices, faces, normals, texels, leaf_of_face, pictures, starts, widths, heights, leaf_light,
              colour):  # fmt: skip # pragma: no cover - compiled
    ia, ib, ic = faces[face, 0], faces[face, 1], faces[face, 2]
    wb, wc = bary[0], bary[1]
    wa = 1 - wb - wc
    leaf = leaf_of_face[face]
    width, height, start = widths[leaf], heights[leaf], starts[leaf]
    # The four bytes of the leaf's picture, and the slopes of its relief.
    tx = wa * texels[ia, 0] + wb * texels[ib, 0] + wc * texels[ic, 0] - 0.5
    ty = wa * texels[ia, 1] + wb * texels[ib, 1] + wc * texels[ic, 1] - 0.5
    i = min(max(int(np.floor(tx)), 0), width - 2)
    j = min(max(int(np.floor(ty)), 0), height - 2)
    a, b = min(max(tx - i, 0.0), 1.0), min(max(ty - j, 0.0), 1.0)
    p00 = start + 4 * (j * width + i)
    p01 = p00 + 4 * width
    red = _square(pictures, p00, p01, 0, a, b)
    green = _square(pictures, p00, p01, 1, a, b)
    blue = _square(pictures, p00, p01, 2, a, b)
    h00, h10, h01, h11 = (
        np.float32(pictures[p00 + 3]), np.float32(pictures[p00 + 7]), np.float32(pictures[p01 + 3]), np.float32(pictures[p01 + 7])
    )  # fmt: skip
    slope = RELIEF_M / SKIN_TEXEL_M / 255
    slope_x = slope * ((1 - b) * (h10 - h00) + b * (h11 - h01))
    slope_y = slope * ((1 - a) * (h01 - h00) + a * (h11 - h10))
    # The leaf's directions across and along, from this triangle.
    e1x, e1y, e1z = (
        vertices[ib, 0] - vertices[ia, 0],
        vertices[ib, 1] - vertices[ia, 1],
        vertices[ib, 2] - vertices[ia, 2],
    )
    e2x, e2y, e2z = (
        vertices[ic, 0] - vertices[ia, 0],
        vertices[ic, 1] - vertices[ia, 1],
        vertices[ic, 2] - vertices[ia, 2],
    )
    u1, v1 = texels[ib, 0] - texels[ia, 0], texels[ib, 1] - texels[ia, 1]
    u2, v2 = texels[ic, 0] - texels[ia, 0], texels[ic, 1] - texels[ia, 1]
    det = u1 * v2 - u2 * v1
    if abs(det) < 1e-6:
        det = 1e-6
    xx, xy, xz = (v2 * e1x - v1 * e2x) / det, (v2 * e1y - v1 * e2y) / det, (v2 * e1z - v1 * e2z) / det
    yx, yy, yz = (u1 * e2x - u2 * e1x) / det, (u1 * e2y - u2 * e1y) / det, (u1 * e2z - u2 * e1z) / det
    lx = np.sqrt(xx * xx + xy * xy + xz * xz) + 1e-12
    ly = np.sqrt(yx * yx + yy * yy + yz * yz) + 1e-12
    nx = wa * normals[ia, 0] + wb * normals[ib, 0] + wc * normals[ic, 0] - slope_x * xx / lx - slope_y * yx / ly
    ny = wa * normals[ia, 1] + wb * normals[ib, 1] + wc * normals[ic, 1] - slope_x * xy / lx - slope_y * yy / ly
    nz = wa * normals[ia, 2] + wb * normals[ib, 2] + wc * normals[ic, 2] - slope_x * xz / lx - slope_y * yz / ly
    size = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12
    nx, ny, nz = nx / size, ny / size, nz / size
    # Which side is seen: by the triangle itself, not by its smoothed normal.
    gx, gy, gz = e1y * e2z - e1z * e2y, e1z * e2x - e1x * e2z, e1x * e2y - e1y * e2x
    upper = gx * ray[3] + gy * ray[4] + gz * ray[5] < 0
    seen, hidden = (0, 3) if upper else (3, 0)
    sign = 1.0 if upper else -1.0
    sx = wa * leaf_light[ia, seen] + wb * leaf_light[ib, seen] + wc * leaf_light[ic, seen]
    sy = wa * leaf_light[ia, seen + 1] + wb * leaf_light[ib, seen + 1] + wc * leaf_light[ic, seen + 1]
    sz = wa * leaf_light[ia, seen + 2] + wb * leaf_light[ib, seen + 2] + wc * leaf_light[ic, seen + 2]
    hx = wa * leaf_light[ia, hidden] + wb * leaf_light[ib, hidden] + wc * leaf_light[ic, hidden]
    hy = wa * leaf_light[ia, hidden + 1] + wb * leaf_light[ib, hidden + 1] + wc * leaf_light[ic, hidden + 1]
    hz = wa * leaf_light[ia, hidden + 2] + wb * leaf_light[ib, hidden + 2] + wc * leaf_light[ic, hidden + 2]
    front = max(sign * (sx * nx + sy * ny + sz * nz), 0.0)
    behind = max(-sign * (hx * nx + hy * ny + hz * nz), 0.0)
    strength = np.sqrt(sx * sx + sy * sy + sz * sz) + 1e-9
    vx, vy, vz = sx / strength - ray[3], sy / strength - ray[4], sz / strength - ray[5]
    cosine = max(sign * (vx * nx + vy * ny + vz * nz), 0.0) / (np.sqrt(vx * vx + vy * vy + vz * vz) + 1e-9)
    gloss = (0.16 if upper else 0.05) * strength * cosine**28
    for k in range(3):
        albedo = red if k == 0 else (green if k == 1 else blue)
        through = (0.65 if k == 0 else (0.75 if k == 1 else 0.35)) * albedo
        if not upper:
            albedo = 0.82 * albedo + 0.035
        on = (
            front
            + wa * leaf_light[ia, 6 + seen + k]
            + wb * leaf_light[ib, 6 + seen + k]
            + wc * leaf_light[ic, 6 + seen + k]
        )
        under = (
            behind + wa * leaf_light[ia, 6 + hidden + k] + wb * leaf_light[ib, 6 + hidden + k]
            + wc * leaf_light[ic, 6 + hidden + k]
        )  # fmt: skip
        colour[k] += albedo * on + through * under + gloss


@njit(cache=True, fastmath=True)
def _square(pictures, p00, p01, channel, a, b):  # pragma: no cover - compiled
    root = (
        (1 - a) * (1 - b) * pictures[p00 + channel] + a * (1 - b) * pictures[p00 + 4 + channel]
        + (1 - a) * b * pictures[p01 + channel] + a * b * pictures[p01 + 4 + channel]
    ) / 255  # fmt: skip
    return root * root
