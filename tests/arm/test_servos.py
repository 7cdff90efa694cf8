"""The servos move together, say where they are, and every fault on the line is repeated, counted or named.

The bus is a script of bytes (tests/arm/conftest.py); the packets are those of FACTS of the field, section 5.
"""

import threading
from datetime import UTC, datetime
from math import radians
from typing import Any

import numpy as np
import pytest

from arm.config import ArmSection
from arm.servos import Servos
from trellis.clock import ManualClock
from trellis.errors import DeviceError, DeviceFault, PortUnavailable, ProtocolError, Stopped, Unreachable

SECTION = ArmSection(port="scripted", parked_rad=(0, 0.7, -2.2, 1.3))
# One count of a servo that turns 300 degrees in 1023 steps.
A_COUNT_RAD = radians(300) / 1023


def _servos(section: ArmSection = SECTION) -> Servos:
    servos = Servos(section, ManualClock(datetime(2026, 11, 24, tzinfo=UTC)))
    servos.connect()
    return servos


def test_the_published_packets_are_ours(bus: Any) -> None:
    assert bus.packet(1, 2, 1) == bytes.fromhex("FFFF010201FB")
    assert bus.packet(1, 4, 2, 0x2B, 1) == bytes.fromhex("FFFF0104022B01CC")
    assert bus.packet(1, 3, 0, 0x20) == bytes.fromhex("FFFF01030020DB")
    assert bus.packet(1, 2, 0x24) == bytes.fromhex("FFFF010224D8")


def test_connecting_holds_where_it_stands_and_moves_nothing(bus: Any) -> None:
    bus.tables[2][36:38] = (700).to_bytes(2, "little")
    _servos()
    for table in bus.tables.values():
        assert table[30:32] == table[36:38]
        assert table[32:34] == b"\x01\x00"  # the slowest speed, never the unlimited 0
        assert table[24] == 1
    assert bus.tables[2][36:38] == (700).to_bytes(2, "little")


def test_a_move_is_one_sync_write_of_goals_and_speeds(bus: Any) -> None:
    servos = _servos()
    bus.sent.clear()
    servos.start_move([radians(30), 0.0, radians(-60), 0.0], duration_s=10.0)
    # 30 deg are 102.3 counts; in 10 s that is 3 deg/s, and a count of speed is 0.666 deg/s: 4.5, so 5. The elbow: 9.
    goals, speeds = (614, 512, 307, 512), (5, 1, 10, 1)
    body = [0xFE, 4 * 5 + 4, 0x83, 30, 4]
    for servo, goal, speed in zip((1, 2, 3, 4), goals, speeds, strict=True):
        body += [servo, goal & 255, goal >> 8, speed, 0]
    assert bus.sync_writes() == [bus.packet(*body)]


def test_the_sync_write_has_the_published_form(bus: Any) -> None:
    published = bytes.fromhex("FFFFFE0E831E040010005001012002600367")
    assert bus.packet(*published[2:-1]) == published
    servos = _servos()
    servos.start_move([0.1, 0.1, 0.1, 0.1], 5.0)
    sent = bus.sync_writes()[-1]
    assert sent[:3] == published[:3]
    assert sent[4:7] == published[4:7]


def test_all_joints_arrive_together(bus: Any) -> None:
    servos = _servos()
    servos.start_move([radians(80), radians(-40), radians(20), radians(-10)], duration_s=4.0)
    # Speeds are whole counts, so a joint may be early by one count of speed, never late.
    for servo, way_deg in zip((1, 2, 3, 4), (80, 40, 20, 10), strict=True):
        speed = int.from_bytes(bus.tables[servo][32:34], "little")
        needed = way_deg / 4.0 / (0.111 * 6)
        assert needed - 0.2 <= speed <= needed + 1.2


def test_the_speed_limit_comes_before_the_wanted_duration(bus: Any) -> None:
    servos = _servos()
    assert servos.duration_s([radians(100), 0, 0, 0]) == pytest.approx(100 / (75 * 0.666), rel=1e-6)
    servos.start_move([radians(100), radians(50), 0, 0], duration_s=0.01)
    # 50 deg/s are 75 counts; the shoulder has half the way.
    assert [int.from_bytes(bus.tables[servo][32:34], "little") for servo in (1, 2)] == [75, 38]


def test_positions_come_back_as_angles(bus: Any) -> None:
    servos = _servos(SECTION.model_copy(update={"zero_counts": (512, 500, 512, 512), "directions": (1, -1, 1, 1)}))
    wanted = np.array([0.5, -0.4, 0.3, 1.0])
    servos.start_move(wanted, 3.0)
    np.testing.assert_allclose(servos.positions(), wanted, atol=A_COUNT_RAD / 2 + 1e-9)
    # Counts fall with the shoulder's angle: 500 + 0.4 rad / (300/1023 deg) = 578.2.
    assert int.from_bytes(bus.tables[2][36:38], "little") == 578


def test_a_posture_beyond_a_limit_is_refused_before_anything_is_sent(bus: Any) -> None:
    servos = _servos()
    bus.sent.clear()
    with pytest.raises(Unreachable, match=r"wrist may not turn to 100.0 deg; allowed are -96.0 to 96.0"):
        servos.start_move([0, 0, 0, radians(100)], 3.0)
    assert bus.sent == []


def test_a_lost_sync_write_is_noticed_and_sent_again(bus: Any) -> None:
    servos = _servos()
    bus.sent.clear()
    bus.deaf = 1
    servos.start_move([0.3, 0, 0, 0], 3.0)
    assert len(bus.sync_writes()) == 2
    assert servos.positions()[0] == pytest.approx(0.3, abs=A_COUNT_RAD)


def test_a_move_that_is_never_taken_is_an_error(bus: Any) -> None:
    servos = _servos()
    bus.deaf = 99
    with pytest.raises(DeviceError, match="did not take a move"):
        servos.start_move([0.3, 0, 0, 0], 3.0)


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (lambda answer: b"", "lost"),
        (lambda answer: answer[:-3], "bad"),
        (lambda answer: answer[:6] + bytes([answer[6] ^ 8]) + answer[7:], "bad"),
        (lambda answer: answer[:5] + answer[6:], "bad"),
    ],
    ids=["swallowed", "torn", "flipped bit", "byte missing"],
)
def test_a_spoilt_answer_is_asked_for_again_and_counted(bus: Any, damage: object, kind: str) -> None:
    servos = _servos()
    spoilt = iter([True, True])
    bus.spoil = lambda answer: damage(answer) if next(spoilt, False) else answer  # type: ignore[operator]
    np.testing.assert_allclose(servos.positions(), 0.0, atol=1e-9)
    statistics = servos.health().bus
    assert (statistics.lost_replies, statistics.bad_replies) == ((2, 0) if kind == "lost" else (0, 2))


def test_a_foreign_byte_before_an_answer_is_skipped(bus: Any) -> None:
    servos = _servos()
    bus.spoil = lambda answer: b"\x41\xff" + answer
    np.testing.assert_allclose(servos.positions(), 0.0, atol=1e-9)
    assert servos.health().bus.bad_replies == 0


def test_an_adapter_that_echoes_is_understood(bus: Any) -> None:
    bus.echo = True
    servos = _servos()
    servos.start_move([0.3, -0.2, 0.1, 0.0], 3.0)
    np.testing.assert_allclose(servos.positions(), [0.3, -0.2, 0.1, 0.0], atol=A_COUNT_RAD)
    assert servos.health().bus.bad_replies == 0
    assert servos.health().bus.lost_replies == 0


def test_silence_ends_in_an_error_after_four_attempts_of_34_ms_and_one_pause(bus: Any) -> None:
    clock = ManualClock(datetime(2026, 11, 24, tzinfo=UTC))
    servos = Servos(SECTION, clock)
    servos.connect()
    bus.spoil = lambda answer: b""
    before_s = clock.monotonic_s()
    with pytest.raises(ProtocolError, match="servo 1 gave no good answer in 4 attempts"):
        servos.positions()
    # 14 bytes of 10 us each, and the wait is looked at every 0.5 ms; 0.12 s in which servos forget half a packet.
    assert clock.monotonic_s() - before_s == pytest.approx(4 * 0.03414 + 0.12, abs=4 * 0.0011)


def test_an_overload_is_cleared_by_the_book(bus: Any) -> None:
    servos = _servos()
    bus.tables[3][34:36] = b"\0\0"
    bus.errors[3] = 1 << 5
    steps: list[tuple[int, bytes]] = []
    obey = bus.set

    def watch(servo: int, address: int, data: bytes) -> None:
        steps.append((address, data))
        if address == 34:
            bus.errors[servo] = 0
        obey(servo, address, data)

    bus.set = watch  # type: ignore[method-assign]
    servos.positions()
    present = bytes(bus.tables[3][36:38])
    assert steps == [(24, b"\0"), (34, b"\xff\x03"), (30, present + b"\1\0"), (24, b"\1")]
    assert servos.health().recoveries == 1


def test_an_overload_that_lasts_is_a_fault(bus: Any) -> None:
    servos = _servos()
    bus.errors[2] = 1 << 5
    with pytest.raises(DeviceFault, match=r"servo 2 \(shoulder\) reports overload"):
        servos.positions()


@pytest.mark.parametrize(
    ("bit", "name"), [(0, "input voltage"), (1, "angle limit"), (2, "overheat"), (3, "range"), (6, "instruction")]
)
def test_every_other_error_bit_is_named_and_nothing_is_written(bus: Any, bit: int, name: str) -> None:
    servos = _servos()
    bus.errors[4] = 1 << bit
    bus.sent.clear()
    with pytest.raises(DeviceFault, match=rf"servo 4 \(wrist\) reports {name} at 35 degrees C and 12.0 V"):
        servos.positions()
    assert all(data[4] == 0x02 for data in bus.sent)


def test_overload_with_overheat_is_not_recovered(bus: Any) -> None:
    servos = _servos()
    bus.errors[1] = 0x24
    with pytest.raises(DeviceFault, match="overheat"):
        servos.positions()


def test_a_wrong_checksum_of_ours_is_sent_again(bus: Any) -> None:
    servos = _servos()
    complaints = iter([True])
    bus.spoil = lambda answer: bus.packet(answer[2], 2, 1 << 4) if next(complaints, False) else answer
    servos.positions()
    assert servos.health().bus.bad_replies == 1


@pytest.mark.parametrize(
    ("register", "value", "message"), [(43, 66, "at 66 degrees C; 65 are allowed"), (42, 90, "fed 9.0 V; allowed are")]
)
def test_the_sections_limits_hold_before_the_servos_own(bus: Any, register: int, value: int, message: str) -> None:
    servos = _servos()
    bus.tables[2][register] = value
    with pytest.raises(DeviceFault, match=message):
        servos.positions()


def test_a_servo_without_torque_after_a_brown_out_holds_again_before_it_moves(bus: Any) -> None:
    servos = _servos()
    bus.tables[3][24], bus.tables[3][32:34] = 0, b"\0\0"
    servos.start_move([0, 0, 0.5, 0], 3.0)
    assert bus.tables[3][24] == 1
    assert servos.positions()[2] == pytest.approx(0.5, abs=A_COUNT_RAD)
    assert servos.health().recoveries == 1


def test_a_stop_slows_all_at_once_then_holds_each_where_it_is(bus: Any) -> None:
    servos = _servos()
    servos.start_move([0.5, 0, 0, 0], 3.0)
    bus.tables[1][36:38] = (560).to_bytes(2, "little")  # on the way
    bus.sent.clear()
    servos.stop()
    assert bus.sent[0] == bus.packet(0xFE, 16, 0x83, 32, 2, 1, 1, 0, 2, 1, 0, 3, 1, 0, 4, 1, 0)
    assert int.from_bytes(bus.tables[1][30:32], "little") == 560
    with pytest.raises(Stopped):
        servos.start_move([0, 0, 0, 0], 3.0)
    bus.sent.clear()
    servos.clear_stop()
    assert bus.sent == []
    servos.start_move([0, 0, 0, 0], 3.0)


def test_a_stop_holds_the_others_when_one_servo_is_gone(bus: Any) -> None:
    servos = _servos()
    servos.start_move([0.5, 0.5, 0.5, 0.5], 3.0)
    for servo in bus.tables:
        bus.tables[servo][36:38] = (600).to_bytes(2, "little")
    bus.spoil = lambda answer: b"" if answer[2] == 1 else answer
    with pytest.raises(ProtocolError, match="servo 1"):
        servos.stop()
    assert [int.from_bytes(bus.tables[servo][30:32], "little") for servo in (2, 3, 4)] == [600] * 3


def test_a_stop_in_the_middle_of_a_move_is_not_undone_by_its_repeats(bus: Any) -> None:
    servos = _servos()
    bus.deaf = 1
    started = threading.Event()

    def stop_first(answer: bytes) -> bytes:
        if bus.sync_writes() and not started.is_set():
            started.set()
            servos._stop.set()  # what another thread's stop() does before it waits for the line
        return answer

    bus.sent.clear()
    bus.spoil = stop_first
    with pytest.raises(Stopped):
        servos.start_move([0.5, 0, 0, 0], 3.0)
    assert len(bus.sync_writes()) == 1


def test_letting_go_is_refused_unless_parked_or_forced(bus: Any) -> None:
    servos = _servos()
    with pytest.raises(DeviceError, match="park it first"):
        servos.disarm()
    servos.start_move(SECTION.parked_rad, 3.0)
    servos.disarm()
    assert [table[24] for table in bus.tables.values()] == [0] * 4
    with pytest.raises(DeviceError, match="let go"):
        servos.start_move([0, 0, 0, 0], 3.0)
    servos.hold()
    servos.start_move([0, 0, 0, 0], 3.0)
    servos.disarm(force=True)
    assert [table[24] for table in bus.tables.values()] == [0] * 4


def test_health_tells_what_the_servos_say(bus: Any) -> None:
    servos = _servos()
    bus.tables[2][40:42] = (0x400 | 512).to_bytes(2, "little")
    bus.errors[2] = 1 << 2
    health = servos.health()
    shoulder = health.servos[1]
    assert (shoulder.joint, shoulder.temperature_c, shoulder.voltage_v) == ("shoulder", 35.0, 12.0)
    assert shoulder.load == pytest.approx(-512 / 1023)
    assert shoulder.errors == ("overheat",)


def test_another_model_is_refused(bus: Any) -> None:
    bus.tables[3][0] = 29
    with pytest.raises(ProtocolError, match=r"servo 3 \(elbow\) is of model 29"):
        _servos()


def test_no_request_can_be_mistaken_for_its_answer(bus: Any) -> None:
    servos = _servos()
    servos.start_move([0.1, 0, 0, 0], 3.0)
    servos.moving()
    servos.stop()
    # An echo has the length byte of the request; a read of n bytes is answered by one of n + 2, and that must differ.
    for data in bus.sent:
        assert data[4] != 0x01
        assert data[4] != 0x02 or data[6] + 2 != data[3]


def test_a_port_that_is_not_there_is_said_so() -> None:
    with pytest.raises(PortUnavailable, match="no-such-port"):
        _servos(ArmSection(port="/dev/no-such-port"))


def test_a_closed_port_is_said_so() -> None:
    with pytest.raises(ProtocolError, match="connect"):
        Servos(SECTION, ManualClock(datetime(2026, 11, 24, tzinfo=UTC))).positions()
