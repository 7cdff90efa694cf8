"""Photographs an hour on the wall of 54 plants, in simulated time, at the published limits, beside the naive order.

python -m benchmarks.throughput [--age 30] [--drive 6] [-o benchmarks/results/throughput.json]    minutes of two cores

The whole wall is planned: a move takes the slower of cables (0.1 m/s) and joints (50 deg/s), a stop what drives showed.
Then the first `--drive` plants are driven: real drivers, bytes, the simulated farm's mechanics (seed 3, errors as a
calibration leaves them), in its time. No picture is rendered: 10 ms of exposure and 30 ms of transfer pass instead,
and at the shutter the true motion of the camera tells how far the middle of the picture moves in 10 ms. The naive
order takes the same wishes plant by plant in the order of their numbers, each in the posture farthest from all limits.
"""

import json
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any
from unittest.mock import patch

import numpy as np
import typer

import scan.hardware
from hardware_sim import inprocess
from hardware_sim.camera_server import camera_motion
from hardware_sim.physics import Physics
from scan.cameras.camera import Frame
from scan.candidates import Drawing
from scan.cell import Cell
from scan.clearance import Obstacle, Surroundings
from scan.config import ViewsSection
from scan.hardware import CellHardware
from scan.plan import Plan, PlannedView
from scan.route import way
from scan.sizes import size_by_age
from scan.viewpoints import directions
from scan.wall_plan import plan_wall, wall_seconds
from trellis.config import Configuration, check_tables

_DISTANCE_M, _TRANSFER_S = 0.3, 0.03


def main(
    age: Annotated[list[float] | None, typer.Option(help="Days since sowing; several may be given.")] = None,
    drive: Annotated[int, typer.Option(min=0, help="Drive so many plants of each wall.")] = 6,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/throughput.json"),
) -> None:
    """Plan and drive the wall at some ages; a row that the file has of the same age is replaced."""
    old = json.loads(out.read_text())["rows"] if out.exists() else []
    rows = {row["age_days"]: row for row in old if "driven" in row}
    for age_days in age or (14.0, 30.0, 45.0):
        rows[age_days] = _row(age_days, drive)
        typer.echo(json.dumps(rows[age_days]))
        result = {
            "command": "python -m benchmarks.throughput --drive N --age A",
            "date": datetime.now(UTC).date().isoformat(),
            "published_per_hour": 2500,
            "bar_per_hour": 4000,
            "rows": [rows[key] for key in sorted(rows)],
        }
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _row(age_days: float, drive: int) -> dict[str, Any]:
    configuration = _configuration()
    cell, views, size = Cell.of(configuration), ViewsSection(), size_by_age(age_days)
    plants = [
        Obstacle(f"p{i}{j}", (0.34 + 0.19 * i, 0.43 + 0.19 * j, 0.0), size.radius_m, size.height_m)
        for i in range(9)
        for j in range(6)
    ]
    started = time.perf_counter()
    planned = plan_wall(cell, plants, views)
    planning_s = time.perf_counter() - started
    naive = [_naive(cell, found, plants, views) for found in planned.plans[::9]]
    return {
        "age_days": age_days,
        "planned_at": date.today().isoformat(),
        "plants": len(planned.plans),
        "refused": [refused.plant for refused in planned.refused],
        "photographs": planned.photographs,
        "fewest_of_a_plant": min((len(found.stops) for found in planned.plans), default=0),
        "planned_s": round(planned.duration_s),
        "planned_per_hour": round(planned.photographs_per_hour),
        "naive_per_hour_of_every_9th_plant": round(
            3600 * sum(len(found.stops) for found in naive) / wall_seconds(cell, naive)
        ),
        "stop_s": round(cell.pace.stop_s, 3),
        "planning_s": round(planning_s, 1),
        "driven": _drive(configuration, planned.plans[:drive]) if drive else None,
    }


def _configuration() -> Configuration:
    tables = {
        "cables": {"ports": ["sim://winches/0", "sim://winches/1"]},
        "arm": {"port": "sim://servos"},
        "camera": {"url": "http://127.0.0.1:9/none"},
        "cell": {"clock": "sim", "clock_options": {"seed": 3, "errors": "calibrated", "plants": []}},
    }
    return check_tables(Path("benchmark.toml"), tables)


class _Shutter:
    """A camera that lets time pass, and notes how the true camera moves when it is asked."""

    def __init__(self, hardware: CellHardware) -> None:
        self._hardware = hardware
        self.blur_px: list[float] = []

    def connect(self) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to close."""

    def snapshot(self, deadline_s: float) -> Any:
        farm = inprocess.running_farm()
        assert farm is not None
        exposure_s = self._hardware.exposure_s
        self.blur_px.append(float(farm.look(lambda physics: _moved_px(physics, exposure_s))))  # type: ignore[arg-type]
        self._hardware.clock.sleep(exposure_s + _TRANSFER_S)
        return Frame(b"", datetime.now(UTC))


def _moved_px(physics: Physics, exposure_s: float) -> float:
    """How far the middle of the picture moves in an exposure."""
    _, twist = camera_motion(physics)
    moved_m_s = twist[:3] + np.cross(twist[3:], [0.0, 0.0, _DISTANCE_M])
    return float(physics.world.lens.params[0] * np.hypot(*moved_m_s[:2]) / _DISTANCE_M * exposure_s)


class _Open:
    """Gates that let everything pass."""

    def __init__(self, section: Any) -> None:
        pass

    def check(self, frame: Any) -> None:
        """Nothing to look at."""


def _drive(configuration: Configuration, plans: tuple[Plan, ...]) -> dict[str, Any]:
    """Drive plans one after the other as each follows the one before."""
    with patch.object(scan.hardware, "Gates", _Open):
        hardware = CellHardware(configuration)
    shutter = _Shutter(hardware)
    with patch.object(scan.hardware, "open_camera", lambda section, clock: shutter), hardware:
        hardware.home()
        started_s, nominal = hardware.clock.monotonic_s(), 0
        for found in plans:
            for stop in found.stops:
                for passed in stop.via:
                    hardware.go(passed, still=False)
                hardware.go(stop.posture)
                hardware.photograph()
                nominal += 1
        hardware.park()
        seconds = hardware.clock.monotonic_s() - started_s
    inprocess.switch_off()
    blur_px = np.array(shutter.blur_px)
    return {
        "plants": len(plans),
        "photographs": nominal,
        "simulated_s": round(seconds, 1),
        "per_hour": round(3600 * nominal / seconds),
        "planned_per_hour_of_these": round(3600 * nominal / wall_seconds(hardware.cell, plans)),
        "blur_px_median": round(float(np.median(blur_px)), 3),
        "blur_px_95th": round(float(np.quantile(blur_px, 0.95)), 3),
        "share_over_0.3_px": round(float((blur_px > 0.3).mean()), 4),
    }


def _naive(cell: Cell, planned: Plan, plants: list[Obstacle], views: ViewsSection) -> Plan:
    """The same plant's views in the order of their numbers, each in its safest posture."""
    plant = next(plant for plant in plants if plant.name == planned.plant)
    around = Surroundings(cell, plants)
    drawing = Drawing(cell, plant, around, views, directions(views.count, np.radians(views.tilt_max_deg)))
    draws = drawing.anywhere(200)
    draws = draws[drawing.unfolding(draws)]
    stops, before = list[PlannedView](), cell.park
    for view in sorted(stop.view for stop in planned.stops):
        mine = draws[draws.view == view]
        if len(mine) == 0:
            continue
        row = mine.rows[int(mine.penalties.argmin())]
        posture = cell.posture(float(row[0]), float(row[1]), row[2:])
        stops.append(PlannedView(view, cell.world_from_camera(posture), posture, way(cell, before, posture, around)))
        before = posture
    return replace(planned, stops=tuple(stops))


if __name__ == "__main__":
    typer.run(main)
