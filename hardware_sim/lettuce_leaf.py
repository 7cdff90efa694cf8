"""One leaf of a simulated lettuce: a curved sheet of triangles, in the plant's frame (z out of the wall).

A leaf lies on a surface of revolution about the plant's axis (or one a little flatter), whose profile is steeper the
younger the leaf is: so leaves wrap each other sheath on sheath as real ones do, and hardly ever cut through each other.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from hardware_sim.lettuce import Leaf, Lettuce
from hardware_sim.lettuce_contact import grid_faces, upward_normals
from hardware_sim.lettuce_skin import blister_heights
from hardware_sim.rigid import Array

#: A grid coarser than this shows no blisters.
BLISTERED_M = 0.005


@dataclass(frozen=True)
class Stance:
    """How a plant stands, degrees added to its kind's habit (`lettuce_kinds.Habit`)."""

    outer_deg: float = 0.0
    inner_deg: float = 0.0
    droop_deg: float = 0.0
    heading_deg: float = 0.0


@dataclass(frozen=True, eq=False)
class LeafSheet:
    """A leaf's middle surface.

    Args:
        vertices_m: (rows, columns, 3) in the plant's frame; rows run from base to tip, columns from edge to edge.
        flat_m: (rows, columns, 2) the same points on the leaf laid flat: across from the midrib, along it.
        length_m: Along the midrib.
    """

    leaf: Leaf
    vertices_m: Array
    flat_m: Array
    length_m: float
    width_m: float

    def faces(self) -> NDArray[np.int32]:
        """Triangles (m, 3) as indices into the flattened vertices; counter-clockwise seen from the upper side."""
        return grid_faces(*self.vertices_m.shape[:2])


def leaf_sheet(plant: Lettuce, leaf: Leaf, triangle_m: float, stance: Stance = Stance()) -> LeafSheet:
    random = np.random.default_rng([plant.seed, 0x5EAF, leaf.index])
    length, width = leaf_size(plant, leaf)
    rows = max(8, int(np.ceil(length / triangle_m)) + 1)
    columns = max(7, int(np.ceil(width / triangle_m)) + 1)
    # Rows crowd together at the tip, where the outline turns fast.
    u = 1 - (1 - np.linspace(0, 1, rows)) ** 1.25
    v = np.linspace(-1, 1, columns)
    half = _half_outline(u, leaf.index) * width / 2
    teeth = 1 + 0.02 * _smooth_noise(random, rows, 6) + plant.cultivar.frill * 2 * _smooth_noise(random, rows, 40)
    across = v * (half * teeth)[:, None]
    along = np.broadcast_to((u * length)[:, None], across.shape)
    radius, height = _profile(plant, leaf, stance, u, length, random)
    body = _revolve(leaf, radius, height, across, _wrap_radius(plant, leaf, radius, half))
    lift = _waves(plant, leaf, u, v, length, half, random)
    if triangle_m < BLISTERED_M:
        lift += blister_heights(plant, leaf, across, along, length) * np.minimum(1, u * 3)[:, None]
    return LeafSheet(leaf, body + lift[..., None] * upward_normals(body), np.stack([across, along], -1), length, width)


def leaf_size(plant: Lettuce, leaf: Leaf) -> tuple[float, float]:
    """Length and greatest width of the leaf laid flat, metres."""
    kind = plant.cultivar
    ratio = kind.width_by_length * (1 - kind.first_slimness * np.exp(-leaf.index / 3.5))
    ratio *= 1 - kind.late_slimness * np.clip((leaf.index - 13) / 8, 0, 1)
    length = float(np.sqrt(leaf.flat_area_m2 / (ratio * _mean_outline(leaf.index))))
    return length, ratio * length


@lru_cache
def _mean_outline(index: int) -> float:
    u = np.linspace(0, 1, 400)
    return float(np.trapezoid(_half_outline(u, index), u))


def _half_outline(u: Array, index: int) -> Array:
    """Half width by place along the midrib, as a share of the greatest: narrow at the base, widest at 0.6, round."""
    stalk, rounding = 0.85 + 1.1 * np.exp(-index / 5.0), 0.44
    blade = u**stalk * (1 - u) ** rounding
    top = (stalk / (stalk + rounding)) ** stalk * (rounding / (stalk + rounding)) ** rounding
    return np.asarray(np.maximum(blade / top, 0.17 * (1 - u) ** 0.3))


def _profile(
    plant: Lettuce, leaf: Leaf, stance: Stance, u: Array, length: float, random: np.random.Generator
) -> tuple[Array, Array]:
    """Distance from the axis and height along the midrib: starts on the short stem, steep if young, bent at the end."""
    outer_deg, inner_deg, droop_deg, heading_deg = plant.cultivar.habit.angles_deg(plant.day)
    size = np.sqrt(plant.flat_leaf_area_m2 / 0.2)
    old = 1 - leaf.rank
    # A fifth of the rise is even, so that each leaf keeps a gap to those it lies on.
    share = 0.2 * leaf.rank + 0.8 * leaf.rank**plant.cultivar.habit.steepening
    foot_deg = outer_deg + (inner_deg - outer_deg) * share + random.normal(0, 0.7)
    foot_deg += stance.outer_deg * old + stance.inner_deg * leaf.rank
    # Never into the wall: what would lie lower is eased up to 2 deg above it.
    foot_deg = 2 + 4 * np.log1p(np.exp((foot_deg - 2) / 4))
    middle = np.sin(np.pi * np.clip(leaf.rank * 1.3, 0, 1))
    bend_deg = (
        (droop_deg + stance.droop_deg) * old**2 + (heading_deg + stance.heading_deg) * middle + random.normal(0, 1.5)
    )
    slope = np.radians(foot_deg + bend_deg * u**1.3)
    step = np.diff(u, prepend=0) * length
    start = (0.002 + 0.007 * size) * (1 - 0.85 * leaf.rank)
    radius = start + np.cumsum(np.cos(slope) * step)
    height = 0.003 + 0.022 * size * leaf.rank + np.cumsum(np.sin(slope) * step)
    # A drooping leaf comes to lie on the wall.
    return radius, 0.004 * np.log1p(np.exp(np.minimum(height / 0.004, 500)))


def _wrap_radius(plant: Lettuce, leaf: Leaf, radius: Array, half: Array) -> Array:
    """Radius of the arc that the leaf's cross-section follows: the axis's distance, or flatter."""
    open_by = 1 + (plant.cultivar.flatness - 1) * (1 - leaf.rank)
    return np.maximum(np.maximum(np.abs(radius) * open_by, half / 1.7), 0.002)


def _revolve(leaf: Leaf, radius: Array, height: Array, across: Array, wrap: Array) -> Array:
    angle = across / wrap[:, None]
    outward = (radius - wrap)[:, None] + wrap[:, None] * np.cos(angle)
    sideways = wrap[:, None] * np.sin(angle)
    c, s = np.cos(leaf.azimuth_rad), np.sin(leaf.azimuth_rad)
    up = np.broadcast_to(height[:, None], across.shape)
    return np.stack([c * outward - s * sideways, s * outward + c * sideways, up], -1)


def _waves(
    plant: Lettuce, leaf: Leaf, u: Array, v: Array, length: float, half: Array, random: np.random.Generator
) -> Array:
    """Heights of the waves of the two edges, which fade towards the midrib and the base, and of the whole blade."""
    lift = np.zeros((len(u), len(v)))
    fade = np.minimum(1, u / 0.35) ** 2 * np.minimum(1, leaf.flat_area_m2 / 0.002)
    for side in (-1, 1):
        period = random.uniform(0.15, 0.25)
        height = length * random.uniform(*plant.cultivar.wave) / 2
        phases = random.uniform(0, 2 * np.pi, 3)
        place = u + 0.03 * np.sin(2 * np.pi * u + phases[2])
        wave = np.sin(2 * np.pi * place / period + phases[0]) * (0.7 + 0.4 * np.sin(2 * np.pi * 1.7 * u + phases[1]))
        edge = np.where(v * side > 0, np.abs(v), 0) ** 2.5
        lift += (height * fade * wave)[:, None] * edge
    # The blade's own bow: a few millimetres over centimetres, and the trough that the midrib makes.
    bow = cv2.resize(random.standard_normal((5, 4)), (len(v), len(u)), interpolation=cv2.INTER_CUBIC)
    lift += 0.012 * length * bow * (np.minimum(1, u / 0.3) ** 2)[:, None]
    trough = np.exp(-((v[None, :] * half[:, None] / (0.05 * length)) ** 2))
    return lift - 0.012 * length * trough * (np.minimum(1, u / 0.2) * (1 - u))[:, None]


def _smooth_noise(random: np.random.Generator, count: int, knots: int) -> Array:
    coarse = random.standard_normal(knots).reshape(-1, 1)
    return np.asarray(cv2.resize(coarse, (1, count), interpolation=cv2.INTER_CUBIC)[:, 0])
