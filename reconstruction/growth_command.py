"""`trellis growth`: how plants grow, when they are ready, what is wrong, whether treatments differ."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from reconstruction.growth.analysis import (
    findings_of,
    findings_text,
    forecast_text,
    grown,
    growth_text,
    standing,
    trial_of,
)
from reconstruction.growth.curve import SIZES
from reconstruction.growth.farm import Seen, leaves_text, scans_of
from reconstruction.growth.pictures import growth_figure, picture
from reconstruction.growth.strip import Day, strip_figure
from reconstruction.growth.table import Batch, batches_of, read_batches
from reconstruction.growth.trials import Trial
from reconstruction.growth.wall_picture import wall_figure
from trellis.durable import write_durably
from trellis.errors import InputError


def growth(
    table: Annotated[
        Path,
        typer.Argument(help="Plants by day, CSV (docs/growth.md names the columns), or the data folder of a farm."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files; made where it is missing.")],
    size: Annotated[
        str | None,
        typer.Option(help=f"Of forecast and trial: {', '.join(SIZES)}. Default: the first that the table has."),
    ] = None,
    target: Annotated[
        float | None, typer.Option(help="Size at which a plant is ready, in its own unit; without it no forecast.")
    ] = None,
    noise_percent: Annotated[
        float, typer.Option(help="Standard deviation of a measurement for which the table tells none.")
    ] = 10.0,
    look_days: Annotated[
        str | None,
        typer.Option(help="Days on which treatments are compared, as 14,21,28. Default: up to five, evenly spread."),
    ] = None,
) -> None:
    """Smooth growth over days, forecast when plants are ready, say what is wrong, and compare treatments.

    Writes growth.csv, findings.csv, growth.png and growth.svg, with --target forecast.csv, trial.json where the column
    treatment names two or more, wall.png where the plants' places are known; of a farm's folder also strip-PLANT.png
    and leaves.csv.
    """
    _check(target, noise_percent)
    scans = scans_of(table) if table.is_dir() else []
    noise = noise_percent / 100
    batches = batches_of(table, [one.row for one in scans], noise) if scans else read_batches(table, noise)
    size = _size(size, batches)
    parts = grown(batches)
    found = [finding for batch in batches for finding in findings_of(batch)]
    console = Console(soft_wrap=True, highlight=False)
    _write(out / "growth.csv", growth_text(parts))
    _write(out / "findings.csv", findings_text(found))
    panels = [
        (part.batch, part.seen, part.smoothed, [one for one in found if one.plant in part.seen.plants])
        for part in parts
    ]
    figure = growth_figure(panels, target, size)
    for kind in ("png", "svg"):
        _write_bytes(out / f"growth.{kind}", picture(figure, kind))
    last = max(int(part.seen.days[-1]) for part in parts)
    if plants_there := standing(parts, size):
        _write_bytes(out / "wall.png", picture(wall_figure(plants_there, found, last), "png"))
    if scans:
        _write(out / "leaves.csv", leaves_text(scans))
    for plant in dict.fromkeys(one.scan.plant for one in scans):
        own = [one for one in scans if one.scan.plant == plant]
        _write_bytes(out / f"strip-{plant}.png", picture(strip_figure(plant, [_day(one) for one in own]), "png"))
    plants = sum(len(next(iter(batch.sizes.values())).plants) for batch in batches)
    console.print(f"{plants} plants in {len(batches)} batches; {len(found)} findings", markup=False)
    for finding in found:
        console.print(f"day {finding.day}, {finding.plant}: {finding.kind}: {finding.reason}", markup=False)
    if target is not None:
        text, reached = forecast_text(parts, size, target)
        _write(out / "forecast.csv", text)
        console.print(f"{reached} plants reached or will reach {size} {target:g}", markup=False)
    if len({treatment for batch in batches for treatment in batch.treatments}) > 1:
        trial = trial_of(batches, size, _days(look_days))
        _write(out / "trial.json", json.dumps(_trial_json(trial, size), indent=1) + "\n")
        _print_trial(trial, console)
    console.print(f"written to {out}", markup=False)


def _check(target: float | None, noise_percent: float) -> None:
    if target is not None and not 0 < target < 1e9:
        raise InputError(f"--target is {target:g}; it must be above zero, in the unit of the size")
    if not 0.1 <= noise_percent <= 100:
        raise InputError(f"--noise-percent is {noise_percent:g}; it must be 0.1 to 100")


def _size(size: str | None, batches: list[Batch]) -> str:
    there = [name for name in SIZES if any(name in batch.sizes for batch in batches)]
    if size is None:
        return there[0]
    if size not in there:
        raise InputError(f"--size is {size!r}, which the table does not have; it has {', '.join(there)}")
    return size


def _days(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return sorted({int(part) for part in text.split(",")})
    except ValueError as error:
        raise InputError(f"--look-days is {text!r}; it must be whole days with commas between, as 14,21,28") from error


def _trial_json(trial: Trial, size: str) -> dict[str, Any]:
    model = trial.model
    return {
        "size": size,
        "groups": trial.groups,
        "look_days": trial.looks,
        "p_groups": trial.p_groups,
        "p_growth": trial.p_growth,
        "spread_within_groups_percent": round(trial.spread_percent, 1),
        "plants_a_group_to_see_percent": trial.plants_needed,
        "comparisons": [asdict(one) for one in trial.comparisons],
        "mixed_model": None
        if model is None
        else {
            "plant_log_std": model.plant_std,
            "error_log_std": model.error_std,
            "memory_days": model.memory_days,
            "log_likelihood": model.log_likelihood,
        },
    }


def _print_trial(trial: Trial, console: Console) -> None:
    when = ", ".join(str(day) for day in trial.looks)
    console.print(f"treatments on day {when}: p {trial.p_groups:.2g} that they are equal", markup=False)
    if trial.p_growth is not None:
        console.print(f"p {trial.p_growth:.2g} that their difference stays as it is", markup=False)
    for one in (one for one in trial.comparisons if one.day == trial.looks[-1]):
        console.print(
            f"day {one.day}: {one.second} against {one.first} {100 * one.effect:+.0f} % "
            f"({100 * one.effect_low:+.0f} to {100 * one.effect_high:+.0f}), p {one.p:.2g}, "
            f"over all looks {one.p_holm:.2g}",
            markup=False,
        )
    needed = ", ".join(f"{effect} %: {count}" for effect, count in trial.plants_needed.items())
    console.print(f"spread within groups {trial.spread_percent:.0f} %; plants a group to see {needed}", markup=False)


def _day(seen: Seen) -> Day:
    mass_g = seen.row.get("fresh_mass_g")
    return Day(seen.folder, round(seen.row["day"]), "" if mass_g is None else f"{mass_g:.0f} g")


def _write(path: Path, text: str) -> None:
    _write_bytes(path, text.encode())


def _write_bytes(path: Path, content: bytes) -> None:
    write_durably(path, content)
