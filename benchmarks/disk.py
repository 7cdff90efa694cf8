"""What a farm's folder holds after a power cut, and what a full disk does, at any moment of a scan.

python -m benchmarks.disk [--states 50] [--seed 1] [-o benchmarks/results/disk.json]    some minutes

Needs strace, and root for the small disk (`--fillings 0` leaves it out).

States: the system calls of a whole scan are recorded and followed up to a random one by a disk that forgets: half of
the states without anything that was not flushed, half with any part of it. Every photograph that the daemon had spoken
of, or that a manifest or a row speaks of, must be there with its hash; and a new daemon must end the scan.
Full: each step of a scan in turn finds the disk full, three times over; and a small disk is filled at random moments.
"""

import os
import random
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.quick.farm import QuickCell, fork, prepare, run_until_idle
from benchmarks.quick.forgetful import ForgetfulDisk
from benchmarks.quick.full import full_at, full_steps
from benchmarks.quick.ready import until_ready
from benchmarks.quick.result import write_result
from benchmarks.quick.traced import Step, trace
from benchmarks.quick.truth import taken
from scheduler.store import Store
from trellis.folders import DataFolder

_SMALL_DISK_MB = 3
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")


def main(
    states: int = 50,
    views: int = 12,
    seed: int = 1,
    views_when_full: int = 3,
    fillings: int = 8,
    every: Annotated[int, typer.Option(help="Only every so many of the steps that find the disk full.")] = 1,
    where: Path = Path("/dev/shm"),
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/disk.json"),
) -> None:
    """Forget, fill, look; fails if a photograph is lost or a scan does not end."""
    with tempfile.TemporaryDirectory(dir=where) as text:
        place = Path(text).resolve()
        figures = {
            "power_cut": power_cuts(place, states, views, seed) if shutil.which("strace") else "needs strace",
            "full_at_each_step": full_at_each_step(place / "full", views_when_full, every),
            "small_disk": filled_at_random(place / "small", fillings, seed) if fillings else "left out",
        }
    options = f"--states {states} --views {views} --seed {seed} --fillings {fillings} --every {every}"
    write_result(out, f"python -m benchmarks.disk {options}", figures)


def power_cuts(place: Path, states: int, views: int, seed: int) -> dict[str, Any]:
    """States of the disk after power failed at random steps of a scan."""
    chance, folder = random.Random(seed), prepare(place / "traced")
    with Store(f"sqlite:///{folder.database}") as store:
        store.request_scan("p01")
    before = {str(path): path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    steps = trace(folder.path, views, place / "trace.txt")
    whole = taken(folder)
    assert len(whole) == views
    for number in range(states):
        cut, mode = chance.randrange(len(steps)), ("gone", "some")[number % 2]
        disk, said = ForgetfulDisk(folder.path, before), b""
        for step in steps[:cut]:
            disk.do(step)
            said += step.data if step.what == "said" else b""
        state = DataFolder(place / f"state{number}")
        state.path.mkdir()
        disk.after_power_cut(state.path, mode, chance)
        _check(
            state, views, _DIGEST.findall(said.decode()), f"state {number} ({mode}, after step {cut} of {len(steps)})"
        )
        shutil.rmtree(state.path)
    return {"states": states, "steps": len(steps), "photographs": views, "lost": 0, "flushes": _flushes(steps)}


def _check(state: DataFolder, views: int, said: list[str], name: str) -> None:
    there = set(taken(state).values())
    gone = [digest for digest in said if digest not in there]
    assert not gone, f"{name}: {len(gone)} of {len(said)} photographs that were said to be taken are gone"
    with Store(f"sqlite:///{state.database}") as store:
        counted = sum(scan.views_taken for scan in store.scans())
    assert counted <= len(there), f"{name}: rows count {counted} photographs, and there are {len(there)}"
    _, status = os.waitpid(fork(run_until_idle, state, QuickCell(state, views)), 0)
    assert status == 0, f"{name}: the daemon did not start, or did not end the scan"
    after = taken(state)
    assert there <= set(after.values()), f"{name}: a photograph was lost afterwards"
    assert len(after) == views, f"{name}: {len(after)} photographs at the end"


def full_at_each_step(path: Path, views: int, every: int) -> dict[str, Any]:
    """The disk is full when a step is due, three times, and then has room again."""
    names = full_steps(prepare(path / "count"), views)
    tried = 0
    for number, name in list(enumerate(names))[::every]:
        folder = prepare(path / str(number))
        with Store(f"sqlite:///{folder.database}") as store:
            store.request_scan("p01")
        _, status = os.waitpid(fork(full_at, folder, views, number), 0)
        assert status == 0, f"full at step {number} ({name}): the daemon ended, or the scan did not"
        assert len(taken(folder)) == views, f"full at step {number} ({name}): {len(taken(folder))} photographs"
        with Store(f"sqlite:///{folder.database}") as store:
            assert [scan.state for scan in store.scans()] == ["done"], f"full at step {number} ({name})"
        tried += 1
    return {"steps": tried, "daemons_that_ended": 0, "photographs_lost": 0}


def filled_at_random(path: Path, fillings: int, seed: int) -> dict[str, Any]:
    """A real disk of some megabytes, filled to the last byte again and again while a scan runs."""
    chance = random.Random(seed)
    with _small_disk(path):
        folder = prepare(path / "data")
        with Store(f"sqlite:///{folder.database}") as store:
            store.request_scan("p01")
        child = fork(full_at, folder, 64, -1)
        until_ready(folder)
        for _ in range(fillings):
            time.sleep(chance.uniform(0.1, 0.4))
            _fill(path / "filler")
            time.sleep(chance.uniform(0.2, 0.8))
            (path / "filler").unlink()
        _, status = os.waitpid(child, 0)
        assert status == 0, "the daemon ended on a full disk"
        assert len(taken(folder)) == 64
        with Store(f"sqlite:///{folder.database}") as store:
            paused = sum("paused" in event.message for event in store.events(1000))
            assert [scan.state for scan in store.scans()] == ["done"]
    return {"fillings": fillings, "pauses_with_a_reason": paused, "photographs": 64, "lost": 0}


@contextmanager
def _small_disk(path: Path) -> Iterator[None]:
    path.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_SMALL_DISK_MB}m", "tmpfs", str(path)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def _flushes(steps: list[Step]) -> int:
    return sum(step.what == "flushed" for step in steps)


if __name__ == "__main__":
    typer.run(main)
