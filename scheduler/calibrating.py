"""A calibration of the whole cell by the daemon: as `trellis calibrate`, with devices that are open already."""

from collections.abc import Callable

import numpy as np

from scan.board import wall_board
from scan.calibrate_command import accepted, keep_drive, start_of
from scan.calibrated import nominal_model
from scan.calibration_drive import relaxed, take_readings
from scan.calibration_poses import calibration_postures
from scan.calibration_report import READINGS_MIN, check_readings
from scan.cell_record import CellHistory
from scan.cell_solver import solve
from scan.config import WallSection
from scan.hardware import CellHardware
from scan.sizes import obstacles
from trellis.clock import Clock
from trellis.config import Configuration
from trellis.errors import InputError

#: Postures that are photographed if nobody says how many, and the seed of their choice; as `trellis calibrate`.
POSES, _SEED = 45, 1


def calibrate(
    configuration: Configuration, hardware: CellHardware, clock: Clock, poses: int, tell: Callable[[str], None]
) -> None:
    """Photograph the wall's tags from many postures, solve, and put in force what passes.

    Args:
        configuration: Whose cell it is.
        hardware: Connected and homed.
        clock: Dates the record.
        poses: How many postures.
        tell: Told how far it is.

    Raises:
        InputError: The wall has no tags, or too few postures are asked for.
        CalibrationFailed: What was found may not be used; readings and photographs are kept.
        Stopped, DeviceError: As `CellHardware.go`.
    """
    board, history = wall_board(configuration), CellHistory(configuration)
    if board is None:
        raise InputError("[wall] names no tags; a cell is calibrated by photographs of them")
    if poses < READINGS_MIN:
        raise InputError(f"{poses} postures are too few; give {READINGS_MIN} or more")
    plants = obstacles(configuration.section(WallSection), clock.utc().date())
    tell("choosing postures")
    postures = calibration_postures(hardware.cell, nominal_model(configuration), board, plants, poses, _SEED)
    stops = []
    with hardware.loosely(relaxed(configuration)):
        for stop in take_readings(hardware, postures, board, plants):
            stops.append(stop)
            seen = sum(one.reading is not None for one in stops)
            tell(f"{len(stops)} of {len(postures)} postures, {seen} with tags")
        hardware.park()
    now = clock.utc()
    keep_drive(history.folder / f"{now:%Y-%m-%dT%H%M%SZ}", stops)
    good = [stop for stop in stops if stop.reading is not None]
    readings = [stop.reading for stop in good if stop.reading is not None]
    check_readings(readings)
    tell(f"solving from {len(readings)} photographs")
    starts = np.array([start_of(stop) for stop in good])
    record = accepted(configuration, solve(nominal_model(configuration), readings, board, starts), readings, now)
    history.add(record, "calibrated")
    tell(f"passed: {record.name} is in force")
