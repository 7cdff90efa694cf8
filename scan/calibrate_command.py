"""`trellis calibrate`: find out by photographs of the wall's tags how the cell was really built."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from scan.board import wall_board
from scan.calibrated import nominal_model, sections_of
from scan.calibrated_sections import CellRecord, nominal_name
from scan.calibration_drive import Stop, relaxed, take_readings
from scan.calibration_poses import calibration_postures
from scan.calibration_report import check_readings, doubts, report
from scan.cell_readings import Reading, read_readings, readings_text
from scan.cell_record import CellHistory
from scan.cell_solver import CalibrationFailed, Solution, solve
from scan.config import WallSection
from scan.hardware import CellHardware
from scan.sizes import obstacles
from trellis.board import TagBoard
from trellis.clock import SystemClock
from trellis.config import Configuration, load_configuration
from trellis.durable import make_folder, write_durably
from trellis.errors import InputError

Config = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")]
_CONFIG = Path("trellis.toml")

app = typer.Typer(help="Calibrate the whole cell from photographs of the wall's tags.")


@app.callback(invoke_without_command=True)
def calibrate(
    context: typer.Context,
    config: Config = _CONFIG,
    poses: Annotated[int, typer.Option(help="How many postures to photograph from.", min=12, max=500)] = 45,
    seed: Annotated[int, typer.Option(help="Of the random choice of postures.")] = 1,
    dry: Annotated[bool, typer.Option("--dry", help="Only choose the postures and say what they would tell.")] = False,
) -> None:
    """Drive past the wall's tags, photograph them, and solve for lens, camera mount, arm, its foot, pulleys and drums.

    The carriage must stand in its dock. The cell moves. What is found goes into the folder [cell] calibration_folder
    and is in force from then on; it is refused where the photographs do not determine it.
    """
    if context.invoked_subcommand is not None:
        return
    configuration = load_configuration(config)
    board, console = _board(configuration), Console()
    plants = obstacles(configuration.section(WallSection), SystemClock().utc().date())
    hardware = CellHardware(relaxed(configuration))
    postures = calibration_postures(hardware.cell, nominal_model(configuration), board, plants, poses, seed)
    console.print(f"{len(postures)} postures chosen", highlight=False)
    if dry:
        for posture in postures:
            joints = ", ".join(f"{angle:.0f}" for angle in np.degrees(posture.joints_rad))
            console.print(f"x {posture.x_m:.3f} m, y {posture.y_m:.3f} m, joints {joints} deg", highlight=False)
        return
    history = CellHistory(configuration)
    with hardware:
        hardware.home()
        work = track(take_readings(hardware, postures, board, plants), "Photographing", len(postures), console=console)
        stops = list(work)
        now = hardware.clock.utc()
        hardware.park()
    folder = history.folder / f"{now:%Y-%m-%dT%H%M%SZ}"
    keep_drive(folder, stops)
    for stop in stops:
        if stop.reason is not None:
            console.print(f"left out: {stop.reason}", highlight=False)
    readings = [stop.reading for stop in stops if stop.reading is not None]
    starts = np.array([start_of(stop) for stop in stops if stop.reading is not None])
    _finish(configuration, readings, starts, board, now, console)


@app.command("solve")
def solve_again(
    readings: Annotated[Path, typer.Argument(help="A file readings.json of an earlier drive.")],
    config: Config = _CONFIG,
) -> None:
    """Solve again from the readings of an earlier drive; nothing moves."""
    configuration = load_configuration(config)
    found = read_readings(readings)
    model = nominal_model(configuration)
    starts = np.tile(model.dock, (len(found), 1))
    _finish(configuration, found, starts, _board(configuration), SystemClock().utc(), Console())


@app.command("list")
def show_history(config: Config = _CONFIG) -> None:
    """Every calibration, and which came into force when."""
    history, console = CellHistory(load_configuration(config)), Console()
    for name in history.names():
        record = history.read(name)
        console.print(
            f"{name}: {record.readings} readings; {record.report[0] if record.report else ''}", highlight=False
        )
    for step in history.steps():
        console.print(f"{step.at:%Y-%m-%d %H:%M} UTC  {step.name or 'as configured'}  ({step.why})", highlight=False)


@app.command("rollback")
def roll_back(
    config: Config = _CONFIG,
    to: Annotated[str, typer.Option(help="A calibration's name, or 'none' for the cell as configured.")] = "",
) -> None:
    """Put the calibration before this one in force again; nothing is deleted."""
    history = CellHistory(load_configuration(config))
    now = SystemClock().utc()
    if to:
        history.choose(None if to == "none" else to, now)
    else:
        history.roll_back(now)
    steps = history.steps()
    Console().print(f"in force now: {steps[-1].name or 'the cell as configured'}", highlight=False)


def accepted(
    configuration: Configuration, solution: Solution, readings: Sequence[Reading], now: datetime
) -> CellRecord:
    """A solution as a record.

    Raises:
        CalibrationFailed: It may not be used; the message says why.
    """
    against = doubts(solution, readings)
    if against:
        raise CalibrationFailed("the calibration is refused: " + "; ".join(against))
    return CellRecord(
        made_at=now.replace(microsecond=0),
        kind="calibration",
        nominal=nominal_name(configuration),
        vector=tuple(map(float, solution.model.vector)),
        covariance=tuple(tuple(map(float, row)) for row in solution.covariance),
        noise=tuple(map(float, solution.noise.values())),
        readings=len(readings),
        sections=sections_of(configuration, solution.model),
        report=tuple(report(solution, readings)),
    )


def start_of(stop: Stop) -> tuple[float, float, float]:
    """Where the carriage was sent, from which the solution starts."""
    return stop.posture.x_m, stop.posture.y_m, stop.posture.yaw_rad


def keep_drive(folder: Path, stops: Sequence[Stop]) -> None:
    """Photographs and readings, so that the calibration can be solved again."""
    make_folder(folder)
    for number, stop in enumerate(stops):
        if stop.jpeg is not None:
            write_durably(folder / f"{number:03d}.jpg", stop.jpeg)
    readings = [stop.reading for stop in stops if stop.reading is not None]
    write_durably(folder / "readings.json", readings_text(readings).encode())


def _finish(
    configuration: Configuration,
    readings: list[Reading],
    starts: np.ndarray,
    board: TagBoard,
    now: datetime,
    console: Console,
) -> None:
    check_readings(readings)
    solution = solve(nominal_model(configuration), readings, board, starts)
    for line in report(solution, readings):
        console.print(line, highlight=False, markup=False)
    record = accepted(configuration, solution, readings, now)
    CellHistory(configuration).add(record, "calibrated")
    console.print(f"in force now: {record.name}", highlight=False)


def _board(configuration: Configuration) -> TagBoard:
    board = wall_board(configuration)
    if board is None:
        raise InputError(f"{configuration.path}: [wall] names no tags; a cell is calibrated by photographs of them")
    return board
