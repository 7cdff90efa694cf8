"""Boards of fiducial tags at known places, and their public file `board.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trellis.errors import InputError, reason_of


@dataclass(frozen=True, eq=False)
class TagBoard:
    """Tags whose corners are known in the world.

    Args:
        family: OpenCV's dictionary name, such as `DICT_APRILTAG_36h11`.
        size_m: Length of a tag's black square.
        corners_world_m: Tag id to its corners, shape (4, 3), in OpenCV's order: top left, top right, bottom right,
            bottom left as printed.
    """

    family: str
    size_m: float
    corners_world_m: Mapping[int, NDArray[np.float64]]


def read_board(path: Path) -> TagBoard:
    """Read `board.toml`: `family`, `size_m` and a table `[corners]`, and no other keys.

    Raises:
        InputError: The file is missing, is not TOML, or a tag has not four corners of three finite numbers.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: cannot read the board file: {reason_of(error)}") from error
    expected = {"family", "size_m", "corners"}
    if set(table) != expected:
        odd = sorted(set(table) ^ expected)
        raise InputError(f"{path}: a board file has exactly the keys {sorted(expected)}; check {odd}")
    try:
        corners = {int(name): np.asarray(values, dtype=float) for name, values in table["corners"].items()}
        size_m = float(table["size_m"])
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(f"{path}: {error}") from error
    for tag, values in corners.items():
        if values.shape != (4, 3) or not np.isfinite(values).all():
            raise InputError(f"{path}: tag {tag} needs four corners [x, y, z] in metres")
        values.setflags(write=False)
    if not corners or size_m <= 0:
        raise InputError(f"{path}: a board needs at least one tag and a size_m above zero")
    return TagBoard(str(table["family"]), size_m, corners)


def board_text(board: TagBoard) -> str:
    """The text of `board.toml`; `read_board` gives the same board back."""
    lines = [f'family = "{board.family}"', f"size_m = {float(board.size_m)!r}", "", "[corners]"]
    for tag, corners in sorted(board.corners_world_m.items()):
        points = ", ".join("[" + ", ".join(repr(float(v)) for v in point) + "]" for point in corners)
        lines.append(f"{tag} = [{points}]")
    return "\n".join(lines) + "\n"
