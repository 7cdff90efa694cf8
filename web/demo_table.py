"""The demonstration's table: what was estimated, and the simulator's truth beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from trellis.records import MassEstimate
from web.answers import MeasurementAnswer, PlantDetailAnswer
from web.words import duration, grams, interval_g, square_cm


@dataclass(frozen=True)
class Outcome:
    """One plant of the demonstration.

    Args:
        plant: What the farm knows of it; older scans among it are none of this demonstration's.
        scan: This demonstration's scan; None when it never began.
        scan_s: How long it took.
        truth: What the simulator says is true; None when it does not say.
        problem: Why the plant was not measured; None when it was.
    """

    plant: PlantDetailAnswer
    scan: str | None
    scan_s: float | None
    truth: Mapping[str, Any] | None
    problem: str | None

    @property
    def taken(self) -> str:
        """Photographs taken of those planned, as `64/64`."""
        found = [scan for scan in self.plant.scans if scan.id == self.scan]
        return f"{found[0].views_taken}/{found[0].views_planned}" if found else ""

    @property
    def measurement(self) -> MeasurementAnswer | None:
        """What this demonstration measured; never an older value."""
        return next((one for one in self.plant.measurements if one.scan == self.scan), None)


def result_table(outcomes: Sequence[Outcome]) -> Table:
    """A row for each plant and a row for what is true about it."""
    table = Table(
        title="Estimated with 90 % intervals, and what the simulator says is true", title_justify="left", expand=False
    )
    for name in ("plant", "views", "images", "leaf area", "fresh mass, g", "dry mass, g"):
        table.add_column(name, justify="left" if name == "plant" else "right", no_wrap=True)
    for outcome in outcomes:
        _add(table, outcome)
    return table


def _add(table: Table, outcome: Outcome) -> None:
    name, taken, one, truth = outcome.plant.name, outcome.taken, outcome.measurement, outcome.truth or {}
    mass = one.mass if one is not None else MassEstimate()
    if one is None:
        table.add_row(name, taken, "", "failed", "", "")
    else:
        table.add_row(
            name,
            taken,
            f"{one.traits.images_registered}/{one.traits.images_given}",
            square_cm(one.traits.leaf_area_m2),
            _with_interval(mass.fresh_mass_kg, mass.fresh_mass_low_kg, mass.fresh_mass_high_kg),
            _with_interval(mass.dry_mass_kg, mass.dry_mass_low_kg, mass.dry_mass_high_kg),
        )
    fresh, dry = truth.get("fresh_mass_kg"), truth.get("dry_mass_kg")
    table.add_row(
        "  truth",
        "",
        "",
        square_cm(truth.get("well_seen_area_m2")),
        f"{_inside(fresh, mass.fresh_mass_low_kg, mass.fresh_mass_high_kg)}{_bare(fresh)}",
        f"{_inside(dry, mass.dry_mass_low_kg, mass.dry_mass_high_kg)}{_bare(dry)}",
        style="dim",
        end_section=True,
    )


def _inside(true_kg: float | None, low_kg: float | None, high_kg: float | None) -> str:
    if true_kg is None or low_kg is None or high_kg is None:
        return ""
    return "inside: " if low_kg <= true_kg <= high_kg else "OUTSIDE: "


def _with_interval(mass_kg: float | None, low_kg: float | None, high_kg: float | None) -> str:
    if mass_kg is None:
        return "refused"
    bounds = interval_g(low_kg, high_kg).removesuffix(" g").replace(" to ", "–")
    return f"{_bare(mass_kg)} ({bounds})"


def _bare(mass_kg: float | None) -> str:
    """Grams without their unit, which stands in the column's name."""
    return grams(mass_kg).removesuffix(" g")


def seconds_table(outcomes: Sequence[Outcome]) -> Table:
    """How long each stage took: a row for each stage, a column for each plant."""
    measured = [outcome.measurement for outcome in outcomes]
    stages = list(dict.fromkeys(stage for one in measured if one is not None for stage in one.stages_s))
    columns = [_times(outcome, stages) for outcome in outcomes]
    table = Table(title="Time of each stage", title_justify="left", expand=False)
    table.add_column("stage")
    for outcome in outcomes:
        table.add_column(outcome.plant.name, justify="right", no_wrap=True)
    for row, name in enumerate(("scan", *stages)):
        table.add_row(name, *(duration(times[row]) for times in columns), end_section=row == len(stages))
    table.add_row("together", *(duration(sum(seconds or 0.0 for seconds in times)) for times in columns))
    return table


def _times(outcome: Outcome, stages: Sequence[str]) -> list[float | None]:
    """Seconds of the scan and of each stage; None where there are none."""
    taken_s = outcome.measurement.stages_s if outcome.measurement is not None else {}
    return [outcome.scan_s, *(taken_s.get(stage) for stage in stages)]


def notes(outcomes: Sequence[Outcome]) -> list[str]:
    """What a reader of the table should know beside it: refusals, failures, a truth that could not be had."""
    lines = []
    for outcome in outcomes:
        name = outcome.plant.name
        if outcome.problem:
            lines.append(f"{name}: {outcome.problem}")
        one = outcome.measurement
        refused = one and (one.mass.refused_reason or one.traits.untrusted_reason)
        if refused:
            lines.append(f"{name}: {refused}")
        if outcome.truth is None:
            lines.append(f"{name}: the simulator did not tell the truth about it")
    return lines
