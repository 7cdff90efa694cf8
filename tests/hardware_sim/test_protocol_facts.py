"""Every sentence of the field's facts on the two protocols (FACTS, sections 4 and 5) that no other test here states.

The rest: test_odrive (line ends, checksums, cut values, complaints, states, watchdog, trapezoid), test_servos (packets,
error bits, table, shutdown, brown-out), test_inprocess (rates, echo).
"""

from collections.abc import Callable

import numpy as np
import pytest
import serial

from hardware_sim.servos import BROWN_OUT_S
from tests.hardware_sim import test_odrive, test_servos

WATCHDOG = "w axis0.config.watchdog_timeout 0.1\nw axis0.config.enable_watchdog 1\nw axis0.requested_state 8\n"


@pytest.fixture
def drives() -> test_odrive.Bench:
    return test_odrive.Bench()


@pytest.fixture
def servos() -> test_servos.Bench:
    return test_servos.Bench()


@pytest.mark.parametrize(
    ("command", "feeds"),
    [
        ("p 0 0", True),
        ("q 0 0", True),
        ("v 0 0", True),
        ("c 0 0", True),
        ("t 0 0", True),
        ("u 0", True),
        ("esl 0 0", True),
        ("f 0", False),
        ("r vbus_voltage", False),
        ("w axis0.controller.config.vel_limit 5", False),
        ("p 1 0", False),  # the other axis
        ("p 0", False),  # not a whole command
    ],
)
def test_setpoints_feed_the_watchdog_and_questions_and_writes_do_not(
    drives: test_odrive.Bench, command: str, feeds: bool
) -> None:
    drives.send(WATCHDOG)
    for _ in range(3):
        drives.wait(0.06)
        drives.send(f"{command}\n")
    assert drives.send("r axis0.error\n") == f"{0 if feeds else 1 << 11}\r\n"


@pytest.mark.parametrize(
    ("sent", "reply"),
    [
        ("r fw_version_major\nr fw_version_minor\n", "0\r\n5\r\n"),  # read the version first
        ("; only a comment\n", "unknown command\r\n"),
        ("\n", "unknown command\r\n"),
        ("r axis0.current_state *46\n", "1*49\r\n"),  # decimal XOR of every character before the star
        ("r axis0.current_state*14\n", "1*49\r\n"),
        ("r axis0.current_state *047\n", ""),
        ("bogus\n", "unknown command\r\n"),
        ("p 0\n", "invalid command format\r\n"),
        ("v 7 1\n", "invalid motor 7\r\n"),
        ("r axis2.error\n", "invalid property\r\n"),
        ("w vbus_voltage 12\n", "not implemented\r\n"),
        ("esl 1 -8192\n", "encoder set to -8192\r\n"),
        ("ss\nsc\n", ""),
    ],
)
def test_lines_and_their_replies(drives: test_odrive.Bench, sent: str, reply: str) -> None:
    assert drives.send(sent) == reply


def test_q_sets_the_limits_that_p_leaves_alone(drives: test_odrive.Bench) -> None:
    drives.send("p 0 0.1 2 0.3\n")
    assert drives.send("r axis0.controller.config.vel_limit\n") == "5.000000\r\n"
    assert drives.send("r axis0.controller.input_vel\nr axis0.controller.input_torque\n") == "2.000000\r\n0.300000\r\n"
    drives.send("q 0 0.1 2 0.3\n")
    assert drives.send("r axis0.controller.config.vel_limit\n") == "2.000000\r\n"
    assert drives.send("r axis0.motor.config.torque_lim\n") == "0.300000\r\n"


def test_one_count_is_9_74_micrometres_of_cable(drives: test_odrive.Bench) -> None:
    drives.axes[0].drive.angle = 2 * np.pi * 1.5 / 8192
    drives.board.tick(0.0)
    turns = float(drives.send("f 0\n").split()[0])
    assert turns * 2 * np.pi * 0.0127 == pytest.approx(9.74e-6, abs=0.05e-6)


def test_the_ascii_protocol_has_no_emergency_stop(drives: test_odrive.Bench) -> None:
    before = drives.send("h\n")
    for command in ("estop", "es", "e 0"):
        assert drives.send(f"{command}\n") in ("unknown command\r\n", "invalid command format\r\n")
    assert "stop" not in before


@pytest.mark.parametrize(
    ("bit", "fail"),
    [
        (6, lambda axis: setattr(axis, "hot", True)),
        (9, lambda axis: setattr(axis.drive, "rate", 7 * 2 * np.pi)),
        (11, lambda axis: axis.trip_watchdog()),
    ],
    ids=["motor", "controller", "watchdog"],
)
def test_each_error_has_its_bit(drives: test_odrive.Bench, bit: int, fail: Callable[..., None]) -> None:
    drives.send("v 0 0\nw axis0.requested_state 8\n")
    fail(drives.axes[0])
    drives.wait(0.01)
    assert int(drives.send("r axis0.error\n")) >> bit & 1


def test_eight_commands_take_about_ten_milliseconds(farm: Callable[..., object]) -> None:
    clock = farm()
    port = serial.serial_for_url("sim://winches/0", 115200, timeout=0.1)
    begun_s = clock.monotonic_s()  # type: ignore[attr-defined]
    for axis in (0, 1) * 4:
        port.write(f"p {axis} 12.3456\n".encode())
    port.flush()
    assert clock.monotonic_s() - begun_s == pytest.approx(0.010, abs=0.003)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ("FF FF 01 02 01 FB", "FF FF 01 02 00 FC"),
        ("FF FF 01 04 02 2B 01 CC", "FF FF 01 03 00 20 DB"),
        ("FF FF 01 05 03 0C 64 AA DC", "FF FF 01 02 00 FC"),
        ("FF FF FE 0E 83 1E 04 00 10 00 50 01 01 20 02 60 03 67", ""),
        ("FF FF 05 02 01 F7", ""),  # nobody has id 5
        ("FF FF 01 04 02 00 03 F5", "FF FF 01 05 00 0C 00 18 D5"),  # model 12 in two bytes, firmware 24
    ],
)
def test_packets_and_their_answers(servos: test_servos.Bench, sent: str, answer: str) -> None:
    assert servos.send(sent) == answer


@pytest.mark.parametrize(
    ("address", "size", "value"),
    [(3, 1, 2), (5, 1, 250), (6, 2, 0), (8, 2, 1023), (11, 1, 70), (14, 2, 1023), (16, 1, 2), (18, 1, 36), (24, 1, 0),
     (28, 1, 32), (29, 1, 32), (30, 2, 512), (32, 2, 0), (34, 2, 1023), (36, 2, 512), (38, 2, 0), (42, 1, 120),
     (43, 1, 32), (46, 1, 0)],
)  # fmt: skip
def test_the_table_at_power_up(servos: test_servos.Bench, address: int, size: int, value: int) -> None:
    # The wrist's servo would stand at its folded angle: set its horn to the middle first.
    servos.bus.servos[1].motor.angle = 0.0
    servos.bus.servos[1].power_up()
    servos.wait(0.021)
    assert servos.read(2, address, size) == value


def test_a_count_is_0_29_degrees_over_300_about_512(servos: test_servos.Bench) -> None:
    for counts in (0, 512, 1023):
        servos.bus.servos[0].motor.angle = np.radians((counts - 512) * 300 / 1023)
        servos.wait(0.0)
        assert servos.bus.servos[0].position == counts


@pytest.mark.parametrize(("speed", "degrees_a_second"), [(1, 0.666), (75, 49.95), (300, 199.8)])
def test_a_count_of_speed_is_0_111_rpm(servos: test_servos.Bench, speed: int, degrees_a_second: float) -> None:
    servos.order(1, 3, 24, 1)
    servos.order(1, 3, 30, 0xFF, 3, speed & 255, speed >> 8)
    begin = float(servos.physics.servos.profile[0])
    servos.wait(0.2)
    moved = np.degrees(float(servos.physics.servos.profile[0]) - begin)
    assert moved / 0.2 == pytest.approx(degrees_a_second, rel=0.01)


def test_after_a_brown_out_the_speed_is_none_so_goal_and_speed_go_together(servos: test_servos.Bench) -> None:
    servos.order(1, 3, 24, 1)
    servos.order(1, 3, 32, 75, 0)
    servos.bus.brown_out(servos.now_s)
    servos.wait(BROWN_OUT_S + 0.01)
    assert servos.read(1, 32, 2) == 0
    servos.order(1, 3, 24, 1)
    servos.order(1, 3, 30, 0xAB, 0x02)  # the goal alone: as fast as it can
    servos.wait(0.1)
    assert servos.read(1, 38, 2) > 4 * 75
    servos.order(1, 3, 30, 0, 2, 75, 0)
    servos.wait(0.2)
    assert servos.read(1, 38, 2) & 1023 < 90


@pytest.mark.parametrize("mask", [36, 4, 0])
def test_only_a_cause_in_the_shutdown_mask_takes_the_torque(servos: test_servos.Bench, mask: int) -> None:
    servos.order(1, 3, 18, mask)
    servos.order(1, 3, 24, 1)
    servos.bus.overload(1)  # bit 5, which is 32
    servos.wait(0.05)
    assert servos.order(1, 1)[2] == 32
    assert servos.read(1, 34, 2) == (0 if mask & 32 else 1023)


def test_a_servo_has_play_and_gives_way() -> None:
    """Backlash and compliance: 0.15 deg of play between loads of opposite sign, 0.3 deg a newton metre of flex."""
    servos = test_servos.Bench()
    for yaw in (1.5, -1.5):  # the base turned to one side and the other, the arm out level: its weight pulls either way
        servos.physics.servos.angle[:] = yaw, 1.2, 0.0, 0.0
        servos.physics.servos.stuck[:] = 1
        servos.wait(0.002)
        row = servos.physics.servos
        give = row.joint[1] - row.angle[1] - row.zero[1]
        load = float(row.load[1])
        assert np.sign(give) == np.sign(load)
        play = np.radians(0.15) / 2 * np.tanh(abs(load) / 0.02)
        assert abs(give) == pytest.approx(play + np.radians(0.3) * abs(load), rel=0.02)
