"""What a person types: asking for a scan, waiting for it, and what is said when it cannot be."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from scheduler import command
from scheduler.command import JobFailed
from scheduler.rows import MeasurementRow
from scheduler.socket import NoDaemon, SocketServer
from scheduler.store import Store
from trellis.errors import ConfigError, InputError
from trellis.records import MassEstimate, Traits

CONFIGURATION = """
[farm]
name = "Test farm"
timezone = "Europe/Berlin"

[[farm.schedules]]
name = "morning"
daily_at = "06:00"

[[wall.plants]]
name = "p01"
position_m = [0.72, 0.81]

[[wall.plants]]
name = "p02"
position_m = [1.48, 1.00]
"""


@pytest.fixture
def config(farm: Any) -> Path:
    """A configuration whose data folder is the scripted farm's."""
    path: Path = farm.folder.path.parent / "farm.toml"
    path.write_text(CONFIGURATION)
    return path


def _type(function: Any, *words: str) -> Result:
    app = typer.Typer()
    app.command()(function)
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_asking_queues_the_scan_and_says_when_nobody_does_it(farm: Any, config: Path) -> None:
    result = _type(command.scan, "p01", "--config", config)
    assert result.exit_code == 0
    assert "scan of p01 asked for (job 1)" in result.output
    assert f"no daemon runs: the scan waits for `trellis daemon --config {config}`" in result.output
    assert farm.store.job(1).plant == "p01"


def test_a_misspelt_plant_is_one_line_and_queues_nothing(farm: Any, config: Path) -> None:
    with pytest.raises(InputError, match="no plant 'po1' on the wall; did you mean 'p01'"):
        _type(command.scan, "po1", "--config", config)
    assert farm.store.jobs() == []


def test_a_misspelt_key_is_one_line_with_the_nearest(config: Path) -> None:
    config.write_text(CONFIGURATION.replace("timezone", "timzone"))
    with pytest.raises(ConfigError, match=r"\[farm\] timzone is not a known key; did you mean 'timezone'"):
        _type(command.scan, "p01", "--config", config)


def _do_scans(farm: Any, until_s: float) -> None:
    while time.monotonic() < until_s:
        job = farm.store.take_job("scan")
        if job is not None:
            farm.robot().do(job)
            return
        time.sleep(0.02)


def _wait_for_scan(farm: Any, config: Path) -> Result:
    robot = threading.Thread(target=_do_scans, args=(farm, time.monotonic() + 30))
    robot.start()
    try:
        return _type(command.scan, "p01", "--config", config, "--wait")
    finally:
        robot.join()


def test_waiting_shows_a_failure_as_the_jobs_own_line(farm: Any, config: Path) -> None:
    farm.cell.bad_views = frozenset(range(6))
    with pytest.raises(JobFailed, match="scan of p01 failed: only 0 of 6 photographs could be taken"):
        _wait_for_scan(farm, config)
    assert JobFailed("").exit_status == 2


def _reconstruct(store: Store, until_s: float) -> None:
    while time.monotonic() < until_s:
        job = store.take_job("reconstruct")
        if job is not None and job.scan is not None:
            traits = Traits(
                images_given=6,
                images_registered=6,
                reprojection_error_px=0.5,
                scale_source="poses",
                leaf_area_m2=0.0512,
                leaf_area_std_m2=0.004,
            )
            mass = MassEstimate(fresh_mass_kg=0.111, fresh_mass_low_kg=0.09, fresh_mass_high_kg=0.14)
            store.save_measurement(
                MeasurementRow(job.scan, job.plant, store.scan(job.scan).started_at, traits, mass, {})
            )
            store.finish_job(job.id, "done")
            return
        time.sleep(0.02)


def test_waiting_follows_scan_and_reconstruction_and_says_the_mass(farm: Any, config: Path) -> None:
    worker = threading.Thread(target=_reconstruct, args=(farm.store, time.monotonic() + 30))
    worker.start()
    result = _wait_for_scan(farm, config)
    worker.join()
    assert result.exit_code == 0
    assert "p01: 6 of 6 photographs in plants/p01/" in result.output
    assert "512 cm2 of leaf; fresh mass 111 g (90 to 140 g)" in result.output


def test_status_tells_the_daemon_the_jobs_and_the_next_turn(farm: Any, config: Path) -> None:
    _type(command.scan, "p02", "--config", config)
    result = _type(command.status, "--config", config)
    assert "Test farm: no daemon runs" in result.output
    assert "job 1: scan of p02, queued 0%" in result.output
    assert "schedule morning: next at" in result.output
    with SocketServer(farm.folder.daemon_socket, {"state": lambda: {"stopped": True, "pid": 17}}):
        result = _type(command.status, "--config", config)
    assert "the daemon runs (process 17), stopped: `trellis clear` lets it go on" in result.output


def test_stop_and_clear_reach_the_daemon_or_say_that_there_is_none(farm: Any, config: Path) -> None:
    done: list[str] = []
    actions = {word: (lambda word=word: done.append(word) or {}) for word in ("stop", "clear")}
    with SocketServer(farm.folder.daemon_socket, actions):
        assert "stopped; everything holds" in _type(command.stop, "--config", config).output
        assert "cleared" in _type(command.clear, "--config", config).output
    assert done == ["stop", "clear"]
    with pytest.raises(NoDaemon):
        _type(command.stop, "--config", config)
