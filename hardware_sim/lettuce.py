"""How a simulated lettuce grows: its leaves of a day, and its sizes and masses by the measured tables of real heads.

Nothing is remembered between days: a plant is a function of (seed, cultivar, treatment, day), so that any day can be
looked at alone and follows from the day before: leaf 7 is leaf 7 for life, keeps its place and never shrinks.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import nnls

from hardware_sim.lettuce_kinds import (
    CULTIVARS,
    LAST_DAY,
    STANDARD,
    TREATMENTS,
    Cultivar,
    Treatment,
    check_growable,
    felt,
    table_curve,
)
from hardware_sim.rigid import Array

GOLDEN_ANGLE_RAD = np.radians(137.5)
LEAF_INTERVAL_D = 2.15
#: Day on which the first true leaf shows: 6 to 7 leaves in week 1, 25 in week 7, as counted on real heads.
FIRST_LEAF_D = -3.0
#: A leaf's area follows a logistic of its age: half way at 11.5 days, with a time scale of 3.3 days.
HALF_GROWN_D, GROWTH_SCALE_D = 11.5, 3.3
MOST_LEAVES = 40

#: Between plants of one batch: log s.d. .135.
PLANT_LOG_STD = 0.135
#: A plant stays what it is (correlation .75 to .87 after 3 to 5 days, .38 after 26): luck of two lengths, days, and
#: their shares of the variance. Both are smooth: a walk of independent daily steps would make leaves shrink.
PLANT_MEMORY_D, PLANT_SHARES = (4.5, 30.0), (0.45, 0.55)
#: Within one harvest: slope of ln FW on ln LA .89 to .99, residual .09 to .15. Dry mass has slope .70, residual .117
#: and, with the fresh mass's, a correlation of .73 (computed from the 222 plants of four cultivars of that trial).
FRESH_SLOPE, FRESH_LOG_STD = 0.94, 0.12
DRY_SLOPE, DRY_LOG_STD = 0.70, 0.117
RESIDUAL_CORRELATION = 0.73
#: Height and diameter follow the leaf area of plants of one age with this power, and their own scatter. In the trial
#: the scatter is .11; a plant that is 15 % wider than its leaves allow cannot be built, so here it is smaller.
SIZE_POWER, SIZE_LOG_STD = 0.25, 0.06


@dataclass(frozen=True)
class Leaf:
    """One leaf of one day. `rank` runs from 0 (the oldest, outermost) to 1 (just appeared)."""

    index: int
    age_d: float
    rank: float
    azimuth_rad: float
    flat_area_m2: float
    final_area_m2: float


@dataclass(frozen=True)
class Lettuce:
    """A plant of one day: its leaves, oldest first, and what a balance and a leaf-area meter would say.

    Args:
        wanted_height_m, wanted_diameter_m: What its stance aims at (`lettuce_stance`); the truth is measured on the
            finished surface.
    """

    seed: int
    day: float
    cultivar: Cultivar
    treatment: Treatment
    leaves: tuple[Leaf, ...]
    flat_leaf_area_m2: float
    fresh_mass_kg: float
    dry_mass_kg: float
    wanted_height_m: float
    wanted_diameter_m: float


def grow(seed: int, day: float, cultivar: str, treatment: str = STANDARD) -> Lettuce:
    """The plant of this seed on this day.

    Raises:
        InputError: The cultivar or the treatment is unknown, or the day is outside 5 to 60.
    """
    kind, treated = check_growable(day, cultivar, treatment)
    leaves = _leaves(seed, day, kind, treated)
    area_cm2 = 1e4 * sum(leaf.flat_area_m2 for leaf in leaves)
    share = felt(day)
    larger = np.log(area_cm2) - table_curve(kind, "area_cm2")(day) - share * np.log(treated.area)
    fresh_z, dry_z, height_z, width_z = _scatter(seed)

    def about(quantity: str, effect: float, slope: float, deviation: float) -> float:
        log = table_curve(kind, quantity)(day) + share * np.log(effect) + slope * larger + deviation
        return float(np.exp(log))

    return Lettuce(
        seed, day, kind, treated, leaves,
        flat_leaf_area_m2=area_cm2 * 1e-4,
        fresh_mass_kg=about("fresh_g", treated.fresh, FRESH_SLOPE, FRESH_LOG_STD * fresh_z) / 1e3,
        dry_mass_kg=about("dry_g", treated.dry, DRY_SLOPE, DRY_LOG_STD * dry_z) / 1e3,
        wanted_height_m=about("height_cm", treated.area**SIZE_POWER, SIZE_POWER, SIZE_LOG_STD * height_z) / 100,
        wanted_diameter_m=about("diameter_cm", treated.area**SIZE_POWER, SIZE_POWER, SIZE_LOG_STD * width_z) / 100,
    )  # fmt: skip


def mean_area_cm2(cultivar: Cultivar, day: float) -> float:
    """Leaf area of the average untreated plant: the tables' weeks joined by a smooth curve of the logarithm."""
    return float(np.exp(table_curve(cultivar, "area_cm2")(day)))


def _scatter(seed: int) -> Array:
    """How a plant differs from the average of its area, in standard deviations: fresh, dry, height, width; for life."""
    fresh, own, height, width = np.random.default_rng([seed, 0xBA1A]).standard_normal(4)
    return np.array([fresh, RESIDUAL_CORRELATION * fresh + np.sqrt(1 - RESIDUAL_CORRELATION**2) * own, height, width])


_DAYS = np.arange(LAST_DAY + 1)


@lru_cache(maxsize=1)
def _effect_factor() -> Array:
    """What turns independent normal numbers into the plant effect of each of `_DAYS`: root of its covariance."""
    apart = _DAYS[:, None] - _DAYS[None, :]
    shares = zip(PLANT_SHARES, PLANT_MEMORY_D, strict=True)
    covariance = sum(share * np.exp(-((apart / memory) ** 2) / 2) for share, memory in shares)
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(PLANT_LOG_STD * vectors * np.sqrt(np.maximum(values, 0)))


def _plant_effect(seed: int) -> Array:
    """The logarithm of how much larger than the average the plant is, on each of `_DAYS`."""
    return np.asarray(_effect_factor() @ np.random.default_rng([seed, 0xEFFEC7]).standard_normal(len(_DAYS)))


def _grown(age_d: Array | float) -> Array:
    return np.asarray(1 / (1 + np.exp(-(np.asarray(age_d) - HALF_GROWN_D) / GROWTH_SCALE_D)))


_KNOTS_D = np.array([-3.0, 3.0, 9.0, 15.0, 21.0, 28.0, 36.0, 46.0, 60.0])


@lru_cache
def _final_areas_cm2(name: str) -> Array:
    """Final area of a leaf by the day it shows, at `_KNOTS_D`: smooth, and each day's leaves sum to the curve."""
    shown = FIRST_LEAF_D + LEAF_INTERVAL_D * np.arange(30)
    hats = np.array([np.interp(shown, _KNOTS_D, row) for row in np.eye(len(_KNOTS_D))])
    days = np.arange(8.0, 58.0)
    grown = np.where(days[:, None] > shown, _grown(days[:, None] - shown), 0.0)
    wanted = np.exp(table_curve(CULTIVARS[name], "area_cm2")(days))
    smooth = np.diff(np.eye(len(_KNOTS_D)), 2, axis=0) * 0.0025
    found, _ = nnls(np.vstack([(grown @ hats.T) / wanted[:, None], smooth]), np.r_[np.ones(50), np.zeros(len(smooth))])
    return np.maximum(found, 5.0)


@lru_cache(maxsize=256)
def _life(seed: int, cultivar: str, treatment: str) -> tuple[Array, Array, Array]:
    """Of all leaves: the day each shows, its azimuth, and its area in m2 on each of `_DAYS` (leaves, days)."""
    random = np.random.default_rng([seed, 0x1EAF])
    start = random.uniform(0, 2 * np.pi)
    jitter = random.standard_normal((MOST_LEAVES, 3))
    kind, treated = CULTIVARS[cultivar], TREATMENTS[treatment]
    number = np.arange(MOST_LEAVES)
    # A starved plant makes smaller leaves, and fewer: a fifth of the effect lies in their number.
    interval = LEAF_INTERVAL_D * treated.area**-0.2
    shown = FIRST_LEAF_D + interval * number + LEAF_INTERVAL_D * 0.12 * jitter[:, 0]
    shown[0] = min(shown[0], FIRST_LEAF_D + 0.5)
    finals = np.interp(shown, _KNOTS_D, _final_areas_cm2(cultivar)) * 1e-4 * np.exp(0.08 * jitter[:, 1])
    ages = _DAYS[None, :] - shown[:, None]
    areas = np.where(ages > 0, finals[:, None] * _grown(ages), 0.0)
    effect = np.array([felt(day) for day in _DAYS]) * np.log(treated.area)
    wanted_cm2 = np.exp(table_curve(kind, "area_cm2")(_DAYS) + _plant_effect(seed) + effect)
    areas *= wanted_cm2 * 1e-4 / areas.sum(axis=0)
    azimuths = start + GOLDEN_ANGLE_RAD * number + np.radians(6) * jitter[:, 2]
    return shown, azimuths, np.maximum.accumulate(areas, axis=1)


def _leaves(seed: int, day: float, cultivar: Cultivar, treatment: Treatment) -> tuple[Leaf, ...]:
    shown, azimuths, life = _life(seed, cultivar.name, treatment.name)
    areas = np.array([np.interp(day, _DAYS, life[i]) for i in range(MOST_LEAVES)])
    there = np.flatnonzero((shown < day) & (areas > 0))
    ages = day - shown
    oldest = ages[there].max()
    return tuple(
        Leaf(int(i), float(ages[i]), float(1 - ages[i] / oldest), float(azimuths[i]), float(areas[i]),
             float(max(life[i, -1], areas[i])))
        for i in there
    )  # fmt: skip
