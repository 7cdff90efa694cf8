"""The tags on the wall, as the configuration describes them: a lattice, a file, or none."""

from pathlib import Path

import numpy as np

from scan.wall_section import LatticeTable, WallSection
from trellis.board import TagBoard, read_board
from trellis.config import Configuration
from trellis.errors import ConfigError

#: Corners as printed, from the tag's middle in half sizes: top left, top right, bottom right, bottom left.
_CORNERS = np.array([(-1, 1, 0), (1, 1, 0), (1, -1, 0), (-1, -1, 0)], dtype=float)


def wall_board(configuration: Configuration) -> TagBoard | None:
    """The wall's tags in the world, or None where `[wall]` names none.

    Raises:
        ConfigError: The board's file cannot be used, or a lattice leaves no tag.
    """
    wall = configuration.section(WallSection)
    if wall.lattice is not None:
        board = lattice_board(wall.lattice)
        if not board.corners_world_m:
            raise ConfigError(configuration.path, "[wall.lattice] leaves no tag; clear_radius_m may be too large")
        return board
    return None if wall.board is None else read_board(Path(configuration.resolve(wall.board)))


def lattice_board(lattice: LatticeTable) -> TagBoard:
    """Tags on the panel at z = 0, numbered row by row from the bottom left; none at a plant's site."""
    sites_m = _grid(lattice.sites_origin_m, lattice.sites_pitch_m, lattice.sites_columns, lattice.sites_rows)
    corners = {}
    for number, middle_m in enumerate(_grid(lattice.origin_m, lattice.pitch_m, lattice.columns, lattice.rows)):
        away_m = np.linalg.norm(sites_m - middle_m, axis=1)
        # A tag that lies exactly on the edge of the clear circle stays, whatever rounding says.
        if (away_m < lattice.clear_radius_m - 1e-9).any():
            continue
        points = np.array([*middle_m, 0.0]) + _CORNERS * lattice.size_m / 2
        points.setflags(write=False)
        corners[lattice.first_id + number] = points
    return TagBoard(lattice.family, lattice.size_m, corners)


def _grid(origin_m: tuple[float, float], pitch_m: float, columns: int, rows: int) -> np.ndarray:
    """Points row by row from the bottom left, shape (rows * columns, 2)."""
    row, column = np.divmod(np.arange(rows * columns), max(columns, 1))
    return np.asarray(origin_m) + pitch_m * np.column_stack([column, row])
