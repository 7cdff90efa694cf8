"""A host process that is killed in the middle of a move: the carriage stops on its path and is held, and the next host
knows where it is.

`trellis sim` runs as a process of its own, in real time, on pseudo-terminals; the host is another process, killed
without warning. Nothing here depends on how quick the machine is: every wait is for something to come about, time is
the simulated farm's own, and the carriage is judged by its distance from the line that it was to go along.
"""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cdpr.config import CablesSection
from cdpr.homing import How
from cdpr.memory import recall
from cdpr.winches import Winches
from trellis.clock import SystemClock
from trellis.errors import ProtocolError

PATIENCE_S = 120.0
HOME_M, FAR_M, NEAR_M = np.array(CablesSection().home_m), np.array([1.6, 1.1]), np.array([0.6, 0.9])
#: What a calibration leaves of the frame's errors.
FRAME_M = 0.015
#: Goes to and fro for ever. A machine that is too busy to serve the lines ends a move in a freeze: then it goes on.
HOST = """
import pathlib, sys
from cdpr.config import CablesSection
from cdpr.winches import Winches
from trellis.clock import SystemClock
from trellis.errors import ProtocolError

links = pathlib.Path(sys.argv[1])
section = CablesSection(ports=(str(links / "winches0"), str(links / "winches1")))
places, turn = ((1.6, 1.1), (0.6, 0.9)), 0
with Winches(section, SystemClock(), memory=links / "carriage.json") as winches:
    winches.home()
    while True:
        try:
            winches.move_to(*places[turn % 2])
            turn += 1
        except ProtocolError:
            pass
"""


@dataclass
class Sim:
    """The farm in its own process."""

    links: Path
    address: str

    def state(self) -> dict[str, Any]:
        """What is true now."""
        with urllib.request.urlopen(f"{self.address}/state.json", timeout=PATIENCE_S) as answer:
            return dict(json.load(answer))

    def carriage_m(self) -> np.ndarray:
        """True x and y."""
        carriage = self.state()["carriage"]
        return np.array([carriage["x_m"], carriage["y_m"]])

    def pass_s(self, seconds: float) -> None:
        """Wait for simulated time."""
        end = self._now() + timedelta(seconds=seconds)
        while self._now() < end:
            time.sleep(0.02)

    def _now(self) -> datetime:
        return datetime.fromisoformat(self.state()["utc"])


@pytest.fixture
def sim(tmp_path: Path) -> Iterator[Sim]:
    command = [sys.executable, "-m", "trellis", "sim", "--plants", "1", "--port", "0", "--links", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if line.startswith("camera"))
            yield Sim(tmp_path, line.split()[1].removesuffix("/snapshot.jpg"))
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=PATIENCE_S)


def _until(condition: Callable[[], bool], host: subprocess.Popen[bytes]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert host.poll() is None, "the host ended by itself"
        assert time.monotonic() < end_s, "it did not come about"
        time.sleep(0.02)


def _halt_on_the_way(host: subprocess.Popen[bytes], sim: Sim) -> None:
    """Halt the host where it is in the middle of a move, by what it wrote down itself, so that it is killed there."""
    for _ in range(100):
        host.send_signal(signal.SIGSTOP)
        written = recall(sim.links / "carriage.json")
        if written is not None and not written.at_rest:
            return
        host.send_signal(signal.SIGCONT)
        time.sleep(0.2)
    raise AssertionError("it was never on its way")


def _off_line_m(place_m: np.ndarray) -> float:
    """Distance from the line between the two places, which home lies on."""
    along = (FAR_M - NEAR_M) / np.linalg.norm(FAR_M - NEAR_M)
    off = place_m - NEAR_M
    beyond = max(float(-off @ along), float((place_m - FAR_M) @ along), 0.0)
    return float(np.hypot(off @ np.array([-along[1], along[0]]), beyond))


def _next_host(sim: Sim) -> tuple[How, str | None, np.ndarray]:
    """Home as the next host would: how, what it says, and where it believes the carriage to be."""
    section = CablesSection(ports=(str(sim.links / "winches0"), str(sim.links / "winches1")))
    with Winches(section, SystemClock(), memory=sim.links / "carriage.json") as winches:
        for attempt in range(5):
            try:
                homed = winches.home()
                return homed.how, homed.notice, winches.state().estimate.pose[:2]
            except ProtocolError:  # the machine was too busy to serve the lines
                assert attempt < 4
    raise AssertionError("unreachable")


def test_the_carriage_of_a_killed_host_stops_on_its_path_is_held_and_found_again(sim: Sim) -> None:
    host = subprocess.Popen([sys.executable, "-c", HOST, str(sim.links)])
    try:
        _until(lambda: bool(np.hypot(*(sim.carriage_m() - HOME_M)) > 0.1), host)
        _halt_on_the_way(host, sim)
    finally:
        host.kill()
        host.wait(timeout=PATIENCE_S)
    sim.pass_s(2.0)
    stopped_m = sim.carriage_m()
    assert _off_line_m(stopped_m) < FRAME_M
    sim.pass_s(3.0)
    # Held: nothing falls, nothing creeps, and every cable is taut.
    assert np.abs(sim.carriage_m() - stopped_m).max() < 0.001
    assert min(sim.state()["tensions_n"]) > 3.0
    how, notice, believed_m = _next_host(sim)
    # The drives never lost power, so the next host counts on, and says what happened.
    assert how is How.COUNTED
    assert "the host failed while it was to go to" in str(notice)
    assert np.abs(sim.carriage_m() - stopped_m).max() < FRAME_M
    assert np.abs(believed_m - sim.carriage_m()).max() < FRAME_M
