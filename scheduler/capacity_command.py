"""`trellis capacity`: robots, workers, disk and network for more plants, from measured seconds and bytes."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from scheduler.capacity import Measured, Need, need
from scheduler.command import DEFAULT_CONFIG, ConfigPath
from scheduler.config import FarmSection, data_folder
from scheduler.disk import words
from scheduler.farm import open_store
from scheduler.retention import sizes_of
from scheduler.store import Store
from trellis.config import load_configuration
from trellis.errors import InputError
from trellis.folders import DataFolder, ScanFolder

_NEWEST = 200


def capacity(
    config: ConfigPath = DEFAULT_CONFIG,
    plants: Annotated[list[int] | None, typer.Option(help="Plants a day; may be given several times.")] = None,
    hours: Annotated[float, typer.Option(min=0.1, max=24, help="Hours of the day in which robots may scan.")] = 16.0,
) -> None:
    """Say what 1,000 and 100,000 plants a day need, from what this farm's scans took."""
    configuration = load_configuration(config)
    farm = configuration.section(FarmSection)
    with open_store(configuration) as store:
        measured = measured_on(store, data_folder(configuration))
    kept = farm.retention
    needs = [
        need(measured, count, hours, kept.photographs_days, kept.models_days) for count in plants or (1000, 100_000)
    ]
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(
        f"measured: a scan {measured.scan_s:.0f} s (median of {measured.scans}), a reconstruction "
        f"{measured.reconstruction_s:.0f} s of a worker ({measured.reconstructions}); photographs "
        f"{words(measured.photographs_bytes)}, models {words(measured.models_bytes)}, numbers "
        f"{words(measured.numbers_bytes)} a scan"
    )
    console.print(_table(needs))
    console.print("a fifth of the time is reckoned as lost; PostgreSQL and `trellis worker` beyond one machine")


def measured_on(store: Store, folder: DataFolder) -> Measured:
    """What the newest scans took. Raises `InputError` while none was scanned and reconstructed."""
    done = [scan for scan in store.scans(limit=_NEWEST) if scan.state == "done" and scan.finished_at is not None]
    seconds = [sum(row.stage_seconds.values()) for row in store.measurements(limit=_NEWEST)]
    seconds = [each for each in seconds if each > 0]
    if not done or not seconds:
        raise InputError(
            "nothing was measured yet: scan and reconstruct at least one plant (`trellis scan PLANT --wait`)"
        )
    sizes = [sizes_of(ScanFolder(folder.path / scan.folder)) for scan in done]
    lasted = [(scan.finished_at - scan.started_at).total_seconds() for scan in done if scan.finished_at is not None]
    return Measured.of(lasted, seconds, [(size.photographs, size.models, size.numbers) for size in sizes])


def _table(needs: list[Need]) -> Table:
    table = Table("plants a day", "robots", "workers", "written a day", "kept", "network", "rows a day", box=None)
    for one in needs:
        table.add_row(
            f"{one.plants:,}",
            f"{one.robots:,}",
            f"{one.workers:,}",
            words(one.daily_bytes),
            words(one.kept_bytes),
            f"{words(one.network_bytes_s)}/s",
            f"{one.rows_a_day:,}",
        )
    return table
