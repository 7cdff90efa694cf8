"""Following a job on a terminal until it ends: a bar where somebody looks at it, lines elsewhere."""

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from scheduler.rows import JobRow
from scheduler.store import Store

_POLL_S = 0.3


def follow_job(store: Store, job_id: int, console: Console) -> JobRow:
    """Show a job's progress until it has ended; its row then."""
    return _with_a_bar(store, job_id, console) if console.is_terminal else _with_lines(store, job_id, console)


def _with_a_bar(store: Store, job_id: int, console: Console) -> JobRow:
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), TextColumn("{task.percentage:>3.0f} %"))
    tail = (TimeElapsedColumn(), TextColumn("{task.fields[note]}", markup=False))
    with Progress(*columns, *tail, console=console) as progress:
        job = store.job(job_id)
        task = progress.add_task(_title(job), total=1.0, note="")
        while True:
            job = store.job(job_id)
            progress.update(task, completed=job.share, note=_note(job))
            if job.ended:
                return job
            time.sleep(_POLL_S)


def _with_lines(store: Store, job_id: int, console: Console) -> JobRow:
    said = ""
    while True:
        job = store.job(job_id)
        line = f"{_title(job)}: {_note(job)}"
        if line != said and not job.ended:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
            said = line
        if job.ended:
            return job
        time.sleep(_POLL_S)


def _title(job: JobRow) -> str:
    return f"{'scan' if job.kind == 'scan' else 'reconstruction'} of {job.plant}"


def _note(job: JobRow) -> str:
    if job.state == "running":
        return job.stage or "begins"
    return f"{job.state}: {job.reason}" if job.reason else job.state
