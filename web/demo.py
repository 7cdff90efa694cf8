"""`trellis demo`: the simulated farm, its daemon and its dashboard; two plants scanned, reconstructed and weighed."""

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from trellis.durable import make_folder
from trellis.errors import TrellisError
from web.answers import JobAnswer
from web.children import Children
from web.demo_api import DemoApi, NoAnswer, truth
from web.demo_configuration import DemoFarm, write_demo_configuration
from web.demo_door import DemoDoor
from web.demo_progress import follower
from web.demo_table import Outcome, notes, result_table, seconds_table

_START_S = 120.0
_POLL_S = 0.5
_NO_RECONSTRUCTION_S = 30.0
_OVER = ("done", "failed", "cancelled")


class DemoFailed(TrellisError):
    """The demonstration could not be carried through."""

    exit_status = 1


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the table instead of staying up.")] = False,
    data: Annotated[Path, typer.Option("--data", help="Where its data lies; what is there already stays.")] = Path(
        "demo-data"
    ),
) -> None:
    """Scan and weigh two lettuces of a simulated farm, and show them on the dashboard. Ctrl-C ends everything."""
    console = Console()
    folder = data.absolute()
    make_folder(folder)
    try:
        with _ended_by_signals(), Children(folder) as children:
            failed = _run(console, folder, children, stay=not once)
    except KeyboardInterrupt:
        console.print("Ended.", highlight=False)
        raise typer.Exit(130 if once else 0) from None
    if failed:
        raise DemoFailed(f"{failed} of the plants could not be measured; the lines under the table say why")


def _run(console: Console, folder: Path, children: Children, *, stay: bool) -> int:
    """The whole demonstration; returns how many plants were not measured."""
    farm = write_demo_configuration(folder)
    console.print(f"Starting a simulated farm in {folder}", highlight=False)
    children.start("daemon", "daemon", "--config", str(farm.config))
    web_pid = children.start("web", "web", "--config", str(farm.config))
    door = DemoDoor(farm)
    with DemoApi(farm.web_url, door.key()) as api:
        _wait_for_health(api, children, web_pid)
        console.print(f"Dashboard: {door.link()}", highlight=False, soft_wrap=True)
        console.print("That address signs you in, once; nobody else may in.", highlight=False)
        if api.robot().stopped:
            console.print("The robot was left stopped here: clear the stop on the dashboard, and the scans begin.")
        outcomes = follow_to_the_end(console, api, farm, children)
    console.print()
    for table in (result_table(outcomes), seconds_table(outcomes)):
        console.print(table)
    for line in notes(outcomes):
        console.print(line, highlight=False, markup=False)
    if stay:
        console.print(f"\nThe farm stays up: {door.link()}   (Ctrl-C ends it)", highlight=False, soft_wrap=True)
        while True:
            children.check()
            time.sleep(1.0)
    return sum(1 for outcome in outcomes if outcome.problem)


def _wait_for_health(api: DemoApi, children: Children, web_pid: int) -> None:
    """Until our own dashboard (not another that took the port meanwhile), the database and the daemon all answer."""
    until = time.monotonic() + _START_S
    last: str | None = "nothing answered"
    while time.monotonic() < until:
        children.check()
        try:
            health = api.health()
            if health.pid == web_pid and health.database and health.daemon:
                return
            last = health.reason
        except NoAnswer as error:
            last = str(error)
        time.sleep(_POLL_S)
    raise DemoFailed(f"the farm did not come up within {_START_S:.0f} s: {last}")


def follow_to_the_end(console: Console, api: DemoApi, farm: DemoFarm, children: Children) -> list[Outcome]:
    """Ask for a scan of each plant, and follow scans and reconstructions to their end."""
    asked = {api.request_scan(plant).id for plant in farm.plants}
    done_at: dict[str, float] = {}
    with follower(console, farm.plants) as show:
        while True:
            children.check()
            jobs = _own(api.jobs(), asked)
            show(jobs)
            if all(_is_over(plant, jobs, done_at) for plant in farm.plants):
                break
            time.sleep(_POLL_S)
    return [_outcome(api, farm, plant, jobs) for plant in farm.plants]


def _own(jobs: Sequence[JobAnswer], asked: set[int]) -> list[JobAnswer]:
    """The scans that were asked for here, and the reconstructions of just these; older work in the folder is not."""
    scans = [job for job in jobs if job.id in asked]
    made = {job.scan for job in scans if job.scan is not None}
    return [job for job in jobs if job.kind == "reconstruct" and job.scan in made] + scans


def _is_over(plant: str, jobs: Sequence[JobAnswer], done_at: dict[str, float]) -> bool:
    """Whether a plant is measured, or will not be: its reconstruction has ended, or its scan came to nothing."""
    ended = {job.kind: job for job in jobs if job.plant == plant and job.state in _OVER}
    begun = any(job.kind == "reconstruct" and job.plant == plant for job in jobs)
    if "scan" not in ended or begun:
        return "reconstruct" in ended
    waited_s = time.monotonic() - done_at.setdefault(plant, time.monotonic())
    return ended["scan"].state != "done" or waited_s > _NO_RECONSTRUCTION_S


def _outcome(api: DemoApi, farm: DemoFarm, plant: str, jobs: Sequence[JobAnswer]) -> Outcome:
    own = {job.kind: job for job in jobs if job.plant == plant}
    bad = [f"{job.kind} {job.state}: {job.reason}" for job in own.values() if job.state != "done"]
    if "reconstruct" not in own and not bad:
        bad = [f"no reconstruction was begun within {_NO_RECONSTRUCTION_S:.0f} s after the scan"]
    scan = own["scan"]
    return Outcome(api.plant(plant), scan.scan, scan.run_s, truth(farm.truth_url, plant), bad[0] if bad else None)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """A request to end (SIGTERM, SIGHUP) unwinds the program as Ctrl-C does, so that the children end too."""

    def unwind(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = {which: signal.signal(which, unwind) for which in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)
