"""Views spread over the hemisphere, look at the plant's middle and hold it in the picture."""

import numpy as np
import pytest

from scan.config import CameraSection, ViewsSection
from scan.viewpoints import Direction, directions, fitted_distance_m, viewpoints

LENS = CameraSection().lens.value()
MIDDLE = np.array([0.72, 0.81, 0.05])


def angles_deg(units: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip(units @ units.T, -1, 1)))


def test_views_look_at_the_middle_of_the_plant_from_the_allowed_distances() -> None:
    views = viewpoints((0.72, 0.81, 0.0), 0.1, 0.1, ViewsSection(), LENS)
    assert len(views) == 64
    for view in views:
        in_camera = view.inverse @ MIDDLE
        assert in_camera[:2] == pytest.approx([0, 0], abs=1e-12)
        assert 0.27 - 1e-9 <= in_camera[2] <= 0.36 + 1e-9


def test_neighbours_are_near_enough_to_be_matched_and_no_two_are_alike() -> None:
    units = np.array([direction.unit for direction in directions(64, np.radians(72))])
    between = np.sort(angles_deg(units), axis=1)
    # Features are matched up to some 20 deg apart. The cap's 4.3 sr leave 64 views an even spacing of 15 deg.
    assert between[:, 1].min() > 12
    assert between[:, 2].max() < 20


def test_directions_cover_the_cap_and_half_of_them_slant() -> None:
    units = np.array([direction.unit for direction in directions(64, np.radians(72))])
    rng = np.random.default_rng(2)
    z = rng.uniform(np.cos(np.radians(72)), 1, 4000)
    azimuth = rng.uniform(0, 2 * np.pi, 4000)
    anywhere = np.stack([np.sqrt(1 - z * z) * np.cos(azimuth), np.sqrt(1 - z * z) * np.sin(azimuth), z], axis=1)
    # No direction of the cap is farther from a view than the spacing of the views.
    assert np.degrees(np.arccos((anywhere @ units.T).max(axis=1))).max() < 16
    assert (units[:, 2] < np.cos(np.radians(50))).sum() >= 32
    assert units[:, 2].min() == pytest.approx(np.cos(np.radians(72)))


def test_a_direction_beside_another_is_as_far_from_it_as_said() -> None:
    start = Direction(np.radians(40), np.radians(110))
    for bearing in np.linspace(0, 6, 7):
        assert start.unit @ start.beside(0.1, bearing).unit == pytest.approx(np.cos(0.1))
    assert start.beside(0.1, 0.0).tilt_rad == pytest.approx(start.tilt_rad + 0.1)


def test_a_ball_like_plant_fills_the_picture_from_where_trigonometry_says() -> None:
    # From straight on, the rim of a flat disc of 0.12 m radius: tan of the half field (26.7 + 20.6) / 2 = 23.65 deg.
    wide = ViewsSection(distance_min_m=0.1, distance_max_m=1.0)
    distance = fitted_distance_m(Direction(0.0, 0.0), 0.12, 1e-6, LENS, wide)
    assert distance == pytest.approx(0.12 / np.tan(np.radians(23.65)), abs=0.011)  # distances go by 10 mm


def test_distance_stays_in_the_section_s_range() -> None:
    small, large = ViewsSection(), ViewsSection()
    assert fitted_distance_m(Direction(0.5, 0.0), 0.02, 0.02, LENS, small) == small.distance_min_m
    assert fitted_distance_m(Direction(0.5, 0.0), 0.30, 0.20, LENS, large) == large.distance_max_m
