"""`trellis install-service`: write the systemd units of this farm, or show what would be done."""

import getpass
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scheduler.command import DEFAULT_CONFIG, ConfigPath
from scheduler.config import FarmSection, data_folder
from scheduler.systemd import units
from trellis.config import load_configuration
from trellis.durable import write_durably
from trellis.errors import InputError


def install_service(
    config: ConfigPath = DEFAULT_CONFIG,
    user: Annotated[str, typer.Option(help="Whom the daemon runs as; not root.")] = "",
    into: Annotated[Path, typer.Option(help="Where units lie.")] = Path("/etc/systemd/system"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be written and run.")] = False,
) -> None:
    """Install daemon and dashboard as systemd services that start with the machine."""
    configuration = load_configuration(config)
    who = user or os.environ.get("SUDO_USER") or getpass.getuser()
    if who == "root":
        raise InputError("the daemon does not run as root; name a user with --user, who may write the data folder")
    program = Path(
        shutil.which("trellis", path=str(Path(sys.executable).parent)) or Path(sys.executable).parent / "trellis"
    )
    name = configuration.section(FarmSection).name
    files = units(name, who, program, configuration.path.resolve(), data_folder(configuration).path)
    commands = [
        ["systemctl", "daemon-reload"],
        ["systemctl", "enable", "--now", *(name for name in files if name != "trellis-notify.service")],
    ]
    if dry_run:
        for file, text in files.items():
            _print(f"would write {into / file}:\n{text}")
        for command in commands:
            _print(f"would run: {' '.join(command)}")
        return
    if shutil.which("systemctl") is None:
        raise InputError("there is no systemctl here; --dry-run shows the units for another supervisor")
    for file, text in files.items():
        write_durably(into / file, text.encode())
        _print(f"wrote {into / file}")
    for command in commands:
        _print(f"runs: {' '.join(command)}")
        if subprocess.run(command, check=False).returncode != 0:
            raise InputError(f"{' '.join(command)} failed; `journalctl -u trellis-daemon` says why")


def _print(line: str) -> None:
    Console(soft_wrap=True).print(line, markup=False, highlight=False)
