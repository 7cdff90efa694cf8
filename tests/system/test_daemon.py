"""The daemon as a process on the simulated farm: asked for a scan, killed in the middle of it, started again."""

import hashlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scheduler.farm import open_store
from scheduler.socket import DaemonClient
from scheduler.store import Store
from trellis.config import load_configuration
from trellis.folders import DataFolder, ScanFolder
from trellis.manifest import read_manifest
from trellis.presets import preset

PATIENCE_S = 200.0
VIEWS = 8


def _configuration(tmp_path: Path, **changes: str) -> Path:
    """The demo preset on a free camera port, with few views."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    text = preset("demo").read_text(encoding="utf-8").replace("8701", port)
    text = text.replace('name = "Demo farm"', 'name = "Demo farm"\nreconstruct = false')
    for old, new in changes.items():
        text = text.replace(old, new)
    path = tmp_path / "farm.toml"
    path.write_text(f"{text}\n[views]\ncount = {VIEWS}\nleast = 3\n", encoding="utf-8")
    return path


@contextmanager
def _daemon(path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "trellis", "daemon", "--config", str(path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _until(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end_s, "it did not come about"
        time.sleep(0.1)


def _photographs(store: Store, folder: DataFolder) -> dict[str, str]:
    """Every photograph that a manifest counts, with its hash; it must be there and whole."""
    found = {}
    for scan in (ScanFolder(folder.path / row.folder) for row in store.scans("p01")):
        for view in read_manifest(scan.manifest).taken if scan.manifest.exists() else ():
            found[str(view.image)] = hashlib.sha256((scan.images / str(view.image)).read_bytes()).hexdigest()
            assert found[str(view.image)] == view.sha256
    return found


def test_a_scan_on_the_simulated_farm_survives_a_kill_and_keeps_every_photograph(tmp_path: Path) -> None:
    path = _configuration(tmp_path)
    folder = DataFolder(tmp_path / "demo-data")
    with open_store(load_configuration(path)) as store:
        asked = store.request_scan("p01")
        with _daemon(path) as process:
            _until(lambda: len(_photographs(store, folder)) >= 2 or store.job(asked.id).ended, process)
            process.send_signal(signal.SIGKILL)
            process.wait(30)
        kept = _photographs(store, folder)
        with _daemon(path) as process:
            _until(lambda: store.job(asked.id).ended, process)
            state = DaemonClient(folder.daemon_socket).state()
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=60)
        job = store.job(asked.id)
        (scan,) = store.scans("p01")
        assert (job.state, job.scan, job.attempts) == ("done", scan.id, 1), job.reason  # each start got further
        assert scan.views_taken + scan.views_failed == scan.views_planned
        assert scan.views_taken >= 3
        assert kept.items() <= _photographs(store, folder).items()
    assert process.returncode == 0, log
    assert state["cell"]["homed"] is True
    there = {item.name for item in (folder.path / scan.folder).iterdir()}
    assert {"images", "scan.json", "poses.csv", "camera.toml", "board.toml"} <= there


def test_a_port_that_is_not_there_is_one_line_at_the_asker_and_status_2(tmp_path: Path) -> None:
    path = _configuration(tmp_path, **{"sim://winches/0": "/dev/trellis-none"})
    with _daemon(path) as process:
        _until((tmp_path / "demo-data" / "daemon.sock").exists, process)
        command = [sys.executable, "-m", "trellis", "scan", "p01", "--config", str(path), "--wait"]
        asker = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert asker.returncode == 2
    (line,) = asker.stderr.splitlines()
    assert line.startswith("error: scan of p01 failed: cannot open /dev/trellis-none for the ")


def test_a_second_daemon_is_refused_in_one_line(tmp_path: Path) -> None:
    path = _configuration(tmp_path)
    with _daemon(path) as first:
        _until((tmp_path / "demo-data" / "daemon.sock").exists, first)
        command = [sys.executable, "-m", "trellis", "daemon", "--config", str(path)]
        second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        assert first.poll() is None
        assert second.returncode == 2
        (line,) = second.stderr.splitlines()
        assert line.startswith("error: a daemon already runs on ")
        assert f"(process {first.pid})" in line
