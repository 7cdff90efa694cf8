"""The demonstration: free ports, children that always end, and a table that tells estimate and truth apart."""

import io
import os
import socket
import subprocess
import sys
import threading
import time
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import pytest
from rich.console import Console

from scheduler.rows import MeasurementRow, ScanRow
from scheduler.store import Store
from tests.web.door import KEY
from tests.web.farm_fixture import STAGES_S, mass_of, traits_of
from trellis.presets import preset
from web.answers import PlantDetailAnswer
from web.children import ChildDied, Children
from web.demo import follow_to_the_end
from web.demo_api import DemoApi
from web.demo_configuration import DemoFarm, with_free_ports, write_demo_configuration
from web.demo_table import Outcome, notes, result_table, seconds_table


def test_the_demo_takes_ports_that_are_free_and_keeps_its_data_beside_its_configuration(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        busy = taken.getsockname()[1]
        text = preset("demo").read_text().replace("8701", str(busy))
        tables = tomllib.loads(with_free_ports(text))
    camera_port = tables["cell"]["clock_options"]["camera_port"]
    assert tables["camera"]["url"] == f"http://127.0.0.1:{camera_port}/snapshot.jpg"
    assert len({camera_port, tables["web"]["port"], busy}) == 3
    assert tables["farm"]["data_folder"] == "."
    farm = write_demo_configuration(tmp_path)
    assert farm.plants == ("p01", "p02")
    assert farm.config.parent == tmp_path
    assert farm.truth_url.endswith("/truth")


def test_a_second_demo_in_the_same_folder_leaves_what_lies_there(tmp_path: Path) -> None:
    old = tmp_path / "plants" / "p01" / "p01-20260101T000000Z" / "scan.json"
    old.parent.mkdir(parents=True)
    old.write_text("{}")
    write_demo_configuration(tmp_path)
    write_demo_configuration(tmp_path)
    assert old.read_text() == "{}"


def test_a_child_that_dies_is_one_line_with_the_end_of_its_log(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        children.start("checker", "config", "check", str(tmp_path / "missing.toml"))
        with pytest.raises(ChildDied, match=r"the checker ended with status 2: .*there is no such file"):
            _until(children.check)


def test_leaving_the_block_ends_children_and_grandchildren_even_stubborn_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Stands in for the daemon: it ignores the polite signal and has started a child in a session of its own.
    stubborn = tmp_path / "stubborn.py"
    stubborn.write_text(
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    monkeypatch.setattr("web.children.PROGRAM", (sys.executable,))
    monkeypatch.setattr("web.children.PATIENCE_S", 0.5)
    with Children(tmp_path) as children:
        children.start("stubborn", str(stubborn))
        grandchild = int(_until(lambda: (tmp_path / "stubborn.log").read_text().split()[0]))
        assert psutil.pid_exists(grandchild)
    assert _ended(grandchild)
    assert not [one for one in psutil.process_iter(["cmdline"]) if str(stubborn) in (one.info["cmdline"] or [])]


def test_both_plants_are_followed_to_their_end_and_the_table_shows_the_truth(own: Path, own_api: httpx.Client) -> None:
    data = own.parent / "data"
    farm = DemoFarm(own, ("p02", "p03"), str(own_api.base_url), f"{own_api.base_url}/no-truth-here")
    with Store(f"sqlite:///{data / 'trellis.db'}") as store, Children(own.parent) as children:
        for job in store.jobs(states=["queued", "running"]):
            store.finish_job(job.id, "cancelled")
        worker = threading.Thread(target=_play_the_daemon, args=(store,))
        worker.start()
        out = io.StringIO()
        with DemoApi(str(own_api.base_url).rstrip("/"), KEY) as api:
            outcomes = follow_to_the_end(Console(file=out, width=160), api, farm, children)
        worker.join()
    assert [outcome.plant.name for outcome in outcomes] == ["p02", "p03"]
    assert outcomes[0].problem is None
    assert outcomes[1].problem == "scan failed: a lamp is out"
    assert "reconstruct p02: running, dense" in out.getvalue()
    assert "scan p03: failed" in out.getvalue()
    table = _text(result_table(outcomes))
    assert "400 cm²" in table
    assert "failed" in table
    assert "dense" in _text(seconds_table(outcomes))
    assert "p03: scan failed: a lamp is out" in notes(outcomes)


def test_a_truth_outside_the_interval_is_shouted(own_api: httpx.Client) -> None:
    plant = PlantDetailAnswer.model_validate_json(own_api.get("/api/v1/plants/p02").content)
    mass = plant.measurements[0].mass
    assert mass.fresh_mass_kg is not None
    truth = {"fresh_mass_kg": mass.fresh_mass_kg * 1.01, "dry_mass_kg": 1.0, "well_seen_area_m2": 0.05}
    table = _text(result_table([Outcome(plant, plant.measurements[0].scan, 12.0, truth, None)]))
    assert "inside" in table
    assert "OUTSIDE" in table
    assert "500 cm²" in table


def test_a_port_in_use_is_one_line_and_status_2(own: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        own.write_text(own.read_text().replace("port = 8700", f"port = {port}"))
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        done = subprocess.run(
            [sys.executable, "-m", "trellis", "web", "--config", str(own)], capture_output=True, text=True, env=clean
        )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"error: port {port} on 127.0.0.1 is in use; end what uses it, or set another [web] port in the configuration"
    ]


def _play_the_daemon(store: Store) -> None:
    """Do one scan and its reconstruction well, and fail another scan."""
    first = _until(lambda: store.take_job("scan"))
    now = datetime.now(UTC)
    scan = ScanRow("p02-new", "p02", "done", now, now, 6, 6, 0, "plants/p02/p02-new")
    store.save_scan(scan)
    store.progress(first.id, 1.0, "photographs", scan=scan.id)
    store.finish_job(first.id, "done")
    store.request_reconstruction("p02", scan.id)
    work = _until(lambda: store.take_job("reconstruct"))
    store.progress(work.id, 0.5, "dense")
    time.sleep(1.5)  # longer than the follower's interval, so that it sees this stage
    store.save_measurement(MeasurementRow(scan.id, "p02", now, traits_of(0.04, 6), mass_of(0.04), STAGES_S))
    store.finish_job(work.id, "done")
    second = _until(lambda: store.take_job("scan"))
    store.finish_job(second.id, "failed", "a lamp is out")


def _until(call):
    """Call until the answer is something; an IndexError or a missing file counts as nothing yet."""
    for _ in range(600):
        try:
            found = call()
        except (IndexError, FileNotFoundError):
            found = None
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to pass within 30 s")


def _ended(pid: int) -> bool:
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def _text(table: object) -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(table)
    return out.getvalue()
