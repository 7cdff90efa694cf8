"""What the cell's devices and its camera say at rest in one posture: the raw material of its calibration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from scan.cell import Array
from trellis.errors import InputError

FORMAT = 1


@dataclass(frozen=True, eq=False)
class Reading:
    """The cell at rest.

    Args:
        turns: Of each drum since the carriage stood in its dock, shape (4,), order bottom right, top right, top left,
            bottom left; positive pays out.
        tensions_n: That were asked of the winches, shape (4,); only the lower two are held, the upper two follow.
        joints_rad: By the servos and the configured zero counts, shape (4,).
        corners_px: Tag id to its corners in the photograph, shape (4, 2), in the board's order; (0.5, 0.5) is the first
            pixel's centre. Empty where nothing was photographed.
    """

    turns: Array
    tensions_n: Array
    joints_rad: Array
    corners_px: Mapping[int, Array] = field(default_factory=dict)


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    turns: tuple[float, float, float, float]
    tensions_n: tuple[float, float, float, float]
    joints_rad: tuple[float, float, float, float]
    corners_px: dict[int, list[tuple[float, float]]]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    format: int
    readings: tuple[_Row, ...]


def readings_text(readings: list[Reading]) -> str:
    """The text of `readings.json`; `read_readings` gives the same back."""
    rows = [
        _Row.model_validate(
            {
                "turns": reading.turns.tolist(),
                "tensions_n": reading.tensions_n.tolist(),
                "joints_rad": reading.joints_rad.tolist(),
                "corners_px": {tag: corners.round(4).tolist() for tag, corners in reading.corners_px.items()},
            }
        )
        for reading in readings
    ]
    return _File(format=FORMAT, readings=tuple(rows)).model_dump_json(indent=1) + "\n"


def read_readings(path: Path) -> list[Reading]:
    """Read `readings.json`.

    Raises:
        InputError: It is missing, or is not what this version writes.
    """
    try:
        file = _File.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot read the readings: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(f"{path}: no readings of format {FORMAT}: {place}: {first['msg']}") from error
    if file.format != FORMAT:
        raise InputError(f"{path}: readings of format {file.format}; this version reads format {FORMAT}")
    return [
        Reading(
            np.array(row.turns),
            np.array(row.tensions_n),
            np.array(row.joints_rad),
            {tag: np.array(corners) for tag, corners in row.corners_px.items()},
        )
        for row in file.readings
    ]
