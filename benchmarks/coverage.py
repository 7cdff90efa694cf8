"""How much of a head the planned views see well: free standing and among grown neighbours, beside rings up to 62 deg.

python -m benchmarks.coverage [--seed 1] [-o benchmarks/results/coverage.json]    five minutes of one core

A face is well seen by a view that looks at its middle, unhidden, within 75 deg of its normal; well seen at all is
what two views see so; ten is what a dense reconstruction recovers (FACTS of the field, 7). The plants are the
simulator's, the views are planned by `scan.plan` for their true sizes, with all collisions.
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
from hardware_sim.photograph import PlantSpec
from hardware_sim.scene import Scene, build_scene
from hardware_sim.truth import plant_truth
from hardware_sim.wall import site_m
from hardware_sim.world import build_world
from scan.cell import Cell
from scan.clearance import Obstacle
from scan.config import CameraSection, CellSection, ViewsSection
from scan.plan import plan
from trellis.errors import Unreachable
from trellis.geometry import Pose

_DAYS = (48.0, 30.0, 16.0)
_SITES = ((4, 3), (1, 1))
_RING_DEG, _RING_VIEWS = (8.0, 26.0, 44.0, 62.0), (8, 14, 20, 22)


def main(
    seed: Annotated[int, typer.Option(help="Of the plants.")] = 1,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/coverage.json"),
) -> None:
    """Coverage of every head by rings and by plans."""
    cell = Cell.of_sections(CablesSection(), ArmSection(), CameraSection(), CellSection())
    rows = []
    for day in _DAYS:
        for site in _SITES:
            for neighbours in (False, True):
                started = time.perf_counter()
                row = {"day": day, "site": site, "neighbours": neighbours}
                rows.append({**row, **_measure(cell, seed, day, site, neighbours)})
                typer.echo(f"{json.dumps(rows[-1])}  {time.perf_counter() - started:.0f} s")
                _write(out, seed, rows)


def _write(out: Path, seed: int, rows: list[dict[str, Any]]) -> None:
    result = {
        "command": f"python -m benchmarks.coverage --seed {seed}",
        "date": datetime.now(UTC).date().isoformat(),
        "well_seen": "share of leaf area within 75 deg of two views, unhidden; by ten likewise",
        "rows": rows,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _measure(cell: Cell, seed: int, day: float, site: tuple[int, int], neighbours: bool) -> dict[str, Any]:
    scene = build_scene(_specs(seed, day, site, neighbours), seed, texel_m=0.004)
    sizes = [_size(scene, index) for index in range(len(scene.plants))]
    radius_m, height_m = sizes[0][:2]
    obstacles = [
        Obstacle(p.spec.name, p.spec.position_m, *size[:2]) for p, size in zip(scene.plants, sizes, strict=True)
    ]
    rings = _rings(scene.plants[0].spec.position_m, height_m)
    found: dict[str, Any] = {
        "leaves": len(scene.plants[0].lettuce.leaves),
        "radius_m": round(radius_m, 3),
        "height_m": round(height_m, 3),
        "rings": _coverage(scene, rings),
    }
    try:
        planned = plan(cell, obstacles[0], obstacles[1:], ViewsSection())
    except Unreachable as reason:
        return {**found, "plan": None, "reason": str(reason)}
    poses = np.array([stop.world_from_camera.matrix for stop in planned.stops])
    return {**found, "views": len(planned.stops), "plan": _coverage(scene, poses)}


def _specs(seed: int, day: float, site: tuple[int, int], neighbours: bool) -> list[PlantSpec]:
    """The plant, and around it as many neighbours as touch it."""
    sites = [site]
    if neighbours:
        sites += [(site[0] + a, site[1] + b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)]
    return [
        PlantSpec(f"p{i}{j}", tuple(map(float, site_m(i, j))), day, "butterhead", seed * 100 + 10 * i + j)
        for i, j in sites
        if 0 <= i < 9 and 0 <= j < 6
    ]


def _size(scene: Scene, index: int) -> tuple[float, float]:
    """Radius and height that hold 98 % of a plant's vertices: stray tips may be brushed."""
    plant = scene.plants[index]
    points = scene.vertices_m[scene.faces[plant.first_face : plant.last_face]].reshape(-1, 3) - plant.spec.position_m
    return float(np.quantile(np.hypot(points[:, 0], points[:, 1]), 0.98)), float(np.quantile(points[:, 2], 0.98))


def _rings(position_m: tuple[float, float, float], height_m: float) -> np.ndarray:
    """64 views on four rings up to 62 deg, from 0.32 m, whether or not a robot could have them; (64, 4, 4)."""
    middle = np.array(position_m) + np.array([0.0, 0.0, height_m / 2])
    poses = []
    for tilt, count in zip(np.radians(_RING_DEG), _RING_VIEWS, strict=True):
        for azimuth in 2 * np.pi * np.arange(count) / count:
            way = np.array([np.sin(tilt) * np.cos(azimuth), np.sin(tilt) * np.sin(azimuth), np.cos(tilt)])
            poses.append(Pose.looking_at(middle + 0.32 * way, middle, (0, 1, 0)).matrix)
    return np.array(poses)


def _coverage(scene: Scene, poses: np.ndarray) -> dict[str, float]:
    truth = plant_truth(scene, scene.plants[0], build_world(0, "none").lens, poses)
    own = scene.faces[scene.plants[0].first_face : scene.plants[0].last_face]
    a, b, c = (scene.vertices_m[own[:, k]].astype(float) for k in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    return {
        "well_seen": round(float(areas[truth.seen >= 2].sum() / areas.sum()), 4),
        "seen_by_ten": round(float(areas[truth.seen >= 10].sum() / areas.sum()), 4),
    }


if __name__ == "__main__":
    typer.run(main)
