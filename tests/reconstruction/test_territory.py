"""Plants that touch, drawn as arms of points from their collars: each point goes to the plant it grew from."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from reconstruction.territory import own_points
from trellis.cli import program
from trellis.errors import InputError

GAP = 0.013
COLLAR, OTHER = np.array([0.0, 0.0, 0.0]), np.array([0.19, 0.0, 0.0])
WALL = (0.0, 0.0, 1.0)


def _arm(collar: np.ndarray, direction_deg: float, length_m: float, height_m: float = 0.03) -> np.ndarray:
    """A leaf as a strip 24 mm wide that rises from its collar and runs along the wall, points 3 mm apart."""
    along, across = np.meshgrid(np.arange(0.005, length_m, 0.003), np.arange(-0.012, 0.0121, 0.003))
    way, side = (np.radians(direction_deg + turn) for turn in (0, 90))
    flat = along.ravel()[:, None] * [np.cos(way), np.sin(way)] + across.ravel()[:, None] * [np.cos(side), np.sin(side)]
    rise = height_m * np.clip(along.ravel() / 0.04, 0, 1)
    return collar + np.column_stack([flat, rise])


def _plant(collar: np.ndarray, length_m: float) -> np.ndarray:
    return np.concatenate([_arm(collar, direction, length_m) for direction in range(0, 360, 60)])


def test_a_neighbour_that_touches_is_told_apart() -> None:
    own, neighbour = _plant(COLLAR, 0.1), _plant(OTHER, 0.1)  # tips overlap by 10 mm
    found = own_points(np.concatenate([own, neighbour]), GAP, COLLAR, [OTHER], WALL)
    assert found[: len(own)].mean() > 0.97
    assert found[len(own) :].mean() < 0.03


def test_a_long_leaf_that_lies_over_the_neighbour_stays_its_own_plants() -> None:
    long = _arm(COLLAR, 20, 0.15, height_m=0.06)  # ends beyond the middle between the two collars
    own = np.concatenate([_plant(COLLAR, 0.06), long])
    points = np.concatenate([own, _plant(OTHER, 0.06)])
    found = own_points(points, GAP, COLLAR, [OTHER], WALL)
    assert found[: len(own)].mean() > 0.97
    # By distance alone its tip would be the neighbour's.
    tip = long[:, 0] > 0.11
    assert tip.sum() > 50
    assert found[len(own) - len(long) : len(own)][tip].mean() > 0.9


def test_pieces_that_join_no_collar_go_to_the_nearest() -> None:
    loose = np.array([[0.05, 0.0, 0.05], [0.15, 0.0, 0.05]])[:, None] + 0.002 * np.arange(3)[:, None] * [0, 1.0, 0]
    points = np.concatenate([loose.reshape(-1, 3), _plant(COLLAR, 0.02), _plant(OTHER, 0.02)])
    np.testing.assert_array_equal(own_points(points, GAP, COLLAR, [OTHER], WALL)[:6], [True] * 3 + [False] * 3)


def test_without_neighbours_everything_is_the_plants_own() -> None:
    assert own_points(_plant(COLLAR, 0.1), GAP, COLLAR, np.zeros((0, 3)), WALL).all()
    assert own_points(np.zeros((0, 3)), GAP, COLLAR, [OTHER], WALL).shape == (0,)


@pytest.mark.parametrize("shift", [(0.7, 1.1, 0.0), (0.0, 0.0, 0.2)])
def test_the_answer_does_not_depend_on_where_the_wall_stands(shift: tuple[float, float, float]) -> None:
    points = np.concatenate([_plant(COLLAR, 0.1), _plant(OTHER, 0.1)])
    moved = own_points(points + shift, GAP, COLLAR + shift, [OTHER + shift], WALL)
    assert (moved == own_points(points, GAP, COLLAR, [OTHER], WALL)).mean() > 0.98


@pytest.mark.parametrize("text", ["1,2", "1,2,x", "1,2,nan", "1,2,3;"])
def test_neighbours_that_are_no_places_are_refused(tmp_path: Path, text: str) -> None:
    result = CliRunner().invoke(program, ["reconstruct", str(tmp_path), "--neighbours", text])
    assert isinstance(result.exception, InputError)
    assert "--neighbours is" in str(result.exception)
