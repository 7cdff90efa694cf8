"""The skin of a simulated leaf: veins, network, blotches and grain as a picture, and the blisters between the veins.

Patterns belong to the leaf's tissue: they are laid out on the full-grown leaf and shrink with a younger one, so that a
plant can be recognised from day to day.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from hardware_sim.lettuce import Leaf, Lettuce
from hardware_sim.lettuce_kinds import felt
from hardware_sim.rigid import Array

TEXEL_M = 0.0002
_TILE_M = 0.41
_TILE_PX = 2050

Image = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Tissue:
    """Square pictures of `_TILE_M` from which every leaf cuts its own piece; values 0 to 1, or about 0 for noises."""

    network: Image
    blotches: Image
    grain: Image
    blisters: Image


@lru_cache(maxsize=2)
def tissue(seed: int = 0) -> Tissue:
    """Draw the tissue of a farm."""
    random = np.random.default_rng([seed, 0x7155])
    coarse = _cell_distance(random, 0.0075)
    middle = _cell_distance(random, 0.0032)
    fine = _cell_distance(random, 0.0013)
    lines = ((coarse, 0.00055, 1.0), (middle, 0.00032, 0.6), (fine, 0.0002, 0.2))
    network = sum(weight * np.exp(-((distance / width) ** 2)) for distance, width, weight in lines)
    blotches = sum(
        weight * _noise(random, size) for size, weight in ((0.03, 0.5), (0.012, 0.5), (0.005, 0.45), (0.0025, 0.35))
    )
    grain = sum(weight * _noise(random, size) for size, weight in ((0.002, 0.6), (0.0009, 0.45), (0.0004, 0.4)))
    domes = np.minimum(coarse / 0.0024, 1.0) + 0.35 * np.minimum(middle / 0.001, 1.0)
    blisters = cv2.GaussianBlur(domes.astype(np.float32), (0, 0), 0.0005 / 0.0002)
    return Tissue(
        _warp(random, np.minimum(network, 1)), blotches.astype(np.float32), grain.astype(np.float32), blisters
    )


def blister_heights(plant: Lettuce, leaf: Leaf, across_m: Array, along_m: Array, length_m: float) -> Array:
    """Heights of the blisters at points of the leaf laid flat, metres, about 0 on average."""
    grown = length_m / _final_length(leaf, length_m)
    x, y = _places(plant, leaf, across_m / grown, along_m / grown)
    found = cv2.remap(tissue().blisters, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR,
                      borderMode=cv2.BORDER_WRAP)  # fmt: skip
    return np.asarray(0.0011 * grown * (found - 0.75), dtype=float)


def skin(plant: Lettuce, leaf: Leaf, length_m: float, width_m: float, texel_m: float = TEXEL_M) -> NDArray[np.uint8]:
    """The leaf's picture (rows along from the base, columns across from the left edge, 4).

    Three channels are the square root of the albedo (linear red, green, blue), the fourth is a fine relief for shading.
    """
    rows, columns = int(np.ceil(length_m / texel_m)) + 2, int(np.ceil(width_m * 1.12 / texel_m)) + 2
    along = (np.arange(rows) + 0.5) * texel_m
    across = (np.arange(columns) + 0.5 - columns / 2) * texel_m
    grown = length_m / _final_length(leaf, length_m)
    X, Y = np.meshgrid((across / grown).astype(np.float32), (along / grown).astype(np.float32))
    x, y = (a.astype(np.float32) for a in _places(plant, leaf, X, Y))
    of = tissue()
    network, blotches, grain, blisters = (
        cv2.remap(a, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        for a in (of.network, of.blotches, of.grain, of.blisters)
    )
    veins = _veins(plant, leaf, rows, columns, texel_m, length_m)
    albedo = _colours(plant, leaf, along / length_m, across / width_m, veins, network, blotches, grain)
    relief = 0.45 + 0.25 * (blisters - 0.75) - 0.2 * network - 0.3 * veins + 0.02 * grain
    picture = np.concatenate([np.sqrt(np.clip(albedo, 0, 1)), np.clip(relief, 0, 1)[..., None]], -1)
    return np.asarray(np.rint(picture * 255), dtype=np.uint8)


def _final_length(leaf: Leaf, length_m: float) -> float:
    return length_m * float(np.sqrt(leaf.final_area_m2 / leaf.flat_area_m2))


def _places(plant: Lettuce, leaf: Leaf, across_m: Array, along_m: Array) -> tuple[Array, Array]:
    random = np.random.default_rng([plant.seed, 0x5C12, leaf.index])
    left, low = random.uniform(0, _TILE_PX, 2)
    flip = random.choice([-1, 1])
    scale = _TILE_PX / _TILE_M
    # Wrapped by hand: cv2.remap takes coordinates as float32, and far ones lose their fraction.
    return (left + flip * across_m * scale) % _TILE_PX, (low + along_m * scale) % _TILE_PX


def _veins(plant: Lettuce, leaf: Leaf, rows: int, columns: int, texel_m: float, length_m: float) -> Image:
    """Midrib and side veins, 0 to 1: pinnate, alternating, leaving at about 50 deg and bending to the tip."""
    random = np.random.default_rng([plant.seed, 0x7E15, leaf.index])
    picture = np.zeros((rows, columns), np.uint8)
    t = np.linspace(0, 1, 14)
    for k in range(26):
        side = 1 if k % 2 else -1
        start = 0.04 + 0.034 * k + random.normal(0, 0.006)
        reach = 0.52 - 0.2 * abs(start - 0.45)
        rise = random.uniform(0.16, 0.3)
        x = side * reach * t
        y = start + rise * t**1.15 + 0.08 * t**3 + 0.006 * np.cumsum(random.normal(0, 0.35, len(t))) * t
        points = np.stack([columns / 2 + x * length_m / texel_m, y * length_m / texel_m], -1)
        width_px = length_m * (0.0085 - 0.003 * start) / texel_m
        for part in range(len(t) - 1):
            pair = np.rint(points[part : part + 2] * 16).astype(np.int32)
            thick = max(1, round(width_px * (1 - 0.85 * t[part])))
            cv2.line(picture, pair[0].tolist(), pair[1].tolist(), int(220 - 110 * t[part]), thick, cv2.LINE_AA, 4)
    side_veins = cv2.GaussianBlur(picture, (0, 0), max(0.8, 0.0012 * length_m / texel_m)).astype(np.float32) / 255
    u = np.minimum(np.arange(rows) * texel_m / length_m, 1)
    half_width = length_m * (0.034 * (1 - u) ** 1.3 + 0.003)
    x = np.abs(np.arange(columns) + 0.5 - columns / 2) * texel_m
    midrib = np.exp(-((x[None, :] / half_width[:, None]) ** 4))
    return np.maximum(side_veins, midrib).astype(np.float32)


def _colours(
    plant: Lettuce, leaf: Leaf, u: Array, v: Array, veins: Image, network: Image, blotches: Image, grain: Image
) -> Image:
    """Albedo (rows, columns, 3), linear; `u` along the leaf from 0 at its foot, `v` across, 0.5 at its widest edge."""
    random = np.random.default_rng([plant.seed, 0xC010, leaf.index])
    green = np.array(plant.cultivar.green) * np.exp(random.normal(0, 0.06, 3))
    # Inner, younger leaves are paler and yellower; the foot of every leaf is nearly white.
    pale = np.array([0.26, 0.40, 0.11])
    inner = 0.55 * leaf.rank**1.5
    foot = np.clip(1 - u / 0.30, 0, 1)[:, None] ** 1.5 * (0.9 - 0.4 * np.minimum(1, np.abs(v) * 2))[None, :]
    share = np.clip(inner + (1 - inner) * 0.75 * foot, 0, 1)[..., None]
    blade = green * (1 - share) + pale * share
    starved = plant.treatment.pallor * min(1.0, felt(plant.day))
    blade = _mixed(blade, np.array([0.30, 0.33, 0.07]), np.float32(0.6 * starved * (1 - inner)))
    blade = _mixed(blade, np.array([0.105, 0.026, 0.032]), _reddened(plant, leaf, u, v, blotches))
    old = _yellowed(plant, leaf, u, v, blotches, starved)
    blade = _mixed(blade, np.array([0.42, 0.36, 0.075]), np.clip(old, 0, 1))
    tone = np.exp(0.20 * blotches + 0.055 * grain)[..., None] * (1 - 0.36 * network)[..., None]
    vein = np.array([0.30, 0.42, 0.17]) * np.exp(0.07 * grain + 0.05 * blotches)[..., None]
    mixed = _mixed(blade * tone, vein, 0.62 * veins)
    # A few brown spots and pale scars, as every real head has; the rim of a leaf that dies is dry.
    mixed = _mixed(mixed, np.array([0.20, 0.20, 0.08]), 0.5 * np.clip((blotches * grain - 0.75) * 2.0, 0, 1))
    return _mixed(mixed, np.array([0.19, 0.115, 0.055]), np.clip(3 * (old - 1.25), 0, 0.8)).astype(np.float32)


def _mixed(colours: Array, other: Array, share: Array) -> Array:
    """`share` of the other colour; it has no channels."""
    return np.asarray(colours + (other - colours) * np.asarray(share)[..., None])


def _reddened(plant: Lettuce, leaf: Leaf, u: Array, v: Array, blotches: Image) -> Array:
    """Where anthocyanin covers the green: where light falls, so at tip and edges, and less on what the head shades."""
    lit = np.clip((u - 0.15) / 0.45, 0, 1)[:, None] * (0.65 + 0.7 * np.abs(v))[None, :]
    return np.asarray(plant.cultivar.red * np.clip(lit * (1.05 - 0.45 * leaf.rank**2) + 0.10 * blotches * lit, 0, 1))


def _yellowed(plant: Lettuce, leaf: Leaf, u: Array, v: Array, blotches: Image, starved: float) -> Array:
    """How far a leaf has aged at each place, 1 where it is yellow, more where it dries: from tip and edges inwards.

    A leaf begins to yellow at 38 days (s.d. 3), a starved one up to ten days earlier, and is yellow 16 days later.
    """
    random = np.random.default_rng([plant.seed, 0xA6E0, leaf.index])
    progress = (leaf.age_d - random.normal(38, 3) + 10 * starved) / 16
    if progress <= 0:
        return np.zeros_like(blotches)
    from_edge = np.maximum(u[:, None], 2 * np.abs(v)[None, :])
    return np.asarray(2.2 * np.minimum(progress, 1.2) - 2.0 * (1 - from_edge) + 0.15 * blotches)


def _noise(random: np.random.Generator, size_m: float) -> Array:
    knots = max(4, int(_TILE_M / size_m))
    coarse = random.standard_normal((knots, knots)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (_TILE_PX, _TILE_PX), interpolation=cv2.INTER_CUBIC))


def _cell_distance(random: np.random.Generator, size_m: float) -> Array:
    """Distance in metres to the nearest wall between cells about `size_m` wide (Voronoi cells of random points)."""
    texel = _TILE_M / _TILE_PX
    seeds = np.ones((_TILE_PX, _TILE_PX), np.uint8)
    count = int((_TILE_M / size_m) ** 2)
    places = random.integers(0, _TILE_PX, (count, 2))
    seeds[places[:, 0], places[:, 1]] = 0
    _, label = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    inside = np.ones_like(seeds)
    inside[:, 1:][label[:, 1:] != label[:, :-1]] = 0
    inside[1:][label[1:] != label[:-1]] = 0
    return np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, 5) * texel)


def _warp(random: np.random.Generator, picture: Array) -> Image:
    """Make straight cell walls wander."""
    y, x = np.mgrid[:_TILE_PX, :_TILE_PX].astype(np.float32)
    dx, dy = (3.0 * _noise(random, 0.003).astype(np.float32) for _ in range(2))
    return np.asarray(cv2.remap(picture.astype(np.float32), x + dx, y + dy, cv2.INTER_LINEAR,
                                borderMode=cv2.BORDER_WRAP))  # fmt: skip
