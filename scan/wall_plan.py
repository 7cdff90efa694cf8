"""The whole wall as one drive: every plant's plan, and the way from plant to plant."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from scan.cell import Cell, CellPosture
from scan.clearance import Obstacle, Surroundings
from scan.order import move_s, one
from scan.plan import Plan, plan
from scan.route import way
from scan.tour import Place
from scan.views_section import ViewsSection
from trellis.errors import Unreachable


@dataclass(frozen=True)
class NoPlan:
    """A plant of which too little can be photographed, and why: reported, never thinned in silence."""

    plant: str
    reason: str


@dataclass(frozen=True, eq=False)
class WallPlan:
    """The plans of a wall in driving order.

    Args:
        plans: One for each plant that can be photographed.
        refused: The others.
        duration_s: Of the whole drive from park to park, settling included.
    """

    plans: tuple[Plan, ...]
    refused: tuple[NoPlan, ...]
    duration_s: float

    @property
    def photographs(self) -> int:
        return sum(len(found.stops) for found in self.plans)

    @property
    def photographs_per_hour(self) -> float:
        return 3600 * self.photographs / self.duration_s if self.duration_s else 0.0


def plan_wall(
    cell: Cell,
    plants: Sequence[Obstacle],
    views: ViewsSection,
    wanted: Sequence[str] | None = None,
    workers: int = 2,
) -> WallPlan:
    """Plan every plant with all others standing.

    Args:
        cell: The cell.
        plants: All that stand on the wall.
        views: How many views, how slanting, from how far.
        wanted: Names of those to photograph; all without.
        workers: Processes that plan.
    """
    order = _serpentine([plant for plant in plants if wanted is None or plant.name in wanted])
    jobs = []
    for number, plant in enumerate(order):
        before, after = order[max(number - 1, 0)], order[min(number + 1, len(order) - 1)]
        others = [other for other in plants if other is not plant]
        jobs.append((cell, plant, others, views, _between(before, plant), _between(plant, after)))
    if workers > 1:
        with ProcessPoolExecutor(workers) as pool:
            results = list(pool.map(_plan_one, jobs, chunksize=2))
    else:
        results = [_plan_one(job) for job in jobs]
    refused = tuple(result for result in results if isinstance(result, NoPlan))
    plans = _linked(cell, plants, [result for result in results if isinstance(result, Plan)])
    return WallPlan(plans, refused, wall_seconds(cell, plans))


def wall_seconds(cell: Cell, plans: Sequence[Plan]) -> float:
    """How long the drive takes from park to park, from plant to plant as each plan begins where the last one ended."""
    passed: list[CellPosture] = [cell.park]
    for found in plans:
        for stop in found.stops:
            passed += [*stop.via, stop.posture]
    passed += [cell.folded(passed[-1]), cell.park]
    moves_s = sum(float(move_s(cell, one(start), one(goal))[0, 0]) for start, goal in pairwise(passed))
    return moves_s + cell.pace.stop_s * sum(len(found.stops) for found in plans)


def _linked(cell: Cell, plants: Sequence[Obstacle], plans: Sequence[Plan]) -> tuple[Plan, ...]:
    """The plans, each beginning where the one before ends."""
    around, before, linked = Surroundings(cell, plants), cell.park, []
    for found in plans:
        first = replace(found.stops[0], via=way(cell, before, found.stops[0].posture, around))
        linked.append(replace(found, stops=(first, *found.stops[1:]), start=before))
        before = found.stops[-1].posture
    return tuple(linked)


def _between(one_plant: Obstacle, other: Obstacle) -> Place:
    """In the middle between two plants."""
    x, y = (np.array(one_plant.position_m) + other.position_m)[:2] / 2
    return float(x), float(y)


def _serpentine(plants: Sequence[Obstacle]) -> list[Obstacle]:
    """Column by column, up and down in turns."""
    columns: dict[float, list[Obstacle]] = {}
    for plant in sorted(plants, key=lambda plant: (round(plant.position_m[0], 2), plant.position_m[1])):
        columns.setdefault(round(plant.position_m[0], 2), []).append(plant)
    ordered: list[Obstacle] = []
    for number, column in enumerate(columns.values()):
        ordered += column if number % 2 == 0 else column[::-1]
    return ordered


def _plan_one(job: tuple[Cell, Obstacle, list[Obstacle], ViewsSection, Place, Place]) -> Plan | NoPlan:
    cell, plant, others, views, start_m, end_m = job
    try:
        return plan(cell, plant, others, views, start=start_m, end_m=end_m)
    except Unreachable as error:
        return NoPlan(plant.name, str(error))
