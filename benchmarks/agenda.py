"""Schedules against brute force over every minute of all IANA zones, 2020 to 2037: the slow test, as a figure.

python -m benchmarks.agenda [--zones 0] [--seed 1] [-o benchmarks/results/agenda.json]    ten minutes for all zones
python -m benchmarks.agenda --keep FILE --for-s 200    in pieces: goes on where the last one was; status 3 until the end

Zones that are other names of a clock that was compared already count as compared.
"""

import hashlib
import json
import random
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

import typer

from benchmarks.quick.result import write_result
from tests.scheduler.test_recurrence import RULES, compare
from tests.scheduler.zone_oracle import wall_clock

FIRST, LAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)


def main(
    zones: Annotated[int, typer.Option(help="So many zones by chance; 0: all.")] = 0,
    seed: int = 1,
    keep: Annotated[Path | None, typer.Option(help="Where what was compared is kept.")] = None,
    for_s: Annotated[float, typer.Option(help="End this piece after so many seconds.")] = float("inf"),
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/agenda.json"),
) -> None:
    """Compare; fails at the first instant that differs."""
    until_s = time.monotonic() + for_s
    names = sorted(available_timezones())
    chosen = random.Random(seed).sample(names, zones) if zones else names
    done = json.loads(keep.read_text()) if keep and keep.exists() else {"zones": [], "clocks": {}, "processor_s": 0.0}
    for zone in chosen:
        if zone not in done["zones"]:
            _compare(zone, done)
            if keep:
                keep.write_text(json.dumps(done))
        if time.monotonic() > until_s:
            print(f"{len(done['zones'])} of {len(chosen)} zones", flush=True)
            raise typer.Exit(3)
    figures = {
        "zones": len(chosen),
        "different_clocks": len(done["clocks"]),
        "rules": len(RULES),
        "instants_compared": sum(done["clocks"].values()),
        "instants_that_differ": 0,
        "processor_s": round(done["processor_s"]),
    }
    write_result(out, f"python -m benchmarks.agenda --zones {zones} --seed {seed}", figures)


def _compare(zone: str, done: dict) -> None:
    """One zone, unless its clock was compared under another name."""
    begun_s = time.process_time()
    clock = hashlib.sha256(wall_clock(ZoneInfo(zone), FIRST, LAST)[1].tobytes()).hexdigest()
    if clock not in done["clocks"]:
        rules = {name: table for name, table in RULES.items() if not table.rrule}
        later = {name: table for name, table in RULES.items() if table.rrule}  # they count from 2024
        count = compare(zone, FIRST, LAST, rules) + compare(zone, datetime(2024, 2, 1, tzinfo=UTC), LAST, later)
        done["clocks"][clock] = count
    done["zones"].append(zone)
    done["processor_s"] += time.process_time() - begun_s


if __name__ == "__main__":
    typer.run(main)
