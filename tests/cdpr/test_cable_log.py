"""A log is read strictly, and speeds are read only from recordings."""

from pathlib import Path

import numpy as np
import pytest

from cdpr.cable_log import COLUMNS, CableLog, poses_text, read_log
from trellis.errors import InputError

HEADER = ",".join(COLUMNS)


def _file(folder: Path, text: str) -> Path:
    path = folder / "log.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_mocap_may_be_empty_in_whole_in_yaw_or_missing_altogether(tmp_path: Path) -> None:
    log = read_log(_file(tmp_path, HEADER + "\n0,1,2,3,4,,,\n1,1,2,3,4,0.5,0.6,\n2,1,2,3,4,0.5,0.6,0.1\n"))
    assert log.fixed.tolist() == [False, True, True]
    assert np.isnan(log.fixes[1, 2])
    assert log.readings_m[2].tolist() == [1, 2, 3, 4]
    bare = read_log(_file(tmp_path, ",".join(COLUMNS[:5]) + "\n0,1,2,3,4\n"))
    assert not bare.fixed.any()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "columns"),
        (HEADER + "\n", "no row"),
        (HEADER.replace("top_left", "upper_left") + "\n", "upper_left"),
        (HEADER + "\n0,1,2,3,4,,\n", "line 2: 7 values"),
        (HEADER + "\n0,1,2,3,,,,\n", "line 2"),
        (HEADER + "\n0,1,2,3,-4,,,\n", "positive"),
        (HEADER + "\n0,1,2,3,4,1,,\n", "only its yaw"),
        (HEADER + "\n0,1,2,3,4,,,0.1\n", "only its yaw"),
        (HEADER + "\n1,1,2,3,4,,,\n0,1,2,3,4,,,\n", "backwards from 1 to 0"),
    ],
)
def test_a_faulty_log_is_refused_with_its_place(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read_log(_file(tmp_path, text))


def test_a_recording_has_rates_and_stops_have_none() -> None:
    time = np.arange(5) * 0.01
    readings = np.outer(time, [1.0, -0.5, 0.0, 2.0]) + 1
    nothing = np.full((5, 3), np.nan)
    np.testing.assert_allclose(CableLog(time, readings, nothing).rates_m_s(), np.tile([1, -0.5, 0, 2], (5, 1)))
    assert not CableLog(time * 100, readings, nothing).rates_m_s().any()
    # A metre between two rows 10 ms apart is no drum but another stop.
    assert not CableLog(time, readings * [[1], [2], [1], [2], [1]], nothing).rates_m_s().any()


def test_poses_are_written_to_a_micrometre() -> None:
    text = poses_text(np.array([0.01]), np.array([[1.0, 2.0, -0.1]]), np.array([[0.001, 0.002, 0.03]]))
    assert text.splitlines()[1] == "0.01,1.000000,2.000000,-0.100000,0.001000,0.002000,0.030000"


def test_rows_of_the_same_time_are_one_moment() -> None:
    time = np.arange(5) * 0.01
    readings = np.outer(time, [1.0, -0.5, 0.0, 2.0]) + 1
    twice = np.array([0, 1, 1, 2, 3, 3, 3, 4])
    log = CableLog(time[twice], readings[twice], np.full((8, 3), np.nan))
    np.testing.assert_allclose(log.rates_m_s(), np.tile([1, -0.5, 0, 2], (8, 1)))


def test_a_reading_that_stands_out_of_a_recording_is_a_spike_and_a_stop_is_none() -> None:
    time = np.arange(7) * 0.02
    readings = np.outer(time, [0.5, -0.5, 0.3, 0.1]) + 1
    readings[3, 2] += 0.03
    nothing = np.full((7, 3), np.nan)
    assert np.flatnonzero(CableLog(time, readings, nothing).spikes()).tolist() == [3]
    assert not CableLog(time * 100, readings, nothing).spikes().any()
    readings[4:] += 0.5  # a step is two stops
    readings[3, 2] -= 0.03
    assert not CableLog(time, readings, nothing).spikes().any()
