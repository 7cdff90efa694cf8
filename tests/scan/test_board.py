"""The wall's lattice stands where docs/frames.md says."""

from pathlib import Path

import numpy as np
import pytest

from scan.board import lattice_board, wall_board
from scan.config import LatticeTable
from trellis.board import board_text
from trellis.config import check_tables
from trellis.errors import ConfigError, InputError


def test_the_nominal_lattice_has_the_ids_and_places_of_the_page() -> None:
    board = lattice_board(LatticeTable())
    # 23 columns by 21 rows, less the 9 by 6 sites, each of which falls on a lattice point (0.34 = 0.055 + 3 * 0.095).
    assert len(board.corners_world_m) == 23 * 21 - 9 * 6
    assert 3 + 23 * 4 not in board.corners_world_m
    assert 2 + 23 * 4 in board.corners_world_m
    np.testing.assert_allclose(board.corners_world_m[482].mean(axis=0), (2.145, 1.95, 0.0), atol=1e-12)


def test_corners_go_clockwise_from_the_top_left_as_one_looks_at_the_wall() -> None:
    corners = lattice_board(LatticeTable()).corners_world_m[0]
    expected = [(0.035, 0.07, 0), (0.075, 0.07, 0), (0.075, 0.03, 0), (0.035, 0.03, 0)]
    np.testing.assert_allclose(corners, expected, atol=1e-12)


def test_a_board_file_lies_beside_the_configuration(tmp_path: Path) -> None:
    lattice = lattice_board(LatticeTable(columns=2, rows=2))
    (tmp_path / "tags.toml").write_text(board_text(lattice))
    board = wall_board(check_tables(tmp_path / "farm.toml", {"wall": {"board": "tags.toml"}}))
    assert board is not None
    assert set(board.corners_world_m) == {0, 1, 2, 3}


def test_no_board_is_no_board_and_a_missing_file_is_an_error(tmp_path: Path) -> None:
    assert wall_board(check_tables(tmp_path / "farm.toml", {})) is None
    with pytest.raises(InputError, match=r"nowhere\.toml"):
        wall_board(check_tables(tmp_path / "farm.toml", {"wall": {"board": "nowhere.toml"}}))


def test_a_lattice_without_a_tag_is_an_error(tmp_path: Path) -> None:
    tables = {"wall": {"lattice": {"clear_radius_m": 0.9}}}
    with pytest.raises(ConfigError, match="leaves no tag"):
        wall_board(check_tables(tmp_path / "farm.toml", tables))
