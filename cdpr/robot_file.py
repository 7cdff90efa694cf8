"""A cable robot in a file: the section `[cables]` of a configuration and, once calibrated, `[calibration]`."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cdpr.calibration import Calibration
from cdpr.config import CablesSection, CalibrationSection
from cdpr.kinematics import cable_lengths
from cdpr.locating import Calibrated
from cdpr.reading_model import PARAMETERS, ReadingModel
from cdpr.robot import Array
from cdpr.yaw_map import yaw_map
from trellis.config import Configuration, Section, load_configuration
from trellis.errors import InputError
from trellis.presets import preset, presets

_HEAD = """# A cable robot calibrated by `trellis cdpr calibrate`; docs/calibration.md says what each number is.
# It is a configuration file: its sections can be copied into a farm's own.
"""


def read_robot(name: str) -> Configuration:
    """The configuration of a robot: a preset's name or a file.

    Raises:
        InputError: It is neither; or the file is not a configuration.
    """
    path = Path(name)
    if not path.suffix and not path.exists():
        if name not in presets():
            raise InputError(f"{name}: neither a file nor a preset; presets are {', '.join(presets())}")
        path = preset(name)
    return load_configuration(path)


def calibrated(configuration: Configuration) -> Calibrated:
    """The calibrated robot that a configuration describes.

    Raises:
        InputError: It has never been calibrated.
    """
    section = configuration.section(CalibrationSection)
    if not section.covariance:
        raise InputError(
            f"{configuration.path}: the robot is not calibrated, so its encoders' scale is unknown; "
            "run `trellis cdpr calibrate` first and give the file that it writes"
        )
    covariance = np.zeros((len(PARAMETERS), len(PARAMETERS)))
    size = len(section.covariance)
    covariance[:size, :size] = section.covariance
    return Calibrated(
        ReadingModel(
            configuration.section(CablesSection).robot(),
            np.array(section.scales),
            np.array(section.offsets_m),
            section.delay_s,
        ),
        covariance,
        section.reading_std_m,
        (section.yaw_mean_rad, section.yaw_std_rad),
    )


def robot_text(cables: CablesSection, found: Calibration, before: CalibrationSection | None = None) -> str:
    """The text of a robot file: `[cables]` with its new pulleys and corners, and `[calibration]`.

    Args:
        cables: The robot as it was believed to be.
        found: What the log says of it.
        before: The calibration that it was driven with, if any.
    """
    robot, model = found.model.robot, found.model
    places = {"pulleys_m": _tuples(robot.pulleys_m), "corners_m": _tuples(robot.corners_m)}
    new = CablesSection.model_validate(cables.model_dump() | places)
    size = len(PARAMETERS) if found.prior_stds[-1] > 0 else 17
    calibration = CalibrationSection(
        scales=_four(model.scales),
        offsets_m=_four(model.offsets_m),
        delay_s=model.delay_s,
        reading_std_m=found.reading_std_m,
        yaw_mean_rad=found.yaw_prior[0],
        yaw_std_rad=found.yaw_prior[1],
        covariance=_tuples(found.covariance[:size, :size]),
        # Our own winches go on reading what they read there before the first calibration: the nominal lengths.
        dock_readings_m=(before and before.dock_readings_m) or _four(_nominal_readings(cables)),
    )
    return "\n".join([_HEAD, *_table("cables", new), "", *_table("calibration", calibration)]) + "\n"


def _nominal_readings(cables: CablesSection) -> Array:
    x, y = cables.home_m
    return cable_lengths(cables.robot(), (x, y, float(yaw_map(cables).yaw_rad(x, y))))


def _table(name: str, section: Section) -> Iterator[str]:
    """A section as TOML; its keys hold only numbers, texts and lists of them, which TOML writes as JSON does."""
    yield f"[{name}]"
    for key, value in section.model_dump(mode="json").items():
        if key == "covariance":
            yield f"{key} = ["
            yield from (f"  {json.dumps(row)}," for row in value)
            yield "]"
        else:
            yield f"{key} = {json.dumps(value)}"


def _tuples(rows: Array) -> tuple[tuple[float, ...], ...]:
    """Numbers rounded to eleven digits: far below what can be known, and covariances stay positive."""
    return tuple(tuple(float(f"{value:.11g}") for value in row) for row in rows)


def _four(values: Array) -> tuple[float, float, float, float]:
    a, b, c, d = (float(f"{value:.11g}") for value in values)
    return a, b, c, d
