"""A small version of benchmarks/serial_noise.py, and the flight recorder on a cell that moves under noise."""

from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from benchmarks.serial_noise import Noise, cell, check, drive, make_noisy, postures, worse
from cdpr.config import CablesSection
from scheduler.flight import FlightRecorder
from scheduler.flight_reader import read_flight
from scheduler.replay_command import summary


@pytest.mark.slow
def test_noise_on_every_line_moves_nothing_wrongly_and_ends_nothing() -> None:
    noisy = drive(1500, 2, Noise())
    assert noisy["moves"] >= 1
    assert noisy["noticed_by_the_winches"] > 0
    check(drive(1500, 2, Noise(0, 0, 0)), noisy)


def test_a_tenth_of_everything_spoilt_ends_in_a_clean_stop_within_two_seconds() -> None:
    assert worse(2)["standing_after_s"] <= 2.0


def test_a_flight_recording_of_a_moving_cell_has_setpoints_and_what_was_heard(tmp_path: Path) -> None:
    path = tmp_path / "flight.mcap"
    with cell(3) as (hardware, clock):
        place = next(postures(hardware, 3))
        make_noisy(clock, Noise(), 3)
        with FlightRecorder(path, clock) as recorder:
            hardware.listen(recorder.note)
            hardware.go(hardware.cell.posture(place.x_m, place.y_m, hardware.cell.park.joints_rad))
            recorder.note("/cell/state", hardware.state().as_json())
    messages = read_flight(path)
    setpoints = [message for message in messages if message.topic == "/carriage/setpoint"]
    # Where an answer was late the next setpoint comes sooner; most of them keep the pace.
    periods_s = [(b.time_ns - a.time_ns) / 1e9 for a, b in pairwise(setpoints)]
    assert abs(median(periods_s) - CablesSection().control_period_s) < 0.002
    assert abs(setpoints[-1].values["x_m"] - place.x_m) < 1e-6
    assert any("servos up to" in line for line in summary(messages))
    assert any("cables behind by" in line for line in summary(messages))


def test_a_reply_with_a_good_checksum_that_is_no_number_is_a_bad_reply_and_no_reason_to_stop() -> None:
    with cell(4) as (hardware, clock):
        place = next(postures(hardware, 4))
        device = clock.farm._wires["winches0"].device
        receive, spoilt = device.receive, []

        def two_bits(data: bytes, now_s: float) -> list[tuple[float, bytes]]:
            answers = receive(data, now_s)
            if answers and len(spoilt) < 3 and answers[0][1].startswith(b"-"):
                text = bytearray(answers[0][1])
                text[1] ^= 0x40  # in a digit, and the same bit in the space after it: the checksum stays right
                text[text.index(b" ")] ^= 0x40
                spoilt.append(bytes(text))
                answers[0] = (answers[0][0], bytes(text))
            return answers

        device.receive = two_bits
        hardware.go(hardware.cell.posture(place.x_m, place.y_m, hardware.cell.park.joints_rad))
        assert len(spoilt) == 3
        assert hardware._need()[1]._drives.boards[0].statistics.bad_replies >= 3
