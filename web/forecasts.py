"""When a plant will weigh what, from its own measurements and those of its kind: `reconstruction.growth` on the store.

A plant's kind are plants of the same cultivar that were sown on the same day, or, where it is alone, of the cultivar.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from reconstruction.growth.analysis import Grown, grown
from reconstruction.growth.forecast import HORIZON_DAYS, course, forecast
from reconstruction.growth.table import batches_of
from scheduler.rows import MeasurementRow, PlantRow
from trellis.errors import InputError
from web.answers import Answer
from web.api.errors import Refused
from web.farm import Farm

#: What two measurements of the same plant differ by, relative; as `trellis growth` takes it.
NOISE = 0.1
#: So many of its kind at most, and so many days of each: more tell little more of this one plant.
_KIND_MAX, _LOOKS_MAX, _AGE_MAX_DAYS = 24, 60, 200
_SIZE = "fresh_mass_g"


class CoursePoint(Answer):
    """Fresh mass at a time: the likeliest and the ends of 90 %; `ahead`: it has not come yet."""

    at: datetime
    age_days: float
    mass_kg: float
    low_kg: float
    high_kg: float
    ahead: bool


class ForecastAnswer(Answer):
    """A plant's growth, smoothed up to its newest measurement and carried on from there.

    `ready_at` is when it first reaches the target (`low` and `high`: 90 %), None beyond `horizon_days`; `reached` says
    that it has. `plants` tells of how many plants of its kind the curve was made.
    """

    plant: str
    target_kg: float | None
    reached: bool
    ready_at: datetime | None
    ready_low_at: datetime | None
    ready_high_at: datetime | None
    horizon_days: int
    plants: int
    course: tuple[CoursePoint, ...]


def forecast_of(farm: Farm, name: str, target_kg: float | None, days: int) -> ForecastAnswer:
    """The forecast of a plant.

    Raises:
        InputError: There is no such plant.
        Refused: It has no sowing date, or too few masses to tell its growth by.
    """
    plant = farm.store.plant(name)
    key = ("forecast", name, target_kg, days)
    newest = farm.store.measurements(name, limit=1)
    known = farm.remembered.get(key)
    if known is None or known[0] != newest:
        if len([one for one in farm.remembered if one[0] == "forecast"]) > _KIND_MAX:
            farm.remembered.clear()
        known = farm.remembered[key] = newest, _forecast(farm, plant, target_kg, days)
    return known[1]


def _forecast(farm: Farm, plant: PlantRow, target_kg: float | None, days: int) -> ForecastAnswer:
    if plant.sown is None:
        raise Refused(f"{plant.name} has no sowing date; add `sown` to it in [[wall.plants]]")
    kind = _kind(farm, plant)
    rows = [row for one in kind for row in _rows(one, farm.store.measurements(one.name, limit=_LOOKS_MAX))]
    if sum(row["plant"] == plant.name for row in rows) < 3:
        raise Refused(f"{plant.name} has fewer than three masses; a forecast needs three")
    part = next(one for one in grown(batches_of(Path(farm.name), rows, NOISE)) if one.seen.size.name == _SIZE)
    row = part.seen.plants.index(plant.name)
    last = int(part.seen.days[-1])
    ready, low, high, reached = None, None, None, False
    if target_kg is not None:
        said = forecast(part.curve, part.smoothed, last, 1000 * target_kg)
        ready, low, high = (_at(plant, float(day[row])) for day in (said.day, said.low_day, said.high_day))
        reached = bool(said.day[row] <= last)
    return ForecastAnswer(
        plant=plant.name,
        target_kg=target_kg,
        reached=reached,
        ready_at=ready,
        ready_low_at=low,
        ready_high_at=high,
        horizon_days=HORIZON_DAYS,
        plants=len(part.seen.plants),
        course=tuple(_course(plant, part, row, days)),
    )


def _kind(farm: Farm, plant: PlantRow) -> list[PlantRow]:
    """The plant first, then others of its kind, nearest on the wall first."""
    others = [one for one in farm.store.plants(active_only=False) if one.name != plant.name]
    alike = [one for one in others if (one.cultivar, one.sown) == (plant.cultivar, plant.sown)]
    alike = alike or [one for one in others if one.cultivar == plant.cultivar and one.sown is not None]
    alike.sort(key=lambda one: float(np.hypot(*np.subtract(one.position_m[:2], plant.position_m[:2]))))
    return [plant, *alike[: _KIND_MAX - 1]]


def _rows(plant: PlantRow, measured: Iterable[MeasurementRow]) -> list[dict[str, object]]:
    """Trusted masses as rows of the table of growth."""
    rows: list[dict[str, object]] = []
    for one in measured:
        mass_kg, age = one.mass.fresh_mass_kg, _age_days(plant, one.measured_at)
        if mass_kg and one.traits.trusted and age is not None and 0 <= age <= _AGE_MAX_DAYS:
            rows.append({"plant": plant.name, "batch": "kind", "day": age, _SIZE: 1000 * mass_kg})
    return rows


def _course(plant: PlantRow, part: Grown, row: int, days: int) -> Iterable[CoursePoint]:
    """Smoothed from the first look to the last, then ahead."""
    seen = np.flatnonzero(part.seen.seen[row])
    for index in range(int(seen[0]), len(part.seen.days)):
        level, std = part.smoothed.log_size[row, index], 1.6449 * part.smoothed.log_size_std[row, index]
        yield _point(plant, float(part.seen.days[index]), np.exp([level - std, level, level + std]), ahead=False)
    last = float(part.seen.days[-1])
    for ahead, sizes in enumerate(course(part.curve, part.smoothed, last, days)[1:, row], start=1):
        yield _point(plant, last + ahead, sizes, ahead=True)


def _point(plant: PlantRow, day: float, grams: np.ndarray, *, ahead: bool) -> CoursePoint:
    low, middle, high = (round(float(one) / 1000, 6) for one in grams)
    at = _at(plant, day)
    if at is None:
        raise InputError(f"{plant.name} has no sowing date")
    return CoursePoint(at=at, age_days=day, mass_kg=middle, low_kg=low, high_kg=high, ahead=ahead)


def _sown_at(plant: PlantRow) -> datetime | None:
    return None if plant.sown is None else datetime.fromisoformat(f"{plant.sown}T00:00:00+00:00")


def _age_days(plant: PlantRow, at: datetime) -> float | None:
    sown = _sown_at(plant)
    return None if sown is None else (at - sown).total_seconds() / 86400


def _at(plant: PlantRow, day: float) -> datetime | None:
    sown = _sown_at(plant)
    return sown + timedelta(days=day) if sown is not None and np.isfinite(day) else None
