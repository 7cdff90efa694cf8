"""Leaves told apart, and what is believed beside yesterday."""

import numpy as np
import pytest

from reconstruction.leaves import tell_apart
from reconstruction.many import result_names
from reconstruction.panel import Panel
from reconstruction.plausibility import implausible
from reconstruction.records import Cloud, Surface, coarser
from reconstruction.report_pictures import by_leaf
from trellis.records import Traits

PANEL = Panel(np.array([0.0, 0.0, 1.0]), 0.0)


def _rosette(count: int, tilt_rad: float) -> Surface:
    """Leaves of 60 x 24 mm, all grown together in the middle 10 mm, each rising by `tilt_rad`; a grid of 1 mm."""
    along, across = np.meshgrid(np.arange(0, 61) * 1e-3, np.arange(-12, 13) * 1e-3, indexing="ij")
    width = np.interp(along, [0, 0.01, 0.03, 0.06], [0.15, 0.3, 1.0, 0.35])
    vertices, faces = [], []
    for leaf in range(count):
        turn = 2 * np.pi * leaf / count
        u, v = along * np.cos(tilt_rad), across * width
        x, y = u * np.cos(turn) - v * np.sin(turn), u * np.sin(turn) + v * np.cos(turn)
        grid = np.arange(along.size).reshape(along.shape) + len(vertices) * along.size
        vertices.append(np.stack([x, y, 0.005 + along * np.sin(tilt_rad)], axis=-1).reshape(-1, 3))
        a, b, c, d = (g.reshape(-1) for g in (grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]))
        faces += [np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)]
    corners, triangles = np.concatenate(vertices), np.concatenate(faces)
    # Corners in the middle that are nearly one are made one, so that the leaves hang together there.
    inner = (np.linalg.norm(corners[:, :2], axis=1) < 0.01)[:, None]
    apart = np.arange(len(corners))[:, None] * 1000
    _, where = np.unique(np.where(inner, np.round(corners / 4e-4).astype(int), apart), axis=0, return_inverse=True)
    where = where.reshape(-1)
    merged = np.zeros((where.max() + 1, 3))
    merged[where] = corners
    triangles = where[triangles].astype(np.int32)
    triangles = triangles[(np.diff(np.sort(triangles, axis=1), axis=1) > 0).all(axis=1)]
    normals, colours = np.tile([0.0, 0, 1], (len(merged), 1)), np.zeros((len(merged), 3), np.uint8)
    return Surface(merged, normals, colours, triangles)


@pytest.mark.parametrize("count", [3, 6])
def test_leaves_that_are_grown_together_are_counted(count: int) -> None:
    surface = _rosette(count, 0.3)
    leaves = tell_apart(surface, PANEL, (0, 0, 0))
    assert len(leaves) == count
    # What stands beyond the middle is the same for each; the middle goes to one or another.
    assert leaves.areas_m2.min() > 0.85 * leaves.areas_m2.max()
    assert leaves.areas_m2.sum() == pytest.approx(surface.face_areas_m2.sum(), rel=0.02)


def test_a_leaf_that_rises_is_said_to_rise_by_as_much() -> None:
    leaves = tell_apart(_rosette(5, 0.6), PANEL, (0, 0, 0))
    # The middle, where all are one, is part of the largest.
    assert np.median(leaves.inclinations_rad) == pytest.approx(0.6, abs=0.03)


def test_every_leaf_has_a_colour_of_its_own_in_the_report() -> None:
    surface = _rosette(6, 0.3)
    leaves = tell_apart(surface, PANEL, (0, 0, 0))
    drawn = by_leaf(surface, leaves)
    assert len(np.unique(drawn.colours, axis=0)) == 6 + bool((leaves.of_face < 0).any())


def test_nothing_has_no_leaves() -> None:
    none = Surface(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3), np.uint8), np.zeros((0, 3), np.int32))
    assert len(tell_apart(none)) == 0


def _traits(area_m2: float, **changed: object) -> Traits:
    values = {
        "images_given": 64,
        "images_registered": 64,
        "reprojection_error_px": 0.6,
        "scale_source": "board",
        "leaf_area_m2": area_m2,
        "leaf_area_std_m2": 0.05 * area_m2,
    }
    return Traits(**(values | changed))


def test_a_day_of_growth_is_believed_and_a_tripled_or_halved_plant_is_not() -> None:
    before = _traits(0.02)
    assert implausible(_traits(0.026), before, 1.0) is None
    assert implausible(_traits(0.018), before, 1.0) is None
    assert "3.00 times that of 1 days before (200 cm2)" in str(implausible(_traits(0.06), before, 1.0))
    assert "0.50 times" in str(implausible(_traits(0.01), before, 1.0))
    # In a week it may well have tripled.
    assert implausible(_traits(0.06), before, 7.0) is None


def test_yesterday_says_nothing_where_it_was_not_to_be_trusted_or_had_no_unit() -> None:
    assert implausible(_traits(0.06), _traits(0.02, trusted=False, untrusted_reason="x"), 1.0) is None
    assert implausible(_traits(0.06), _traits(0.02, scale_source="none"), 1.0) is None


def test_the_public_cloud_keeps_the_surest_point_of_each_cube() -> None:
    points = np.array([[0.1, 0.1, 0.1], [0.2, 0.2, 0.2], [1.5, 0.1, 0.1], [-0.1, 0, 0]])
    cloud = Cloud(points, points, np.zeros((4, 3), np.uint8), np.array([2, 5, 1, 1], np.float32))
    assert coarser(cloud, 1.0).points_m.tolist() == points[[1, 2, 3]].tolist()


def test_results_of_folders_with_one_name_do_not_meet(tmp_path) -> None:
    folders = [tmp_path / "a" / "images", tmp_path / "b" / "images", tmp_path / "c"]
    assert list(result_names(folders).values()) == ["a_images", "b_images", "c"]
