"""`trellis arm`: what the arm alone can be asked."""

import csv
from math import radians
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from arm.config import ArmSection
from arm.kinematics import PlanarTarget, forward, inverse
from arm.model import Arm
from trellis.durable import write_durably
from trellis.errors import InputError, reason_of
from trellis.geometry import Pose
from trellis.pose_file import CameraPose, poses_text

COLUMNS = ("image", "base_yaw_rad", "camera_radius_m", "camera_height_m", "focus_height_m")

#: How far photographs were found from this arm's targets: 4.2 mm and 5.6 deg at the median (docs/decisions/0003).
POSITION_STD_M = 0.006
ROTATION_STD_RAD = 0.1

app = typer.Typer(help="The 4-DoF arm by itself.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The 4-DoF arm by itself."""


@app.command()
def poses(
    configurations: Annotated[Path, typer.Argument(help=f"CSV with the columns {', '.join(COLUMNS)}.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The pose file to write.")],
    roll_deg: Annotated[
        float, typer.Option(help="How far the camera is turned about its line of sight, against the tool frame.")
    ] = 90.0,
) -> None:
    """Turn an arm's targets into camera poses, by the arm's own kinematics, in the frame of the arm's foot."""
    targets = read_targets(configurations)
    arm = ArmSection().arm()
    tool_from_camera = Pose.from_rotation_vector((0.0, 0.0, radians(roll_deg)))
    found = [camera_pose(arm, image, target, tool_from_camera) for image, target in targets]
    write_durably(out, poses_text(found).encode())
    Console().print(f"{out}: {len(found)} poses", highlight=False)


def read_targets(path: Path) -> list[tuple[str, PlanarTarget]]:
    """Read an arm's targets: image, and the place of the camera and what it looks at in the plane of the base's yaw.

    Raises:
        InputError: The file cannot be read, has other columns, or a row is not numbers; the line is named.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise InputError(f"{path}: needs the columns {', '.join(COLUMNS)}, has {reader.fieldnames}")
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot read the arm's targets: {reason_of(error)}") from error
    if not rows:
        raise InputError(f"{path}: no target in it")
    return [_read_row(path, line, row) for line, row in enumerate(rows, start=2)]


def camera_pose(arm: Arm, image: str, target: PlanarTarget, tool_from_camera: Pose) -> CameraPose:
    """The pose of the camera at one of the arm's targets, in the frame of the arm's foot.

    Raises:
        PoseUnreachable: No posture of the arm takes the camera there.
    """
    joints_rad = inverse(arm, target.yaw_rad, target.radius_m, target.height_m, target.pitch_rad)[0]
    return CameraPose(image, forward(arm, joints_rad) @ tool_from_camera, POSITION_STD_M, ROTATION_STD_RAD)


def _read_row(path: Path, line: int, row: dict[str, str]) -> tuple[str, PlanarTarget]:
    try:
        yaw, radius_m, height_m, focus_m = (float(row[name]) for name in COLUMNS[1:])
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}, line {line}: needs four numbers after the image's name") from error
    return row["image"], PlanarTarget.looking_at_axis(yaw, radius_m, height_m, focus_m)
