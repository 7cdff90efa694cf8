"""A disk that is full while something is written down: waited for, nothing dropped, and the daemon lives."""

import sqlite3
import threading
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from scheduler.room import when_there_is_room
from trellis.errors import OutOfSpace

FULL = OperationalError("COMMIT", None, sqlite3.OperationalError("database or disk is full"))


def test_it_is_tried_until_there_is_room() -> None:
    left = [3]

    def write() -> str:
        left[0] -= 1
        if left[0]:
            raise OutOfSpace("no room")
        return "written"

    assert when_there_is_room(write, threading.Event(), again_s=0.001) == "written"


def test_a_daemon_that_ends_does_not_wait_for_room() -> None:
    ending = threading.Event()
    ending.set()

    def write() -> None:
        raise OutOfSpace("no room")

    with pytest.raises(OutOfSpace):
        when_there_is_room(write, ending)


@pytest.mark.parametrize("commit", range(1, 12))
def test_a_database_that_is_full_at_any_commit_of_a_scan_costs_nothing(farm: Any, commit: int) -> None:
    real, left = Connection._commit_impl, [commit, 2]

    def commit_if_there_is_room(connection: Connection) -> None:
        left[0] -= 1
        if left[0] < 0 < left[1]:
            left[1] -= 1
            raise FULL
        real(connection)

    asked = farm.store.request_scan("p01")
    robot = farm.robot()
    with patch.object(Connection, "_commit_impl", commit_if_there_is_room), patch("scheduler.room._AGAIN_S", 0.001):
        for _ in range(4):  # a full disk pauses the scan; the daemon resumes it when there is room
            job = when_there_is_room(robot.next_job, farm.ending, again_s=0.001)
            if job is not None:
                robot.do(job)
            when_there_is_room(farm.store.resume_paused, farm.ending, again_s=0.001)
    assert farm.store.job(asked.id).state == "done"
    (scan,) = farm.store.scans()
    assert (scan.state, scan.views_taken) == ("done", 6)
    assert len(farm.store.jobs(kind="reconstruct")) == 1
