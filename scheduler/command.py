"""`trellis scan`, `status`, `stop` and `clear`: what a person asks of the daemon, from any terminal."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scheduler.agenda import next_due
from scheduler.config import FarmSection, data_folder
from scheduler.farm import open_store
from scheduler.following import follow_job
from scheduler.rows import JobRow
from scheduler.socket import DaemonClient, NoDaemon
from scheduler.store import Store
from trellis.clock import SystemClock
from trellis.config import load_configuration
from trellis.errors import TrellisError

ConfigPath = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")]
DEFAULT_CONFIG = Path("trellis.toml")


class JobFailed(TrellisError):
    """A job that somebody waited for ended otherwise than done."""


def scan(
    plant: Annotated[str, typer.Argument(help="A plant of the section [wall].")],
    config: ConfigPath = DEFAULT_CONFIG,
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until scan and reconstruction end.")] = False,
) -> None:
    """Ask the daemon for a scan of a plant."""
    configuration = load_configuration(config)
    console, errors = Console(), Console(stderr=True, soft_wrap=True)
    with open_store(configuration) as store:
        job = store.request_scan(plant)
        console.print(f"scan of {plant} asked for (job {job.id})", highlight=False)
        try:
            DaemonClient(data_folder(configuration).daemon_socket).state()
        except NoDaemon:
            errors.print(f"no daemon runs: the scan waits for `trellis daemon --config {config}`", highlight=False)
        if wait:
            _wait(store, job, console)


def status(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Say what goes on: the daemon, its jobs, and when each schedule comes next."""
    configuration = load_configuration(config)
    farm = configuration.section(FarmSection)
    console = Console(soft_wrap=True, highlight=False)
    try:
        state = DaemonClient(data_folder(configuration).daemon_socket).state()
        stopped = ", stopped: `trellis clear` lets it go on" if state["stopped"] else ""
        console.print(f"{farm.name}: the daemon runs (process {state['pid']}){stopped}", markup=False)
    except NoDaemon as error:
        console.print(f"{farm.name}: {error}", markup=False)
    with open_store(configuration) as store:
        for job in reversed(store.jobs(states=["queued", "running", "paused"])):
            detail = job.reason or job.stage or ""
            console.print(
                f"job {job.id}: {job.kind} of {job.plant}, {job.state} {job.share:.0%} {detail}", markup=False
            )
    for schedule in farm.schedules:
        at = next_due(schedule, farm.zone, SystemClock().utc())
        told = "switched off" if at is None else f"next at {at.astimezone(farm.zone):%Y-%m-%d %H:%M %Z}"
        console.print(f"schedule {schedule.name}: {told}", markup=False)


def stop(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Stop the robot now: all actuators freeze and hold. Not a safety-rated stop."""
    DaemonClient(data_folder(load_configuration(config)).daemon_socket).stop()
    Console().print("stopped; everything holds. `trellis clear` lets it go on", highlight=False)


def clear(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Let the robot move again after a stop; a scan that was stopped goes on."""
    DaemonClient(data_folder(load_configuration(config)).daemon_socket).clear()
    Console().print("cleared; what was stopped goes on", highlight=False)


def _wait(store: Store, job: JobRow, console: Console) -> None:
    """Follow a scan and what is made of it.

    Raises:
        JobFailed: It failed or was cancelled; with the job's own reason.
    """
    ended = _done(follow_job(store, job.id, console))
    for following in store.jobs(kind="reconstruct", scan=ended.scan, limit=1):
        _done(follow_job(store, following.id, console))
    if ended.scan is not None:
        console.print(_outcome(store, ended.scan), markup=False, highlight=False, soft_wrap=True)


def _done(job: JobRow) -> JobRow:
    if job.state != "done":
        raise JobFailed(f"{job.kind} of {job.plant} {job.state}: {job.reason or 'no reason was given'}")
    return job


def _outcome(store: Store, scan: str) -> str:
    row, found = store.scan(scan), store.measurement(scan)
    line = f"{row.plant}: {row.views_taken} of {row.views_planned} photographs in {row.folder}"
    if found is None:
        return line
    area = f"{found.traits.leaf_area_m2 * 1e4:.0f} cm2 of leaf"
    mass = found.mass
    if mass.fresh_mass_kg is None or mass.fresh_mass_low_kg is None or mass.fresh_mass_high_kg is None:
        return f"{line}; {area}; no mass: {mass.refused_reason}"
    low, high = mass.fresh_mass_low_kg * 1e3, mass.fresh_mass_high_kg * 1e3
    return f"{line}; {area}; fresh mass {mass.fresh_mass_kg * 1e3:.0f} g ({low:.0f} to {high:.0f} g)"
