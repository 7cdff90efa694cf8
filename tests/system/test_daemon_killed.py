"""A daemon process that is killed in the middle of scans, again and again: no recorded photograph is lost.

The cell follows a script, so that a scan takes a second; the folders, the store and the daemon are the real ones.
"""

import hashlib
import json
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from scheduler.store import PlantRow, Store
from trellis.folders import DataFolder, ScanFolder
from trellis.manifest import Outcome, read_manifest

SCRIPTED = Path(__file__).parents[1] / "scheduler" / "conftest.py"
PATIENCE_S = 60.0
VIEWS = 40

DAEMON = """
import pathlib, runpy, sys, threading, time
from scheduler.config import FarmSection
from scheduler.daemon import Daemon
from scheduler.daemon_signals import end_on_signals
from scheduler.farm import only_daemon
from scheduler.reconstructions import Reconstructions
from scheduler.store import Store
from trellis.clock import SystemClock
from trellis.folders import DataFolder

scripted = runpy.run_path(sys.argv[1])
folder = DataFolder(pathlib.Path(sys.argv[2]))
ending = threading.Event()
end_on_signals(ending)
cell = scripted["ScriptedCell"](views=int(sys.argv[3]), script=lambda view: time.sleep(0.02))
with only_daemon(folder), Store(f"sqlite:///{folder.database}") as store:
    farm = scripted["ScriptedFarm"](folder, store, cell, ending)
    section = FarmSection(reconstruct=False)
    reconstructions = Reconstructions(store, folder, lambda _: ["true"], section.workers, ending)
    Daemon(section, folder, store, farm.robot(), reconstructions, SystemClock(), ending).run()
"""


def _start(folder: DataFolder) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", DAEMON, str(SCRIPTED), str(folder.path), str(VIEWS)])


def _check_photographs(folder: DataFolder) -> dict[str, str]:
    """Every photograph that a manifest counts is there and whole; their hashes by file."""
    found = {}
    for scan in folder.scans("p01"):
        for view in read_manifest(scan.manifest).taken:
            path = scan.images / (view.image or "")
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
            assert found[str(path)] == view.sha256
    return found


def _has_more_photographs(folder: DataFolder, than: int) -> bool:
    return len(_check_photographs(folder)) > than


def _until(condition: object, process: subprocess.Popen[bytes]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():  # type: ignore[operator]
        assert process.poll() is None, "the daemon ended by itself"
        assert time.monotonic() < end_s, "it did not come about"
        time.sleep(0.02)


def test_scans_survive_being_killed_at_any_moment(tmp_path: Path) -> None:
    folder, chance = DataFolder(tmp_path / "data"), random.Random(2)
    with Store(f"sqlite:///{folder.database}") as store:
        store.sync_plants([PlantRow("p01", (0.7, 0.8, 0.0))])
        asked = store.request_scan("p01")
        before: dict[str, str] = {}
        for _ in range(4):
            process = _start(folder)
            _until(partial(_has_more_photographs, folder, len(before)), process)
            time.sleep(chance.uniform(0, 0.2))
            process.send_signal(signal.SIGKILL)
            process.wait(PATIENCE_S)
            after = _check_photographs(folder)
            assert before.items() <= after.items()
            before = after
        process = _start(folder)
        _until(lambda: store.job(asked.id).ended, process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
        job = store.job(asked.id)
        assert (job.state, job.attempts) == ("done", 1)  # every start got further
        (scan,) = store.scans("p01")
        assert (scan.id, scan.state, scan.views_taken) == (job.scan, "done", VIEWS)
    assert before.items() <= _check_photographs(folder).items()
    views = read_manifest(ScanFolder(folder.path / scan.folder).manifest).views
    assert [view.outcome for view in views] == [Outcome.TAKEN] * VIEWS


def test_a_polite_end_in_the_middle_of_a_scan_loses_nothing_and_leaves_no_socket(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    with Store(f"sqlite:///{folder.database}") as store:
        store.sync_plants([PlantRow("p01", (0.7, 0.8, 0.0))])
        asked = store.request_scan("p01")
        process = _start(folder)
        _until(lambda: len(_check_photographs(folder)) > 3, process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
        job = store.job(asked.id)
        assert (job.state, job.reason) == ("queued", "the daemon was asked to end")
        assert store.scan(job.scan or "").views_taken == len(_check_photographs(folder))
        assert not folder.daemon_socket.exists()


def test_killed_at_random_and_at_named_steps_with_the_real_capture(tmp_path: Path) -> None:
    # The benchmark fails by itself if a photograph is lost, taken twice, or a daemon does not start again.
    numbers = ["--kills", "3", "--views-at-points", "3", "--every", "12", "--where", str(tmp_path)]
    command = [sys.executable, "-m", "benchmarks.kill", *numbers, "-o", str(tmp_path / "kill.json")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert ended.returncode == 0, ended.stderr
    found = json.loads((tmp_path / "kill.json").read_text())
    assert found["random_instants"]["photographs"] >= VIEWS
    assert found["commit_points"]["kills"] > 5
