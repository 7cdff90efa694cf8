"""`trellis demo`: the simulated farm, its daemon and its dashboard; two plants scanned, reconstructed and weighed."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import httpx
import typer
from pydantic import TypeAdapter
from rich.console import Console

from trellis.errors import TrellisError
from web.answers import JobAnswer, PlantDetailAnswer
from web.children import Children
from web.demo_configuration import DemoFarm, write_demo_configuration
from web.demo_progress import follower
from web.demo_table import Outcome, notes, result_table, seconds_table

_START_S = 90.0
_POLL_S = 0.5
_JOBS = TypeAdapter(list[JobAnswer])


class DemoFailed(TrellisError):
    """The demonstration could not be carried through."""

    exit_status = 1


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the table instead of staying up.")] = False,
    data: Annotated[Path, typer.Option("--data", help="Where its data lies; old scans there stay.")] = Path(
        "demo-data"
    ),
) -> None:
    """Scan and weigh two lettuces of a simulated farm, and show them on the dashboard. Ctrl-C ends everything."""
    console = Console()
    folder = data.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _ended_by_signals(), Children(folder) as children:
            failed = _run(console, folder, children, stay=not once)
    except KeyboardInterrupt:
        console.print("Ended.", highlight=False)
        return
    if failed:
        raise DemoFailed(f"{failed} of the plants could not be measured; see the lines under the table")


def _run(console: Console, folder: Path, children: Children, *, stay: bool) -> int:
    """The whole demonstration; returns how many plants were not measured."""
    farm = write_demo_configuration(folder)
    console.print(f"Starting a simulated farm in {folder}", highlight=False)
    children.start("daemon", "daemon", "--config", str(farm.config))
    children.start("web", "web", "--config", str(farm.config))
    with httpx.Client(base_url=f"{farm.web_url}/api/v1", timeout=30.0, trust_env=False) as api:
        _wait_for_health(api, children)
        console.print(f"Dashboard: {farm.web_url}", highlight=False)
        outcomes = _scan_and_weigh(console, api, farm, children)
    console.print()
    for table in (result_table(outcomes), seconds_table(outcomes)):
        console.print(table)
    for line in notes(outcomes):
        console.print(line, highlight=False, markup=False)
    if stay:
        console.print(f"\nThe farm stays up: {farm.web_url}   (Ctrl-C ends it)", highlight=False)
        while True:
            children.check()
            time.sleep(1.0)
    return sum(1 for outcome in outcomes if outcome.problem)


def _wait_for_health(api: httpx.Client, children: Children) -> None:
    """Until the dashboard, the database and the daemon all answer."""
    until = time.monotonic() + _START_S
    last = "nothing answered"
    while time.monotonic() < until:
        children.check()
        try:
            health = api.get("/health", timeout=5.0).raise_for_status().json()
            if health["database"] and health["daemon"]:
                return
            last = str(health["reason"])
        except httpx.HTTPError as error:
            last = str(error)
        time.sleep(_POLL_S)
    raise DemoFailed(f"the farm did not come up within {_START_S:.0f} s: {last}")


def _scan_and_weigh(console: Console, api: httpx.Client, farm: DemoFarm, children: Children) -> list[Outcome]:
    """Ask for a scan of each plant, and follow scans and reconstructions to their end."""
    known = {job.id for job in _jobs(api)}
    for plant in farm.plants:
        api.post(f"/plants/{plant}/scans").raise_for_status()
    with follower(console, farm.plants) as show:
        while True:
            children.check()
            jobs = [job for job in _jobs(api) if job.id not in known and job.plant in farm.plants]
            show(jobs)
            if all(_is_over(plant, jobs) for plant in farm.plants):
                break
            time.sleep(_POLL_S)
    return [_outcome(api, farm, plant, jobs) for plant in farm.plants]


def _jobs(api: httpx.Client) -> list[JobAnswer]:
    return _JOBS.validate_json(api.get("/jobs", params={"limit": 200}).raise_for_status().content)


def _is_over(plant: str, jobs: list[JobAnswer]) -> bool:
    """Whether a plant is measured, or will not be: its reconstruction has ended, or its scan came to nothing."""
    ended = {job.kind: job for job in jobs if job.plant == plant and job.state in ("done", "failed", "cancelled")}
    return "reconstruct" in ended or ("scan" in ended and ended["scan"].state != "done")


def _outcome(api: httpx.Client, farm: DemoFarm, plant: str, jobs: list[JobAnswer]) -> Outcome:
    detail = PlantDetailAnswer.model_validate_json(api.get(f"/plants/{plant}").raise_for_status().content)
    own = [job for job in jobs if job.plant == plant]
    scan_s = next((job.run_s for job in own if job.kind == "scan"), None)
    problem = next(
        (f"{job.kind} {job.state}: {job.reason}" for job in own if job.state in ("failed", "cancelled")), None
    )
    return Outcome(detail, scan_s, _truth(farm, plant), problem)


def _truth(farm: DemoFarm, plant: str) -> dict[str, object] | None:
    """What the simulator says is true, with the views that were taken; None when it does not say."""
    try:
        with httpx.Client(timeout=120.0, trust_env=False) as simulator:
            answer = simulator.get(f"{farm.truth_url}/{plant}.json")
            found: dict[str, object] = answer.raise_for_status().json()
            return found
    except (httpx.HTTPError, ValueError):
        return None


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
