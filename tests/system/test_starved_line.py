"""Lines that give nothing for a while and then all at once, as terminals do on a crowded machine; and a host that dies.

All in simulated time, so that nothing depends on the machine. The carriage is judged against its path, and where it is
held against what the drives last received.
"""

from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import pytest

from cdpr.config import CablesSection
from cdpr.robot import UPPER
from cdpr.winches import Winches
from hardware_sim import inprocess
from hardware_sim.farm import Farm
from hardware_sim.inprocess import SimulatedClock
from hardware_sim.odrive_axis import CLOSED_LOOP
from trellis.errors import ProtocolError

SECTION = CablesSection(ports=("sim://winches/0", "sim://winches/1"))
GOAL_M = np.array([1.3, 1.05])
#: What a calibration leaves of the frame's errors.
FRAME_M = 0.015


class Starved:
    """Keeps what is written until a moment, then delivers it at once; after that, until the next of such moments."""

    def __init__(self, farm: Farm, waits_s: Iterator[float], monkeypatch: pytest.MonkeyPatch) -> None:
        self._farm, self._waits_s = farm, waits_s
        self._until_s = 0.0
        self._kept: list[tuple[str, bytes]] = []
        self._step = farm._step
        self.track_m: list[np.ndarray] = []
        monkeypatch.setattr(farm, "write", lambda port, data: self._kept.append((port, data)))
        monkeypatch.setattr(farm, "_step", self._pass)

    def _pass(self, time_s: float) -> None:
        farm = self._farm
        if self._kept:
            time_s = min(time_s, max(self._until_s, farm.now_s + 1e-6))
        self._step(time_s)
        self.track_m.append(farm.physics.carriage[:2])
        if self._kept and farm.now_s >= self._until_s:
            kept, self._kept = self._kept, []
            for port, data in kept:
                farm._wires[port].send(data, farm.now_s)
            self._until_s = farm.now_s + next(self._waits_s)

    def off_path_m(self) -> float:
        along = (GOAL_M - SECTION.home_m) / np.linalg.norm(GOAL_M - SECTION.home_m)
        off = np.array(self.track_m) - SECTION.home_m
        return float(np.abs(off @ np.array([-along[1], along[0]])).max())


def _waits_s(seed: int) -> Iterator[float]:
    """Mostly a millisecond; at times up to three seconds."""
    random = np.random.default_rng(seed)
    while True:
        yield float(random.choice([0.001, 0.03, 0.1, 0.22, 0.7, 3.0], p=[0.88, 0.07, 0.03, 0.016, 0.003, 0.001]))


@pytest.fixture
def clock() -> Iterator[SimulatedClock]:
    clock = inprocess.start_clock(seed=5, errors="calibrated", start="2026-06-01T06:00:00Z")
    assert isinstance(clock, SimulatedClock)
    yield clock
    inprocess.switch_off()


def _held_where_told(farm: Farm) -> None:
    """Every drive is in closed loop, the upper ones where they were last told to be."""
    assert [axis.state for axis in farm.axes] == [CLOSED_LOOP] * 4
    for cable in UPPER:
        drive = farm.axes[cable].drive
        # A speed that was told with a place stays told: the place is passed by speed / pos_gain.
        told = drive.input_pos + drive.input_vel / drive.pos_gain
        assert abs(farm.axes[cable].turns - told) * 2 * np.pi * SECTION.drum_radius_m < 0.002


@pytest.mark.parametrize("seed", [1, 2, 3, 13])
def test_a_starved_line_ends_in_a_freeze_or_goes_on_and_never_leaves_the_path(
    clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    with Winches(SECTION, clock) as winches:
        winches.home()
        line = Starved(clock.farm, _waits_s(seed), monkeypatch)
        said = None
        try:
            for _ in winches.follow(*GOAL_M):
                pass
        except ProtocolError as error:
            said = str(error)
        clock.sleep(4.0)
    assert said is None or "has said nothing good for" in said
    assert line.off_path_m() < FRAME_M
    _held_where_told(clock.farm)


@pytest.mark.parametrize("cut", [0, 1, 7, 20, 33, 45])
def test_a_host_that_dies_in_the_middle_of_a_line_leaves_the_carriage_held_and_the_next_one_spoils_the_line(
    clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    farm, write, left = clock.farm, clock.farm.write, [200]

    def dying(port: str, data: bytes) -> None:
        left[0] -= 1
        if left[0] > 0:
            write(port, data)
        elif left[0] == 0:
            write(port, data[:cut])
            raise RuntimeError("killed")

    with suppress(RuntimeError), Winches(SECTION, clock) as winches:
        winches.home()
        monkeypatch.setattr(farm, "write", dying)
        for _ in winches.follow(*GOAL_M):
            pass
    assert left[0] <= 0
    clock.sleep(1.0)
    held_m = farm.physics.carriage[:2]
    _held_where_told(farm)
    assert 0.05 < np.hypot(*(held_m - SECTION.home_m)) < np.hypot(*(GOAL_M - SECTION.home_m))
    clock.sleep(20.0)
    assert np.abs(farm.physics.carriage[:2] - held_m).max() < 0.001
    told = [float(axis.drive.input_pos) for axis in farm.axes]
    monkeypatch.setattr(farm, "write", write)
    with Winches(SECTION, clock):
        clock.sleep(1.0)
    # Half a command is not obeyed.
    assert [float(axis.drive.input_pos) for axis in farm.axes] == told
    assert np.abs(farm.physics.carriage[:2] - held_m).max() < 0.001
