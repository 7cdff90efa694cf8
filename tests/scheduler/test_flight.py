"""The flight recorder: readable after a power cut, goes on in the same file, never costs a photograph."""

import json
import os
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcap.reader import make_reader
from typer.testing import CliRunner

from scheduler.flight import FlightRecorder
from scheduler.flight_book import Flights
from scheduler.flight_reader import read_flight
from scheduler.retention import tier_of
from scheduler.robot import Robot
from trellis.cli import program
from trellis.clock import ManualClock, SystemClock
from trellis.errors import DeviceFault
from trellis.folders import ScanFolder

START = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)


def _fill(path: Path, clock: ManualClock, names: range) -> None:
    with FlightRecorder(path, clock) as recorder:
        for number in names:
            clock.sleep(0.5)
            recorder.note("/event", {"level": 2, "name": "test", "message": f"number {number}"})


def test_what_was_noted_can_be_read_by_others_with_its_time_and_schema(tmp_path: Path) -> None:
    path = tmp_path / "flight.mcap"
    _fill(path, ManualClock(START), range(3))
    with path.open("rb") as file:
        reader = make_reader(file)  # the maker's own reader, by the index at the end
        found = [(schema.name, schema.encoding, channel.topic, json.loads(message.data), message.log_time)
                 for schema, channel, message in reader.iter_messages()]  # fmt: skip
    assert [each[:3] for each in found] == [("foxglove.Log", "jsonschema", "/event")] * 3
    assert found[1][3]["message"] == "number 1"
    assert found[1][3]["timestamp"] == {"sec": int(START.timestamp()) + 1, "nsec": 0}
    assert found[1][4] == int(START.timestamp() * 1e9) + 10**9


def test_a_file_cut_off_anywhere_is_readable_up_to_its_last_whole_chunk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler.flight.CHUNK_S", 0.0)  # a chunk a message
    path, torn = tmp_path / "flight.mcap", tmp_path / "torn.mcap"
    _fill(path, ManualClock(START), range(20))
    whole = path.read_bytes()
    before = 0
    for size in range(0, len(whole), 37):
        torn.write_bytes(whole[:size])
        found = read_flight(torn)
        assert [message.values["message"] for message in found] == [f"number {n}" for n in range(len(found))]
        assert len(found) >= before
        before = len(found)
    assert before == 20
    torn.write_bytes(whole[: len(whole) // 2] + b"\0" * 5000)  # a block that was never written reads as zeros
    assert 0 < len(read_flight(torn)) < 20


def test_a_recorder_that_is_killed_leaves_what_it_had_flushed_and_another_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "flight.mcap"
    flushed_read, flushed_write = os.pipe()
    child = os.fork()
    if not child:
        flushes = []

        def flush(descriptor: int) -> None:
            os.fsync(descriptor)
            flushes.append(descriptor)
            if len(flushes) == 2:  # the first is the empty beginning
                os.write(flushed_write, b"x")
                threading.Event().wait()

        recorder = FlightRecorder(path, ManualClock(START), flush).__enter__()
        for number in range(5):
            recorder.note("/event", {"level": 2, "message": f"number {number}"})
        threading.Event().wait()
    os.read(flushed_read, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert len(read_flight(path)) == 5
    _fill(path, ManualClock(START), range(5, 8))
    assert sorted(message.values["message"] for message in read_flight(path)) == [f"number {n}" for n in range(8)]
    with path.open("rb") as file:
        assert make_reader(file).get_summary() is not None  # whole again


def test_what_is_no_number_and_arrays_are_kept_as_json(tmp_path: Path) -> None:
    path = tmp_path / "flight.mcap"
    with FlightRecorder(path, ManualClock(START)) as recorder:
        recorder.note("/carriage/setpoint", {"lengths_m": np.array([1.0, np.nan, np.inf, 2.0]), "x_m": np.float64(0.5)})
    assert read_flight(path)[0].values == {"lengths_m": [1.0, None, None, 2.0], "x_m": 0.5}


def test_a_disk_that_cannot_be_written_ends_the_recording_and_nothing_else(tmp_path: Path) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with FlightRecorder(tmp_path / "flight.mcap", SystemClock(), full) as recorder:
        for _ in range(100):
            recorder.note("/event", {"message": "x"})
    assert recorder.dropped > 0


class _Flown:
    """The scripted cell, as the recorder sees it."""

    def __init__(self, farm: Any) -> None:
        self._cell, self.clock = farm.cell, ManualClock(START)
        self.heard: list[Any] = []

    def listen(self, listener: Any) -> None:
        self.heard.append(listener)

    def state(self) -> Any:
        return self._cell.state()


def test_a_scan_with_a_fault_is_told_by_replay_and_kept_as_long_as_its_photographs(farm: Any) -> None:
    def fails(view: int) -> None:
        if view == 4:
            raise DeviceFault("winch 2 reports: motor failed")

    farm.cell.script = fails
    flown = _Flown(farm)
    robot = Robot(farm.store, farm.folder, farm.cell, farm.cell, SystemClock(), False, farm.ending,
                  record=Flights(flown))  # fmt: skip
    farm.store.request_scan("p01")
    job = farm.store.take_job("scan")
    assert job is not None
    robot.do(job)
    (scan,) = farm.store.scans()
    folder = ScanFolder(farm.folder.path / scan.folder)
    said = CliRunner().invoke(program, ["replay", str(folder.path)])
    assert said.exit_code == 0
    assert "view 3 taken" in said.output
    assert "error: broken off: winch 2 reports: motor failed" in said.output
    assert [message.values["x_m"] for message in read_flight(folder.flight) if message.topic == "/cell/state"] == [
        1.1
    ] * 4
    assert tier_of(folder, folder.flight) == "photographs"
    assert len(flown.heard) == 2  # and let go of again


def test_no_recording_is_said_so(tmp_path: Path) -> None:
    said = CliRunner().invoke(program, ["replay", str(tmp_path)])
    assert said.exit_code != 0
    assert "flight.mcap" in str(said.exception)
