"""Photographs an hour on the wall of 54 plants, in simulated time, at the published limits, beside the naive order.

python -m benchmarks.throughput [--every 1] [-o benchmarks/results/throughput.json]    three minutes of two cores

Nothing is driven or rendered: moves last as long as the slower of cables (0.1 m/s, 1 m/s2) and joints (50 deg/s), every
stop `[cell] settle_s`, from park to park over the whole wall. The naive order takes the same views plant by plant in
the order of their numbers, in the posture farthest from all limits. `--every n` plans each n-th plant only, all 54
standing, and counts the drive through those.
"""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from arm.config import ArmSection
from cdpr.config import CablesSection
from scan.cell import Cell
from scan.clearance import Obstacle, Surroundings
from scan.config import CameraSection, CellSection, ViewsSection
from scan.plan import Plan, PlannedView
from scan.reach import NotReachable, choose
from scan.route import way
from scan.sizes import size_by_age
from scan.viewpoints import directions
from scan.wall_plan import plan_wall, wall_seconds

_AGES_D = (14.0, 30.0, 45.0)


def main(
    every: Annotated[int, typer.Option(min=1, help="Plan each n-th plant only.")] = 1,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/throughput.json"),
) -> None:
    """Plan the wall at three ages."""
    cell = Cell.of_sections(CablesSection(), ArmSection(), CameraSection(), CellSection())
    rows: list[dict[str, Any]] = []
    for age_days in _AGES_D:
        rows.append(_row(cell, age_days, every))
        typer.echo(json.dumps(rows[-1]))
        result = {
            "command": f"python -m benchmarks.throughput --every {every}",
            "date": datetime.now(UTC).date().isoformat(),
            "published_per_hour": 2500,
            "bar_per_hour": 4000,
            "rows": rows,
        }
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _row(cell: Cell, age_days: float, every: int) -> dict[str, Any]:
    size, views = size_by_age(age_days), ViewsSection()
    plants = [
        Obstacle(f"p{i}{j}", (0.34 + 0.19 * i, 0.43 + 0.19 * j, 0.0), size.radius_m, size.height_m)
        for i in range(9)
        for j in range(6)
    ]
    started, cpu = time.perf_counter(), time.process_time()
    planned = plan_wall(cell, plants, views, [plant.name for plant in plants[::every]])
    wall_s = time.perf_counter() - started
    naive = [_naive(cell, found, plants, views) for found in planned.plans]
    naive_s = wall_seconds(cell, naive)
    return {
        "age_days": age_days,
        "plants": len(planned.plans),
        "refused": [refused.plant for refused in planned.refused],
        "photographs": planned.photographs,
        "fewest_of_a_plant": min((len(found.stops) for found in planned.plans), default=0),
        "drive_s": round(planned.duration_s),
        "photographs_per_hour": round(planned.photographs_per_hour),
        "naive_per_hour": round(3600 * sum(len(found.stops) for found in naive) / naive_s),
        "settling_s": round(cell.pace.settle_s * planned.photographs),
        "planning_s": round(wall_s, 1),
        "planning_parent_cpu_s": round(time.process_time() - cpu, 1),
    }


def _naive(cell: Cell, planned: Plan, plants: list[Obstacle], views: ViewsSection) -> Plan:
    """The same plant's views in the order of their numbers, each in its safest posture."""
    plant = next(plant for plant in plants if plant.name == planned.plant)
    others = [
        other
        for other in plants
        if other is not plant and np.hypot(*np.subtract(other.position_m, plant.position_m)[:2]) < 1.2
    ]
    around, stops, before = Surroundings(cell, [plant, *others]), list[PlannedView](), cell.park
    for view, wished in enumerate(directions(views.count, np.radians(views.tilt_max_deg))):
        try:
            choice = choose(cell, plant, others, views, wished)
        except NotReachable:
            continue
        best = choice.postures
        posture = cell.posture(float(best.x_m[0]), float(best.y_m[0]), best.joints_rad[0])
        via = way(cell, before, posture, [plant, *others], around)
        stops.append(PlannedView(view, cell.world_from_camera(posture), posture, via))
        before = posture
    return Plan(planned.plant, planned.position_m, planned.radius_m, planned.height_m, tuple(stops), (), 0.0)


if __name__ == "__main__":
    typer.run(main)
