"""`trellis disk`: what the data takes, how long the disk lasts, and what retention would take away."""

import shutil
from typing import Annotated

import typer
from rich.console import Console

from scheduler.command import DEFAULT_CONFIG, ConfigPath
from scheduler.config import FarmSection, data_folder
from scheduler.disk import words
from scheduler.farm import open_store
from scheduler.retention import forecast, prune
from trellis.clock import SystemClock
from trellis.config import load_configuration


def disk(
    config: ConfigPath = DEFAULT_CONFIG,
    apply: Annotated[bool, typer.Option("--apply", help="Remove what is older than [farm.retention] says.")] = False,
) -> None:
    """Say what photographs, models and numbers take, and for how many days the disk has room."""
    configuration = load_configuration(config)
    farm, folder, now = configuration.section(FarmSection), data_folder(configuration), SystemClock().utc()
    with open_store(configuration) as store:
        scans = store.scans(limit=10_000_000)
        free = max(shutil.disk_usage(folder.path).free - farm.disk.keep_free_bytes, 0)
        found = forecast(folder, scans, farm.retention, free, now)
        old = list(prune(folder, scans, farm.retention, now, apply=apply))
        if apply and old:
            store.add_event(f"{len(old)} tiers of old scans were removed by hand ({words(sum(row[2] for row in old))})")
    sizes = found.sizes
    _print(
        f"{len(scans)} scans take {words(sizes.total)}: photographs {words(sizes.photographs)}, "
        f"models {words(sizes.models)}, numbers {words(sizes.numbers)}"
    )
    lasts = "for ever" if found.days_left is None else f"for {found.days_left:.0f} days"
    _print(f"{words(found.bytes_a_day)} a day come; {words(free)} that may be used last {lasts} at that pace")
    done = "removed" if apply else "would be removed by --apply"
    for scan, tier, size in old:
        _print(f"{scan.folder}: {tier}, {words(size)}, {done}")


def _print(line: str) -> None:
    Console(soft_wrap=True).print(line, markup=False, highlight=False)
