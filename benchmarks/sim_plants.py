"""Sizes, masses and scatter of simulated lettuces beside the published tables and laws of real ones.

python benchmarks/sim_plants.py [--plants 400] [--shapes 6] [--seed 0] [-o FILE]

Areas and masses are means of `--plants` seeds, height and diameter of the first `--shapes` of them, measured on the
finished surface of leaves. Height, diameter and layers (leaf area over the disc of the diameter) of so few plants are
given twice: as they are, and after the laws have brought each plant to the table's leaf area and slimness.
"""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from hardware_sim.lettuce import Lettuce, grow
from hardware_sim.lettuce_kinds import CULTIVARS, HARVEST_DAYS, TREATMENTS
from hardware_sim.lettuce_shape import leaf_sheets
from hardware_sim.lettuce_stance import diameter

#: Coarser than the simulator's own: height and diameter need no blisters.
_TRIANGLE_M = 0.004
Array = np.ndarray


def main(
    plants: Annotated[int, typer.Option(help="Seeds a week for areas and masses.")] = 400,
    shapes: Annotated[int, typer.Option(help="Seeds a week whose leaves are built.")] = 6,
    seed: Annotated[int, typer.Option(help="The first seed.")] = 0,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/sim_plants.json"),
) -> None:
    """Grow, weigh and measure."""
    seeds = range(seed, seed + plants)
    weeks = [row for name in CULTIVARS for row in _weeks(name, seeds, shapes)]
    result = {
        "command": f"python benchmarks/sim_plants.py --plants {plants} --shapes {shapes} --seed {seed}",
        "seed": seed,
        "date": datetime.now(UTC).date().isoformat(),
        "weeks": weeks,
        "within_one_harvest": {name: _scatter(name, seeds) for name in CULTIVARS},
        "over_all_weeks": {name: _laws(name, seeds) for name in [*CULTIVARS, "all"]},
        "persistence": {name: _persistence(name, seeds) for name in CULTIVARS},
        "treatments_week_7_looseleaf_g": _treatments(seeds),
    }
    for key in ("within_one_harvest", "over_all_weeks", "persistence", "treatments_week_7_looseleaf_g"):
        print(key, json.dumps(result[key], indent=1))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _weeks(name: str, seeds: range, shapes: int) -> list[dict[str, Any]]:
    rows = []
    for week, day in enumerate(HARVEST_DAYS):
        grown = [grow(seed, day, name) for seed in seeds]
        tables = CULTIVARS[name].tables
        sizes = np.array([_size_cm(plant) for plant in grown[:shapes]])
        wanted = 100 * np.array([[p.wanted_height_m, p.wanted_diameter_m] for p in grown[:shapes]])
        table = np.array([tables.height_cm[week], tables.diameter_cm[week]])
        average = table * (sizes / wanted).mean(axis=0)
        area, fresh, dry = _weighed(grown).mean(axis=0)
        measured = {
            "area_cm2": (area, tables.area_cm2[week]),
            "fresh_g": (fresh, tables.fresh_g[week]),
            "dry_g": (dry, tables.dry_g[week]),
            "height_cm": (average[0], table[0]),
            "diameter_cm": (average[1], table[1]),
            "layers": (area / (np.pi / 4 * average[1] ** 2), tables.area_cm2[week] / (np.pi / 4 * table[1] ** 2)),
        }
        row: dict[str, Any] = {"cultivar": name, "week": 2 * week + 1, "leaves": len(grown[0].leaves)}
        for key, (ours, theirs) in measured.items():
            row[key] = {
                "simulated": _short(ours),
                "real": _short(theirs),
                "off_percent": _short(100 * ours / theirs - 100),
            }
        row["as_they_are_cm"] = {"height": _short(sizes[:, 0].mean()), "diameter": _short(sizes[:, 1].mean())}
        row["worst_of_one_plant_percent"] = _short(100 * np.abs(sizes / wanted - 1).max())
        row["cv_percent"] = [_short(100 * v) for v in np.log(_weighed(grown)).std(axis=0)]
        start = time.process_time()
        leaf_sheets(grow(seeds[-1], day, name))
        row["cpu_s_a_plant"] = _short(time.process_time() - start)
        offs = "  ".join(f"{key} {row[key]['simulated']:g} ({row[key]['off_percent']:+.0f} %)" for key in measured)
        print(f"{name:10} week {row['week']}: {offs}", flush=True)
        rows.append(row)
    return rows


def _scatter(name: str, seeds: range) -> dict[str, list[float]]:
    """Slope of ln mass on ln area within a harvest and what is left, weeks 1, 3, 5, 7."""
    found: dict[str, list[float]] = {"fresh_slope": [], "fresh_residual": [], "dry_slope": [], "dry_residual": []}
    for day in HARVEST_DAYS:
        logs = np.log(_weighed([grow(seed, day, name) for seed in seeds]))
        for kind, column in (("fresh", 1), ("dry", 2)):
            slope, left = _line(logs[:, 0], logs[:, column])
            found[f"{kind}_slope"].append(_short(slope))
            found[f"{kind}_residual"].append(_short(left))
    return found


def _laws(name: str, seeds: range) -> dict[str, float]:
    """Powers and residuals of the laws over all weeks: FW ~ LA^1.184 (.25; .12 to .20), DW ~ LA^1.035 (.24)."""
    names = list(CULTIVARS) if name == "all" else [name]
    logs = np.log(_weighed([grow(seed, day, kind) for kind in names for day in HARVEST_DAYS for seed in seeds]))
    (fresh, fresh_left), (dry, dry_left) = (_line(logs[:, 0], logs[:, column]) for column in (1, 2))
    return {"fresh_power": _short(fresh), "fresh_residual": _short(fresh_left),
            "dry_power": _short(dry), "dry_residual": _short(dry_left)}  # fmt: skip


def _persistence(name: str, seeds: range) -> dict[str, float]:
    days = (20, 23, 24, 25, 46)
    logs = np.log([[grow(seed, day, name).flat_leaf_area_m2 for day in days] for seed in seeds])
    found = np.corrcoef(logs.T)[0]
    return {f"after_{day - 20}_days": _short(value) for day, value in zip(days[1:], found[1:], strict=True)}


def _treatments(seeds: range) -> dict[str, list[float]]:
    """Mean fresh and dry mass."""
    day = HARVEST_DAYS[-1]
    means = {name: _weighed([grow(seed, day, "looseleaf", name) for seed in seeds]).mean(axis=0) for name in TREATMENTS}
    return {name: [_short(fresh), _short(dry)] for name, (_, fresh, dry) in means.items()}


def _weighed(plants: list[Lettuce]) -> Array:
    return np.array([(1e4 * p.flat_leaf_area_m2, 1e3 * p.fresh_mass_kg, 1e3 * p.dry_mass_kg) for p in plants])


def _size_cm(plant: Lettuce) -> tuple[float, float]:
    points = np.concatenate([sheet.vertices_m.reshape(-1, 3) for sheet in leaf_sheets(plant, _TRIANGLE_M)])
    return 100 * float(points[:, 2].max()), 100 * diameter(points)


def _line(x: Array, y: Array) -> tuple[float, float]:
    slope, start = np.polyfit(x, y, 1)
    return float(slope), float((y - slope * x - start).std())


def _short(value: float) -> float:
    return float(f"{value:.3g}")


if __name__ == "__main__":
    typer.run(main)
