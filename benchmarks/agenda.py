"""Schedules against brute force over every minute of all IANA zones, 2020 to 2037: the slow test, as a figure.

python -m benchmarks.agenda [--zones 0] [--seed 1] [-o benchmarks/results/agenda.json]    ten minutes for all zones
"""

import random
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import available_timezones

import typer

from benchmarks.quick.result import write_result
from tests.scheduler.test_recurrence import RULES, compare


def main(
    zones: Annotated[int, typer.Option(help="So many zones by chance; 0: all.")] = 0,
    seed: int = 1,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/agenda.json"),
) -> None:
    """Compare; fails at the first instant that differs."""
    names = sorted(available_timezones())
    chosen = random.Random(seed).sample(names, zones) if zones else names
    first, last = datetime(2020, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
    rules = {name: table for name, table in RULES.items() if not table.rrule}
    later = {name: table for name, table in RULES.items() if table.rrule}
    begun_s, instants = time.process_time(), 0
    for zone in chosen:
        instants += compare(zone, first, last, rules) + compare(zone, datetime(2024, 2, 1, tzinfo=UTC), last, later)
    figures = {
        "zones": len(chosen),
        "rules": len(RULES),
        "instants_compared": instants,
        "instants_that_differ": 0,
        "processor_s": round(time.process_time() - begun_s),
    }
    write_result(out, f"python -m benchmarks.agenda --zones {zones} --seed {seed}", figures)


if __name__ == "__main__":
    typer.run(main)
