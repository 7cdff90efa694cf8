"""The demonstration's table: what was estimated, and the simulator's truth beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from web.answers import PlantDetailAnswer
from web.words import duration, grams, interval_g, square_cm


@dataclass(frozen=True)
class Outcome:
    """One plant of the demonstration: the newest that is known, the seconds of its scan, and the simulator's truth."""

    plant: PlantDetailAnswer
    scan_s: float | None
    truth: Mapping[str, Any] | None
    problem: str | None


def result_table(outcomes: Sequence[Outcome]) -> Table:
    """A row for each plant and a row for what is true about it."""
    table = Table(title="Estimated, and what the simulator says is true", title_justify="left", expand=False)
    for name in ("plant", "views", "images", "leaf area", "fresh mass", "90 % interval", "dry mass", "90 % interval"):
        table.add_column(name, justify="left" if name == "plant" else "right", no_wrap=True)
    for outcome in outcomes:
        _add(table, outcome)
    return table


def _add(table: Table, outcome: Outcome) -> None:
    plant, truth = outcome.plant, outcome.truth or {}
    scan = plant.scans[0] if plant.scans else None
    taken = f"{scan.views_taken}/{scan.views_planned}" if scan else ""
    one = next((found for found in plant.measurements if scan and found.scan == scan.id), None)
    if one is None:
        table.add_row(plant.name, taken, "", "failed", "", "", "", "")
    else:
        mass = one.mass
        table.add_row(
            plant.name,
            taken,
            f"{one.traits.images_registered}/{one.traits.images_given}",
            square_cm(one.traits.leaf_area_m2),
            grams(mass.fresh_mass_kg),
            interval_g(mass.fresh_mass_low_kg, mass.fresh_mass_high_kg),
            grams(mass.dry_mass_kg),
            interval_g(mass.dry_mass_low_kg, mass.dry_mass_high_kg),
        )
    fresh, dry = truth.get("fresh_mass_kg"), truth.get("dry_mass_kg")
    table.add_row(
        "  truth",
        "",
        "",
        square_cm(truth.get("well_seen_area_m2")),
        grams(fresh),
        _inside(fresh, one and one.mass.fresh_mass_low_kg, one and one.mass.fresh_mass_high_kg),
        grams(dry),
        _inside(dry, one and one.mass.dry_mass_low_kg, one and one.mass.dry_mass_high_kg),
        style="dim",
        end_section=True,
    )


def _inside(true_kg: float | None, low_kg: float | None, high_kg: float | None) -> str:
    if true_kg is None or low_kg is None or high_kg is None:
        return ""
    return "inside" if low_kg <= true_kg <= high_kg else "OUTSIDE"


def seconds_table(outcomes: Sequence[Outcome]) -> Table:
    """How long each stage took, a column for each stage."""
    measured = {outcome.plant.name: outcome.plant.measurements[:1] for outcome in outcomes}
    stages = list(dict.fromkeys(stage for found in measured.values() for one in found for stage in one.stages_s))
    table = Table(title="Seconds of each stage", title_justify="left", expand=False)
    table.add_column("plant")
    for name in ("scan", *stages, "together"):
        table.add_column(name, justify="right", no_wrap=True)
    for outcome in outcomes:
        times = [outcome.scan_s]
        for one in measured[outcome.plant.name]:
            times += [one.stages_s.get(stage) for stage in stages]
        times += [None] * (len(stages) + 1 - len(times))
        together = sum(seconds for seconds in times if seconds is not None)
        table.add_row(outcome.plant.name, *(duration(seconds) for seconds in times), duration(together))
    return table


def notes(outcomes: Sequence[Outcome]) -> list[str]:
    """What a reader of the table should know beside it: refusals, failures, a truth that could not be had."""
    lines = []
    for outcome in outcomes:
        name = outcome.plant.name
        if outcome.problem:
            lines.append(f"{name}: {outcome.problem}")
        for one in outcome.plant.measurements[:1]:
            refused = one.mass.refused_reason or one.traits.untrusted_reason
            if refused:
                lines.append(f"{name}: {refused}")
        if outcome.truth is None:
            lines.append(f"{name}: the simulator did not tell the truth about it")
    return lines
