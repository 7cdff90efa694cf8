"""The size to plan for: what the wall gives, else the tables of real heads."""

from datetime import date
from math import exp

import pytest

from scan.config import PlantTable, WallSection
from scan.sizes import obstacles, one_of, planned_size, size_by_age
from trellis.errors import InputError

TODAY = date(2026, 5, 22)


def test_size_is_the_harvested_one_with_a_standard_deviation_to_spare() -> None:
    # FACTS section 6: Salanova in week 5 was 25.6 cm across and 10.4 cm high.
    size = size_by_age(35, "Salanova")
    assert size.radius_m == pytest.approx(0.128 * exp(0.14))
    assert size.height_m == pytest.approx(0.104 * exp(0.20))
    assert size_by_age(28, "salanova", stds=0).radius_m == pytest.approx((0.203 + 0.256) / 4)


def test_an_unknown_cultivar_is_taken_for_the_mean() -> None:
    assert size_by_age(49, "butterhead", stds=0).radius_m == pytest.approx((0.265 + 0.310) / 4)


def test_beyond_the_tables_nothing_is_made_up() -> None:
    assert size_by_age(90) == size_by_age(49)
    assert size_by_age(0) == size_by_age(7)


def test_what_the_wall_says_comes_first() -> None:
    plant = PlantTable(name="a", position_m=(0.5, 0.6, 0.0), sown=date(2026, 5, 1), radius_m=0.2)
    size = planned_size(plant, TODAY)
    assert size.radius_m == 0.2
    assert size.height_m == size_by_age(21).height_m


def test_a_plant_of_no_known_age_is_taken_for_grown() -> None:
    plant = PlantTable(name="a", position_m=(0.5, 0.6, 0.0))
    assert planned_size(plant, TODAY) == size_by_age(45)


def test_one_plant_is_told_from_its_neighbours_by_name() -> None:
    wall = WallSection(plants=tuple(PlantTable(name=name, position_m=(0.5, 0.6, 0.0)) for name in "abc"))
    plant, others = one_of(obstacles(wall, TODAY), "b")
    assert (plant.name, [other.name for other in others]) == ("b", ["a", "c"])
    with pytest.raises(InputError, match=r"no plant 'x'.*known are: a, b, c"):
        one_of(obstacles(wall, TODAY), "x")
