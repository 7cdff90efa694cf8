"""A frame off by centimetres is driven for its calibration without a false alarm, and watched sharply afterwards.

The simulated farm's pulleys are off by 15 mm, its drums by 2 %, encoders and motors have the published noise.
"""

import collections
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cdpr.cable_log import CableLog
from cdpr.calibration import calibrate
from cdpr.config import CablesSection, CalibrationSection
from cdpr.robot_file import read_robot, robot_text
from cdpr.winches import Winches
from hardware_sim import inprocess
from hardware_sim.inprocess import SimulatedClock
from hardware_sim.physics import DriveNoise
from trellis.errors import DeviceFault

SECTION = CablesSection(ports=("sim://winches/0", "sim://winches/1"))
SEED, SLIP_M, STOPS = 4, 0.005, 12
NOISE = (0.0018, 0.04, 0.059)


@pytest.fixture(autouse=True)
def _farm_ends() -> Iterator[None]:
    yield
    inprocess.switch_off()


def _farm() -> SimulatedClock:
    inprocess.switch_off()
    clock = inprocess.start_clock(seed=SEED, errors="builder", start="2026-06-01T06:00:00Z")
    assert isinstance(clock, SimulatedClock)
    return clock


def _slip(clock: SimulatedClock, cable: int) -> float:
    clock.farm.axes[cable].drive.slip += SLIP_M / (2 * np.pi * SECTION.drum_radius_m)
    return clock.monotonic_s()


def _seen_after_s(clock: SimulatedClock, steps: Iterator[None], cable: int) -> float:
    """How long after a slip on the way the winches stop; a second of quiet before it."""
    for _ in range(50):
        next(steps)
    slipped_s = _slip(clock, cable)
    with pytest.raises(DeviceFault, match="cable's length jumped by"):
        collections.deque(itertools.islice(steps, 100), maxlen=0)
    return clock.monotonic_s() - slipped_s


def _calibration_run(clock: SimulatedClock, folder: Path) -> tuple[CablesSection, CalibrationSection]:
    """Stops all over the workspace, each read and seen; any alarm on the way fails the test."""
    random = np.random.default_rng(SEED)
    (left, right), (low, high) = SECTION.workspace_x_m, SECTION.workspace_y_m
    readings, fixes = [], []
    with Winches(SECTION, clock) as winches:
        winches.home()
        clock.farm.physics.set_noise(DriveNoise(*NOISE, SEED))
        for place in random.uniform((left + 0.05, low + 0.05), (right - 0.05, high - 0.05), (STOPS, 2)):
            winches.move_to(*map(float, place))
            clock.sleep(1.0)
            seen = [(winches.state().readings_m, clock.farm.physics.carriage) for _ in range(10)]
            readings.append(np.mean([reading for reading, _ in seen], axis=0))
            fixes.append(np.mean([pose for _, pose in seen], axis=0) + random.normal(0, (0.002, 0.002, 0.005)))
        # Not even known to the centimetre, a carriage at rest shows a slip at once.
        winches.pause()
        assert _seen_after_s(clock, winches.follow(*SECTION.home_m), 3) < 0.5
    found = calibrate(SECTION.robot(), CableLog(np.arange(float(STOPS)), np.array(readings), np.array(fixes)))
    (folder / "robot.toml").write_text(robot_text(SECTION, found), encoding="utf-8")
    configuration = read_robot(str(folder / "robot.toml"))
    return configuration.section(CablesSection), configuration.section(CalibrationSection)


def test_no_alarm_while_a_frame_is_calibrated_and_a_slip_on_the_way_is_seen_afterwards(tmp_path: Path) -> None:
    cables, calibration = _calibration_run(_farm(), tmp_path)
    for cable in (0, 2):
        clock = _farm()
        with Winches(cables, clock, calibration) as winches:
            winches.home()
            winches.move_to(0.7, 0.9)
            clock.farm.physics.set_noise(DriveNoise(*NOISE, SEED))
            assert _seen_after_s(clock, winches.follow(1.5, 1.1), cable) < 0.5
