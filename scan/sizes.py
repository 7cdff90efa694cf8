"""How large a plant is likely to be: what is given on the wall, or else a prior by age.

Source: FACTS of the field, section 6: weekly harvests of real hydroponic heads of two cultivars, with log standard
deviations of 0.14 for the diameter and 0.20 for the height.
"""

from dataclasses import dataclass
from datetime import date
from math import exp

import numpy as np

from scan.clearance import Obstacle
from scan.wall_section import PlantTable, WallSection
from trellis.errors import InputError

#: Days of the harvests in weeks 1, 3, 5 and 7.
_DAYS = (7.0, 21.0, 35.0, 49.0)
#: Diameter and height at those, metres.
_TABLES = {
    "lugano": ((0.116, 0.179, 0.214, 0.265), (0.073, 0.074, 0.122, 0.168)),
    "salanova": ((0.138, 0.203, 0.256, 0.310), (0.067, 0.072, 0.104, 0.150)),
}
_DIAMETER_LOG_STD, _HEIGHT_LOG_STD = 0.14, 0.20
#: The age of a plant that nobody gave: grown, so that it is surely not thought too small.
_UNKNOWN_AGE_DAYS = 45.0


@dataclass(frozen=True)
class PlantSize:
    """Half the width across the wall and the height out of it, metres."""

    radius_m: float
    height_m: float


def size_by_age(age_days: float, cultivar: str | None = None, stds: float = 1.0) -> PlantSize:
    """The size that a plant of an age stays within with `stds` standard deviations to spare.

    A cultivar that is not in the tables is taken for the mean of those that are. Between the harvests it is
    interpolated; before the first and after the last that harvest's size is taken.
    """
    known = [_TABLES[cultivar.lower()]] if cultivar and cultivar.lower() in _TABLES else list(_TABLES.values())
    diameter_m, height_m = (
        float(np.mean([np.interp(age_days, _DAYS, table[row]) for table in known])) for row in (0, 1)
    )
    return PlantSize(diameter_m / 2 * exp(stds * _DIAMETER_LOG_STD), height_m * exp(stds * _HEIGHT_LOG_STD))


def age_days(plant: PlantTable, today: date) -> float | None:
    """Days since it was sown, not below 0, or None where the wall does not say."""
    return None if plant.sown is None else float(max((today - plant.sown).days, 0))


def planned_size(plant: PlantTable, today: date) -> PlantSize:
    """The size to plan for: what the wall says, and the prior by age for what it does not."""
    age = age_days(plant, today)
    prior = size_by_age(_UNKNOWN_AGE_DAYS if age is None else age, plant.cultivar)
    return PlantSize(plant.radius_m or prior.radius_m, plant.height_m or prior.height_m)


def obstacles(wall: WallSection, today: date) -> tuple[Obstacle, ...]:
    """Every plant on the wall at the size to plan for, in the wall's order."""
    sizes = [planned_size(plant, today) for plant in wall.plants]
    return tuple(
        Obstacle(plant.name, plant.position_m, size.radius_m, size.height_m)
        for plant, size in zip(wall.plants, sizes, strict=True)
    )


def one_of(plants: tuple[Obstacle, ...], name: str) -> tuple[Obstacle, tuple[Obstacle, ...]]:
    """The plant of a name, and all others.

    Raises:
        InputError: There is none of that name.
    """
    found = [plant for plant in plants if plant.name == name]
    if not found:
        known = ", ".join(plant.name for plant in plants) or "none"
        raise InputError(f"there is no plant {name!r} in [wall]; known are: {known}")
    return found[0], tuple(plant for plant in plants if plant.name != name)
