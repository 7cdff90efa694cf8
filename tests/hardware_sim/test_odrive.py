"""The simulated ODrive speaks the ASCII protocol by the letter. Expected bytes: FACTS of the field, section 4."""

import numpy as np
import pytest

from hardware_sim.odrive_axis import CALIBRATION_S, Axis
from hardware_sim.physics import Physics
from hardware_sim.winches import Board, scan
from hardware_sim.world import build_world


class Bench:
    """One board on a table: bytes in, bytes out, time by hand."""

    def __init__(self) -> None:
        self.physics = Physics(build_world(1, "none"))
        self.axes = [Axis(drive) for drive in self.physics.drive_rows]
        self.board = Board((self.axes[0], self.axes[1]), 0x2061307F4B31)
        self.now_s = 0.0

    def send(self, data: str) -> str:
        answers = self.board.receive(data.encode("latin-1"), self.now_s)
        return b"".join(answer for _, answer in answers).decode("latin-1")

    def wait(self, seconds: float) -> None:
        """In steps, as the farm does: the board ticks at every event."""
        end_s = self.now_s + seconds
        while self.now_s < end_s - 1e-12:
            event_s = max(self.board.next_event_s(self.now_s), self.now_s + 1e-7)
            self.now_s = min(self.now_s + 0.005, end_s, event_s)
            self.physics.run_to(self.now_s)
            self.board.tick(self.now_s)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_value_is_cut_to_nine_characters(bench: Bench) -> None:
    assert bench.send("r vbus_voltage\n") == "24.000000\r\n"
    # Of the counts -1011359 / 8192 = -123.456909 nine characters are left.
    bench.axes[0].drive.slip = -1011359 / 8192
    assert bench.send("r axis0.encoder.pos_estimate\n") == "-123.4569\r\n"


def test_feedback_is_not_cut(bench: Bench) -> None:
    bench.axes[0].drive.slip = -1011359 / 8192
    assert bench.send("f 0\n") == "-123.456909 0.000000\r\n"


def test_the_published_checksum_is_taken_and_answered_in_kind(bench: Bench) -> None:
    assert bench.send("r vbus_voltage *93\n") == "24.000000*40\r\n"


def test_a_wrong_checksum_is_ignored_in_silence(bench: Bench) -> None:
    assert bench.send("r vbus_voltage *92\n") == ""
    assert bench.send("p 0 1.5 *1\n") == ""
    assert bench.axes[0].drive.input_pos == 0


@pytest.mark.parametrize("end", ["\n", "\r", "!"])
def test_three_characters_end_a_line(bench: Bench, end: str) -> None:
    assert bench.send(f"r fw_version_minor{end}") == "5\r\n"


def test_carriage_return_and_newline_make_a_second_empty_command(bench: Bench) -> None:
    assert bench.send("r fw_version_minor\r\n") == "5\r\nunknown command\r\n"


def test_a_comment_is_not_read(bench: Bench) -> None:
    assert bench.send("r fw_version_minor ; and then some\n") == "5\r\n"


def test_a_line_may_come_in_pieces(bench: Bench) -> None:
    assert bench.send("r fw_ver") == ""
    assert bench.send("sion_minor\n") == "5\r\n"


def test_a_line_is_cut_at_256_characters(bench: Bench) -> None:
    assert bench.send("r fw_version_minor" + " " * 300 + "x\n") == "5\r\n"


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        ("p 0", "invalid command format"),
        ("p", "invalid command format"),
        ("f 2", "invalid motor 2"),
        ("p -1 3", "invalid motor 4294967295"),
        ("r no.such.thing", "invalid property"),
        ("w vbus_voltage 3", "not implemented"),
        ("x", "unknown command"),
        ("P 0 1", "unknown command"),
    ],
)
def test_complaints_are_worded_as_the_firmware_does(bench: Bench, request_: str, complaint: str) -> None:
    assert bench.send(f"{request_}\n") == f"{complaint}\r\n"


@pytest.mark.parametrize(
    "request_", ["p 0 1", "q 0 1 2 1", "v 0 1", "c 0 0.5", "t 0 1", "u 0", "sc", "w axis0.error 0"]
)
def test_a_command_that_only_does_something_is_not_answered(bench: Bench, request_: str) -> None:
    assert bench.send(f"{request_}\n") == ""


def test_a_trapezoidal_move_leaves_input_mode_5_behind(bench: Bench) -> None:
    bench.send("w axis0.requested_state 8\nt 0 1\n")
    assert bench.send("r axis0.controller.config.input_mode\n") == "5\r\n"
    assert bench.send("r axis0.controller.config.control_mode\n") == "3\r\n"


def test_a_trapezoidal_move_takes_the_time_of_its_trapezoid(bench: Bench) -> None:
    bench.send("w axis0.requested_state 8\nt 0 4\n")
    # 4 turns at 2 turn/s with 0.5 turn/s2 is a triangle: 2 sqrt(4/0.5) = 5.66 s.
    bench.wait(5.6)
    assert bench.send("r axis0.controller.trajectory_done\n") == "0\r\n"
    bench.wait(0.1)
    assert bench.send("r axis0.controller.trajectory_done\n") == "1\r\n"
    bench.wait(2.0)
    assert bench.axes[0].turns == pytest.approx(4, abs=0.01)


def test_setpoints_turn_the_axis_to_their_own_mode(bench: Bench) -> None:
    for command, mode in (("v 0 0", 2), ("c 0 0", 1), ("p 0 0", 3)):
        bench.send(f"{command}\n")
        assert bench.send("r axis0.controller.config.control_mode\n") == f"{mode}\r\n"


def test_closed_loop_begins_where_the_axis_is(bench: Bench) -> None:
    bench.send("p 0 3\nw axis0.requested_state 8\n")
    bench.wait(0.5)
    assert bench.axes[0].turns == pytest.approx(0, abs=0.001)


def test_an_idle_axis_does_not_obey_setpoints(bench: Bench) -> None:
    bench.send("p 0 1\n")
    bench.wait(1.0)
    assert bench.axes[0].turns == 0
    assert bench.send("r axis0.current_state\n") == "1\r\n"


def test_full_calibration_takes_its_time_and_ends_idle(bench: Bench) -> None:
    bench.send("w axis0.requested_state 3\n")
    assert bench.send("r axis0.current_state\n") == "3\r\n"
    bench.wait(CALIBRATION_S + 0.1)
    assert bench.send("r axis0.current_state\n") == "1\r\n"


def test_the_watchdog_trips_unless_it_is_fed_and_needs_feeding_before_clearing(bench: Bench) -> None:
    bench.send("w axis0.config.watchdog_timeout 0.1\nw axis0.config.enable_watchdog 1\nw axis0.requested_state 8\n")
    for _ in range(5):
        bench.wait(0.06)
        bench.send("u 0\n")
    assert bench.send("r axis0.error\n") == "0\r\n"
    # Reading does not feed.
    bench.wait(0.06)
    bench.send("f 0\nr vbus_voltage\n")
    bench.wait(0.06)
    assert bench.send("r axis0.error\n") == f"{1 << 11}\r\n"
    assert bench.send("r axis0.current_state\n") == "1\r\n"
    # Cleared without food it trips at once; fed first, it is well.
    bench.send("sc\n")
    bench.wait(0.01)
    assert bench.send("r axis0.error\n") == f"{1 << 11}\r\n"
    bench.send("u 0\nsc\nw axis0.requested_state 8\n")
    bench.wait(0.05)
    assert bench.send("r axis0.error\n") == "0\r\n"
    assert bench.send("r axis0.current_state\n") == "8\r\n"


def test_the_watchdog_runs_in_every_state(bench: Bench) -> None:
    bench.send("w axis0.config.watchdog_timeout 0.1\nw axis0.config.enable_watchdog 1\n")
    bench.wait(0.2)
    assert bench.send("r axis0.error\n") == f"{1 << 11}\r\n"


def test_a_hot_motor_lets_go_and_stays_in_error_while_it_is_hot(bench: Bench) -> None:
    bench.send("w axis0.requested_state 8\n")
    bench.axes[0].hot = True
    bench.wait(0.01)
    assert bench.send("r axis0.error\n") == f"{1 << 6}\r\n"
    bench.send("sc\n")
    bench.wait(0.01)
    assert bench.send("r axis0.error\n") == f"{1 << 6}\r\n"
    bench.axes[0].hot = False
    bench.send("sc\nw axis0.requested_state 8\n")
    bench.wait(0.01)
    assert bench.send("r axis0.current_state\n") == "8\r\n"


def test_saved_settings_outlive_a_reboot_and_others_do_not(bench: Bench) -> None:
    bench.send("w axis0.controller.config.vel_limit 3\nss\nw axis0.controller.config.vel_limit 4\nsr\n")
    assert bench.send("r fw_version_minor\n") == ""
    bench.wait(0.6)
    assert bench.send("r axis0.controller.config.vel_limit\n") == "3.000000\r\n"
    bench.send("se\n")
    bench.wait(0.6)
    assert bench.send("r axis0.controller.config.vel_limit\n") == "5.000000\r\n"


def test_the_encoder_can_be_told_its_count(bench: Bench) -> None:
    assert bench.send("esl 1 8192\n") == "encoder set to 8192\r\n"
    assert bench.send("f 1\n") == "1.000000 0.000000\r\n"


def test_current_is_torque_over_the_torque_constant(bench: Bench) -> None:
    bench.send("w axis0.requested_state 8\nc 0 -0.637\n")
    bench.wait(0.001)
    assert float(bench.send("r axis0.motor.current_control.Iq_measured\n")) == pytest.approx(-10, abs=1e-3)


def test_too_fast_is_a_controller_error(bench: Bench) -> None:
    bench.send("v 0 0\nw axis0.requested_state 8\n")
    # 5 turn/s with a tolerance of 1.2 is the saved limit; the drum is kicked past it.
    bench.axes[0].drive.rate = 7 * 2 * np.pi
    bench.wait(0.01)
    assert bench.send("r axis0.error\n") == f"{1 << 9}\r\n"


def test_numbers_are_read_as_sscanf_reads_them() -> None:
    assert scan(" 0 1.5e-1 x 3", "ufff") == [0, 0.15]
    assert scan("0,1", "uf") == [0]
