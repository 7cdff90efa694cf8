"""The queue: its order, pauses that only a person ends, retries, skipped views, and devices that are waited for."""

from datetime import UTC, datetime
from typing import Any

import pytest

from scheduler.robot import Robot
from scheduler.rows import NewTurn
from trellis.clock import ManualClock
from trellis.errors import InputError, PortUnavailable
from trellis.folders import ScanFolder
from trellis.manifest import Outcome, read_manifest

DUE = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)


def _planned(farm: Any, *plants: str, retries: int = 0) -> None:
    farm.store.record_turns(
        [NewTurn("daily", plant, DUE, "started", None, retries) for plant in plants], {"daily": DUE}
    )


def _run(farm: Any, robot: Robot) -> None:
    while (job := robot.next_job()) is not None:
        robot.do(job)


def test_a_job_can_be_put_first_and_last(farm: Any) -> None:
    farm.store.sync_plants([*farm.store.plants(), farm.store.plants()[0].__class__("p03", (1.0, 1.0, 0.0))])
    first, second, third = (farm.store.request_scan(plant).id for plant in ("p01", "p02", "p03"))
    farm.store.move(third, "first")
    farm.store.move(first, "last")
    assert [job.id for job in farm.store.queue()] == [third, second, first]
    assert farm.store.take_job("scan").id == third
    with pytest.raises(InputError, match="runs already"):
        farm.store.move(third, "last")


def test_a_paused_scan_stops_at_its_viewpoint_and_only_a_person_lets_it_go_on(farm: Any) -> None:
    robot = farm.robot()
    asked = farm.store.request_scan("p01")
    farm.cell.script = lambda view: robot.pause(asked.id) if view == 2 else None
    _run(farm, robot)
    job = farm.store.job(asked.id)
    assert (job.state, job.reason, job.held) == ("paused", "paused by hand", True)
    assert farm.store.scan(job.scan).views_taken == 3
    farm.store.resume_paused()  # what the daemon does when there is room again
    assert farm.store.job(asked.id).state == "paused"
    farm.cell.script = lambda view: None
    farm.store.resume_job(asked.id)
    _run(farm, robot)
    assert farm.store.job(asked.id).state == "done"
    assert farm.store.scan(job.scan).views_taken == 6


def test_a_waiting_job_is_paused_and_resumed_at_once(farm: Any) -> None:
    asked = farm.store.request_scan("p01")
    assert farm.store.pause_job(asked.id).state == "paused"
    assert farm.robot().next_job() is None
    assert farm.store.resume_job(asked.id).state == "queued"
    with pytest.raises(InputError, match="was not paused by hand"):
        farm.store.resume_job(asked.id)


def test_a_held_queue_puts_the_running_scan_back_and_begins_nothing(farm: Any) -> None:
    robot = farm.robot()
    asked = farm.store.request_scan("p01")
    farm.store.request_scan("p02")
    farm.cell.script = lambda view: robot.hold(True) if view == 1 else None
    _run(farm, robot)
    job = farm.store.job(asked.id)
    assert (job.state, job.reason, farm.store.scan(job.scan).views_taken) == ("queued", "the queue is held", 2)
    farm.cell.script = lambda view: None
    robot.hold(False)
    _run(farm, robot)
    assert [scan.state for scan in farm.store.scans()] == ["done", "done"]


def test_a_hold_outlives_the_daemon(farm: Any) -> None:
    farm.store.hold(True)
    farm.store.request_scan("p01")
    assert farm.robot().next_job() is None
    farm.store.hold(False)
    assert farm.robot().next_job() is not None


def test_a_skipped_view_is_recorded_as_that_and_the_others_are_taken(farm: Any) -> None:
    robot = farm.robot()
    asked = farm.store.request_scan("p01")
    farm.cell.script = lambda view: robot.skip(asked.id, 4) if view == 1 else None
    _run(farm, robot)
    scan = farm.store.scan(farm.store.job(asked.id).scan)
    views = read_manifest(ScanFolder(farm.folder.path / scan.folder).manifest).views
    assert [view.outcome for view in views] == [Outcome.TAKEN] * 4 + [Outcome.FAILED, Outcome.TAKEN]
    assert views[4].reason == "skipped by hand"
    assert (scan.state, scan.views_taken, scan.views_failed) == ("done", 5, 1)


def test_a_view_that_is_not_there_cannot_be_skipped(farm: Any) -> None:
    asked = farm.store.request_scan("p01")
    with pytest.raises(InputError, match="has no views yet"):
        farm.store.skip_view(asked.id, 1)
    _run(farm, farm.robot())
    with pytest.raises(InputError, match="has ended"):
        farm.store.skip_view(asked.id, 1)


def test_a_scheduled_scan_that_fails_is_tried_again_after_the_others_and_its_turn_is_done(farm: Any) -> None:
    _planned(farm, "p01", "p02", retries=1)
    farm.cell.bad_views = frozenset(range(6))
    robot = farm.robot()
    robot.do(robot.next_job())
    assert [job.plant for job in farm.store.queue()] == ["p02", "p01"]
    farm.cell.bad_views = frozenset()
    _run(farm, robot)
    assert {turn.plant: turn.state for turn in farm.store.occurrences()} == {"p01": "done", "p02": "done"}


def test_when_every_try_has_failed_the_turn_has_failed_with_the_last_reason(farm: Any) -> None:
    _planned(farm, "p01", retries=2)
    farm.cell.bad_views = frozenset(range(6))
    _run(farm, farm.robot())
    (turn,) = farm.store.occurrences()
    assert (turn.state, turn.reason) == ("failed", "only 0 of 6 photographs could be taken")
    assert len(farm.store.jobs(kind="scan")) == 3


def test_a_failed_scan_can_be_retried_by_hand_and_its_turn_with_it(farm: Any) -> None:
    _planned(farm, "p01")
    farm.cell.bad_views = frozenset(range(6))
    robot = farm.robot()
    _run(farm, robot)
    (failed,) = farm.store.jobs(kind="scan")
    farm.cell.bad_views = frozenset()
    again = farm.store.retry(failed.id)
    _run(farm, robot)
    assert farm.store.job(again.id).state == "done"
    assert [turn.state for turn in farm.store.occurrences()] == ["done"]
    with pytest.raises(InputError, match="what failed or was cancelled"):
        farm.store.retry(again.id)


def test_scheduled_scans_wait_for_a_device_instead_of_failing_one_by_one(farm: Any) -> None:
    clock = ManualClock(DUE)
    robot = Robot(farm.store, farm.folder, farm.cell, farm.cell, clock, False, farm.ending)
    _planned(farm, "p01", "p02")
    farm.cell.failing["connect"] = PortUnavailable("/dev/none", "no such file", "winches")
    _run(farm, robot)
    clock.sleep(29)
    assert robot.next_job() is None
    assert [turn.state for turn in farm.store.occurrences()] == ["started", "started"]
    assert "cannot open /dev/none" in (robot.waits_for or "")
    clock.sleep(2)
    _run(farm, robot)  # still not there: now it waits twice as long
    clock.sleep(45)
    assert robot.next_job() is None
    farm.cell.failing.clear()
    clock.sleep(20)
    _run(farm, robot)
    assert [turn.state for turn in farm.store.occurrences()] == ["done", "done"]
    assert robot.waits_for is None
    told = [event for event in farm.store.events() if "scheduled scans wait" in event.message]
    assert len(told) == 1  # once, not at every attempt


def test_what_a_person_asks_for_does_not_wait_for_the_hours(farm: Any) -> None:
    closed = lambda job, now: "the lights are off" if job.asked_by == "agenda" else None  # noqa: E731
    robot = Robot(farm.store, farm.folder, farm.cell, farm.cell, ManualClock(DUE), False, farm.ending, closed)
    _planned(farm, "p01")
    farm.store.request_scan("p02")
    _run(farm, robot)
    assert {turn.plant: turn.state for turn in farm.store.occurrences()} == {"p01": "started"}
    assert [scan.plant for scan in farm.store.scans()] == ["p02"]
