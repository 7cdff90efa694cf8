"""Leaves followed on a drawn rosette: flat leaves at known azimuths that grow, rise, turn, come and go."""

import numpy as np
import pytest

from reconstruction.growth.followed import follow
from reconstruction.growth.leaf_lives import leaf_lives
from reconstruction.leaves import Leaves
from reconstruction.records import Surface

LENGTHS_M = {0: 0.09, 1: 0.085, 2: 0.08, 3: 0.07, 4: 0.055, 5: 0.04}
GOLDEN_DEG = 137.5


def _leaf(number: int, length_m: float, turn_deg: float, rise_deg: float) -> tuple[np.ndarray, np.ndarray]:
    """An ellipse from the axis outwards, steeper the younger it is: corners and faces."""
    along, across = np.meshgrid(np.linspace(0, 1, 30), np.linspace(-1, 1, 15), indexing="ij")
    width = 0.35 * length_m * np.sqrt(np.clip(1 - (2 * along - 1) ** 2, 0, None))
    flat = np.stack([0.01 + length_m * along, across * width, np.zeros_like(along)], axis=-1).reshape(-1, 3)
    rise = np.radians(15 + 9 * number + rise_deg)
    azimuth = np.radians(GOLDEN_DEG * number + turn_deg)
    tilt = np.array([[np.cos(rise), 0, -np.sin(rise)], [0, 1, 0], [np.sin(rise), 0, np.cos(rise)]])
    turn = np.array([[np.cos(azimuth), -np.sin(azimuth), 0], [np.sin(azimuth), np.cos(azimuth), 0], [0, 0, 1]])
    index = np.arange(30 * 15).reshape(30, 15)
    a, b, c, d = index[:-1, :-1].ravel(), index[1:, :-1].ravel(), index[1:, 1:].ravel(), index[:-1, 1:].ravel()
    return flat @ (turn @ tilt).T, np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])


def _rosette(
    lengths_m: dict[int, float], turn_deg: float = 0.0, rise_deg: float = 0.0
) -> tuple[Surface, Leaves, list[int]]:
    """A plant, its leaves told apart rightly, largest first, and which is which."""
    corners, faces, of_face = [], [], []
    order = sorted(lengths_m, key=lambda number: -lengths_m[number])
    for rank, number in enumerate(order):
        points, own = _leaf(number, lengths_m[number], turn_deg, rise_deg)
        faces.append(own + sum(map(len, corners)))
        corners.append(points)
        of_face.append(np.full(len(own), rank, np.int32))
    points = np.concatenate(corners)
    surface = Surface(
        points, np.zeros_like(points), np.zeros(points.shape, np.uint8), np.concatenate(faces).astype("i4")
    )
    label = np.concatenate(of_face)
    return surface, Leaves(label, np.bincount(label, surface.face_areas_m2), np.zeros(len(order))), order


def test_a_plant_that_grew_rose_and_turned_keeps_its_leaves_and_a_new_and_a_lost_one_are_named() -> None:
    before, old, was = _rosette(LENGTHS_M)
    lengths = {number: 1.05 * length for number, length in LENGTHS_M.items() if number != 2} | {6: 0.03}
    now, new, names = _rosette(lengths, turn_deg=4.0, rise_deg=8.0)
    found = follow((before, old), (now, new), (0.0, 0.0, 0.0))
    assert {(was[pair.before], names[pair.now]) for pair in found.pairs} == {(n, n) for n in (0, 1, 3, 4, 5)}
    assert [names[leaf] for leaf in found.new] == [6]
    assert [was[leaf] for leaf in found.lost] == [2]
    # Lengths grew by 5 %, areas by its square.
    assert [pair.growth_per_day for pair in found.pairs] == pytest.approx([2 * np.log(1.05)] * 5, rel=0.01)
    assert np.degrees([found.turn_rad, found.rise_rad]) == pytest.approx([4, 8], abs=0.5)


def test_growth_is_by_the_day() -> None:
    before, old, _ = _rosette(LENGTHS_M)
    now, new, _ = _rosette({number: 1.1 * length for number, length in LENGTHS_M.items()})
    found = follow((before, old), (now, new), (0.0, 0.0, 0.0), days=2.0)
    assert found.pairs[0].growth_per_day == pytest.approx(np.log(1.1), rel=0.01)


def test_the_collar_may_lie_anywhere() -> None:
    shift = np.array([0.7, 1.1, 0.0])
    before, old, was = _rosette(LENGTHS_M)
    moved = Surface(before.vertices_m + shift, before.normals, before.colours, before.faces)
    found = follow((moved, old), (moved, old), shift)
    assert [(pair.before, pair.now) for pair in found.pairs] == [(n, n) for n in range(len(was))]
    assert found.turn_rad == pytest.approx(0)


def test_a_plant_without_leaves_has_only_new_ones_the_day_after() -> None:
    now, new, _ = _rosette(LENGTHS_M)
    none = Surface(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3), np.uint8), np.zeros((0, 3), np.int32))
    found = follow((none, Leaves(np.zeros(0, np.int32), np.zeros(0), np.zeros(0))), (now, new), (0.0, 0.0, 0.0))
    assert found.pairs == ()
    assert found.new == tuple(range(6))


def test_leaves_keep_their_numbers_over_three_scans() -> None:
    days = []
    for day in range(3):
        lengths = {n: length * 1.05**day for n, length in LENGTHS_M.items() if n != 5 or day > 0}
        days.append((float(day), _rosette(lengths, turn_deg=day)[0]))
    rows = leaf_lives(days, (0.0, 0.0, 0.0))
    assert [(row.leaf, row.fate) for row in rows if row.day == 0] == [(n, "") for n in range(5)]
    assert [(row.leaf, row.fate) for row in rows if row.day == 1] == [*((n, "") for n in range(5)), (5, "new")]
    last = [row for row in rows if row.day == 2]
    assert [row.leaf for row in last] == list(range(6))
    assert [row.growth_per_day for row in last] == pytest.approx([2 * np.log(1.05)] * 6, rel=0.02)
