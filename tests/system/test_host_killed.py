"""A host that is killed in the middle of a move: the carriage stops, is held, and the next host knows where it is.

`trellis sim` runs as a process of its own, in real time; the host is another one, which is killed without warning.
Nothing here depends on how quick the machine is: every wait is for something to come about.
"""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cdpr.config import CablesSection
from cdpr.homing import How
from cdpr.memory import recall
from cdpr.winches import Winches
from trellis.clock import SystemClock

PATIENCE_S = 240.0
HOST = """
import pathlib, sys
from cdpr.config import CablesSection
from cdpr.winches import Winches
from trellis.clock import SystemClock

links = pathlib.Path(sys.argv[1])
section = CablesSection(ports=(str(links / "winches0"), str(links / "winches1")))
with Winches(section, SystemClock(), memory=links / "carriage.json") as winches:
    winches.home()
    while True:
        winches.move_to(1.5, 1.1)
        winches.move_to(0.7, 0.9)
"""


@dataclass
class Sim:
    """The running farm."""

    links: Path
    address: str

    def carriage_m(self) -> np.ndarray:
        """True x and y."""
        with urllib.request.urlopen(f"{self.address}/state.json", timeout=PATIENCE_S) as answer:
            carriage = json.load(answer)["carriage"]
        return np.array([carriage["x_m"], carriage["y_m"]])


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
        time.sleep(0.05)


def test_the_carriage_of_a_killed_host_is_held_and_found_again(sim: Sim) -> None:
    memory = sim.links / "carriage.json"
    home_m = sim.carriage_m()
    host = subprocess.Popen([sys.executable, "-c", HOST, str(sim.links)])
    try:
        _until(lambda: bool(np.hypot(*(sim.carriage_m() - home_m)) > 0.1), host)
    finally:
        host.kill()
        host.wait(timeout=PATIENCE_S)
    killed_at_m = sim.carriage_m()
    looks = [killed_at_m]
    for _ in range(30):
        time.sleep(0.1)
        looks.append(sim.carriage_m())
    # It stops within one setpoint, a tenth of a second of travel at most, and does not fall or creep.
    assert np.abs(looks[-1] - killed_at_m).max() < 0.02
    assert np.ptp(looks[10:], axis=0).max() < 0.001
    written = recall(memory)
    assert written is not None
    assert not written.at_rest
    # The next host counts on: the drives never lost power.
    section = CablesSection(ports=(str(sim.links / "winches0"), str(sim.links / "winches1")))
    with Winches(section, SystemClock(), memory=memory) as winches:
        homed = winches.home()
        believed_m = winches.state().estimate.pose[:2]
        true_m = sim.carriage_m()
    assert homed.how is How.COUNTED
    assert "the host failed while it was to go to" in str(homed.notice)
    # Homing holds it where it hangs, and what it believes is as good as the calibrated frame allows.
    assert np.abs(true_m - looks[-1]).max() < 0.01
    assert np.abs(believed_m - true_m).max() < 0.015
