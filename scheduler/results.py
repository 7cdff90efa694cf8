"""What a finished reconstruction left in a scan's folder, as a row."""

import json
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from scheduler.rows import MeasurementRow
from trellis.errors import InputError
from trellis.folders import ScanFolder
from trellis.records import MassEstimate, Traits

_Record = TypeVar("_Record", bound=BaseModel)


def read_measurement(folder: ScanFolder, scan: str, plant: str, measured_at: datetime) -> MeasurementRow:
    """Read `traits.json`, `mass.json` and `stages.json`.

    Raises:
        InputError: One of them is missing or not what it should be.
    """
    where = folder.reconstruction
    return MeasurementRow(
        scan,
        plant,
        measured_at,
        _read(where / "traits.json", Traits),
        _read(where / "mass.json", MassEstimate),
        _read_seconds(where / "stages.json"),
    )


def _read(path: Path, kind: type[_Record]) -> _Record:
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise _unusable(path, error) from error


def _read_seconds(path: Path) -> dict[str, float]:
    try:
        return TypeAdapter(dict[str, float]).validate_python(json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: Exception) -> InputError:
    if isinstance(error, OSError):
        return InputError(f"{path}: the reconstruction left no such file: {error.strerror}")
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return InputError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}")
    return InputError(f"{path}: {error}")
