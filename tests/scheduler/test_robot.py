"""Scan jobs on a scripted cell: done, stopped, cancelled, failed, and what stays of each."""

from types import SimpleNamespace
from typing import Any

import pytest

from scheduler.store import JobRow
from trellis.errors import CameraError, OutOfSpace, PortUnavailable
from trellis.folders import ScanFolder
from trellis.manifest import read_manifest


def _do(farm: Any, plant: str = "p01") -> JobRow:
    farm.store.request_scan(plant)
    return _go_on(farm)


def _go_on(farm: Any) -> JobRow:
    job = farm.store.take_job("scan")
    assert job is not None
    farm.robot().do(job)
    return farm.store.job(job.id)


def test_a_scan_is_homed_taken_counted_and_handed_to_reconstruction(farm: Any) -> None:
    job = _do(farm)
    assert (job.state, job.share, job.reason) == ("done", 1.0, None)
    scan = farm.store.scan(job.scan)
    assert (scan.state, scan.views_planned, scan.views_taken, scan.views_failed) == ("done", 6, 6, 0)
    assert scan.finished_at is not None
    folder = ScanFolder(farm.folder.path / scan.folder)
    assert len(list(folder.images.iterdir())) == len(read_manifest(folder.manifest).taken) == 6
    assert farm.cell.calls[:3] == ["connect", "home", "plan"]
    (next_job,) = farm.store.jobs(kind="reconstruct")
    assert (next_job.scan, next_job.state) == (scan.id, "queued")


def test_one_robot_homes_once_for_many_scans(farm: Any) -> None:
    robot = farm.robot()
    for plant in ("p01", "p02"):
        farm.store.request_scan(plant)
        robot.do(farm.store.take_job("scan"))
    assert farm.cell.calls.count("connect") == farm.cell.calls.count("home") == 1
    assert [scan.state for scan in farm.store.scans()] == ["done", "done"]


def test_two_scans_in_the_same_second_have_different_folders(farm: Any) -> None:
    scans = {_do(farm).scan for _ in range(3)}
    assert len(scans) == 3


def test_views_that_failed_are_counted_and_said_but_do_not_fail_the_scan(farm: Any) -> None:
    farm.cell.bad_views = frozenset({1, 4})
    job = _do(farm)
    scan = farm.store.scan(job.scan)
    assert (scan.state, scan.views_taken, scan.views_failed) == ("done", 4, 2)
    assert scan.reason == "2 of 6 views gave no photograph"


def test_a_scan_with_too_few_photographs_fails_and_is_not_reconstructed(farm: Any) -> None:
    farm.cell.bad_views = frozenset({0, 1, 2, 3})
    job = _do(farm)
    assert (job.state, job.reason) == ("failed", "only 2 of 6 photographs could be taken")
    assert farm.store.jobs(kind="reconstruct") == []


def test_a_dead_camera_ends_the_scan_early_with_the_last_reason(farm: Any) -> None:
    farm.cell.views, farm.cell.bad_views = 40, frozenset(range(40))
    job = _do(farm)
    assert (job.state, job.reason) == ("failed", "8 views in a row gave no photograph; the last: too dark")
    assert farm.store.scan(job.scan).views_failed == 8


def test_a_missing_port_is_the_jobs_one_line_and_the_next_scan_tries_again(farm: Any) -> None:
    farm.cell.failing["connect"] = PortUnavailable("/dev/none", "no such file", "winches")
    job = _do(farm)
    assert job.state == "failed"
    assert (job.reason or "").startswith("cannot open /dev/none for the winches: no such file")
    assert job.scan is None
    farm.cell.failing.clear()
    assert _do(farm).state == "done"


def test_a_camera_that_is_slow_to_wake_is_asked_three_times(farm: Any) -> None:
    farm.cell.failing["connect"] = CameraError("no photograph within 30 s")
    job = _do(farm)
    assert (job.state, job.reason) == ("failed", "no photograph within 30 s")
    assert farm.cell.calls == ["connect", "close"] * 3


def test_a_device_that_fails_on_the_way_fails_the_job_and_keeps_the_photographs(farm: Any) -> None:
    def script(view: int) -> None:
        if view == 3:
            raise CameraError("the camera went away")

    farm.cell.script = script
    job = _do(farm)
    assert (job.state, job.reason) == ("failed", "the camera went away")
    scan = farm.store.scan(job.scan)
    assert (scan.state, scan.views_taken, scan.reason) == ("failed", 3, "the camera went away")
    assert farm.cell.calls[-1] == "close"


def test_a_stop_pauses_the_scan_and_after_clearing_it_goes_on_in_the_same_folder(farm: Any) -> None:
    robot = farm.robot()

    def script(view: int) -> None:
        if view == 2:
            robot.stop()

    farm.cell.script = script
    asked = farm.store.request_scan("p01")
    robot.do(farm.store.take_job("scan"))
    paused = farm.store.job(asked.id)
    assert (paused.state, paused.reason) == ("paused", "the cell is stopped; clear the stop before moving")
    assert farm.store.scan(paused.scan).views_taken == 2
    farm.cell.script = lambda view: None
    robot.clear()
    farm.store.resume_paused()
    robot.do(farm.store.take_job("scan"))
    done = farm.store.job(asked.id)
    assert (done.state, done.scan) == ("done", paused.scan)
    assert farm.store.scan(done.scan).views_taken == 6
    assert len(farm.store.scans()) == 1


def test_a_fault_while_nobody_moves_or_looks_becomes_an_event_once(farm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduler.robot._IDLE_LOOK_S", 0.0)
    doubt = "the top left cable's length jumped by 5 mm"
    farm.store.request_scan("p01")
    robot, ending, looks = farm.robot(), farm.ending, []

    def state() -> Any:
        looks.append(1)
        if len(looks) == 3:
            ending.set()
        return SimpleNamespace(as_json=lambda: {"doubt": doubt})

    farm.cell.state = state
    robot.serve()
    told = [event.message for event in farm.store.events() if doubt in event.message]
    assert told == [f"while nothing moved: {doubt}"]


def test_what_halted_a_cell_that_is_closed_now_is_forgotten_when_the_stop_is_cleared(farm: Any) -> None:
    def script(view: int) -> None:
        raise CameraError("the camera went away")

    robot = farm.robot()
    farm.cell.script = script
    farm.store.request_scan("p01")
    robot.do(farm.store.take_job("scan"))  # closes the devices
    farm.cell.frozen.set()
    robot.clear()
    assert not farm.cell.frozen.is_set()


def test_while_stopped_nothing_is_homed_or_moved(farm: Any) -> None:
    farm.store.set_stopped(True)
    job = _do(farm)
    assert job.state == "paused"
    assert farm.cell.calls == ["connect", "stop"]


def test_a_cancelled_scan_ends_after_its_view_and_keeps_what_it_has(farm: Any) -> None:
    robot = farm.robot()
    asked = farm.store.request_scan("p01")

    def script(view: int) -> None:
        if view == 1:
            robot.cancel(asked.id)

    farm.cell.script = script
    robot.do(farm.store.take_job("scan"))
    job = farm.store.job(asked.id)
    assert (job.state, job.reason) == ("cancelled", "cancelled on request")
    assert (farm.store.scan(job.scan).state, farm.store.scan(job.scan).views_taken) == ("cancelled", 2)


def test_an_ending_daemon_puts_the_scan_back_where_it_goes_on(farm: Any) -> None:
    farm.cell.script = lambda view: farm.ending.set() if view == 3 else None
    job = _do(farm)
    assert (job.state, job.reason, job.attempts) == ("queued", "the daemon was asked to end", 0)
    assert (farm.store.scan(job.scan).state, farm.store.scan(job.scan).views_taken) == ("paused", 4)
    farm.ending.clear()
    again = _go_on(farm)
    assert (again.state, again.scan, farm.store.scan(again.scan).views_taken) == ("done", job.scan, 6)


def test_a_full_disk_pauses_the_scan_with_its_manifest_whole(farm: Any) -> None:
    def script(view: int) -> None:
        if view == 4:
            raise OutOfSpace("no room to write 004.jpg; free some disk space")

    farm.cell.script = script
    job = _do(farm)
    assert (job.state, job.reason) == ("paused", "no room to write 004.jpg; free some disk space")
    assert farm.store.scan(job.scan).views_taken == 4
    farm.cell.script = lambda view: None
    farm.store.resume_paused()
    assert _go_on(farm).state == "done"


def test_cancelling_a_paused_scan_ends_its_row_too(farm: Any) -> None:
    farm.cell.script = lambda view: farm.cell.stop() if view == 2 else None
    job = _do(farm)
    assert farm.store.cancel(job.id).state == "cancelled"
    assert farm.store.scan(job.scan).state == "cancelled"


def test_looking_while_another_looks_gives_the_last_answer_with_its_age(farm: Any) -> None:
    robot = farm.robot()
    assert robot.look() == (None, None, "the devices are not open; the first scan opens them")
    farm.store.request_scan("p01")
    robot.do(farm.store.take_job("scan"))
    cell, age_s, reason = robot.look()
    assert (cell, reason) == ({"x_m": 1.1, "stopped": False}, None)
    assert age_s is not None
    farm.cell.failing["state"] = CameraError("no answer")
    assert robot.look() == (None, None, "no answer")
