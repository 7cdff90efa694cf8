"""The daemon's threads together, on a scripted cell: stop, clear, cancel, agenda, and taking up what was left."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from scheduler.config import FarmSection, ScheduleTable
from scheduler.daemon import Daemon
from scheduler.farm import only_daemon
from scheduler.reconstructions import Reconstructions
from scheduler.socket import DaemonClient
from trellis.clock import ManualClock, SystemClock
from trellis.errors import AlreadyRunning, DeviceError

PATIENCE_S = 30.0


@contextmanager
def _running(farm: Any, section: FarmSection | None = None, clock: Any = None) -> Iterator[DaemonClient]:
    section = section or FarmSection(reconstruct=False)
    clock = clock or SystemClock()
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    reconstructions = Reconstructions(farm.store, farm.folder, lambda _: sleeper, section.workers, farm.ending)
    daemon = Daemon(section, farm.folder, farm.store, farm.robot(), reconstructions, clock, farm.ending)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            daemon.run()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        _until(lambda: farm.folder.daemon_socket.exists() or bool(failures))
        yield DaemonClient(farm.folder.daemon_socket)
    finally:
        farm.ending.set()
        thread.join(PATIENCE_S)
    assert failures == []


def _until(condition: Callable[[], Any]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, "it did not come about"
        time.sleep(0.02)


def test_a_scan_that_is_asked_for_is_done_and_the_carriage_parked(farm: Any) -> None:
    with _running(farm):
        job = farm.store.request_scan("p01")
        _until(lambda: farm.store.job(job.id).state == "done")
        _until(lambda: "park" in farm.cell.calls)
    assert farm.cell.calls[-1] == "close"
    assert not farm.folder.daemon_socket.exists()


def test_a_stop_reaches_the_devices_within_50_ms_while_a_scan_runs(farm: Any) -> None:
    under_way, go = threading.Event(), threading.Event()

    def script(view: int) -> None:
        under_way.set()
        go.wait(PATIENCE_S)

    farm.cell.script = script
    with _running(farm) as client:
        job = farm.store.request_scan("p01")
        assert under_way.wait(PATIENCE_S)
        client.state()
        began_s = time.perf_counter()
        client.stop()
        took_s = time.perf_counter() - began_s
        assert farm.cell.frozen.is_set()
        go.set()
        _until(lambda: farm.store.job(job.id).state == "paused")
        _until(farm.store.stopped)
        assert client.state()["stopped"] is True
        farm.cell.script = lambda view: None
        client.clear()
        _until(lambda: farm.store.job(job.id).state == "done")
        assert not farm.store.stopped()
    assert took_s < 0.05  # the promise; some 2 ms on an idle machine


def test_a_stop_while_the_database_is_locked_does_not_wait_for_it(farm: Any) -> None:
    with _running(farm) as client, farm.store._write():
        began_s = time.perf_counter()
        client.stop()
        took_s = time.perf_counter() - began_s
    assert took_s < 0.05


def test_a_stop_that_a_device_did_not_obey_is_said(farm: Any) -> None:
    with _running(farm) as client:
        job = farm.store.request_scan("p01")
        _until(lambda: farm.store.job(job.id).state == "done")
        farm.cell.failing["stop"] = DeviceError("servo 3 does not answer")
        with pytest.raises(DeviceError, match="servo 3 does not answer"):
            client.stop()
        assert client.state()["stopped"] is True


def test_a_stop_outlives_the_daemon(farm: Any) -> None:
    with _running(farm) as client:
        client.stop()
        _until(farm.store.stopped)
    farm.ending.clear()
    with _running(farm) as client:
        job = farm.store.request_scan("p01")
        assert client.state()["stopped"] is True
        client.clear()
        _until(lambda: farm.store.job(job.id).state == "done")


def test_the_state_tells_the_cell_the_job_and_their_ages(farm: Any) -> None:
    under_way, go = threading.Event(), threading.Event()
    farm.cell.script = lambda view: (under_way.set(), go.wait(PATIENCE_S))
    with _running(farm) as client:
        job = farm.store.request_scan("p01")
        assert under_way.wait(PATIENCE_S)
        state = client.state()
        go.set()
    assert state["cell"] == {"x_m": 1.1, "stopped": False}
    assert (state["job"]["id"], state["job"]["plant"], state["job"]["stage"]) == (job.id, "p01", "plan")
    assert 0 <= state["job"]["age_s"] < PATIENCE_S
    assert 0 <= state["cell_age_s"] < PATIENCE_S


def test_a_running_scan_and_a_running_reconstruction_can_be_cancelled(farm: Any) -> None:
    under_way = threading.Event()

    def script(view: int) -> None:
        under_way.set()
        time.sleep(0.05)

    farm.cell.views, farm.cell.script = 400, script
    with _running(farm, FarmSection(reconstruct=True)):
        first = farm.store.request_scan("p01")
        assert under_way.wait(PATIENCE_S)
        farm.store.cancel(first.id)
        _until(lambda: farm.store.job(first.id).state == "cancelled")
        farm.cell.views, farm.cell.script = 4, lambda view: None
        second = farm.store.request_scan("p02")
        _until(lambda: farm.store.job(second.id).state == "done")
        _until(lambda: any(job.worker_pid for job in farm.store.jobs(kind="reconstruct")))
        (reconstruction,) = farm.store.jobs(kind="reconstruct")
        farm.store.cancel(reconstruction.id)
        _until(lambda: farm.store.job(reconstruction.id).state == "cancelled")
    assert farm.store.pending_commands() == []


def test_a_job_that_ran_when_the_daemon_died_goes_on(farm: Any) -> None:
    job = farm.store.request_scan("p01")
    farm.store.take_job("scan")
    with _running(farm):
        _until(lambda: farm.store.job(job.id).state == "done")
    assert farm.store.job(job.id).attempts == 1  # an attempt that got further is not held against it
    assert any("the daemon ended while it ran" in event.message for event in farm.store.events())


def test_a_job_that_kills_the_daemon_again_and_again_is_given_up(farm: Any) -> None:
    job = farm.store.request_scan("p01")
    for _ in range(5):
        farm.store.take_job("scan")
        farm.store.requeue(job.id, "the daemon ended while it ran; it goes on")
    farm.store.take_job("scan")
    with _running(farm):
        _until(lambda: farm.store.job(job.id).state == "failed")
    assert "never got further" in (farm.store.job(job.id).reason or "")


def test_a_schedule_that_comes_due_is_scanned(farm: Any) -> None:
    clock = ManualClock(datetime(2026, 6, 1, 3, 58, tzinfo=UTC))
    section = FarmSection(
        reconstruct=False, timezone="Europe/Berlin", schedules=(ScheduleTable(daily_at="06:00", plants=("p02",)),)
    )
    with _running(farm, section, clock):
        _until(lambda: "daily" in farm.store.seen_until())
        clock.sleep(121)
        _until(lambda: [turn.state for turn in farm.store.occurrences()] == ["done"])
    (turn,) = farm.store.occurrences()
    assert (turn.plant, turn.due_at) == ("p02", datetime(2026, 6, 1, 4, 0, tzinfo=UTC))


def test_a_second_daemon_is_refused_with_the_process_id_of_the_first(farm: Any) -> None:
    code = (
        "import sys, pathlib\n"
        "from scheduler.farm import only_daemon\n"
        "from trellis.folders import DataFolder\n"
        "with only_daemon(DataFolder(pathlib.Path(sys.argv[1]))):\n"
        "    print('holds', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(farm.folder.path)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as first:
        first.stdout.readline()
        with pytest.raises(AlreadyRunning, match=rf"\(process {first.pid}\); stop it first"), only_daemon(farm.folder):
            pass
        first.communicate("")
    with only_daemon(farm.folder):
        assert farm.folder.daemon_lock.read_text().strip().isdigit()
