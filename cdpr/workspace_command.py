"""`trellis cdpr workspace` and `trellis cdpr at`: where the cables hold the carriage, and what they do at one place."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from cdpr.config import CablesSection
from cdpr.elasticity import stiffness, unstretched_m
from cdpr.kinematics import cable_lengths
from cdpr.margin_polygon import margin_polygon
from cdpr.robot import Array, CableRobot
from cdpr.robot_file import read_robot
from cdpr.sag import sag
from cdpr.tension import distribute, easiest_yaw_rad, margin_n, margins_n
from cdpr.workspace import Workspace
from cdpr.workspace_picture import workspace_picture
from cdpr.yaw_map import YawMap, tabulate
from trellis.durable import write_durably

_Robot = Annotated[str, typer.Option(help="A preset's name, or a file with [cables].")]


def workspace_command(
    robot: _Robot = "hydroponic",
    margin: Annotated[
        float, typer.Option("--margin-n", min=0.0, help="Tension that must be left to the limits, newtons.")
    ] = 2.0,
    pitch_m: Annotated[float, typer.Option(min=0.005, max=0.2, help="Between the places looked at.")] = 0.025,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to write the map, PNG.")] = None,
) -> None:
    """How safely the cables hold the carriage over the frame, and the polygon in which they do so with a margin."""
    section = read_robot(robot).section(CablesSection)
    machine = section.robot()
    table = tabulate(machine, *_frame(machine, pitch_m), pitch_m)
    found, console = margin_polygon(table, margin), Console(soft_wrap=True, highlight=False)
    for line in _lines(section, table, found, margin):
        console.print(line)
    if out is not None:
        held = f"{robot}: {machine.mass_kg:g} kg, {machine.tension_min_n:g} to {machine.tension_max_n:g} N"
        write_durably(out, workspace_picture(table, section.workspace(), found, section.home_m, held))
        console.print(f"{out}: the map")


def at_command(
    x_m: Annotated[float, typer.Argument(help="Of the carriage's centre, world.")],
    y_m: Annotated[float, typer.Argument(help="Likewise.")],
    robot: _Robot = "hydroponic",
    yaw_deg: Annotated[float | None, typer.Option(help="Of the carriage; the easiest when not given.")] = None,
) -> None:
    """Lengths, tensions, stretch, sag and stiffness with the carriage at a place."""
    machine = read_robot(robot).section(CablesSection).robot()
    yaw_rad = easiest_yaw_rad(machine, x_m, y_m) if yaw_deg is None else float(np.radians(yaw_deg))
    pose = np.array([x_m, y_m, yaw_rad])
    tensions_n, console = distribute(machine, pose), Console(soft_wrap=True, highlight=False)
    lengths_m, sags = cable_lengths(machine, pose), sag(machine, pose, tensions_n)
    stretch_m = lengths_m - unstretched_m(machine, lengths_m, tensions_n)
    table = Table("cable", "length (m)", "tension (N)", "stretch (mm)", "sag (mm)", "sag as length (µm)")
    for cable in range(machine.cables):
        millimetres = (f"{1e3 * part[cable]:.3f}" for part in (stretch_m, sags.depth_m, 1e3 * sags.extra_m))
        table.add_row(machine.name(cable), f"{lengths_m[cable]:.6f}", f"{tensions_n[cable]:.3f}", *millimetres)
    console.print(table)
    console.print(f"yaw {np.degrees(yaw_rad):.2f} deg, margin {margin_n(machine, pose):.2f} N")
    stiff = np.diag(stiffness(machine, pose, tensions_n))
    console.print(
        f"stiffness with all four lengths held: {stiff[0] / 1e3:.1f} N/mm in x, {stiff[1] / 1e3:.1f} N/mm in y, "
        f"{stiff[2] * np.pi / 180:.2f} N m/deg in yaw"
    )


def _frame(robot: CableRobot, rim_m: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """The frame's box without a rim, in which a corner might meet a pulley."""
    rim_m += float(np.abs(robot.corners_m).max() + robot.pulley_radii_m.max())
    low, high = robot.pulleys_m.min(axis=0) + rim_m, robot.pulleys_m.max(axis=0) - rim_m
    return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))


def _lines(section: CablesSection, table: YawMap, found: Workspace, margin: float) -> list[str]:
    robot, allowed = section.robot(), section.workspace()
    places = _inside(table, allowed)
    margins = margins_n(robot, places)
    worst = int(margins.argmin())
    lines = [
        f"margin at home {margin_n(robot, (*section.home_m, easiest_yaw_rad(robot, *section.home_m))):.1f} N; least in "
        f"the workspace as configured ({allowed}) {margins[worst]:.1f} N, at x {places[worst, 0]:.3f} m, "
        f"y {places[worst, 1]:.3f} m"
    ]
    if margins[worst] < 0:
        lines.append("the workspace as configured has places where no tensions hold the carriage: make it smaller")
    lines += [_stretch_and_sag(robot, places[margins > 0])]
    (left, right), (low, high) = found.x_m, found.y_m
    corners = ", ".join(f"[{x:.3f}, {y:.3f}]" for x, y in found.corners_m)
    lines += [
        f"the polygon with a margin of {margin:g} N at least, for \\[cables]:",
        f"workspace_x_m = [{left:.3f}, {right:.3f}]",
        f"workspace_y_m = [{low:.3f}, {high:.3f}]",
        f"workspace_m = [{corners}]",
    ]
    return lines


def _inside(table: YawMap, allowed: Workspace) -> Array:
    """Poses of the table's places inside a workspace, shape (n, 3)."""
    x, y = np.meshgrid(table.x_m, table.y_m, indexing="ij")
    inside = allowed.holds(x, y)
    return np.column_stack([x[inside], y[inside], table.yaws_rad[inside]])


def _stretch_and_sag(robot: CableRobot, poses: Array) -> str:
    """What elasticity and weight of the cables amount to, so that nobody has to guess whether they matter."""
    tensions_n, lengths_m = distribute(robot, poses), cable_lengths(robot, poses)
    stretch_m = lengths_m - unstretched_m(robot, lengths_m, tensions_n)
    sags = sag(robot, poses, tensions_n)
    place = np.unravel_index(int(sags.depth_m.argmax()), sags.depth_m.shape)
    return (
        f"in it cables stretch by up to {1e3 * stretch_m.max():.2f} mm, and sag by up to "
        f"{1e3 * sags.depth_m.max():.2f} mm (the {robot.name(int(place[1]))} one, at {tensions_n[place]:.0f} N), "
        f"which is {1e6 * sags.extra_m.max():.2g} micrometres of length"
    )
