"""The trial on the wall: groups by `treatment`, how they compare look by look, what was harvested, and the power.

The statistics are `reconstruction.growth.trials`; the groups are those of the configuration.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Literal

from reconstruction.growth.analysis import trial_of
from reconstruction.growth.table import batches_of
from reconstruction.growth.trials import Trial
from scan.config import PlantTable
from scheduler.rows import MeasurementRow
from scheduler.rows_people import WeighingRow
from trellis.errors import InputError
from web.answers import Answer
from web.api.errors import Refused
from web.farm import Farm
from web.forecasts import NOISE

Size = Literal["fresh_mass_g", "leaf_area_cm2", "height_cm"]
_LOOKS_MAX, _AGE_MAX_DAYS = 200, 200


class GroupAnswer(Answer):
    """A group: its plants, how many of them gave a measurement, and what was harvested of it, means in kilograms."""

    name: str
    plants: tuple[str, ...]
    measured: int
    harvested: int
    harvested_fresh_kg: float | None
    harvested_fresh_std_kg: float | None
    harvested_dry_kg: float | None


class ComparisonAnswer(Answer):
    """Two groups at an age: by what share the second is larger, its 95 % interval, p, and p after Holm's correction."""

    age_days: int
    first: str
    second: str
    plants: tuple[int, int]
    effect: float
    effect_low: float
    effect_high: float
    p: float
    p_holm: float


class NeededAnswer(Answer):
    """So many plants a group show a difference of so many percent in 8 of 10 trials."""

    percent: int
    plants: int


class TrialAnswer(Answer):
    """A trial: `p_groups` that the groups are alike over all looks, `p_growth` that their difference stays as it is.

    `refusal` says why they cannot be compared yet; the groups stand all the same.
    """

    size: Size
    groups: tuple[GroupAnswer, ...]
    looks_days: tuple[int, ...]
    p_groups: float | None
    p_growth: float | None
    spread_percent: float | None
    needed: tuple[NeededAnswer, ...]
    comparisons: tuple[ComparisonAnswer, ...]
    refusal: str | None


def trial(farm: Farm, size: Size) -> TrialAnswer:
    """The trial, read anew when anything has changed; raises `Refused` where no plant has a treatment."""
    if not any(plant.treatment for plant in farm.plants):
        raise Refused('no plant has a treatment; add `treatment = "..."` to plants in [[wall.plants]]')
    return farm.held.get(("trial", size), lambda: _trial(farm, size))


def trial_rows(farm: Farm) -> list[dict[str, Any]]:
    """A plant on a day a row, in the units of `trellis growth`, of all plants with a treatment; trusted ones only."""
    rows = []
    for plant in _in_trial(farm):
        for one in reversed(farm.store.measurements(plant.name, limit=_LOOKS_MAX)):
            row = _row(plant, one)
            if row is not None:
                rows.append(row)
    return rows


def _trial(farm: Farm, size: Size) -> TrialAnswer:
    rows = [row for row in trial_rows(farm) if row.get(size)]
    found, refusal = None, None
    try:
        if not rows:
            raise InputError(f"nothing was measured of {size} on plants with a sowing date yet")
        found = trial_of(batches_of(Path(farm.name), rows, NOISE), size, None)
    except InputError as error:
        refusal = str(error)
    weighings = farm.store.weighings()
    groups: dict[str, list[PlantTable]] = {}
    for plant in _in_trial(farm):
        groups.setdefault(plant.treatment, []).append(plant)
    measured = {row["plant"] for row in rows}
    told = tuple(_group(name, plants, measured, weighings) for name, plants in groups.items())
    return _answer(size, told, found, refusal)


def _answer(size: Size, groups: tuple[GroupAnswer, ...], found: Trial | None, refusal: str | None) -> TrialAnswer:
    comparisons = () if found is None else found.comparisons
    return TrialAnswer(
        size=size,
        groups=groups,
        looks_days=() if found is None else found.looks,
        p_groups=None if found is None else found.p_groups,
        p_growth=None if found is None else found.p_growth,
        spread_percent=None if found is None else found.spread_percent,
        needed=()
        if found is None
        else tuple(NeededAnswer(percent=percent, plants=plants) for percent, plants in found.plants_needed.items()),
        comparisons=tuple(
            ComparisonAnswer(age_days=one.day, **{k: v for k, v in vars(one).items() if k != "day"})
            for one in comparisons
        ),
        refusal=refusal,
    )


def _in_trial(farm: Farm) -> list[PlantTable]:
    return [plant for plant in farm.plants if plant.treatment]


def _group(
    name: str, plants: Sequence[PlantTable], measured: set[str], weighings: Sequence[WeighingRow]
) -> GroupAnswer:
    names = tuple(plant.name for plant in plants)
    cut = [one for one in weighings if one.harvested and one.plant in names]
    fresh = [one.fresh_mass_kg for one in cut if one.fresh_mass_kg]
    dry = [one.dry_mass_kg for one in cut if one.dry_mass_kg]
    return GroupAnswer(
        name=name,
        plants=names,
        measured=sum(one in measured for one in names),
        harvested=len({one.plant for one in cut}),
        harvested_fresh_kg=mean(fresh) if fresh else None,
        harvested_fresh_std_kg=stdev(fresh) if len(fresh) > 1 else None,
        harvested_dry_kg=mean(dry) if dry else None,
    )


def _row(plant: PlantTable, one: MeasurementRow) -> dict[str, Any] | None:
    if plant.sown is None or not one.traits.trusted:
        return None
    age = (one.measured_at.date() - plant.sown).days
    if not 0 <= age <= _AGE_MAX_DAYS:
        return None
    sizes = {
        "fresh_mass_g": one.mass.fresh_mass_kg and 1000 * one.mass.fresh_mass_kg,
        "leaf_area_cm2": 1e4 * one.traits.leaf_area_m2,
        "height_cm": one.traits.height_m and 100 * one.traits.height_m,
    }
    known = {name: float(value) for name, value in sizes.items() if value}
    return {"plant": plant.name, "cultivar": plant.cultivar or "", "treatment": plant.treatment, "day": age} | known
