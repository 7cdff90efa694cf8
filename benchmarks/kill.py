"""kill -9 of the daemon, at random instants of 64-view scans, and at every step by which something is written down.

python -m benchmarks.kill [--kills 200] [--seed 1] [-o benchmarks/results/kill.json]    some five minutes

It works in memory (`--where`): a killed process loses nothing that it gave to the system. `benchmarks.disk` is about
what the system loses.
"""

import os
import random
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.quick.farm import QuickCell, fork, prepare, run, run_until_idle
from benchmarks.quick.points import count_points, die_at
from benchmarks.quick.ready import until_ready
from benchmarks.quick.result import write_result
from benchmarks.quick.truth import lost, shutters, taken
from scheduler.store import Store
from trellis.folders import DataFolder

VIEWS = 64


def main(
    kills: int = 200,
    seed: int = 1,
    views_at_points: int = 3,
    every: Annotated[int, typer.Option(help="Only every so many of the steps.")] = 1,
    where: Path = Path("/dev/shm"),
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/kill.json"),
) -> None:
    """Kill, look, start again; fails if a photograph is lost."""
    with tempfile.TemporaryDirectory(dir=where) as place:
        at_random = random_kills(Path(place) / "random", kills, seed)
        at_points = kills_at_points(Path(place) / "points", views_at_points, every)
    command = (
        f"python -m benchmarks.kill --kills {kills} --seed {seed} --views-at-points {views_at_points} --every {every}"
    )
    write_result(out, command, {"random_instants": at_random, "commit_points": at_points})


def random_kills(path: Path, kills: int, seed: int) -> dict[str, Any]:
    """Scans of 64 views, one after the other, by daemons that are killed at random instants."""
    chance, folder = random.Random(seed), prepare(path)
    before: dict[str, str] = {}
    gone: list[str] = []
    ready_s: list[float] = []
    for _ in range(kills):
        _ask_if_idle(folder)
        child = fork(run, folder, QuickCell(folder, VIEWS, pause_s=0.01), threading.Event())
        ready_s.append(until_ready(folder))
        time.sleep(chance.uniform(0.0, 0.8))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        after = taken(folder)
        gone += lost(before, after)
        before = after
    _, status = os.waitpid(fork(run_until_idle, folder, QuickCell(folder, VIEWS)), 0)
    assert status == 0
    after = taken(folder)
    again = shutters(folder) - len(after)
    with Store(f"sqlite:///{folder.database}") as store:
        scans = store.scans()
    figures = {
        "kills": kills,
        "scans": len(scans),
        "scans_done": sum(scan.state == "done" and scan.views_taken == VIEWS for scan in scans),
        "photographs": len(after),
        "lost": len(gone) + len(lost(before, after)),
        "views_taken_again": again,
        "ready_median_s": round(sorted(ready_s)[kills // 2], 3),
        "ready_worst_s": round(max(ready_s), 3),
    }
    assert figures["lost"] == 0, gone
    assert again <= kills, "more than one view was taken again for a kill"
    assert figures["scans_done"] == len(scans), [scan.reason for scan in scans]
    return figures


def kills_at_points(path: Path, views: int, every: int = 1) -> dict[str, Any]:
    """A scan of few views, killed at each of its steps in turn: as it is about to be done, and just when it was."""
    points = count_points(prepare(path / "count"), views)
    named: dict[str, int] = {}
    for number, point in list(enumerate(points))[::every]:
        folder = prepare(path / str(number))
        _ask_if_idle(folder)
        _, status = os.waitpid(fork(die_at, folder, views, number), 0)
        assert os.WIFSIGNALED(status), f"step {number} ({point}) was never reached"
        before = taken(folder)
        _, status = os.waitpid(fork(run_until_idle, folder, QuickCell(folder, views)), 0)
        assert status == 0, f"after a kill at step {number} ({point}) the daemon did not start"
        after = taken(folder)
        assert lost(before, after) == [], f"a kill at step {number} ({point}) lost {lost(before, after)}"
        assert len(after) == views, f"after a kill at step {number} ({point}) there are {len(after)} photographs"
        assert shutters(folder) <= views + 1, f"a kill at step {number} ({point}) cost more than one view"
        named[point] = named.get(point, 0) + 1
    return {
        "kills": sum(named.values()),
        "lost": 0,
        "views_taken_again_at_most": 1,
        "points": dict(sorted(named.items())),
    }


def _ask_if_idle(folder: DataFolder) -> None:
    with Store(f"sqlite:///{folder.database}") as store:
        if not store.queue():
            store.request_scan("p01")


if __name__ == "__main__":
    typer.run(main)
