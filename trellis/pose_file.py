"""Camera poses beside photographs, and their public file `poses.csv`."""

import csv
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trellis.errors import InputError, reason_of
from trellis.geometry import Pose

REQUIRED = ("image", "x_m", "y_m", "z_m", "qw", "qx", "qy", "qz")
OPTIONAL = ("position_std_m", "rotation_std_rad")


@dataclass(frozen=True)
class CameraPose:
    """Where a photograph is believed to have been taken from.

    Args:
        image: File name of the photograph.
        world_from_camera: OpenCV camera axes.
        position_std_m: Standard deviation of each coordinate of the position, or None where nobody said.
        rotation_std_rad: Standard deviation about each axis, or None.
    """

    image: str
    world_from_camera: Pose
    position_std_m: float | None = None
    rotation_std_rad: float | None = None


def read_poses(path: Path) -> list[CameraPose]:
    """Read a pose file strictly; the columns may stand in any order.

    Raises:
        InputError: The file cannot be read, a column is missing or unknown, a number is not finite, a quaternion is
            not of length 1 within 1 %, or an image stands twice; the line is named.
    """
    try:
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot read the pose file: {reason_of(error)}") from error
    header = [name.strip() for name in rows[0]] if rows else []
    missing = [name for name in REQUIRED if name not in header]
    unknown = [name for name in header if name not in REQUIRED + OPTIONAL]
    if missing or unknown or len(set(header)) != len(header):
        raise InputError(
            f"{path}: a pose file has the columns {', '.join(REQUIRED)} and optionally {', '.join(OPTIONAL)}; "
            f"missing: {missing or 'none'}, unknown or double: {unknown or 'none'}"
        )
    poses = [_read_row(path, line, dict(zip(header, row, strict=False)), len(row), len(header))
             for line, row in enumerate(rows[1:], start=2) if row]  # fmt: skip
    names = [pose.image for pose in poses]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice or not poses:
        raise InputError(f"{path}: {'image listed twice: ' + ', '.join(twice[:5]) if twice else 'no pose in it'}")
    return poses


def poses_text(poses: Iterable[CameraPose]) -> str:
    """The text of `poses.csv`; `read_poses` gives the same poses back."""
    poses = list(poses)
    extra = [name for name in OPTIONAL if any(getattr(pose, name) is not None for pose in poses)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*REQUIRED, *extra])
    for pose in poses:
        numbers = [*pose.world_from_camera.translation_m, *pose.world_from_camera.quaternion_wxyz]
        stds = ["" if getattr(pose, name) is None else f"{getattr(pose, name):.6g}" for name in extra]
        writer.writerow([pose.image, *(f"{value:.9g}" for value in numbers), *stds])
    return out.getvalue()


def _read_row(path: Path, line: int, row: dict[str, str], found: int, wanted: int) -> CameraPose:
    if found != wanted:
        raise InputError(f"{path}, line {line}: {found} values for {wanted} columns")
    try:
        x, y, z, qw, qx, qy, qz = (float(row[name]) for name in REQUIRED[1:])
        stds = [float(row[name]) if row.get(name, "").strip() else None for name in OPTIONAL]
    except ValueError as error:
        raise InputError(f"{path}, line {line}: {error}") from error
    length = float(np.linalg.norm((qw, qx, qy, qz)))
    if not np.isfinite((x, y, z, length)).all() or abs(length - 1) > 0.01:
        raise InputError(f"{path}, line {line}: needs finite numbers and a quaternion of length 1")
    if any(std is not None and not (np.isfinite(std) and std > 0) for std in stds):
        raise InputError(f"{path}, line {line}: a standard deviation must be above zero, or left empty")
    return CameraPose(row["image"].strip(), Pose.from_quaternion(qw, qx, qy, qz, (x, y, z)), stds[0], stds[1])
