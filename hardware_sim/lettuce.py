"""How a simulated lettuce grows: its leaves of a day, and its sizes and masses by the measured laws of real heads.

Day counts from sowing; the harvest of week w in the tables is taken as day 5 + 7 w. Nothing is remembered between days:
a plant is a function of (seed, day, cultivar), so that any day can be looked at alone and follows from the day before.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import nnls

from hardware_sim.rigid import Array
from trellis.errors import InputError

GOLDEN_ANGLE_RAD = np.radians(137.5)
FIRST_DAY, LAST_DAY = 5.0, 60.0
LEAF_INTERVAL_D = 2.3
#: Day on which the first true leaf shows: 6 to 7 leaves in week 1, 25 in week 7, as counted on real heads.
FIRST_LEAF_D = -3.0
#: A leaf's area follows a logistic of its age: half way at 16 days, with a time scale of 4.5 days.
HALF_GROWN_D, GROWTH_SCALE_D = 16.0, 4.5


@dataclass(frozen=True)
class Habit:
    """How leaves stand, degrees above the wall, from the oldest leaf to the newest.

    The foot of a leaf rises from `outer_deg` to `inner_deg`, partly as `rank ** steepening`; along its length a leaf
    bends by `droop_deg` if old and by `heading_deg` in the middle of a head, which forms from `heading_day` on over
    `heading_days`. Young plants stand steeper, by `young_deg` that fades with `young_days`.
    """

    outer_deg: float
    inner_deg: float
    steepening: float
    droop_deg: float
    heading_deg: float
    heading_day: float
    heading_days: float
    young_deg: float
    young_days: float


@dataclass(frozen=True)
class Cultivar:
    """What differs between kinds of lettuce; the height of the edge's waves is a share of a leaf's length."""

    name: str
    areas_cm2: tuple[float, ...]
    width_by_length: float
    habit: Habit
    wave: tuple[float, float]
    frill: float
    flatness: float
    green: tuple[float, float, float]


#: Areas of weeks 1, 3, 5, 7: Salanova (a butterhead) and Lugano (loose leaves) of Hemming et al. 2021. The habits are
#: fitted so that height and diameter follow the same tables.
CULTIVARS = {
    "butterhead": Cultivar(
        "butterhead", (77, 568, 2047, 4141), 1.00, Habit(-5, 68, 3.4, 8, 66, 12, 22, 79, 16), (0.05, 0.08), 0.0, 1.3,
        (0.130, 0.275, 0.052),
    ),
    "looseleaf": Cultivar(
        "looseleaf", (86, 557, 1814, 3125), 0.95, Habit(23, 66, 3.5, 10, 42, 14, 30, 34, 14), (0.08, 0.11), 0.012, 1.5,
        (0.110, 0.230, 0.042),
    ),
}  # fmt: skip
HARVEST_DAYS = (12.0, 26.0, 40.0, 54.0)

#: Between plants of one batch: log s.d. .135; a plant stays what it is (correlation .86 after 4 days, .38 after 26).
PLANT_LOG_STD, PLANT_MEMORY_D = 0.135, 27.0
#: Log s.d. of mass at a given leaf area within one cultivar.
MASS_LOG_STD = 0.15


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
    """A plant of one day: its leaves, oldest first, and what a balance and a leaf-area meter would say."""

    seed: int
    day: float
    cultivar: Cultivar
    leaves: tuple[Leaf, ...]
    flat_leaf_area_m2: float
    fresh_mass_kg: float
    dry_mass_kg: float


def grow(seed: int, day: float, cultivar: str) -> Lettuce:
    """The plant of this seed on this day.

    Raises:
        InputError: The cultivar is unknown, or the day is outside 5 to 60.
    """
    kind = check_growable(day, cultivar)
    area_cm2 = mean_area_cm2(kind, day) * np.exp(_plant_effect(seed, day))
    fresh_z, dry_z = _mass_scatter(seed)
    fresh_g = 0.0143 * area_cm2**1.184 * np.exp(MASS_LOG_STD * fresh_z)
    dry_g = 0.00222 * area_cm2**1.035 * np.exp(MASS_LOG_STD * dry_z)
    leaves = _leaves(seed, day, kind, area_cm2 * 1e-4)
    return Lettuce(seed, day, kind, leaves, float(area_cm2 * 1e-4), float(fresh_g / 1e3), float(dry_g / 1e3))


def check_growable(day: float, cultivar: str) -> Cultivar:
    """The cultivar; raises `InputError` where it is unknown or the day outside 5 to 60, before any work is done."""
    kind = cultivar_named(cultivar)
    if not FIRST_DAY <= day <= LAST_DAY:
        raise InputError(f"day = {day:g}: a simulated lettuce is known from day {FIRST_DAY:g} to {LAST_DAY:g}")
    return kind


def cultivar_named(name: str) -> Cultivar:
    """The cultivar, or an InputError that lists those there are."""
    if name not in CULTIVARS:
        raise InputError(f"cultivar = {name!r}: the simulated farm grows {', '.join(CULTIVARS)}")
    return CULTIVARS[name]


def mean_area_cm2(cultivar: Cultivar, day: float) -> float:
    """Leaf area of the average plant: the tables' weeks joined by a smooth curve of the logarithm."""
    return float(np.exp(_log_area_curve(cultivar.name)(day)))


@lru_cache
def _log_area_curve(name: str) -> PchipInterpolator:
    first, *rest = CULTIVARS[name].areas_cm2
    # Before the first harvest a seedling of 3 cm2 on day 0; after the last a growth of 1.5 % a day.
    areas = [3.0, first, *rest, rest[-1] * np.exp(0.015 * 11)]
    return PchipInterpolator([0.0, *HARVEST_DAYS, 65.0], np.log(areas))


@lru_cache(maxsize=4096)
def _effect_walk(seed: int) -> Array:
    random = np.random.default_rng([seed, 0xEFFEC7])
    keep = np.exp(-1 / PLANT_MEMORY_D)
    walk = [random.standard_normal()]
    for _ in range(int(LAST_DAY) + 1):
        walk.append(keep * walk[-1] + np.sqrt(1 - keep**2) * random.standard_normal())
    return PLANT_LOG_STD * np.array(walk)


def _plant_effect(seed: int, day: float) -> float:
    walk = _effect_walk(seed)
    return float(np.interp(day, np.arange(len(walk)), walk))


def _mass_scatter(seed: int) -> tuple[float, float]:
    """How much heavier than the law a plant is for its area, fresh and dry, in standard deviations: kept for life."""
    common, fresh, dry = np.random.default_rng([seed, 0xBA1A]).standard_normal(3)
    return np.sqrt(0.6) * common + np.sqrt(0.4) * fresh, np.sqrt(0.6) * common + np.sqrt(0.4) * dry


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
    wanted = np.exp(_log_area_curve(name)(days))
    smooth = np.diff(np.eye(len(_KNOTS_D)), 2, axis=0) * 0.0025
    found, _ = nnls(np.vstack([(grown @ hats.T) / wanted[:, None], smooth]), np.r_[np.ones(50), np.zeros(len(smooth))])
    return np.maximum(found, 5.0)


def _leaves(seed: int, day: float, cultivar: Cultivar, area_m2: float) -> tuple[Leaf, ...]:
    random = np.random.default_rng([seed, 0x1EAF])
    start = random.uniform(0, 2 * np.pi)
    jitter = random.standard_normal((40, 3))
    shown = FIRST_LEAF_D + LEAF_INTERVAL_D * (np.arange(40) + 0.12 * jitter[:, 0])
    there = np.flatnonzero(shown < day)
    finals = np.interp(shown, _KNOTS_D, _final_areas_cm2(cultivar.name)) * 1e-4 * np.exp(0.12 * jitter[:, 1])
    ages = day - shown
    areas = finals * _grown(ages)
    scale = area_m2 / areas[there].sum()
    azimuths = start + GOLDEN_ANGLE_RAD * np.arange(40) + np.radians(6) * jitter[:, 2]
    return tuple(
        Leaf(int(i), float(ages[i]), float(1 - ages[i] / ages[0]), float(azimuths[i]), float(scale * areas[i]),
             float(max(finals[i], scale * areas[i])))
        for i in there
    )  # fmt: skip
