"""Kinds of simulated lettuce and how they are grown: the measured tables by week, and what treatments do to them.

Day counts from sowing; the harvest of week w in the tables is taken as day 5 + 7 w.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.interpolate import PchipInterpolator

from trellis.errors import InputError

HARVEST_DAYS = (12.0, 26.0, 40.0, 54.0)
SECOND_WEEK_DAY = 19.0
FIRST_DAY, LAST_DAY = 5.0, 60.0


@dataclass(frozen=True)
class Tables:
    """Means of the harvests of weeks 1, 3, 5 and 7, and the dry mass of week 2.

    Between weeks 1 and 2 the dry mass grows fivefold while the area doubles: seedlings come out of the nursery at 5 %
    dry matter and are at 9 % a week later. No smooth curve from week 1 to week 3 says that.
    """

    area_cm2: tuple[float, float, float, float]
    fresh_g: tuple[float, float, float, float]
    dry_g: tuple[float, float, float, float]
    height_cm: tuple[float, float, float, float]
    diameter_cm: tuple[float, float, float, float]
    dry_week_2_g: float


@dataclass(frozen=True)
class Habit:
    """How leaves stand in weeks 1, 3, 5 and 7, degrees.

    The foot of a leaf stands `outer_deg` above the wall if it is the oldest and `inner_deg` if the newest, in between
    partly as `rank ** steepening`. Along its length a leaf bends up by `droop_deg` (down where negative) if old, and by
    `heading_deg` in the middle of a head. Found by a search so that height and diameter of the average plant follow the
    tables; from there each plant finds its own stance: `lettuce_stance`.
    """

    outer_deg: tuple[float, float, float, float]
    inner_deg: tuple[float, float, float, float]
    droop_deg: tuple[float, float, float, float]
    heading_deg: tuple[float, float, float, float]
    steepening: float

    def angles_deg(self, day: float) -> tuple[float, float, float, float]:
        """Outer, inner, droop and heading on a day."""
        rows = (self.outer_deg, self.inner_deg, self.droop_deg, self.heading_deg)
        outer, inner, droop, heading = (float(np.interp(day, HARVEST_DAYS, row)) for row in rows)
        return outer, inner, droop, heading


@dataclass(frozen=True)
class Cultivar:
    """What differs between kinds of lettuce.

    Args:
        tables: Sizes and masses by week.
        width_by_length: Of a leaf in the middle of a plant's life; the first leaves are `first_slimness` and the last
            `late_slimness` narrower.
        habit: How the leaves stand.
        wave: Height of the edge's waves as a share of the leaf's length, from and to; `frill`: how ragged the edge is.
        flatness: How much wider than its distance from the axis an outer leaf's cross-section curves.
        green: Albedo of the blade, linear red, green, blue; `red`: share of it that anthocyanin covers in the light.
    """

    name: str
    tables: Tables
    width_by_length: float
    first_slimness: float
    late_slimness: float
    habit: Habit
    wave: tuple[float, float]
    frill: float
    flatness: float
    green: tuple[float, float, float]
    red: float = 0.0


_LOOSE = Habit((35, 27, 22, 20), (70, 67, 59, 77), (20, 2, 7, -2), (-23, -12, 26, 18), 2.0)
_RED = Habit((37, 25, 23, 19), (60, 56, 66, 85), (30, 15, -4, -16), (-22, -5, 19, 14), 2.0)
#: Hemming et al. 2021 (4TU, 10.4121/15023088): Salanova is the butterhead, Lugano the loose leaves. The trial names no
#: cultivar that is known to be red: `redleaf` has the sizes of its Satine, a slimmer loose-leaf kind, and red leaves.
CULTIVARS = {
    "butterhead": Cultivar(
        "butterhead",
        Tables((77, 568, 2047, 4141), (2.0, 18.5, 81, 219), (0.12, 1.41, 4.7, 10.8), (6.7, 7.2, 10.4, 15.0),
               (13.8, 20.3, 25.6, 31.0), 0.57),
        1.32, 0.856, 0.08, Habit((20, 17, 10, 13), (69, 67, 45, 54), (23, 3, 7, 3), (-15, 1, 26, 33), 2.0),
        (0.05, 0.08), 0.0, 1.3, (0.130, 0.275, 0.052),
    ),
    "looseleaf": Cultivar(
        "looseleaf",
        Tables((86, 557, 1814, 3125), (2.8, 27.9, 116, 287), (0.12, 1.85, 5.5, 11.0), (7.3, 7.4, 12.2, 16.8),
               (11.6, 17.9, 21.4, 26.5), 0.58),
        1.19, 0.69, 0.35, _LOOSE, (0.08, 0.11), 0.012, 1.5, (0.110, 0.230, 0.042),
    ),
    "redleaf": Cultivar(
        "redleaf",
        Tables((72, 567, 1410, 2568), (2.35, 25.4, 87.6, 186), (0.11, 1.47, 4.32, 8.46), (6.8, 7.5, 11.4, 17.7),
               (10.0, 17.9, 21.5, 25.4), 0.40),
        1.07, 0.75, 0.38, _RED, (0.08, 0.11), 0.016, 1.5, (0.105, 0.200, 0.045), 0.9,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Treatment:
    """What a treatment leaves of the untreated plant in week 7, as shares; `pallor`: how yellow its leaves turn."""

    name: str
    area: float = 1.0
    fresh: float = 1.0
    dry: float = 1.0
    pallor: float = 0.0


def _fewer(name: str, fresh: float, pallor: float, dry: float | None = None) -> Treatment:
    """Area (and dry mass, where nobody weighed it) by the laws FW ~ LA^1.184 and DW ~ LA^1.035."""
    area = fresh ** (1 / 1.184)
    return Treatment(name, area, fresh, area**1.035 if dry is None else dry, pallor)


STANDARD = "standard"
#: Nitrogen in the solution, mM: heads of 27, 97 and 285 g, so that 12 is the standard. pH 7.0 costs 26 % of the fresh
#: and 18 % of the dry mass that pH 5.8 gives.
TREATMENTS = {
    treatment.name: treatment
    for treatment in (
        Treatment(STANDARD),
        _fewer("nitrogen-0.75", 27 / 285, 0.75),
        _fewer("nitrogen-3", 97 / 285, 0.4),
        Treatment("nitrogen-12"),
        Treatment("ph-5.8"),
        _fewer("ph-7.0", 0.74, 0.12, 0.82),
    )
}


def cultivar_named(name: str) -> Cultivar:
    """The cultivar, or an InputError that lists those there are."""
    if name not in CULTIVARS:
        raise InputError(f"cultivar = {name!r}: the simulated farm grows {', '.join(CULTIVARS)}")
    return CULTIVARS[name]


def treatment_named(name: str) -> Treatment:
    """The treatment, or an InputError that lists those there are."""
    if name not in TREATMENTS:
        raise InputError(f"treatment = {name!r}: the simulated farm knows {', '.join(TREATMENTS)}")
    return TREATMENTS[name]


def check_growable(day: float, cultivar: str, treatment: str = STANDARD) -> tuple[Cultivar, Treatment]:
    """Both by name; raises `InputError` where one is unknown or the day outside 5 to 60, before any work is done."""
    found = cultivar_named(cultivar), treatment_named(treatment)
    if not FIRST_DAY <= day <= LAST_DAY:
        raise InputError(f"day = {day:g}: a simulated lettuce is known from day {FIRST_DAY:g} to {LAST_DAY:g}")
    return found


#: Days in which a treatment's effect comes.
_EFFECT_D = 12.0


def felt(day: float) -> float:
    """How much of a treatment's effect on the logarithm is there: none on the first day, 1 in week 7.

    Soon enough that a starved plant, too, is larger each week than the week before.
    """
    come, whole = (1 - np.exp(-max(d - FIRST_DAY, 0.0) / _EFFECT_D) for d in (day, HARVEST_DAYS[-1]))
    return float(come / whole)


def table_curve(cultivar: Cultivar, quantity: str) -> PchipInterpolator:
    """The logarithm of a quantity of the average untreated plant over days: the tables' weeks, joined smoothly."""
    return _curve(cultivar.name, quantity)


#: Power of leaf area that each quantity follows outside the tables; seedlings stretch more than heads do.
_POWERS = {"area_cm2": (1, 1), "fresh_g": (1.184, 1.184), "dry_g": (1.035, 1.035), "height_cm": (0.35, 0.294),
           "diameter_cm": (0.35, 0.211)}  # fmt: skip
#: Leaf area on the day of sowing (what a seedling's curve starts from), and growth a day after the last harvest.
_SEEDLING_CM2, _LAST_GROWTH = 3.0, 0.015


@lru_cache
def _curve(name: str, quantity: str) -> PchipInterpolator:
    tables = CULTIVARS[name].tables
    logs = np.log(getattr(tables, quantity))
    early, late = _POWERS[quantity]
    before = logs[0] + early * np.log(_SEEDLING_CM2 / tables.area_cm2[0])
    after = logs[-1] + late * _LAST_GROWTH * (65 - HARVEST_DAYS[-1])
    days, values = [0.0, *HARVEST_DAYS, 65.0], [before, *logs, after]
    if quantity == "dry_g":
        days.insert(2, SECOND_WEEK_DAY)
        values.insert(2, np.log(tables.dry_week_2_g))
    return PchipInterpolator(days, values)
