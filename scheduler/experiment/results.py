"""The tables of the trial, in the published form, from its rows alone; nothing here looks at photographs."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reconstruction.mass_fit.evaluation import evaluate_table
from reconstruction.mass_fit.occlusion import occlusion
from reconstruction.mass_fit.paper import Line, p_of, regression
from reconstruction.mass_fit.table import read_table
from scheduler.experiment.plant_day import PlantDay
from trellis.durable import write_durably
from trellis.errors import InputError

Array = NDArray[np.float64]

#: Column of the table, what it is called, and the value of a row.
METHODS: dict[str, tuple[str, Callable[[PlantDay], float]]] = {
    "area": ("leaf area, 64 views", lambda row: row.area_m2),
    "volume": ("mesh volume, 64 views", lambda row: row.volume_m3),
    "top view": ("projected area, one top view", lambda row: row.top_view_area_m2),
    "canopy area": ("leaf area, over-canopy views only", lambda row: row.canopy_area_m2),
    "canopy volume": ("mesh volume, over-canopy views only", lambda row: row.canopy_volume_m3),
    "age": ("age alone", lambda row: float(row.day)),
}
#: Where the chain loses: what is true, what the views could see, what was reconstructed.
CHAIN = {
    "true area": ("all leaf area, true", lambda row: row.true_area_m2),
    "well seen area": ("leaf area that two views see well, true", lambda row: row.well_seen_area_m2),
    "area": ("leaf area, reconstructed", lambda row: row.area_m2),
}
_MASSES = {"dry": lambda row: 1e3 * row.dry_mass_kg, "fresh": lambda row: 1e3 * row.fresh_mass_kg}
#: As published (arXiv 2209.08690): in-sample R2 and MAE of dry and fresh mass, occlusion per gram.
PUBLISHED = {
    "area": {"dry": (0.846, 0.586), "fresh": (0.845, 11.216), "k_dry": 0.593, "k_fresh": 0.236},
    "volume": {"dry": (0.832, 0.617), "fresh": (0.833, 11.671), "k_dry": 0.659, "k_fresh": 0.261},
    "top view": {"dry": (0.505, 1.084), "fresh": (0.537, 19.976), "k_dry": 0.883, "k_fresh": 0.519},
    "canopy area": {"dry": (0.285, 1.401), "k_dry": 0.680, "k_fresh": 0.333},
    "canopy volume": {"dry": (0.269, 1.422)},
}


def results(rows: list[PlantDay], folder: Path) -> dict[str, Any]:
    """Every table as JSON; writes `plants.csv`, the table that `trellis mass fit` and `evaluate` read, on the way."""
    table = folder / "plants.csv"
    write_durably(table, plants_text(rows).encode())
    masses = {name: np.array([value(row) for row in rows]) for name, value in _MASSES.items()}
    columns = {name: np.array([value(row) for row in rows]) for name, (_, value) in METHODS.items()}
    chain = {name: np.array([value(row) for row in rows]) for name, (_, value) in CHAIN.items()}
    return _finite(
        {
            "plants": len(rows),
            "measured": int(np.isfinite(columns["area"]).sum()),
            "problems": {row.plant: row.problem for row in rows if row.problem},
            "canopy_problems": {row.plant: row.canopy_problem for row in rows if row.canopy_problem},
            "regressions": {mass: {name: asdict(regression(x, y)) for name, x in columns.items()}
                            for mass, y in masses.items()},
            "occlusion_per_gram": {mass: _occlusion(y, columns) for mass, y in masses.items()},
            "p_values": p_values(rows, masses, columns),
            "chain": {mass: {name: _of_chain(x, y) for name, x in chain.items()} for mass, y in masses.items()},
            "area_error_percent": _area_errors(rows),
            "law": _evaluated(table),
            "shipped_law": _shipped(rows),
            "hours": sum(row.scan_s + row.reconstruction_s for row in rows) / 3600,
        }
    )  # fmt: skip


def p_values(rows: list[PlantDay], masses: dict[str, Array], columns: dict[str, Array]) -> dict[str, dict[str, float]]:
    """For each question, the p-value by true masses and by every method.

    Ages of a run: its first harvest against the next, three days later, schedules taken into account. Schedules: all
    of the second run, harvests taken into account. Raw values, as published.
    """
    values = {f"true {mass} mass": y for mass, y in masses.items()}
    values |= {METHODS[name][0]: x for name, x in columns.items() if name != "age"}
    out: dict[str, dict[str, float]] = {}
    for run in sorted({row.run for row in rows}):
        days = sorted({row.day for row in rows if row.run == run})
        pair = (days[0], days[min(1, len(days) - 1)])
        chosen = [index for index, row in enumerate(rows) if row.run == run and row.day in pair]
        age, schedule = [rows[i].day for i in chosen], [rows[i].schedule for i in chosen]
        title = f"age, run {run}: day {pair[0]} against {pair[1]}"
        out[title] = {name: p_of(x[chosen], age, [schedule]) for name, x in values.items()}
    chosen = [index for index, row in enumerate(rows) if row.run == 2]
    age, schedule = [rows[i].day for i in chosen], [rows[i].schedule for i in chosen]
    out["nutrients, run 2"] = {name: p_of(x[chosen], schedule, [age]) for name, x in values.items()}
    return out


def plants_text(rows: list[PlantDay]) -> str:
    """The rows as a table of `trellis mass`; a plant without a trusted area has empty traits."""
    lines = ["plant,harvest,cultivar,age_days,leaf_area_cm2,volume_cm3,projected_area_cm2,height_cm,diameter_cm,"
             "fresh_mass_g,dry_mass_g"]  # fmt: skip
    for row in rows:
        traits = (1e4 * row.area_m2, 1e6 * row.volume_m3, 1e4 * row.top_view_area_m2, 100 * row.height_m,
                  100 * row.diameter_m)  # fmt: skip
        cells = [f"{value:.5g}" if np.isfinite(value) and value > 0 else "" for value in traits]
        masses = (f"{1e3 * row.fresh_mass_kg:.5g}", f"{1e3 * row.dry_mass_kg:.5g}")
        lines.append(",".join([row.plant, f"run {row.run} day {row.day}", row.cultivar, str(row.day), *cells, *masses]))
    return "\n".join(lines) + "\n"


def _occlusion(mass_g: Array, columns: dict[str, Array]) -> dict[str, float]:
    found = {}
    for name, x in columns.items():
        there = np.isfinite(x)
        if name == "age" or there.sum() < 3:
            continue
        # The name of a trait says nothing here; `occlusion` fits whatever is not an age.
        found[name] = occlusion(mass_g[there], {name: x[there]})[name]["per_gram"]
    return found


def _of_chain(x: Array, mass_g: Array) -> dict[str, float]:
    """The published line and a power law, each plant left out: R2 and mean error in grams."""
    line: Line = regression(x, mass_g)
    there = np.isfinite(x) & (np.where(np.isfinite(x), x, 0) > 0)
    r2 = mae = float("nan")
    if there.sum() >= 4:
        log_x, log_y, y = np.log(x[there]), np.log(mass_g[there]), mass_g[there]
        told = np.empty(len(y))
        for one in range(len(y)):
            others = np.arange(len(y)) != one
            slope, level = np.polyfit(log_x[others], log_y[others], 1)
            told[one] = np.exp(level + slope * log_x[one])
        r2 = 1 - float(((told - y) ** 2).sum() / ((y - y.mean()) ** 2).sum())
        mae = float(np.abs(told - y).mean())
    return {
        "line_r2": line.left_out_r2,
        "line_mae_g": line.left_out_mae_g,
        "power_r2": r2,
        "power_mae_g": mae,
    }


def _area_errors(rows: list[PlantDay]) -> dict[str, float]:
    """Reconstructed against well seen, well seen against all: medians and spread, in per cent."""
    seen = np.array([row.well_seen_area_m2 / row.true_area_m2 for row in rows])
    found = np.array([row.area_m2 / row.well_seen_area_m2 for row in rows])
    out = {}
    for name, ratio in (("well seen of all", seen), ("reconstructed of well seen", found)):
        known = ratio[np.isfinite(ratio)]
        if len(known):
            out[f"{name}, median"] = 100 * float(np.median(known)) - 100
            out[f"{name}, spread"] = 100 * float(np.std(np.log(known)))
    return out


def _evaluated(table: Path) -> dict[str, Any] | str:
    """What `trellis mass evaluate` says of the table, or why it says nothing (too few plants of a small trial)."""
    try:
        return evaluate_table(read_table(table))
    except InputError as error:
        return str(error)


def _shipped(rows: list[PlantDay]) -> dict[str, float]:
    """The law that comes with Trellis on plants that it has never seen: fresh mass."""
    told = [row for row in rows if np.isfinite(row.shipped_fresh_mass_kg)]
    if not told:
        return {"plants": 0}
    inside = [row.shipped_fresh_low_kg <= row.fresh_mass_kg <= row.shipped_fresh_high_kg for row in told]
    errors = [abs(row.shipped_fresh_mass_kg / row.fresh_mass_kg - 1) for row in told]
    return {"plants": len(told), "mape_percent": 100 * float(np.mean(errors)),
            "interval_holds_percent": 100 * float(np.mean(inside))}  # fmt: skip


def _finite(value: Any) -> Any:
    """NaN as None and five digits, for JSON."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    if isinstance(value, float):
        return float(f"{value:.5g}") if np.isfinite(value) else None
    return value
