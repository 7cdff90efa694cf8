"""`trellis cdpr`: calibrate the cable robot from a log, say where it was, and show where its cables hold it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from cdpr.cable_log import CableLog, poses_text, read_log
from cdpr.calibration import Beliefs, Calibration, calibrate
from cdpr.config import CablesSection, CalibrationSection
from cdpr.locating import Calibrated, Located, locate
from cdpr.memory import confirm_docked, confirm_sighted
from cdpr.observability import findings, weakest_directions
from cdpr.robot_file import calibrated, read_robot, robot_text
from cdpr.workspace_command import at_command, workspace_command
from trellis.durable import write_durably

app = typer.Typer(
    help="The cable robot by itself: calibrate it, find where it was, see where it can go.", no_args_is_help=True
)

app.command(name="workspace")(workspace_command)
app.command(name="at")(at_command)

_Log = Annotated[
    Path, typer.Argument(help="CSV: time_s, four lengths as the encoders read them, and fixes or nothing.")
]
_BELIEFS = Beliefs()


@app.callback()
def _group() -> None:
    """The cable robot by itself: calibrate it, find where it was, see where it can go."""


@app.command(name="calibrate")
def calibrate_command(
    log: _Log,
    robot: Annotated[str, typer.Option(help="What is believed: a preset's name, or a file with [cables].")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The robot file to write.")],
    pulley_std_m: Annotated[float, typer.Option(min=1e-4, help="How far a pulley may be off.")] = _BELIEFS.pulley_m,
    scale_std: Annotated[float, typer.Option(min=1e-5, help="How far a drum's scale may be off 1.")] = _BELIEFS.scale,
    offset_std_m: Annotated[float, typer.Option(min=1e-4, help="How far an offset may be off 0.")] = _BELIEFS.offset_m,
    corner_std_m: Annotated[
        float, typer.Option(min=0.0, help="How far a cable's end on the carriage may be off; 0 takes it as given.")
    ] = _BELIEFS.corner_m,
    fix_std_m: Annotated[
        float, typer.Option(min=1e-4, help="Noise of a fix to begin with; estimated from about ten fixes on.")
    ] = _BELIEFS.fix_m,
    fix_yaw_std_rad: Annotated[float, typer.Option(min=1e-4, help="Noise of a fix's yaw.")] = _BELIEFS.fix_yaw_rad,
) -> None:
    """Find pulleys, scales and offsets from a log in which some rows have a position fix (docs/calibration.md)."""
    read = read_log(log)
    configuration = read_robot(robot)
    cables, before = configuration.section(CablesSection), configuration.section(CalibrationSection)
    beliefs = Beliefs(
        pulley_m=pulley_std_m, scale=scale_std, offset_m=offset_std_m, corner_m=corner_std_m,
        fix_m=fix_std_m, fix_yaw_rad=fix_yaw_std_rad,
    )  # fmt: skip
    found = calibrate(cables.robot(), read, beliefs)
    write_durably(out, robot_text(cables, found, before).encode())
    console = Console(soft_wrap=True)
    _report(console, found, read)
    console.print(f"{out}: calibrated", highlight=False)


@app.command(name="locate")
def locate_command(
    log: _Log,
    robot: Annotated[str, typer.Option(help="A robot file that `trellis cdpr calibrate` wrote.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file of poses to write.")],
) -> None:
    """Find where the carriage was at every row of a log, from the lengths alone; fixes in it are not looked at."""
    read = read_log(log)
    found = locate(calibrated(read_robot(robot)), read)
    write_durably(out, poses_text(read.time_s, found.poses, found.stds).encode())
    Console(soft_wrap=True).print(f"{out}: {len(found.poses)} poses, {_typical(found)}", highlight=False)


@app.command()
def docked(
    memory: Annotated[Path, typer.Argument(help="The file in which the carriage's place is remembered.")],
) -> None:
    """Say that the carriage has been put into its dock, its cables just taut: the next homing starts from there."""
    confirm_docked(memory, datetime.now(UTC).isoformat(timespec="seconds"))
    Console(soft_wrap=True).print(f"{memory}: the carriage stands in its dock", highlight=False)


@app.command()
def sighted(
    memory: Annotated[Path, typer.Argument(help="The file in which the carriage's place is remembered.")],
    x_m: Annotated[float, typer.Argument(help="Where something saw the carriage hang still, world.")],
    y_m: Annotated[float, typer.Argument(help="Likewise.")],
    yaw_deg: Annotated[float, typer.Option(min=-45, max=45, help="Likewise.")] = 0.0,
) -> None:
    """Say where the carriage was seen, by a camera and tags for one: the next homing counts from there."""
    written_at = datetime.now(UTC).isoformat(timespec="seconds")
    confirm_sighted(memory, (x_m, y_m, float(np.radians(yaw_deg))), written_at)
    Console(soft_wrap=True).print(f"{memory}: the carriage was seen at ({x_m:.3f}, {y_m:.3f})", highlight=False)


def _report(console: Console, found: Calibration, log: CableLog) -> None:
    """What was found, how sure it is, and what the log cannot tell."""
    table = Table("parameter (m, s)", "found", "± (1 s.d.)", "prior ±", "told")
    for finding in findings(found):
        numbers = (f"{value:.4f}" for value in (finding.value, finding.std, finding.prior_std))
        table.add_row(finding.name, *numbers, finding.told)
    console.print(table)
    console.print(
        f"{found.rows} rows used, {found.fixes} with a fix; noise of a reading {1e3 * found.reading_std_m:.2f} mm, "
        f"of a fix {1e3 * found.fix_std_m:.2f} mm in x and y",
        highlight=False,
    )
    if found.outlying_fixes:
        lines = ", ".join(f"{log.time_s[row]:g}" for row in found.outlying_fixes)
        console.print(f"[yellow]fixes that fit nothing else and were all but ignored, at time_s:[/] {lines}")
    console.print("what the log says least about (share of the prior that remains, and what moves in it):")
    for direction in weakest_directions(found):
        console.print(f"  {direction.remaining:.2f}  {', '.join(direction.names)}", highlight=False)
    robot = Calibrated(found.model, found.covariance, found.reading_std_m, found.yaw_prior)
    console.print(f"the log's own rows located with it: {_typical(locate(robot, log))}", highlight=False)


def _typical(found: Located) -> str:
    x, y, yaw = np.median(found.stds, axis=0)
    left_m = np.median(found.residuals_m)
    return (
        f"typically ± {1e3 * x:.1f} mm in x, {1e3 * y:.1f} mm in y, {np.degrees(yaw):.1f} deg in yaw (1 s.d.); "
        f"the four lengths disagree by {1e3 * left_m:.1f} mm"
    )
