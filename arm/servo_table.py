"""The AX-12A's control table and numbers: addresses, error bits, counts and angles. Source: FACTS of the field, 5."""

from math import radians

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

MODEL_NUMBER = 12

#: Address and length of what is read. No length is 2 and none stands twice, so that neither an echo of the request nor
#: a late answer to another one can pass for the answer (docs/wire-protocols-servos.md).
MODEL = (0, 3)
MAX_TORQUE = (14, 5)
DRIVING = (24, 12)
PRESENT = (36, 8)
MOVING = (46, 1)

TORQUE_ENABLE, GOAL, SPEED, TORQUE_LIMIT = 24, 30, 32, 34

VOLTAGE, ANGLE_LIMIT, OVERHEAT, RANGE, CHECKSUM, OVERLOAD, INSTRUCTION = (1 << bit for bit in range(7))
_NAMES = ("input voltage", "angle limit", "overheat", "range", "checksum", "overload", "instruction")

COUNT_RAD = radians(300 / 1023)
#: 0.111 turns a minute.
SPEED_COUNT_RAD_S = 0.111 * 2 * np.pi / 60
COUNT_MAX = 1023


def error_names(error: int) -> tuple[str, ...]:
    """The name of every error bit that is set."""
    return tuple(name for bit, name in enumerate(_NAMES) if error >> bit & 1)


def counts_from_angles(joints_rad: ArrayLike, zero_counts: ArrayLike, directions: ArrayLike) -> NDArray[np.int64]:
    """Goal counts for joint angles, rounded and held inside 0..1023, shape (4,)."""
    counts = np.asarray(zero_counts) + np.asarray(directions) * np.asarray(joints_rad) / COUNT_RAD
    return np.asarray(np.clip(np.rint(counts), 0, COUNT_MAX), dtype=np.int64)


def angles_from_counts(counts: ArrayLike, zero_counts: ArrayLike, directions: ArrayLike) -> Array:
    """Joint angles for position counts, shape (4,)."""
    return np.asarray(np.asarray(directions) * (np.asarray(counts) - np.asarray(zero_counts)) * COUNT_RAD, dtype=float)


def word(data: bytes, offset: int = 0) -> int:
    """Two bytes, low byte first."""
    return data[offset] | data[offset + 1] << 8


def word_bytes(*values: int) -> bytes:
    """Each value as two bytes, low byte first."""
    return b"".join(int(value).to_bytes(2, "little") for value in values)
