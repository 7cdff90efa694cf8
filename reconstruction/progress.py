"""Stage events on a terminal: a bar for each stage, or a line for each where nobody looks at bars."""

from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

from reconstruction.pipeline import StageEvent


def follow(events: Iterator[StageEvent], stages: tuple[str, ...], console: Console) -> None:
    """Show events until there are no more."""
    if console.is_terminal:
        _bars(events, stages, console)
    else:
        _lines(events, console)


def _bars(events: Iterator[StageEvent], stages: tuple[str, ...], console: Console) -> None:
    columns = (
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.fields[message]}", markup=False, table_column=Column(ratio=1)),
    )
    with Progress(*columns, console=console, expand=True) as progress:
        tasks = {name: progress.add_task(name, total=None, start=False, message="", visible=False) for name in stages}
        for event in events:
            task = tasks[event.stage]
            if event.share == 0.0 and not event.message:
                progress.start_task(task)
            # A stage that cannot tell how far it is gets a bar that only moves.
            total = 1.0 if event.share > 0 else None
            progress.update(task, total=total, completed=event.share, message=event.message, visible=True)


def _lines(events: Iterator[StageEvent], console: Console) -> None:
    for event in events:
        if event.share == 1.0:
            line = f"{event.stage:8} {event.seconds:7.1f} s  {event.message}"
            console.print(line, markup=False, highlight=False, soft_wrap=True)
