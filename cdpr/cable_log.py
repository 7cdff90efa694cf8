"""A log of what the drums said, with the carriage's place where something else saw it; and the poses found from it."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cdpr.robot import CABLES, Array
from trellis.errors import InputError, reason_of

READINGS = tuple(f"length_{cable.replace(' ', '_')}_m" for cable in CABLES)
FIXES = ("mocap_x_m", "mocap_y_m", "mocap_yaw_rad")
COLUMNS = ("time_s", *READINGS, *FIXES)
POSES = ("time_s", "x_m", "y_m", "yaw_rad", "x_std_m", "y_std_m", "yaw_std_rad")

#: Rows further apart in time are stops, not a recording: no speed can be read between them.
_RECORDING_GAP_S = 0.1
#: Nor can it where a drum would run faster than any.
_DRUM_MAX_M_S = 5.0
#: A reading that stands out from both its neighbours in a recording by more is no length: a carriage that is driven at
#: 4 m/s2 would not do so.
_SPIKE_M = 0.02


@dataclass(frozen=True, eq=False)
class CableLog:
    """Rows of a log, in order of time.

    Args:
        time_s: Shape (n,), never falling.
        readings_m: Length of each cable as its encoder believes it, shape (n, 4), ordered as `CABLES`.
        fixes: x, y (m, world) and yaw (rad) of the carriage where something else saw it, shape (n, 3). Not a number
            where nothing did; yaw alone may be missing from a fix.
    """

    time_s: Array
    readings_m: Array
    fixes: Array

    @property
    def fixed(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Which rows have a fix, shape (n,)."""
        return np.isfinite(self.fixes[:, 0])

    def rates_m_s(self) -> Array:
        """How fast each reading changes, shape (n, 4); zero where the rows are no recording.

        Rows of the same time are one moment, with the mean of their readings.
        """
        times_s, moments, counts = np.unique(self.time_s, return_inverse=True, return_counts=True)
        readings_m = np.zeros((len(times_s), 4))
        np.add.at(readings_m, moments, self.readings_m)
        return _rates_m_s(times_s, readings_m / counts[:, None])[moments]

    def spikes(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Which rows of a recording have a reading that stands out from those before and after it, shape (n,)."""
        found = np.zeros(len(self.time_s), dtype=np.bool_)
        if len(self.time_s) >= 3:
            around = np.stack([self.readings_m[:-2], self.readings_m[1:-1], self.readings_m[2:]])
            out = np.abs(self.readings_m[1:-1] - np.median(around, axis=0)).max(axis=1) > _SPIKE_M
            found[1:-1] = out & (np.maximum(*_gaps_s(self.time_s)) <= _RECORDING_GAP_S)
        return found


def read_log(path: Path) -> CableLog:
    """Read a log strictly.

    Raises:
        InputError: The file cannot be read, has other columns, a row is not numbers, a fix has x without y, a length is
            not positive or time runs backwards; the line is named.
    """
    try:
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot read the log: {reason_of(error)}") from error
    header = [name.strip() for name in rows[0]] if rows else []
    required, known = set(COLUMNS[:5]), set(COLUMNS)
    if not required <= set(header) <= known or len(set(header)) != len(header):
        raise InputError(
            f"{path}: a log has the columns {', '.join(COLUMNS)}, of which the last three may be missing, "
            f"not {', '.join(header) or 'none'}"
        )
    order = [header.index(name) if name in header else None for name in COLUMNS]
    values = [_read_row(path, line, row, len(header), order) for line, row in enumerate(rows[1:], start=2) if row]
    if not values:
        raise InputError(f"{path}: no row in it")
    table = np.array(values)
    falling = np.flatnonzero(np.diff(table[:, 0]) < 0)
    if falling.size:
        earlier, later = table[falling[0] : falling[0] + 2, 0]
        raise InputError(f"{path}: time_s runs backwards from {earlier:g} to {later:g}; sort the rows by time")
    return CableLog(table[:, 0], table[:, 1:5], table[:, 5:8])


def poses_text(time_s: Array, poses: Array, stds: Array) -> str:
    """The text of a file of poses: micrometres and microradians are written."""
    return "\n".join(_pose_lines(time_s, poses, stds)) + "\n"


def _pose_lines(time_s: Array, poses: Array, stds: Array) -> Iterator[str]:
    yield ",".join(POSES)
    for time, pose, std in zip(time_s, poses, stds, strict=True):
        yield f"{time:.10g}," + ",".join(f"{value:.6f}" for value in (*pose, *std))


def _read_row(path: Path, line: int, row: list[str], width: int, order: list[int | None]) -> list[float]:
    if len(row) != width:
        raise InputError(f"{path}, line {line}: {len(row)} values for {width} columns")
    texts = ["" if place is None else row[place].strip() for place in order]
    try:
        values = [float(text) for text in texts[:5]] + [float(text or "nan") for text in texts[5:]]
    except ValueError as error:
        raise InputError(f"{path}, line {line}: {error}; only the mocap columns may be empty") from error
    if not np.isfinite(values[:5]).all() or min(values[1:5]) <= 0:
        raise InputError(f"{path}, line {line}: time_s must be finite and the four lengths positive")
    if np.isinf(values).any() or not (np.isnan(values[5:]).all() or np.isfinite(values[5:7]).all()):
        raise InputError(
            f"{path}, line {line}: a fix needs finite mocap_x_m and mocap_y_m; only its yaw may be missing"
        )
    return values


def _gaps_s(time_s: Array) -> tuple[Array, Array]:
    """Before and after each row but the first and the last."""
    gaps_s = np.diff(time_s)
    return gaps_s[:-1], gaps_s[1:]


def _rates_m_s(time_s: Array, readings_m: Array) -> Array:
    if len(time_s) < 3:
        return np.zeros_like(readings_m)
    gaps_s, steps_m = np.diff(time_s), np.diff(readings_m, axis=0)
    recorded = gaps_s <= _RECORDING_GAP_S
    recorded &= np.abs(steps_m).max(axis=1) <= _DRUM_MAX_M_S * gaps_s
    # Between the neighbours of a row; at either end between the row and its one neighbour.
    behind, ahead = np.r_[0, np.arange(len(gaps_s))], np.r_[np.arange(len(gaps_s)), len(gaps_s) - 1]
    good = recorded[behind] & recorded[ahead]
    span_s = time_s[ahead + 1] - time_s[behind]
    rates = (readings_m[ahead + 1] - readings_m[behind]) / np.where(good, span_s, 1.0)[:, None]
    return np.where(good[:, None], rates, 0.0)
