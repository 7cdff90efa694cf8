"""Size, outline and colour of plants whose figures are known by hand."""

import numpy as np
import pytest

from reconstruction.appearance import appearance
from reconstruction.panel import Panel
from reconstruction.records import Surface
from reconstruction.shape import hull_volume, outline

PANEL = Panel(np.array([0.0, 0.0, 1.0]), 0.5)


def _disc(radius_m: float, height_m: float, spacing_m: float = 0.0005) -> np.ndarray:
    side = np.arange(-radius_m, radius_m, spacing_m)
    x, y = np.meshgrid(side, side)
    inside = x**2 + y**2 <= radius_m**2
    return np.column_stack([x[inside], y[inside], np.full(inside.sum(), 0.5 + height_m)])


def test_a_disc_is_as_wide_high_and_compact_as_it_is() -> None:
    found = outline(_disc(0.05, 0.03), 0.001, PANEL, None)
    assert found is not None
    assert found.height_m == pytest.approx(0.03)
    # Squares of 1.2 mm and points 0.5 mm apart: a disc of 50 mm is right to a few parts in a hundred.
    assert found.diameter_m == pytest.approx(0.1, rel=0.02)
    assert found.shadow_m2 == pytest.approx(np.pi * 0.05**2, rel=0.04)
    assert found.compactness == pytest.approx(1.0, abs=0.03)


def test_two_discs_apart_fill_half_of_their_hull() -> None:
    """Two discs of radius r, 2 d apart: a hull of pi r^2 + 4 r d."""
    r, d = 0.02, 0.04
    points = np.concatenate([_disc(r, 0.02) + np.array([x, 0, 0]) for x in (-d, d)])
    found = outline(points, 0.001, PANEL, None)
    assert found is not None
    assert found.compactness == pytest.approx(2 * np.pi * r**2 / (np.pi * r**2 + 4 * r * d), rel=0.06)


def test_without_panel_and_collar_there_is_no_axis() -> None:
    assert outline(_disc(0.05, 0.03), 0.001, None, None) is None
    by_collar = outline(_disc(0.05, 0.03), 0.001, None, (0, 0, 0.5))
    assert by_collar is not None
    assert by_collar.height_m == pytest.approx(0.03)


def test_flat_points_have_no_hull() -> None:
    assert hull_volume(np.zeros((20, 3))) is None
    cube = np.array([[x, y, z] for x in (0, 2) for y in (0, 1) for z in (0, 1)], dtype=float)
    assert hull_volume(cube) == pytest.approx(2.0)


def _square(colour: tuple[int, int, int]) -> Surface:
    corners = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=float)
    colours = np.tile(np.array(colour, np.uint8), (4, 1))
    return Surface(corners, np.tile([0, 0, 1.0], (4, 1)), colours, np.array([[0, 1, 2], [0, 2, 3]], np.int32))


def test_the_lamp_drops_out_of_a_leafs_colour() -> None:
    green, white = np.array([40, 120, 20]), np.array([200.0, 200.0, 200.0])
    lamp = np.array([1.0, 0.8, 0.6])
    cool, warm = appearance(_square(tuple(green)), white), appearance(_square(tuple(green * lamp)), white * lamp)
    assert cool is not None
    assert warm is not None
    # Bytes round by half a step of 40, 96 or 12.
    assert (warm.red, warm.green, warm.blue) == pytest.approx((cool.red, cool.green, cool.blue), abs=0.003)
    assert warm.hue_rad == pytest.approx(cool.hue_rad, abs=0.02)
    assert cool.hue_rad == pytest.approx(np.radians(108), abs=1e-3)
    assert (cool.green, cool.saturation) == pytest.approx((0.6, 1 - 20 / 120), abs=1e-3)
    assert cool.hue_spread_rad == pytest.approx(0, abs=1e-3)


def test_half_yellow_half_green_lies_between_and_spreads() -> None:
    surface = _square((20, 120, 20))
    colours = surface.colours.copy()
    colours[:2] = (120, 120, 20)
    mixed = appearance(Surface(surface.vertices_m, surface.normals, colours, surface.faces), np.full(3, 200.0))
    assert mixed is not None
    assert np.radians(60) < mixed.hue_rad < np.radians(120)
    assert mixed.hue_spread_rad > 0.1


def test_no_surface_has_no_colour() -> None:
    nothing = Surface(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3), np.uint8), np.zeros((0, 3), np.int32))
    assert appearance(nothing, np.full(3, 200.0)) is None
