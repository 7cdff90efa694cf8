"""`trellis update`: install another version, unless a scan runs; the old one comes back if the farm is not well."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Annotated

import structlog
import typer

from scheduler.backups import back_up_database
from scheduler.command import DEFAULT_CONFIG, ConfigPath
from scheduler.config import FarmSection, data_folder
from scheduler.farm import open_store
from scheduler.logs import log_to_stderr
from scheduler.socket import DaemonClient
from trellis.clock import SystemClock
from trellis.config import Configuration, load_configuration
from trellis.errors import InputError, TrellisError

log = structlog.get_logger("update")

#: So long the daemon may take until it answers after it was started.
PATIENCE_S = 120.0
_LOOK_S = 1.0

Run = Callable[[Sequence[str]], int]


def update(
    wanted: Annotated[str, typer.Argument(help="What pip is to install: a wheel, or trellis-farm==VERSION.")],
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Install another version; refused while a scan runs, taken back if the daemon is not well with it."""
    log_to_stderr()
    update_to(wanted, load_configuration(config))


def update_to(
    wanted: str,
    configuration: Configuration,
    run: Run = lambda command: subprocess.run(command, check=False).returncode,
    well: Callable[[Configuration], str | None] | None = None,
) -> None:
    """Hold the queue, install, restart, look; else put the version of now, and the database of now, back.

    Args:
        wanted: For pip.
        configuration: The farm's.
        run: Runs a command and gives its status.
        well: Why the farm is not well, or None; asks the daemon, if not given.

    Raises:
        InputError: A scan runs, nothing was changed; or the new version was taken back, with the reason.
    """
    before = version("trellis-farm")
    refuse_during_a_scan(configuration)
    folder, now = data_folder(configuration), SystemClock().utc()
    in_file = not configuration.section(FarmSection).database_url
    copy = back_up_database(folder, now) if in_file and folder.database.exists() else None
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    why = None if run([*pip, wanted]) == 0 else f"pip could not install {wanted!r}"
    if why is None:
        why = _restart(run) or (well or wait_until_well)(configuration)
    if why is None:
        log.info("updated", wanted=wanted, before=before)
        return
    log.error("taken back", wanted=wanted, reason=why)
    again = run([*pip, f"trellis-farm=={before}"])
    _restart(run, only_stop=True)
    if copy is not None:
        shutil.copyfile(folder.database, folder.path / f"trellis.db.of-{now:%Y%m%dT%H%M%SZ}")
        for path in folder.path.glob("trellis.db-*"):
            path.unlink()  # the journal of a database that is about to be another one
        shutil.copyfile(copy, folder.database)
    _restart(run)
    left = "" if again == 0 else f"; and pip could not put {before} back: do it by hand"
    raise InputError(f"the update was taken back, {before} runs again: {why}{left}")


def refuse_during_a_scan(configuration: Configuration) -> None:
    """Raises `InputError` if a scan runs."""
    with open_store(configuration) as store:
        running = store.jobs(states=["running"], kind="scan")
    if running:
        raise InputError(
            f"a scan of {running[0].plant} runs; `trellis queue pause {running[0].id}` stops it after its view, or wait"
        )


def wait_until_well(configuration: Configuration) -> str | None:
    """Why the daemon is not well after `PATIENCE_S`, or None as soon as it answers and its database can be read."""
    until_s, why = time.monotonic() + PATIENCE_S, "it was not asked"
    while time.monotonic() < until_s:
        try:
            DaemonClient(data_folder(configuration).daemon_socket).state()
            with open_store(configuration) as store:
                store.plants()
            return None
        except TrellisError as error:
            why = str(error)
        time.sleep(_LOOK_S)
    return why


def _restart(run: Run, only_stop: bool = False) -> str | None:
    """Why the services could not be restarted, or None."""
    units = ["trellis-daemon.service", "trellis-web.service"]
    if run(["systemctl", "stop" if only_stop else "restart", *units]) == 0:
        return None
    return "systemctl could not restart the daemon; `journalctl -u trellis-daemon` says why"
