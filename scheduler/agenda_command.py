"""`trellis agenda`: the next turns with what is in their way, the past ones, and a word for a clock in doubt."""

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from scan.config import ViewsSection
from scheduler.command import DEFAULT_CONFIG, ConfigPath
from scheduler.config import FarmSection
from scheduler.farm import open_store
from scheduler.forecast import Durations, lay_out
from scheduler.preview import ComingTurn, coming_turns
from scheduler.rows import OccurrenceRow
from scheduler.store import Store
from trellis.clock import SystemClock
from trellis.config import Configuration, load_configuration

app = typer.Typer(help="What is due when, and what became of what was.", add_completion=False)

_Count = Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many turns to show.")]


@app.callback(invoke_without_command=True)
def agenda(
    context: typer.Context,
    config: ConfigPath = DEFAULT_CONFIG,
    count: _Count = 10,
    past: Annotated[bool, typer.Option("--past", help="What became of past turns instead.")] = False,
) -> None:
    """Show the next turns of all schedules: due, likely begin and end, and what is in their way."""
    if context.invoked_subcommand is not None:
        return
    configuration = load_configuration(config)
    farm, console = configuration.section(FarmSection), Console(soft_wrap=True, highlight=False)
    with open_store(configuration) as store:
        if past:
            _print_past(console, store.occurrences(limit=count), farm)
        else:
            _print_coming(console, upcoming(configuration, store, SystemClock().utc(), count), farm)


@app.command("believe-clock")
def believe_clock(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Say that the machine's clock is right, so that an agenda that waits for it goes on."""
    with open_store(load_configuration(config)) as store:
        store.ask("believe")
    Console().print(f"the daemon is told that {SystemClock().utc():%Y-%m-%d %H:%M} UTC is right", highlight=False)


def upcoming(configuration: Configuration, store: Store, now: datetime, count: int) -> list[ComingTurn]:
    """The next turns, after what is in the queue now."""
    farm, views = configuration.section(FarmSection), configuration.section(ViewsSection)
    durations = Durations.of(store.scans(limit=500), views.count)
    slots = lay_out(store.queue(), durations, farm.hours, now)
    ends = {job.plant: slot.ends_at for job in store.queue() if (slot := slots.get(job.id)) is not None}
    return coming_turns(
        farm.schedules,
        farm.zone,
        farm.hours,
        durations,
        [plant.name for plant in store.plants()],
        now,
        busy_until=max(ends.values(), default=now),
        waiting=ends,
        count=count,
    )


def _print_coming(console: Console, turns: list[ComingTurn], farm: FarmSection) -> None:
    if not turns:
        console.print("nothing is due: no schedule is enabled, or none comes again")
        return
    table = Table("due", "schedule", "plants", "likely from", "to", "conflicts", box=None)
    for turn in turns:
        edges = (_local(turn.begins_at, farm), _local(turn.ends_at, farm))
        table.add_row(
            _local(turn.due_at, farm), turn.schedule, str(len(turn.plants)), *edges, "\n".join(turn.conflicts)
        )
    console.print(table)


def _print_past(console: Console, turns: list[OccurrenceRow], farm: FarmSection) -> None:
    table = Table("due", "schedule", "plant", "state", "reason", box=None)
    for turn in turns:
        table.add_row(_local(turn.due_at, farm), turn.schedule, turn.plant, turn.state, turn.reason or "")
    console.print(table)


def _local(at: datetime | None, farm: FarmSection) -> str:
    return "" if at is None else f"{at.astimezone(farm.zone):%a %Y-%m-%d %H:%M %Z}"
