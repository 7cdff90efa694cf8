"""The simulated AX-12A speak Dynamixel 1.0 by the letter. Expected packets: FACTS of the field, section 5."""

import numpy as np
import pytest

from hardware_sim.physics import Physics
from hardware_sim.servos import BROWN_OUT_S, OVERLOAD_S, ServoBus
from hardware_sim.world import build_world


class Bench:
    """Four servos on a table: packets in, packets out, time by hand."""

    def __init__(self) -> None:
        self.physics = Physics(build_world(1, "none"))
        self.bus = ServoBus(self.physics.servo_rows)
        self.now_s = 0.0

    def send(self, text: str) -> str:
        answers = self.bus.receive(bytes.fromhex(text), self.now_s)
        return b"".join(answer for _, answer in answers).hex(" ").upper()

    def order(self, servo: int, instruction: int, *params: int) -> bytes:
        """Send a packet made here, and what comes back without head and checksum: id, length, error, parameters."""
        body = [servo, len(params) + 2, instruction, *params]
        answer = bytes.fromhex(self.send(bytes([0xFF, 0xFF, *body, ~sum(body) & 0xFF]).hex()))
        assert not answer or (answer[:2] == b"\xff\xff" and answer[-1] == ~sum(answer[2:-1]) & 0xFF)
        return answer[2:-1]

    def read(self, servo: int, address: int, length: int) -> int:
        return int.from_bytes(self.order(servo, 2, address, length)[3:], "little")

    def wait(self, seconds: float) -> None:
        end_s = self.now_s + seconds
        while self.now_s < end_s - 1e-12:
            self.now_s = min(self.now_s + 0.005, end_s)
            self.physics.run_to(self.now_s)
            self.bus.tick(self.now_s)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_ping_is_answered(bench: Bench) -> None:
    assert bench.send("FF FF 01 02 01 FB") == "FF FF 01 02 00 FC"


def test_the_temperature_is_read(bench: Bench) -> None:
    assert bench.send("FF FF 01 04 02 2B 01 CC") == "FF FF 01 03 00 20 DB"


def test_a_write_changes_the_id(bench: Bench) -> None:
    # The published example, a write of two bytes at 12: 0x64 and 0xAA are the voltage limits.
    assert bench.send("FF FF 01 05 03 0C 64 AA DC") == "FF FF 01 02 00 FC"
    assert bench.read(1, 12, 1) == 0x64
    assert bench.order(1, 3, 3, 9) == bytes([9, 2, 0])
    assert bench.order(1, 1) == b""
    assert bench.order(9, 1) == bytes([9, 2, 0])


def test_a_sync_write_sets_goals_and_is_not_answered(bench: Bench) -> None:
    assert bench.send("FF FF FE 0E 83 1E 04 00 10 00 50 01 01 20 02 60 03 67") == ""
    # To servo 0, which is not there, and to servo 1: goal 0x220 is within reach, speed 0x360 too.
    assert bench.read(1, 30, 2) == 0x220
    assert bench.read(1, 32, 2) == 0x360


def test_overload_and_overheat_are_told_in_every_answer(bench: Bench) -> None:
    bench.bus.servos[0].overloaded = True
    bench.bus.servos[0].temperature_c = 75.0
    bench.wait(0.05)
    assert bench.send("FF FF 01 02 01 FB") == "FF FF 01 02 24 D8"


def test_a_wrong_checksum_is_said_so(bench: Bench) -> None:
    assert bench.send("FF FF 01 02 01 FA") == "FF FF 01 02 10 EC"


def test_nobody_answers_a_broadcast_but_everybody_a_ping(bench: Bench) -> None:
    assert bench.order(0xFE, 3, 25, 1) == b""
    assert [bench.read(servo, 25, 1) for servo in (1, 2, 3, 4)] == [1, 1, 1, 1]
    assert bench.send("FF FF FE 02 01 FE").count("FF FF") == 4


def test_the_table_is_that_of_an_ax_12(bench: Bench) -> None:
    factory = {(0, 2): 12, (3, 1): 1, (4, 1): 1, (6, 2): 0, (8, 2): 1023, (11, 1): 70, (14, 2): 1023, (16, 1): 2,
               (18, 1): 36, (24, 1): 0, (28, 1): 32, (29, 1): 32, (32, 2): 0, (34, 2): 1023, (42, 1): 120}  # fmt: skip
    assert {key: bench.read(1, *key) for key in factory} == factory


def test_a_registered_write_waits_for_action(bench: Bench) -> None:
    assert bench.order(2, 4, 30, 0, 2) == bytes([2, 2, 0])
    assert bench.read(2, 44, 1) == 1
    assert bench.read(2, 30, 2) != 512
    assert bench.order(0xFE, 5) == b""
    assert bench.read(2, 30, 2) == 512
    assert bench.read(2, 44, 1) == 0
    # Nothing is registered any more: an instruction error.
    assert bench.order(2, 5) == bytes([2, 2, 1 << 6])


@pytest.mark.parametrize(
    ("instruction", "params", "bit"),
    [
        (3, (30, 0, 4), 3),  # a goal of 1024
        (3, (36, 0, 2), 3),  # the present position is read only
        (2, (48, 5), 3),  # beyond the table's end
        (3, (49, 1, 1), 3),
        (9, (), 6),  # no such instruction
    ],
)
def test_what_is_not_allowed_is_refused_with_its_bit(
    bench: Bench, instruction: int, params: tuple[int, ...], bit: int
) -> None:
    before = bytes(bench.bus.servos[0].table.bytes)
    assert bench.order(1, instruction, *params) == bytes([1, 2, 1 << bit])
    assert bytes(bench.bus.servos[0].table.bytes) == before


def test_a_goal_beyond_the_angle_limits_is_an_angle_error(bench: Bench) -> None:
    bench.order(1, 3, 8, 0x58, 0x02)  # counterclockwise limit 600
    assert bench.order(1, 3, 30, 0x59, 0x02) == bytes([1, 2, 1 << 1])
    assert bench.order(1, 3, 30, 0x58, 0x02) == bytes([1, 2, 0])


def test_a_servo_may_be_told_to_answer_reads_only_or_pings_only(bench: Bench) -> None:
    bench.order(1, 3, 16, 1)
    assert bench.order(1, 3, 25, 1) == b""
    assert bench.read(1, 25, 1) == 1
    bench.order(1, 3, 16, 0)
    assert bench.order(1, 2, 25, 1) == b""
    assert bench.order(1, 1) == bytes([1, 2, 0])


def test_the_answer_waits_the_return_delay(bench: Bench) -> None:
    # 250 units of 2 us are the factory's 0.5 ms.
    ((delay_s, _),) = bench.bus.receive(bytes.fromhex("FF FF 01 02 01 FB"), 0.0)
    assert delay_s == pytest.approx(0.0005)


def test_noise_before_a_packet_and_a_packet_in_pieces_do_not_hurt(bench: Bench) -> None:
    assert bench.send("00 FF 12 FF FF FF 01") == ""
    assert bench.send("02 01 FB") == "FF FF 01 02 00 FC"


def test_half_a_packet_is_forgotten_after_100_ms(bench: Bench) -> None:
    assert bench.send("FF FF 01 05 03") == ""
    bench.wait(0.15)
    assert bench.send("FF FF 01 02 01 FB") == "FF FF 01 02 00 FC"


def test_a_move_takes_its_time_and_the_flag_tells(bench: Bench) -> None:
    # 75 counts of 0.111 rpm are 50 deg/s; 512 to 683 is 50.1 deg.
    bench.order(1, 3, 24, 1)
    bench.order(1, 3, 30, 0xAB, 0x02, 75, 0)
    bench.wait(0.5)
    assert bench.read(1, 46, 1) == 1
    assert bench.read(1, 38, 2) == pytest.approx(75, abs=8)  # the loop lags, so its speed wavers
    assert 585 < bench.read(1, 36, 2) < 605
    bench.wait(1.0)
    assert bench.read(1, 46, 1) == 0
    # With a compliance margin of 1, 32 counts of slope and 0.08 N m of friction it ends some counts short.
    assert bench.read(1, 36, 2) == pytest.approx(683, abs=6)


def test_a_clockwise_move_carries_bit_10_of_its_speed(bench: Bench) -> None:
    bench.order(1, 3, 24, 1)
    bench.order(1, 3, 30, 0x55, 0x01, 75, 0)
    bench.wait(0.5)
    assert bench.read(1, 38, 2) == pytest.approx(1024 + 75, abs=8)


def test_without_torque_nothing_moves(bench: Bench) -> None:
    bench.order(1, 3, 30, 0xAB, 0x02, 75, 0)
    bench.wait(0.5)
    assert bench.read(1, 36, 2) == 512
    assert bench.read(1, 46, 1) == 0


def test_speed_zero_is_as_fast_as_it_can(bench: Bench) -> None:
    bench.order(1, 3, 24, 1)
    bench.order(1, 3, 30, 0xAB, 0x02, 0, 0)
    # 50 deg at 59 rpm without load take 0.14 s; the last counts are slow.
    bench.wait(0.3)
    assert bench.read(1, 36, 2) == pytest.approx(683, abs=10)


def test_a_brown_out_is_silence_then_defaults(bench: Bench) -> None:
    bench.order(1, 3, 24, 1)
    bench.order(1, 3, 32, 75, 0)
    bench.bus.brown_out(bench.now_s)
    assert bench.order(1, 1) == b""
    bench.wait(BROWN_OUT_S + 0.01)
    assert bench.read(1, 24, 1) == 0
    assert bench.read(1, 32, 2) == 0
    assert bench.read(1, 30, 2) == bench.read(1, 36, 2)


def test_overload_shuts_the_servo_down_until_its_torque_limit_is_written(bench: Bench) -> None:
    bench.order(1, 3, 24, 1)
    bench.bus.overload(1)
    bench.wait(0.05)
    assert bench.read(1, 34, 2) == 0
    bench.order(1, 3, 30, 0xAB, 0x02, 75, 0)
    bench.wait(0.5)
    assert bench.read(1, 36, 2) == 512
    assert bench.order(1, 3, 34, 0xFF, 0x03) == bytes([1, 2, 0])
    bench.wait(2.0)
    assert bench.read(1, 36, 2) == pytest.approx(683, abs=6)


def test_a_blocked_horn_overloads_by_itself(bench: Bench) -> None:
    bench.order(1, 3, 24, 1)
    bench.physics.servos.stuck[0] = 1
    bench.order(1, 3, 30, 0xAB, 0x02, 0, 0)
    bench.wait(OVERLOAD_S - 0.1)
    assert bench.order(1, 1)[2] == 0
    bench.wait(0.3)
    assert bench.order(1, 1)[2] == 1 << 5
    assert bench.read(1, 34, 2) == 0


def test_the_arm_sags_under_its_weight_and_says_so(bench: Bench) -> None:
    # Upper arm leaned out level with the ground: the links hang from the shoulder. The base's z is horizontal here,
    # so the arm stretched along it (shoulder 0) bears the most.
    bench.order(0xFE, 3, 24, 1)
    for servo in (1, 2, 3, 4):
        bench.order(servo, 3, 30, 0, 2, 75, 0)
    bench.order(1, 3, 30, 0xFF, 3, 75, 0)
    bench.wait(5.0)
    straight = bench.physics.servos
    # 0.11 kg at 0.107 m, 0.11 kg at 0.214 m, 0.08 kg at 0.2405 m: 0.536 N m about the shoulder when square to gravity;
    # the base turned by 150 deg leaves part of it to the shoulder.
    weight_n_m = 9.81 * (0.11 * 0.107 + 0.11 * 0.214 + 0.08 * 0.2405)
    assert 0.3 * weight_n_m < abs(straight.load[1]) < 1.02 * weight_n_m
    assert abs(bench.read(2, 36, 2) - 512) in range(3, 14)
    # Present load reads in thousandths of the stall torque, 1023 at most, less what friction bears.
    load = bench.read(2, 40, 2) & 1023
    assert load / 1023 * 1.5 == pytest.approx(abs(straight.load[1]), abs=0.1)
    assert np.sign(straight.drive[1]) == -np.sign(straight.load[1])
