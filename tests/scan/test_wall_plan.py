"""The wall as one drive."""

import pytest

from scan.cell import Cell
from scan.clearance import Obstacle
from scan.config import ViewsSection
from scan.wall_plan import plan_wall

FEW = ViewsSection(count=6, least=4)


def test_plants_are_planned_in_a_serpentine_and_what_cannot_be_had_is_reported(cell: Cell) -> None:
    sites = ((0, 0), (0, 1), (1, 0), (1, 1))
    plants = [Obstacle(f"p{i}{j}", (0.91 + 0.19 * i, 0.81 + 0.19 * j, 0.0), 0.08, 0.07) for i, j in sites]
    outside = Obstacle("far", (3.5, 1.0, 0.0), 0.08, 0.07)
    found = plan_wall(cell, [*plants, outside], FEW, workers=1)
    assert [one.plant for one in found.plans] == ["p00", "p01", "p11", "p10"]
    assert [one.plant for one in found.refused] == ["far"]
    assert "can be had" in found.refused[0].reason
    assert found.photographs == 24
    # From park to park in one go: less than the four single drives, which each return to the park.
    assert found.duration_s < sum(one.duration_s for one in found.plans)
    assert found.photographs_per_hour == pytest.approx(3600 * 24 / found.duration_s)


def test_only_the_wanted_plants_are_planned_among_all(cell: Cell) -> None:
    plants = [Obstacle(name, (0.91 + 0.19 * i, 0.81, 0.0), 0.08, 0.07) for i, name in enumerate(("a", "b"))]
    found = plan_wall(cell, plants, FEW, ["b"], workers=1)
    assert [one.plant for one in found.plans] == ["b"]
