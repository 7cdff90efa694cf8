"""Blur that depends on distance, compiled: out of focus by a thin lens, and smeared by the camera's motion.

Both are gathered in the finished picture by the distance of each pixel, not traced as rays: hidden parts of the
background that a wide lens would see around an edge are taken from beside it.
"""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from hardware_sim.optics import Camera
from hardware_sim.rigid import Array
from hardware_sim.world import TrueLens

Picture = NDArray[np.float32]
#: Discs are gathered in tiles of this side, each as far as its own largest disc reaches, and never further than this.
TILE_PX, REACH_PX = 32, 16
#: Below this a smear changes nothing that could be seen, pixels.
LEAST_SMEAR_PX = 0.05


def defocus(picture: Picture, nearness: Picture, lens: TrueLens, camera: Camera) -> Picture:
    """Spread each point over its circle of confusion.

    Its diameter in pixels is f A |1/z - 1/z0| for focal length f in pixels, aperture A and focus z0 (a thin lens).

    Args:
        picture: Linear, (rows, columns, 3).
        nearness: One over the distance along the line of sight, (rows, columns), 1/m; 0 where nothing is.
        lens: For its focal length.
        camera: Aperture and focus.
    """
    if camera.aperture_m == 0:
        return picture
    half = np.float32(0.5 * lens.fx_px * camera.aperture_m)
    radius = np.minimum(np.abs(nearness - np.float32(1 / camera.focus_m)) * half, np.float32(REACH_PX - 1))
    out = np.empty_like(picture)
    _gather(picture, nearness, radius, _reach(radius), out)
    return out


def _reach(radius: Picture) -> NDArray[np.int32]:
    """How far each tile must look: as far as the widest disc in it or in the tiles about it."""
    rows, columns = (-(-side // TILE_PX) for side in radius.shape)
    padded = np.zeros((rows * TILE_PX, columns * TILE_PX), np.float32)
    padded[: radius.shape[0], : radius.shape[1]] = radius
    widest = np.pad(padded.reshape(rows, TILE_PX, columns, TILE_PX).max(axis=(1, 3)), 1)
    around = np.max([widest[i : i + rows, j : j + columns] for i in range(3) for j in range(3)], axis=0)
    # A disc touches the pixels nearer than its radius and half a pixel: up to 0.5, only its own.
    return np.asarray(np.maximum(np.ceil(around + 0.5) - 1, 0), dtype=np.int32)


@njit(parallel=True, cache=True, fastmath=True)
def _gather(picture, nearness, radius, reach, out):  # pragma: no cover - compiled
    rows, columns = radius.shape
    for tile in prange(reach.size):
        top, left = tile // reach.shape[1] * TILE_PX, tile % reach.shape[1] * TILE_PX
        far = reach[tile // reach.shape[1], tile % reach.shape[1]]
        for y in range(top, min(top + TILE_PX, rows)):
            for x in range(left, min(left + TILE_PX, columns)):
                if far == 0:
                    for k in range(3):
                        out[y, x, k] = picture[y, x, k]
                    continue
                red = green = blue = total = np.float32(0)
                own, here = radius[y, x], nearness[y, x]
                for j in range(max(y - far, 0), min(y + far + 1, rows)):
                    for i in range(max(x - far, 0), min(x + far + 1, columns)):
                        # What lies behind spreads over what lies before it no further than that is blurred itself.
                        size = radius[j, i] if nearness[j, i] >= here else min(radius[j, i], own)
                        away2 = np.float32((j - y) * (j - y) + (i - x) * (i - x))
                        edge = size + np.float32(0.5)
                        if away2 >= edge * edge and away2 > 0:
                            continue
                        share = min(np.float32(1), edge - np.sqrt(away2)) / max(
                            np.float32(1), np.float32(3.14159) * size * size
                        )
                        red += share * picture[j, i, 0]
                        green += share * picture[j, i, 1]
                        blue += share * picture[j, i, 2]
                        total += share
                out[y, x, 0], out[y, x, 1], out[y, x, 2] = red / total, green / total, blue / total


def smear(picture: Picture, nearness: Picture, lens: TrueLens, twist: Array, exposure_s: float) -> Picture:
    """Blur each pixel along its own way during the exposure.

    Args:
        picture, nearness, lens: As for `defocus`.
        twist: The camera's velocity in its own frame at mid exposure: three of m/s, three of rad/s.
        exposure_s: How long the shutter stood open.

    A point X of a still scene moves by -v - w x X in the camera's frame. The lens's distortion of that way, a few
    percent of it, is neglected.
    """
    way = np.asarray(twist, dtype=float) * exposure_s
    # The quickest way for a look: everything at the nearest distance that is seen, turned about either axis.
    longest = lens.fx_px * (np.linalg.norm(way[:3]) * float(nearness.max()) + 1.6 * np.linalg.norm(way[3:]))
    if longest < LEAST_SMEAR_PX:
        return picture
    out = np.empty_like(picture)
    _along(picture, nearness, np.array([lens.fx_px, lens.fy_px, lens.cx_px, lens.cy_px]), way, out)
    return out


@njit(parallel=True, cache=True, fastmath=True)
def _along(picture, nearness, lens, way, out):  # pragma: no cover - compiled
    rows, columns = nearness.shape
    for v in prange(rows):
        for u in range(columns):
            x, y, near = (u + 0.5 - lens[2]) / lens[0], (v + 0.5 - lens[3]) / lens[1], nearness[v, u]
            du = lens[0] * (near * (x * way[2] - way[0]) + x * y * way[3] - (1 + x * x) * way[4] + y * way[5])
            dv = lens[1] * (near * (y * way[2] - way[1]) + (1 + y * y) * way[3] - x * y * way[4] - x * way[5])
            steps = min(max(3, int(np.ceil(np.sqrt(du * du + dv * dv) * 1.5))), 64)
            red = green = blue = np.float32(0)
            for step in range(steps):
                at = (step + 0.5) / steps - 0.5
                i, j = min(max(u + at * du, 0.0), columns - 1.001), min(max(v + at * dv, 0.0), rows - 1.001)
                i0, j0 = int(i), int(j)
                a, b = np.float32(i - i0), np.float32(j - j0)
                for k in range(3):
                    value = (1 - b) * ((1 - a) * picture[j0, i0, k] + a * picture[j0, i0 + 1, k]) + b * (
                        (1 - a) * picture[j0 + 1, i0, k] + a * picture[j0 + 1, i0 + 1, k]
                    )
                    if k == 0:
                        red += value
                    elif k == 1:
                        green += value
                    else:
                        blue += value
            out[v, u, 0], out[v, u, 1], out[v, u, 2] = red / steps, green / steps, blue / steps
