"""The winches as one carriage. The boards here turn as they are told, at once; physics is the simulator's business."""

import collections
import threading
import time
from datetime import UTC, datetime

import numpy as np
import pytest

from cdpr.config import CablesSection
from cdpr.odrive import CLOSED_LOOP, IDLE, POSITION_CONTROL, TORQUE_CONTROL, checksum
from cdpr.trajectory import straight_path
from cdpr.winches import Winches
from trellis.clock import ManualClock
from trellis.errors import DeviceError, DeviceFault, Stopped, Unreachable

SECTION = CablesSection(ports=("one", "two"))


class ObedientBoard:
    """Two axes that speak ODrive ASCII and stand where they were last told to."""

    def __init__(self) -> None:
        self.turns, self.torque, self.properties = [0.0, 0.0], [0.0, 0.0], {}
        self.log: list[str] = []
        self.weak, self.gain = False, 0.4
        self._waiting = b""

    def write(self, data: bytes) -> None:
        for line in data.decode().splitlines():
            self._obey(line.partition(" *")[0])

    def _obey(self, request: str) -> None:
        if not request:
            return
        self.log.append(request)
        word, *rest = request.split()
        if word in "pc":
            # As the firmware does, a setpoint turns the axis to its own kind of control.
            mode = POSITION_CONTROL if word == "p" else TORQUE_CONTROL
            self.properties[f"axis{rest[0]}.controller.config.control_mode"] = mode
        if word == "p":
            self.turns[int(rest[0])] = float(rest[1])
            if len(rest) > 3:
                self.torque[int(rest[0])] = float(rest[3])
        elif word == "c":
            self.torque[int(rest[0])] = float(rest[1])
        elif word == "w":
            self.properties[rest[0]] = float(rest[1])
        elif word == "f" and int(rest[0]) > 1:
            self._reply(f"invalid motor {rest[0]}")
        elif word == "f":
            self._reply(f"{self.turns[int(rest[0])]:.6f} 0.0")
        elif word == "r":
            self._reply(str(self._property(rest[0])))

    def _property(self, name: str) -> float:
        if name.endswith("Iq_measured"):
            return self.torque[int(name[4])] / SECTION.torque_constant_n_m_a
        if name.endswith("current_state"):
            return self.properties.get(name.replace("current_state", "requested_state"), IDLE)
        if name.endswith("current_lim"):
            return 20 if self.weak else 30
        if name.endswith(("vel_limit", "vel_gain")):
            return 5 if name.endswith("limit") else self.gain
        if name.endswith(("is_calibrated", "is_ready")):
            return 1
        return {"fw_version_minor": 5, "serial_number": 3561}.get(name, self.properties.get(name, 0))

    def _reply(self, text: str) -> None:
        self._waiting += f"{text}*{checksum(text)}\r\n".encode()

    def read_until(self, end: bytes) -> bytes:
        line, found, self._waiting = self._waiting.partition(end)
        return line + found

    def reset_input_buffer(self) -> None:
        self._waiting = b""

    def close(self) -> None:
        pass


@pytest.fixture
def boards(monkeypatch: pytest.MonkeyPatch) -> dict[str, ObedientBoard]:
    made = {"one": ObedientBoard(), "two": ObedientBoard()}
    monkeypatch.setattr("serial.serial_for_url", lambda port, *args, **kwargs: made[port])
    # Lower drums do not turn here, which supervision would call a slip; it has tests of its own.
    monkeypatch.setattr("cdpr.supervision.Supervision.reason_to_stop", lambda *_: None)
    return made


def _winches() -> Winches:
    winches = Winches(SECTION, ManualClock(datetime(2026, 11, 24, tzinfo=UTC)))
    winches.connect()
    return winches


def test_it_believes_to_be_where_it_was_sent(boards: dict[str, ObedientBoard]) -> None:
    winches = _winches()
    winches.home()
    # The lower boards' drums do not turn here, so only the upper lengths follow: check those setpoints themselves.
    list(winches.follow(1.3, 1.1))
    path = straight_path(SECTION, SECTION.home_m, (1.3, 1.1))
    home = straight_path(SECTION, SECTION.home_m, SECTION.home_m)
    a_turn_m = 2 * np.pi * SECTION.drum_radius_m
    np.testing.assert_allclose(path.poses[-1, :2], (1.3, 1.1), atol=1e-12)
    # At home the cables were just taut; under tension a 20 kN line is longer by tension / 20 kN of itself.
    paid_m = path.lengths_m[-1] / (1 + path.tensions_n[-1] / 20e3)
    expected = (paid_m - home.lengths_m[-1]) / a_turn_m
    # Five decimals of a turn go over the wire.
    assert boards["one"].turns[1] == pytest.approx(expected[1], abs=6e-6)
    assert boards["two"].turns[0] == pytest.approx(expected[2], abs=6e-6)
    assert boards["one"].torque[0] == pytest.approx(-path.tensions_n[-1, 0] * SECTION.drum_radius_m, abs=6e-5)


def test_upper_winches_hold_position_and_lower_ones_tension(boards: dict[str, ObedientBoard]) -> None:
    _winches().home()
    modes = [boards[name].properties[f"axis{axis}.controller.config.control_mode"] for name, axis in
             (("one", 0), ("one", 1), ("two", 0), ("two", 1))]  # fmt: skip
    assert modes == [TORQUE_CONTROL, POSITION_CONTROL, POSITION_CONTROL, TORQUE_CONTROL]
    assert all(boards[name].torque[axis] < 0 for name, axis in (("one", 0), ("two", 1)))


def test_the_path_takes_the_time_of_its_profile(boards: dict[str, ObedientBoard]) -> None:
    clock = ManualClock(datetime(2026, 11, 24, tzinfo=UTC))
    winches = Winches(SECTION, clock)
    winches.connect()
    winches.home()
    home_s = clock.monotonic_s()
    list(winches.follow(1.1, 1.3))
    # 0.3 m at 0.1 m/s with 1 m/s2 and 20 m/s3 takes L/v + v/a + a/j = 3 + 0.1 + 0.05 s, to whole control periods, and
    # one in which the end is held.
    assert clock.monotonic_s() - home_s == pytest.approx(3.15, abs=2 * SECTION.control_period_s)


def test_nothing_is_sent_when_the_goal_lies_outside(boards: dict[str, ObedientBoard]) -> None:
    winches = _winches()
    winches.home()
    before = list(boards["one"].log)
    with pytest.raises(Unreachable, match=r"nearest point inside is \(2.000, 1.000\)"):
        next(winches.follow(2.1, 1.0))
    assert boards["one"].log == before


def test_a_stop_freezes_all_four_and_clearing_it_moves_nothing(boards: dict[str, ObedientBoard]) -> None:
    winches = _winches()
    winches.home()
    steps = winches.follow(1.3, 1.0)
    for _ in range(20):
        next(steps)
    winches.stop()
    with pytest.raises(Stopped):
        next(steps)
    modes = [value for board in boards.values() for name, value in board.properties.items() if "control_mode" in name]
    assert modes == [POSITION_CONTROL] * 4
    assert all(
        board.properties[f"axis{axis}.requested_state"] == CLOSED_LOOP for board in boards.values() for axis in (0, 1)
    )
    with pytest.raises(Stopped):
        next(winches.follow(1.1, 1.0))
    turns, sent = [list(board.turns) for board in boards.values()], len(boards["one"].log)
    winches.clear_stop()
    assert [list(board.turns) for board in boards.values()] == turns
    assert len(boards["one"].log) == sent


def test_nothing_moves_before_homing(boards: dict[str, ObedientBoard]) -> None:
    with pytest.raises(DeviceError, match="home"):
        next(_winches().follow(1.2, 1.0))


def test_a_drum_that_turns_while_the_carriage_is_homed_is_named(boards: dict[str, ObedientBoard]) -> None:
    winches, board, obey = _winches(), boards["two"], boards["two"]._obey

    def turning(request: str) -> None:
        board.turns[0] += 0.02 * (request == "f 0")  # 1.6 mm a reading
        obey(request)

    board._obey = turning  # type: ignore[method-assign]
    with pytest.raises(DeviceError, match=r"the top left drum moved its cable by \d+ mm while .* hangs still"):
        winches.home()
    assert not any(line.startswith(("p", "c")) for line in board.log)


def test_letting_go_away_from_the_dock_is_refused(boards: dict[str, ObedientBoard]) -> None:
    winches = _winches()
    with pytest.raises(DeviceError, match="drop the carriage"):
        winches.disarm()
    winches.home()
    winches.disarm()
    assert boards["one"].properties["axis0.requested_state"] == IDLE
    list(winches.follow(1.2, 1.0))
    with pytest.raises(DeviceError, match="park it first"):
        winches.disarm()
    winches.disarm(force=True)


def test_tensions_are_read_back_from_currents(boards: dict[str, ObedientBoard]) -> None:
    winches = _winches()
    winches.home()
    expected = straight_path(SECTION, SECTION.home_m, SECTION.home_m).tensions_n[-1]
    # Four decimals of a newton metre on a 12.7 mm drum.
    np.testing.assert_allclose(winches.state().tensions_n, expected, atol=5e-3)


def test_a_motor_too_weak_for_the_tensions_is_refused(boards: dict[str, ObedientBoard]) -> None:
    # 20 A at 0.0637 N m/A on a 12.7 mm drum is 100 N, and the section counts on 140.
    boards["two"].weak = True
    with pytest.raises(DeviceError, match=r"top left drive can pull 100 N by its current_lim 20.0 A"):
        _winches()


def test_a_torque_loop_too_soft_for_the_tensions_is_refused(boards: dict[str, ObedientBoard]) -> None:
    # The ODrive gives (vel_limit - speed) * vel_gain at most: 5 turn/s times the factory's 1/6 on 12.7 mm is 66 N.
    boards["one"].gain = 1 / 6
    with pytest.raises(
        DeviceError, match=r"bottom right drive can pull 66 N by its vel_limit 5.0 times vel_gain 0.167"
    ):
        _winches()


def test_a_drive_that_fails_on_the_way_freezes_the_others(boards: dict[str, ObedientBoard]) -> None:
    winches = _winches()
    winches.home()
    steps = winches.follow(1.3, 1.0)
    next(steps)
    boards["two"].properties["axis0.error"] = 1 << 6
    # One drive is asked at every step, so it is noticed long before the path ends.
    with pytest.raises(DeviceFault, match="two: axis 0 reports: motor failed"):
        collections.deque(steps)
    modes = [value for board in boards.values() for name, value in board.properties.items() if "control_mode" in name]
    assert modes == [POSITION_CONTROL] * 4


@pytest.mark.parametrize("at_command", [0, 1, 7, 16, 25, 40])
def test_a_stop_from_another_thread_lets_at_most_the_setpoints_that_are_under_way_through(
    boards: dict[str, ObedientBoard], at_command: int
) -> None:
    winches = _winches()
    winches.home()
    begun = {name: len(board.log) for name, board in boards.items()}
    asked = {}
    stopper = threading.Thread(target=winches.stop)
    obey = boards["one"]._obey

    def obeying(request: str) -> None:
        # While this board hears its so many-th line, somebody else asks for a stop, and waits for the streaming thread.
        if len(boards["one"].log) == begun["one"] + at_command and not asked:
            asked.update({name: len(board.log) for name, board in boards.items()})
            stopper.start()
            while not winches._stop.is_set():
                time.sleep(0)
        obey(request)

    boards["one"]._obey = obeying  # type: ignore[method-assign]
    with pytest.raises(Stopped):
        collections.deque(winches.follow(1.6, 1.0), maxlen=0)
    stopper.join()
    for name, board in boards.items():
        told = [line for line in board.log[asked[name] :] if line[0] in "pcqvt"]
        *under_way, first, second = told
        # One setpoint of each axis at most, and then each axis is held where it is, without a speed.
        assert len(under_way) <= 2
        assert [line.split()[1] for line in (first, second)] == ["0", "1"]
        assert all(line.startswith("p ") and float(line.split()[3]) == 0 for line in (first, second))
