"""`trellis backup` and `trellis restore`: the whole farm to another place and back, every file compared by its hash."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scheduler.archive import back_up, drill
from scheduler.archive import restore as restore_files
from scheduler.command import DEFAULT_CONFIG, ConfigPath
from scheduler.config import data_folder
from scheduler.farm import only_daemon, open_store
from scheduler.rebuild import rebuild
from trellis.clock import SystemClock
from trellis.config import load_configuration


def backup(
    target: Annotated[Path, typer.Argument(help="A folder on another disk; a second backup copies only what is new.")],
    config: ConfigPath = DEFAULT_CONFIG,
    drill_too: Annotated[
        bool, typer.Option("--drill", help="Then restore it into a scratch folder and compare.")
    ] = False,
) -> None:
    """Copy photographs, models and database to another place, while the daemon runs."""
    folder = data_folder(load_configuration(config))
    copied = sum(1 for _ in back_up(folder, target, SystemClock().utc()))
    _print(f"{target}: {copied} files copied, the rest was there")
    if drill_too:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="trellis-drill-") as place:
            counts = drill(target, Path(place))
        _print(f"drill: {counts['files']} files restored and compared, {counts['photographs']} of them photographs")


def restore(
    source: Annotated[Path, typer.Argument(help="A folder that `trellis backup` made.")],
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Bring a backup into an empty data folder; each file is compared with its hash before and after."""
    configuration = load_configuration(config)
    folder = data_folder(configuration)
    with only_daemon(folder):
        files = sum(1 for _ in restore_files(source, folder))
        with open_store(configuration) as store:
            lines = rebuild(store, folder, every=True)
            store.add_event(f"restored from the backup {source.name}: {files} files", "warning")
    _print(f"{folder.path}: {files} files restored and compared; {len(lines)} rows put right from the folders")


def _print(line: str) -> None:
    Console(soft_wrap=True).print(line, markup=False, highlight=False)
