"""A configuration with the calibration in force applied: the sections that drivers and planner read.

A calibration's file says in `sections` which keys it replaces. This file knows nothing of how they were found.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from arm.config import ArmSection
from cdpr.config import CablesSection
from scan.camera_section import CameraSection
from scan.cell_section import CellSection
from trellis.config import Configuration
from trellis.errors import InputError

FORMAT = 1
CURRENT = "current.json"


class Strict(BaseModel):
    """A record in a file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class CellRecord(Strict):
    """One calibration.

    `vector` and `covariance` are of `scan.cell_model.NAMES`; `nominal` names the configuration that they are
    differences from. `kind` is `calibration` (a drive past the tags) or `learned` (from a day's scans). `noise` is of
    cable lengths (m), balance (N m), joints (rad) and tags (px). `sections` are the keys that it replaces. `report` is
    for a person.
    """

    format: int = FORMAT
    made_at: datetime
    kind: str
    nominal: str
    vector: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    noise: tuple[float, float, float, float]
    readings: int
    sections: Mapping[str, Mapping[str, Any]]
    report: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.made_at:%Y-%m-%dT%H%M%SZ}-{self.kind}"


class Step(Strict):
    """A calibration came into force; None is the cell as configured."""

    name: str | None
    at: datetime
    why: str


class Steps(Strict):
    """The file `current.json`: what came into force when, oldest first."""

    steps: tuple[Step, ...]


def calibrated(configuration: Configuration) -> Configuration:
    """The configuration with the calibration in force applied, itself where none is.

    Raises:
        InputError: The calibration cannot be read, or belongs to other numbers than the configuration has.
    """
    record = current_record(configuration)
    if record is None:
        return configuration
    sections = dict(configuration.sections)
    for name, keys in record.sections.items():
        if name in sections:
            merged = {**sections[name].model_dump(), **keys}
            sections[name] = type(sections[name]).model_validate(merged)
    return Configuration(configuration.path, sections)


def calibration_folder(configuration: Configuration) -> Path:
    return configuration.resolve(configuration.section(CellSection).calibration_folder)


def current_record(configuration: Configuration) -> CellRecord | None:
    """The calibration in force, or None where the cell is taken as configured. Raises as `calibrated`."""
    folder = calibration_folder(configuration)
    steps = read_steps(folder)
    name = steps[-1].name if steps else None
    return None if name is None else read_record(folder, name, nominal_name(configuration))


def read_steps(folder: Path) -> tuple[Step, ...]:
    """What came into force when. Raises `InputError`."""
    path = folder / CURRENT
    if not path.exists():
        return ()
    try:
        return Steps.model_validate_json(path.read_bytes()).steps
    except (OSError, ValidationError) as error:
        raise InputError(f"{path}: cannot read which calibration is in force; restore it from a backup") from error


def read_record(folder: Path, name: str, nominal: str) -> CellRecord:
    """The calibration of a name. Raises as `calibrated`."""
    path = folder / f"{name}.json"
    try:
        record = CellRecord.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"{path}: cannot read the calibration: {error.strerror}; see `trellis calibrate list`"
        ) from error
    except ValidationError as error:
        raise InputError(f"{path}: no calibration of format {FORMAT}: {error.errors()[0]['msg']}") from error
    if record.format != FORMAT:
        raise InputError(f"{path}: a calibration of format {record.format}; this version reads format {FORMAT}")
    if record.nominal != nominal:
        raise InputError(
            f"{path} was made for other numbers in [cables], [arm], [camera.lens] or [cell] than the configuration "
            "has now; undo that change, calibrate again, or `trellis calibrate rollback --to none`"
        )
    return record


def nominal_name(configuration: Configuration) -> str:
    """A name for what a calibration's differences are counted from: it changes with every number of geometry."""
    cables, arm = configuration.section(CablesSection), configuration.section(ArmSection)
    cell, camera = configuration.section(CellSection), configuration.section(CameraSection)
    numbers = [
        cables.model_dump(include={"pulleys_m", "corners_m", "mass_kg", "centre_of_mass_m", "drum_radius_m", "home_m",
                                   "cable_stiffness_n"}),
        arm.model_dump(include={"shoulder_height_m", "upper_m", "fore_m", "mount_m", "zero_counts", "directions"}),
        cell.model_dump(include={"plane_z_m", "platform_from_base", "tool_from_camera"}),
        camera.model_dump(include={"lens"}),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(numbers, sort_keys=True).encode()).hexdigest()[:16]
