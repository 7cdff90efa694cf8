"""The real winch driver on the simulated farm, byte for byte: it goes where it is sent, stops, holds and lets go."""

import collections
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cdpr.command import app
from cdpr.config import CablesSection
from cdpr.homing import How, Sighting
from cdpr.robot import UPPER
from cdpr.winches import Winches
from hardware_sim import inprocess
from hardware_sim.inprocess import SimulatedClock
from hardware_sim.physics import DriveNoise
from trellis.errors import DeviceError, DeviceFault, Stopped

SECTION = CablesSection(ports=("sim://winches/0", "sim://winches/1"))
HOME_M = np.array(SECTION.home_m)
A_TURN_M = 2 * np.pi * SECTION.drum_radius_m


@pytest.fixture
def clock() -> Iterator[SimulatedClock]:
    clock = inprocess.start_clock(seed=5, errors="calibrated", start="2026-06-01T06:00:00Z")
    assert isinstance(clock, SimulatedClock)
    yield clock
    inprocess.switch_off()


@pytest.fixture
def winches(clock: SimulatedClock) -> Iterator[Winches]:
    with Winches(SECTION, clock) as winches:
        winches.home()
        yield winches


def _true_m(clock: SimulatedClock) -> np.ndarray:
    return clock.farm.physics.carriage[:2]


def test_the_carriage_goes_all_round_the_plants_and_home(clock: SimulatedClock, winches: Winches) -> None:
    places = [(x + dx, y + dy) for x, y in ((0.72, 0.81), (1.48, 1.00)) for dx, dy in ((-0.2, -0.2), (0.2, 0.25))]
    for place in [*places, (1.9, 1.3), (0.3, 0.4), tuple(HOME_M)]:
        winches.move_to(*place)
        clock.sleep(1.0)
        state = winches.state()
        # Pulleys are off by 2 mm, drums by 0.2 % of up to 1.5 m: 15 mm leaves room for all of them at once.
        assert np.abs(_true_m(clock) - place).max() < 0.015
        # What the driver believes is as good as that, too.
        assert np.abs(state.estimate.pose[:2] - _true_m(clock)).max() < 0.015
        # Motors report what the cables bear once all stands still, to 3 N (a creeping drum still rubs).
        np.testing.assert_allclose(state.tensions_n, clock.farm.physics.tensions_n, atol=3.0)
        assert clock.farm.physics.tensions_n.min() > 3.0


def test_motion_runs_many_times_faster_than_real_time(clock: SimulatedClock, winches: Winches) -> None:
    winches.move_to(0.9, 0.9)  # the table of yaws is built at the first path
    begun_s, begun_cpu_s = clock.monotonic_s(), time.process_time()
    for place in ((0.72, 0.81), (0.6, 0.9), (0.9, 1.0), (1.1, 1.0)):
        winches.move_to(*place)
        clock.sleep(0.5)
        winches.state()
    # 20 to 30 times on an idle core. In CPU time, and with room, since other tests may run beside this one.
    assert (clock.monotonic_s() - begun_s) / (time.process_time() - begun_cpu_s) > 8


def test_a_stop_from_another_thread_freezes_within_50_ms_and_holds(clock: SimulatedClock, winches: Winches) -> None:
    stopped: list[float] = []
    moving = threading.Event()

    def stop() -> None:
        moving.wait()
        begun_s = clock.monotonic_s()
        winches.stop()
        stopped.append(clock.monotonic_s() - begun_s)

    other = threading.Thread(target=stop)
    other.start()
    steps = winches.follow(1.6, 1.0)
    for _ in range(100):
        next(steps)
    assert np.abs(clock.farm.physics.carriage_rate[:2]).max() > 0.05
    moving.set()
    with pytest.raises(Stopped):
        collections.deque(steps, maxlen=0)
    other.join()
    # One control period at most until the driver's lock is free, then four questions and answers: 20 + 21 ms.
    assert stopped[0] < 0.05
    clock.sleep(0.5)
    held_m = _true_m(clock)
    clock.sleep(60.0)
    assert np.abs(_true_m(clock) - held_m).max() < 0.001
    assert winches.state().stopped
    with pytest.raises(Stopped):
        next(winches.follow(1.1, 1.0))
    winches.clear_stop()
    clock.sleep(1.0)
    assert np.abs(_true_m(clock) - held_m).max() < 0.001
    winches.move_to(1.2, 1.0)
    clock.sleep(1.0)
    assert np.abs(_true_m(clock) - (1.2, 1.0)).max() < 0.015


def test_a_host_that_dies_leaves_the_carriage_held(clock: SimulatedClock, winches: Winches) -> None:
    steps = winches.follow(1.6, 1.0)
    for _ in range(100):
        next(steps)
    winches.close()
    clock.sleep(1.0)
    held_m = _true_m(clock)
    assert np.abs(held_m - HOME_M).max() > 0.1
    clock.sleep(60.0)
    assert np.abs(_true_m(clock) - held_m).max() < 0.001


def test_letting_go_is_refused_away_from_home_and_safe_in_the_dock(clock: SimulatedClock, winches: Winches) -> None:
    winches.move_to(1.3, 1.0)
    with pytest.raises(DeviceError, match="park it first"):
        winches.disarm()
    winches.move_to(*SECTION.home_m)
    clock.sleep(1.0)
    winches.disarm()
    clock.sleep(10.0)
    assert np.abs(_true_m(clock) - HOME_M).max() < 0.02
    assert clock.farm.physics.body.docked[0]


def test_letting_go_by_force_drops_the_carriage(clock: SimulatedClock, winches: Winches) -> None:
    winches.move_to(1.3, 1.0)
    winches.disarm(force=True)
    clock.sleep(3.0)
    # That the emulator falls is what makes the tests above worth something.
    assert _true_m(clock)[1] < 0.7


def test_a_hot_motor_ends_the_move_with_its_name(clock: SimulatedClock, winches: Winches) -> None:
    steps = winches.follow(1.4, 1.0)
    next(steps)
    clock.farm.faults.set("winches.hot", 1)
    with pytest.raises(DeviceFault, match=r"sim://winches/0: axis 0 reports: motor failed"):
        collections.deque(steps, maxlen=0)


def test_a_bad_line_loses_nothing(clock: SimulatedClock, winches: Winches) -> None:
    for name in ("winches0.flipped", "winches1.lost"):
        clock.farm.faults.set(name, 0.0005)
    winches.move_to(1.3, 1.0)
    clock.sleep(1.0)
    assert np.abs(_true_m(clock) - (1.3, 1.0)).max() < 0.015


def test_a_carriage_that_nobody_remembers_is_counted_again_from_where_tags_showed_it(
    clock: SimulatedClock, winches: Winches
) -> None:
    winches.move_to(1.35, 1.2)
    winches.close()  # the host dies, and its memory is lost
    with Winches(SECTION, clock) as other:
        with pytest.raises(DeviceError, match="nobody remembers where"):
            other.home()
        clock.sleep(1.0)
        seen = clock.farm.physics.carriage + np.array([0.001, -0.001, 0.002])  # as a camera finds it
        assert other.home_sighted(Sighting(seen)).how is How.SIGHTED
        assert np.abs(other.state().estimate.pose[:2] - _true_m(clock)).max() < 0.002
        other.move_to(0.8, 0.9)
        clock.sleep(1.0)
        assert np.abs(_true_m(clock) - (0.8, 0.9)).max() < 0.015


def test_a_sighting_that_somebody_left_is_where_the_next_homing_counts_from(
    clock: SimulatedClock, winches: Winches, tmp_path: Path
) -> None:
    winches.move_to(0.9, 1.1)
    winches.close()
    clock.sleep(1.0)
    memory = tmp_path / "carriage.json"
    x, y, yaw = map(float, clock.farm.physics.carriage)
    words = ["sighted", str(memory), f"{x:.4f}", f"{y:.4f}", "--yaw-deg", f"{np.degrees(yaw):.2f}"]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0, shown.output
    with Winches(SECTION, clock, memory=memory) as other:
        homed = other.home()
        assert homed.how is How.SIGHTED
        assert "the carriage was seen at (0.9" in str(homed.notice)
        assert np.abs(other.state().estimate.pose[:2] - _true_m(clock)).max() < 0.002
    # It counts once: the next homing counts on from there.
    with Winches(SECTION, clock, memory=memory) as third:
        assert third.home().how is How.COUNTED


def test_homing_on_noisy_encoders_is_better_than_one_reading(clock: SimulatedClock) -> None:
    clock.farm.physics.set_noise(DriveNoise(0.0018, 0.0, 0.0, 7))
    with Winches(SECTION, clock) as winches:
        winches.home()
        clock.farm.physics.set_noise(None)
        clock.sleep(2.0)
        # Twenty-five readings of 1.8 mm: 0.4 mm a length; four of those, and a millimetre of the dock's own.
        assert np.abs(_true_m(clock) - clock.farm.world.home_m[:2]).max() < 0.0026


@pytest.mark.parametrize("again", [1, 3])
def test_pausing_and_resuming_is_smooth_in_what_the_drives_are_told_and_ends_where_it_was_sent(
    clock: SimulatedClock, winches: Winches, again: int
) -> None:
    told_m_s, paused_m_s = [], []
    for number, _ in enumerate(winches.follow(1.5, 1.2)):
        told_m_s.append([float(clock.farm.axes[cable].drive.input_vel) * A_TURN_M for cable in UPPER])
        if number % 80 == 40 and number < 80 * again:
            winches.pause()
        if number % 80 == 75 and number < 80 * again:
            paused_m_s.append(np.abs(clock.farm.physics.carriage_rate[:2]).max())
            winches.resume()
    # Along the way the speed changes by 1 m/s2 at most, and by a little more of its own in a cable as it turns.
    steps_m_s = np.abs(np.diff(told_m_s, axis=0)).max()
    assert steps_m_s < 1.1 * SECTION.acceleration_m_s2 * SECTION.control_period_s
    assert np.max(told_m_s) > 0.05
    assert max(paused_m_s) < 0.005
    clock.sleep(1.0)
    assert np.abs(_true_m(clock) - (1.5, 1.2)).max() < 0.015


def test_a_stop_during_a_pause_stops_and_what_is_paused_never_moves(clock: SimulatedClock, winches: Winches) -> None:
    steps = winches.follow(1.5, 1.2)
    for _ in range(40):
        next(steps)
    winches.pause()
    for _ in range(50):
        next(steps)
    held_m = _true_m(clock)
    for _ in range(100):
        next(steps)
    assert np.abs(_true_m(clock) - held_m).max() < 0.001
    winches.stop()
    with pytest.raises(Stopped):
        next(steps)
    winches.clear_stop()
    winches.resume()
    winches.move_to(1.3, 1.1)  # a new way, not the rest of the old one
    clock.sleep(1.0)
    assert np.abs(_true_m(clock) - (1.3, 1.1)).max() < 0.015
