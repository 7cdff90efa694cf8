"""`trellis queue`: what runs and waits and until when; its order; pause, resume, cancel, retry, skip a view."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from scan.config import ViewsSection
from scheduler.command import DEFAULT_CONFIG, ConfigPath
from scheduler.config import FarmSection
from scheduler.farm import open_store
from scheduler.forecast import Durations, lay_out
from scheduler.rows import JobRow
from trellis.clock import SystemClock
from trellis.config import load_configuration

app = typer.Typer(help="What runs and waits, and what a person asks of it.", add_completion=False)

Job = Annotated[int, typer.Argument(help="A job's number, as `trellis queue` shows it.")]
AnyJob = Annotated[int | None, typer.Argument(help="A job's number; without one, the whole queue.")]
View = Annotated[int, typer.Argument(min=0, help="A viewpoint's number, from 0.")]


@app.callback(invoke_without_command=True)
def queue(context: typer.Context, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Show the scans that run and wait, in their order, and when each is likely to begin and end."""
    if context.invoked_subcommand is not None:
        return
    configuration = load_configuration(config)
    farm, views = configuration.section(FarmSection), configuration.section(ViewsSection)
    console = Console(soft_wrap=True, highlight=False)
    with open_store(configuration) as store:
        jobs, durations = store.queue(), Durations.of(store.scans(limit=500), views.count)
        if store.held():
            console.print("the queue is held; `trellis queue resume` lets it go on")
    slots = lay_out(jobs, durations, farm.hours, SystemClock().utc())
    table = Table("job", "plant", "state", "done", "likely from", "to", "asked by", "reason", box=None)
    for job in jobs:
        slot = slots[job.id]
        edges = (
            ("", "never")
            if slot is None
            else (f"{at.astimezone(farm.zone):%a %H:%M}" for at in (slot.begins_at, slot.ends_at))
        )
        table.add_row(str(job.id), job.plant, job.state, f"{job.share:.0%}", *edges, job.asked_by, job.reason or "")
    console.print(table if jobs else "nothing runs and nothing waits")


@app.command()
def first(job: Job, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Put a waiting job before all others."""
    with open_store(load_configuration(config)) as store:
        _say(store.move(job, "first"), "is the next")


@app.command()
def last(job: Job, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Put a waiting job behind all others."""
    with open_store(load_configuration(config)) as store:
        _say(store.move(job, "last"), "is the last")


@app.command()
def pause(job: AnyJob = None, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Pause a job, or hold the whole queue; a scan that runs stops after the viewpoint that it is at."""
    with open_store(load_configuration(config)) as store:
        if job is None:
            store.hold(True)
            _print("the queue is held; `trellis queue resume` lets it go on")
        else:
            found = store.pause_job(job)
            _say(found, "is paused" if found.state == "paused" else "pauses after the viewpoint that it is at")


@app.command()
def resume(job: AnyJob = None, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Let a paused job, or the held queue, go on; a scan at its next missing viewpoint."""
    with open_store(load_configuration(config)) as store:
        if job is None:
            store.hold(False)
            _print("the queue goes on")
        else:
            _say(store.resume_job(job), "goes on")


@app.command()
def cancel(job: Job, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Cancel a job: at once if it waits, after its viewpoint if it runs. Photographs are kept."""
    with open_store(load_configuration(config)) as store:
        found = store.cancel(job)
        _say(found, f"is {found.state}" if found.ended else "ends after the viewpoint that it is at")


@app.command()
def retry(job: Job, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Ask again for what failed or was cancelled."""
    with open_store(load_configuration(config)) as store:
        _say(store.retry(job), "is asked for")


@app.command()
def skip(job: Job, view: View, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Give up one viewpoint of a scan that has begun."""
    with open_store(load_configuration(config)) as store:
        store.skip_view(job, view)
        _say(store.job(job), f"skips viewpoint {view}, unless it is taken by now")


def _say(job: JobRow, what: str) -> None:
    _print(f"job {job.id} ({job.kind} of {job.plant}) {what}")


def _print(line: str) -> None:
    Console(soft_wrap=True).print(line, markup=False, highlight=False)
