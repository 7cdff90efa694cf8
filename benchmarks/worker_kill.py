"""Reconstruction jobs whose workers, and the daemons that started them, are killed at random instants.

python -m benchmarks.worker_kill [--kills 50] [--jobs 14] [--seed 1] [-o benchmarks/results/worker_kill.json]

Each job is a real `trellis reconstruct` of ten photographs of 960 x 720 (a dome on a spotted panel, as the tests have
it). Half of the kills (-9) hit the worker, half its master. No job is hit more than four times: at five without
progress it is given up, and that is meant so. At the end every job must have ended once, done, with the
same numbers as a run that nobody disturbed.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import psutil
import typer

from benchmarks.quick.farm import fork
from benchmarks.quick.result import write_result
from scheduler.config import WorkersTable
from scheduler.daemon import take_up
from scheduler.reconstructions import Reconstructions
from scheduler.rows import PlantRow, ScanRow
from scheduler.store import Store
from trellis.folders import DataFolder, ScanFolder

START = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)
HITS_MAX = 4
Command = Callable[[ScanFolder], Sequence[str]]


def main(
    kills: int = 50,
    jobs: int = 14,
    seed: int = 1,
    at_most_s: Annotated[float, typer.Option(help="A kill comes at most so long after the one before.")] = 10.0,
    photographs: Annotated[Path | None, typer.Option(help="The folder to reconstruct; the dome without.")] = None,
    where: Path = Path("/dev/shm"),
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/worker_kill.json"),
) -> None:
    """Kill, look; fails if a job ended twice, not at all, or with other numbers."""
    with tempfile.TemporaryDirectory(dir=where) as place:
        source = photographs or _dome(Path(place) / "dome")
        folder = prepare(DataFolder(Path(place) / "data"), [source] * jobs)
        reference = prepare(DataFolder(Path(place) / "reference"), [source])
        begun_s = time.monotonic()
        os.waitpid(fork(serve, reference, _reconstruct), 0)
        alone_s = time.monotonic() - begun_s
        hits = kill_and_finish(folder, _reconstruct, kills, random.Random(seed), at_most_s)
        ((_, same),) = results(reference).values()
        found = results(folder)
    figures = {
        "jobs": jobs,
        "one_job_alone_s": round(alone_s, 1),
        "kills": dict(hits),
        "ended_once": sum(count == 1 for count, _ in found.values()),
        "same_result": sum(digest == same for _, digest in found.values()),
    }
    command = f"python -m benchmarks.worker_kill --kills {kills} --jobs {jobs} --seed {seed} --at-most-s {at_most_s:g}"
    write_result(out, command, figures)
    assert figures["ended_once"] == figures["same_result"] == jobs


def prepare(folder: DataFolder, sources: Sequence[Path]) -> DataFolder:
    """A farm with a scan, and a job for it, of each of these folders."""
    with Store(f"sqlite:///{folder.database}") as store:
        store.sync_plants([PlantRow("p01", (0.0, 0.0, 0.0))])
        for number, source in enumerate(sources):
            name = f"{START:%Y%m%dT%H%M%SZ}-p01-{number}"
            shutil.copytree(source, folder.plants / "p01" / name)
            store.save_scan(ScanRow(name, "p01", "done", START, START, 1, 1, 0, f"plants/p01/{name}"))
            store.request_reconstruction("p01", name)
    return folder


def serve(folder: DataFolder, command: Command) -> None:
    """What a daemon does about reconstructions, until there are none left."""
    with Store(f"sqlite:///{folder.database}") as store:
        take_up(store, folder)
        ending = threading.Event()
        work = Reconstructions(store, folder, command, WorkersTable(retries=HITS_MAX), ending)
        serving = threading.Thread(target=work.serve)
        serving.start()
        while store.jobs(states=["queued", "running", "paused"], kind="reconstruct", limit=1):
            time.sleep(0.05)
        ending.set()
        serving.join()


def kill_and_finish(
    folder: DataFolder, command: Command, kills: int, chance: random.Random, at_most_s: float
) -> Counter[str]:
    """Serve, kill so often, serve to the end; how many kills hit what."""
    hits: Counter[str] = Counter()
    hits_of: Counter[int] = Counter()
    master = fork(serve, folder, command)
    while hits.total() < kills and not _ended(master):
        time.sleep(chance.uniform(0.0, at_most_s))
        job, worker = _running(folder)
        if worker is None or hits_of[job] >= HITS_MAX:
            continue
        hits_of[job] += 1
        if hits.total() % 2:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
            hits["worker"] += 1
        else:
            os.kill(master, signal.SIGKILL)
            os.waitpid(master, 0)
            hits["master"] += 1
            psutil.wait_procs([psutil.Process(worker)] if psutil.pid_exists(worker) else [], 10)
            assert not _runs(worker), "the worker outlived its master"
            master = fork(serve, folder, command)
    with suppress(ChildProcessError):
        _, status = os.waitpid(master, 0)
        assert status == 0
    return hits


def results(folder: DataFolder) -> dict[str, tuple[int, str]]:
    """For each scan how often its job was done, and a digest of what it gave."""
    with Store(f"sqlite:///{folder.database}") as store:
        events = store.events(100_000)
        return {
            scan.id: (
                sum(event.scan == scan.id and event.message.startswith("reconstruct of p01 done") for event in events),
                _digest(store, scan.id),
            )
            for scan in store.scans()
        }


def _digest(store: Store, scan: str) -> str:
    found = store.measurement(scan)
    if found is None:
        return "nothing"
    return hashlib.sha256((found.traits.model_dump_json() + found.mass.model_dump_json()).encode()).hexdigest()


def _running(folder: DataFolder) -> tuple[int, int | None]:
    with Store(f"sqlite:///{folder.database}") as store:
        jobs = store.jobs(states=["running"], kind="reconstruct")
    pid = jobs[0].worker_pid if jobs else None
    return (jobs[0].id if jobs else 0), pid if pid is not None and _runs(pid) else None


def _runs(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def _ended(child: int) -> bool:
    pid, status = os.waitpid(child, os.WNOHANG)
    assert status == 0
    return pid != 0


def _reconstruct(folder: ScanFolder) -> list[str]:
    return [sys.executable, "-m", "trellis", "reconstruct", str(folder.path), "--progress", "json"]


def _dome(path: Path) -> Path:
    """The photographs of the reconstruction's own tests; in a process of its own, for it starts threads."""
    code = (
        "import sys; from pathlib import Path; import tests.reconstruction.conftest as dome; "
        "dome.small_set.__wrapped__(type('Factory', (), {'mktemp': lambda self, name: Path(sys.argv[1])})())"
    )
    path.mkdir()
    os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code, str(path)])
    assert json.dumps(sorted(each.name for each in path.iterdir())) == '["camera.toml", "images", "poses.csv"]'
    return path


if __name__ == "__main__":
    typer.run(main)
