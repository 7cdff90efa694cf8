"""The colour of each ray, compiled: leaf by its picture, relief and both sides' light; wall; room.

Vectors are tuples of three here, which the compiler keeps in registers.
"""

import numba
import numpy as np
from numba import njit, prange

from hardware_sim.lettuce_skin import TEXEL_M as SKIN_TEXEL_M
from hardware_sim.render_light import WALL_STEP_M
from hardware_sim.wall import TEXEL_M as WALL_TEXEL_M
from hardware_sim.wall import WALL_MIN_M

# TBB, which numba would try first, warns where it is too old; OpenMP can be called from several threads as well.
numba.config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]

#: Height in metres of the whole range of the fine relief in a leaf's picture.
RELIEF_M = 0.0004
#: A leaf lets this share of its own colour through (red, green, blue): a yellower green than it reflects.
THROUGH = (0.65, 0.75, 0.35)
#: The under side is paler and duller than the upper: share of the upper side's albedo, and a grey added to it.
UNDER_SHARE, UNDER_GREY = 0.82, 0.035
GLOSS_UPPER, GLOSS_UNDER, GLOSS_POWER = 0.16, 0.05, 28
SHEEN_WALL, SHEEN_POWER = 0.05, 40
GUTTER_ALBEDO = 0.78


@njit(parallel=True, cache=True, fastmath=True)
def turn(camera, rotation, rays):  # pragma: no cover - compiled
    """Directions (n, 3) by a rotation (3, 3), into the last three of `rays` (n, 6)."""
    for i in prange(camera.shape[0]):
        for k in range(3):
            rays[i, 3 + k] = (
                rotation[k, 0] * camera[i, 0] + rotation[k, 1] * camera[i, 1] + rotation[k, 2] * camera[i, 2]
            )


@njit(parallel=True, cache=True, fastmath=True)
def shade(
    rays, distance, face, bary, mesh, pictures, leaf_light, wall, wall_light, forward, out, nearness
):  # pragma: no cover - compiled
    """Mean radiance of the samples of each pixel, and one over the depth of the nearest.

    Args:
        rays: (rows, columns, samples, 6); `distance`, `face` and `bary` are what they met, infinite for nothing; face
            numbers beyond the leaves' are the wall's two, then the gutters'.
        mesh: vertices_m, faces, normals, texels, leaf_of_face of the scene.
        pictures: pictures, starts, widths, heights of the scene.
        forward: The line of sight, (3,).
        out: (rows, columns, 3), written. nearness: (rows, columns), written, 1/m.
    """
    rows, columns, samples = distance.shape
    for row in prange(rows):
        for column in range(columns):
            r, g, b, nearest = 0.0, 0.0, 0.0, np.float32(0)
            for s in range(samples):
                ray = rays[row, column, s]
                t = distance[row, column, s]
                if not t < np.float32(1e6):
                    colour = _room(ray)
                elif face[row, column, s] < mesh[1].shape[0]:
                    colour = _leaf(
                        ray, np.int64(face[row, column, s]), bary[row, column, s], mesh, pictures, leaf_light
                    )
                elif face[row, column, s] < mesh[1].shape[0] + 2:
                    colour = _wall(ray, t, wall, wall_light)
                else:
                    colour = _gutter(ray, t, face[row, column, s] - mesh[1].shape[0] - 2, wall_light)
                if t < np.float32(1e6):
                    along = ray[3] * forward[0] + ray[4] * forward[1] + ray[5] * forward[2]
                    nearest = max(nearest, np.float32(1) / (t * along))
                r, g, b = r + colour[0], g + colour[1], b + colour[2]
            out[row, column, 0], out[row, column, 1], out[row, column, 2] = r / samples, g / samples, b / samples
            nearness[row, column] = nearest


@njit(cache=True, fastmath=True)
def _room(ray):  # pragma: no cover - compiled
    """A dim room without detail."""
    tone = 0.10 + 0.05 * ray[4] + 0.03 * np.sin(3 * ray[3] + 1) * np.sin(4 * ray[5])
    return tone, tone * 1.01, tone * 1.04


@njit(cache=True, fastmath=True)
def _wall(ray, t, wall, wall_light):  # pragma: no cover - compiled
    x, y = ray[0] + t * ray[3] - WALL_MIN_M[0], ray[1] + t * ray[4] - WALL_MIN_M[1]
    i, j, a, b = _cell(x / WALL_TEXEL_M - 0.5, y / WALL_TEXEL_M - 0.5, wall.shape[1], wall.shape[0])
    root = _blend(wall[j, i], wall[j, i + 1], wall[j + 1, i], wall[j + 1, i + 1], a, b) / 255
    i, j, a, b = _cell(x / WALL_STEP_M, y / WALL_STEP_M, wall_light.shape[1], wall_light.shape[0])
    lamp = _light_vector(wall_light, i, j, a, b, 0)
    other = _light_vector(wall_light, i, j, a, b, 3)
    sheen = SHEEN_WALL * _gloss(lamp, ray, (0.0, 0.0, 1.0), SHEEN_POWER)
    falling, albedo = max(lamp[2], 0.0), root * root
    return (
        albedo * (falling + other[0]) + sheen,
        albedo * (falling + other[1]) + sheen,
        albedo * (falling + other[2]) + sheen,
    )


@njit(cache=True, fastmath=True)
def _gutter(ray, t, face, wall_light):  # pragma: no cover - compiled
    """White plastic; six triangles a gutter: underside, front, top."""
    x, y = ray[0] + t * ray[3] - WALL_MIN_M[0], ray[1] + t * ray[4] - WALL_MIN_M[1]
    i, j, a, b = _cell(x / WALL_STEP_M, y / WALL_STEP_M, wall_light.shape[1], wall_light.shape[0])
    lamp, other = _light_vector(wall_light, i, j, a, b, 0), _light_vector(wall_light, i, j, a, b, 3)
    side = face % 6 // 2
    falling = max(lamp[2] if side == 1 else (lamp[1] if side == 2 else -lamp[1]), 0.0)
    sheen = SHEEN_WALL * _gloss(lamp, ray, (0.0, 0.0, 1.0), SHEEN_POWER) if side == 1 else 0.0
    return (
        GUTTER_ALBEDO * (falling + other[0]) + sheen,
        GUTTER_ALBEDO * (falling + other[1]) + sheen,
        GUTTER_ALBEDO * (falling + other[2]) + sheen,
    )


@njit(cache=True, fastmath=True)
def _leaf(ray, face, bary, mesh, pictures, light):  # pragma: no cover - compiled
    vertices, faces, normals, texels, leaf_of_face = mesh
    corner = (faces[face, 0], faces[face, 1], faces[face, 2])
    weight = (1 - bary[0] - bary[1], bary[0], bary[1])
    tx = _mix(texels, corner, weight, 0) - 0.5
    ty = _mix(texels, corner, weight, 1) - 0.5
    albedo, slope_x, slope_y = _picture(pictures, leaf_of_face[face], tx, ty)
    e1, e2 = _edge(vertices, corner[0], corner[1]), _edge(vertices, corner[0], corner[2])
    normal = _with_relief(_mix3(normals, corner, weight, 0), e1, e2, texels, corner, slope_x, slope_y)
    # Which side is seen: by the triangle itself, not by its smoothed normal.
    upper = _dot(_cross(e1, e2), (ray[3], ray[4], ray[5])) < 0
    if upper:
        seen, hidden, gloss = 0, 3, GLOSS_UPPER
    else:
        seen, hidden, gloss = 3, 0, GLOSS_UNDER
        normal = (-normal[0], -normal[1], -normal[2])
    lamp = _mix3(light, corner, weight, seen)
    front = max(_dot(lamp, normal), 0.0)
    behind = max(-_dot(_mix3(light, corner, weight, hidden), normal), 0.0)
    near, far = _mix3(light, corner, weight, 6 + seen), _mix3(light, corner, weight, 6 + hidden)
    shine = gloss * _gloss(lamp, ray, normal, GLOSS_POWER)
    return (
        _side(albedo[0], upper) * (front + near[0]) + THROUGH[0] * albedo[0] * (behind + far[0]) + shine,
        _side(albedo[1], upper) * (front + near[1]) + THROUGH[1] * albedo[1] * (behind + far[1]) + shine,
        _side(albedo[2], upper) * (front + near[2]) + THROUGH[2] * albedo[2] * (behind + far[2]) + shine,
    )


@njit(cache=True, fastmath=True)
def _side(albedo, upper):  # pragma: no cover - compiled
    return albedo if upper else UNDER_SHARE * albedo + UNDER_GREY


@njit(cache=True, fastmath=True)
def _picture(pictures, leaf, tx, ty):  # pragma: no cover - compiled
    """Albedo at a place of a leaf's picture, and the slopes of its relief across and along."""
    bytes_of, starts, widths, heights = pictures
    width = widths[leaf]
    i, j, a, b = _cell(tx, ty, width, heights[leaf])
    low = starts[leaf] + 4 * (j * width + i)
    high = low + 4 * width
    red = _blend(bytes_of[low], bytes_of[low + 4], bytes_of[high], bytes_of[high + 4], a, b) / 255
    green = _blend(bytes_of[low + 1], bytes_of[low + 5], bytes_of[high + 1], bytes_of[high + 5], a, b) / 255
    blue = _blend(bytes_of[low + 2], bytes_of[low + 6], bytes_of[high + 2], bytes_of[high + 6], a, b) / 255
    h00, h10 = np.float32(bytes_of[low + 3]), np.float32(bytes_of[low + 7])
    h01, h11 = np.float32(bytes_of[high + 3]), np.float32(bytes_of[high + 7])
    unit = RELIEF_M / SKIN_TEXEL_M / 255
    slope_x, slope_y = (1 - b) * (h10 - h00) + b * (h11 - h01), (1 - a) * (h01 - h00) + a * (h11 - h10)
    return (red * red, green * green, blue * blue), unit * slope_x, unit * slope_y


@njit(cache=True, fastmath=True)
def _with_relief(normal, e1, e2, texels, corner, slope_x, slope_y):  # pragma: no cover - compiled
    """Tilt a normal by the relief; the leaf's directions across and along follow from the triangle's texels."""
    u1, v1 = texels[corner[1], 0] - texels[corner[0], 0], texels[corner[1], 1] - texels[corner[0], 1]
    u2, v2 = texels[corner[2], 0] - texels[corner[0], 0], texels[corner[2], 1] - texels[corner[0], 1]
    across = _unit((v2 * e1[0] - v1 * e2[0], v2 * e1[1] - v1 * e2[1], v2 * e1[2] - v1 * e2[2]))
    along = _unit((u1 * e2[0] - u2 * e1[0], u1 * e2[1] - u2 * e1[1], u1 * e2[2] - u2 * e1[2]))
    turned = 1.0 if u1 * v2 - u2 * v1 > 0 else -1.0
    return _unit(
        (
            normal[0] - turned * (slope_x * across[0] + slope_y * along[0]),
            normal[1] - turned * (slope_x * across[1] + slope_y * along[1]),
            normal[2] - turned * (slope_x * across[2] + slope_y * along[2]),
        )
    )


@njit(cache=True, fastmath=True)
def _gloss(lamp, ray, normal, power):  # pragma: no cover - compiled
    """Blinn's highlight of the lamps' light as one direction."""
    strength = np.sqrt(_dot(lamp, lamp)) + 1e-9
    half = _unit((lamp[0] / strength - ray[3], lamp[1] / strength - ray[4], lamp[2] / strength - ray[5]))
    return strength * max(_dot(half, normal), 0.0) ** power


@njit(cache=True, fastmath=True)
def _cell(u, v, width, height):  # pragma: no cover - compiled
    i = min(max(int(np.floor(u)), 0), width - 2)
    j = min(max(int(np.floor(v)), 0), height - 2)
    return i, j, min(max(u - i, 0.0), 1.0), min(max(v - j, 0.0), 1.0)


@njit(cache=True, fastmath=True)
def _blend(p00, p10, p01, p11, a, b):  # pragma: no cover - compiled
    return (1 - a) * (1 - b) * p00 + a * (1 - b) * p10 + (1 - a) * b * p01 + a * b * p11


@njit(cache=True, fastmath=True)
def _light_vector(grid, i, j, a, b, first):  # pragma: no cover - compiled
    return (
        _blend(grid[j, i, first], grid[j, i + 1, first], grid[j + 1, i, first], grid[j + 1, i + 1, first], a, b),
        _blend(
            grid[j, i, first + 1],
            grid[j, i + 1, first + 1],
            grid[j + 1, i, first + 1],
            grid[j + 1, i + 1, first + 1],
            a,
            b,
        ),
        _blend(
            grid[j, i, first + 2],
            grid[j, i + 1, first + 2],
            grid[j + 1, i, first + 2],
            grid[j + 1, i + 1, first + 2],
            a,
            b,
        ),
    )


@njit(cache=True, fastmath=True)
def _mix(values, corner, weight, k):  # pragma: no cover - compiled
    return weight[0] * values[corner[0], k] + weight[1] * values[corner[1], k] + weight[2] * values[corner[2], k]


@njit(cache=True, fastmath=True)
def _mix3(values, corner, weight, first):  # pragma: no cover - compiled
    return (
        _mix(values, corner, weight, first),
        _mix(values, corner, weight, first + 1),
        _mix(values, corner, weight, first + 2),
    )


@njit(cache=True, fastmath=True)
def _edge(vertices, a, b):  # pragma: no cover - compiled
    return vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]


@njit(cache=True, fastmath=True)
def _dot(a, b):  # pragma: no cover - compiled
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(cache=True, fastmath=True)
def _cross(a, b):  # pragma: no cover - compiled
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@njit(cache=True, fastmath=True)
def _unit(a):  # pragma: no cover - compiled
    size = np.sqrt(_dot(a, a)) + 1e-15
    return a[0] / size, a[1] / size, a[2] / size
