"""Following scans and reconstructions on a terminal as bars, or in a log as a line for each change."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from web.answers import JobAnswer
from web.words import doing, duration

Show = Callable[[Sequence[JobAnswer]], None]
_KINDS = (("scan", "photograph"), ("reconstruct", "reconstruct"))


@contextmanager
def follower(console: Console, plants: Sequence[str]) -> Iterator[Show]:
    """A function to be shown the jobs of these plants again and again.

    On a terminal there is a bar for the scan and one for the reconstruction of each plant; elsewhere a line is printed
    whenever a job changes its state or its stage.
    """
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=32),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[doing]}", markup=False),
    )
    with Progress(*columns, console=console) as progress:
        yield _bars(progress, plants)


def _bars(progress: Progress, plants: Sequence[str]) -> Show:
    tasks = {
        (kind, plant): progress.add_task(f"{word} {plant}", total=1.0, start=False, doing="")
        for plant in plants
        for kind, word in _KINDS
    }

    def show(jobs: Sequence[JobAnswer]) -> None:
        for job in jobs:
            task = tasks[(job.kind, job.plant)]
            if job.started_at is not None and not progress.tasks[task].started:
                progress.start_task(task)
            if job.state in ("failed", "cancelled"):
                progress.update(task, doing=f"{job.state}: {job.reason}")
                progress.stop_task(task)
                continue
            progress.update(task, completed=1.0 if job.state == "done" else job.share, doing=_words(job))
            if job.state == "done":
                progress.stop_task(task)

    return show


def _words(job: JobAnswer) -> str:
    return job.state if job.state in ("queued", "paused", "done") else doing(job)


def _lines(console: Console) -> Show:
    told: dict[int, str] = {}

    def show(jobs: Sequence[JobAnswer]) -> None:
        for job in reversed(jobs):
            # What a scan does changes with every photograph: too many lines for a log.
            now = f"{job.state}, {job.stage}" if job.kind == "reconstruct" and job.state == "running" else job.state
            if told.get(job.id) != now:
                told[job.id] = now
                after = f" after {duration(job.run_s)}" if job.state in ("done", "failed") else ""
                why = f": {job.reason}" if job.reason else ""
                console.print(f"{job.kind} {job.plant}: {now}{after}{why}", highlight=False, markup=False)

    return show
