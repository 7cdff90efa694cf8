"""Simulated lettuces against the tables and laws of real heads (Hemming et al. 2021)."""

import numpy as np
import open3d as o3d
import pytest

from hardware_sim.lettuce import CULTIVARS, HARVEST_DAYS, grow, mean_area_cm2
from hardware_sim.lettuce_shape import leaf_sheets
from hardware_sim.truth import diameter
from trellis.errors import InputError

#: Height and diameter in cm of weeks 1, 3, 5, 7: Salanova, Lugano.
SIZES_CM = {
    "butterhead": ((6.7, 13.8), (7.2, 20.3), (10.4, 25.6), (15.0, 31.0)),
    "looseleaf": ((7.3, 11.6), (7.4, 17.9), (12.2, 21.4), (16.8, 26.5)),
}


@pytest.mark.parametrize("cultivar", CULTIVARS)
def test_the_average_plant_has_the_measured_leaf_area_each_week(cultivar):
    areas = [mean_area_cm2(CULTIVARS[cultivar], day) for day in HARVEST_DAYS]
    assert areas == pytest.approx(CULTIVARS[cultivar].areas_cm2, rel=1e-6)


@pytest.mark.parametrize("cultivar", CULTIVARS)
def test_height_and_diameter_follow_the_tables(cultivar):
    """Within 25 %: the tables' own scatter between plants is 10 to 20 %, and a plant's area here varies by 13 %."""
    for day, measured in zip(HARVEST_DAYS, SIZES_CM[cultivar], strict=True):
        found = np.mean([_size_cm(seed, day, cultivar) for seed in range(4)], axis=0)
        assert found == pytest.approx(measured, rel=0.25), f"day {day}"


def test_mass_scatters_about_the_laws_as_within_one_cultivar():
    """FW = 0.0143 LA^1.184, DW = 0.00222 LA^1.035, s.d. of the logarithm .12 to .20 within a cultivar."""
    plants = [grow(seed, 35, "butterhead") for seed in range(400)]
    area_cm2 = np.array([plant.flat_leaf_area_m2 for plant in plants]) * 1e4
    fresh = np.log([1e3 * plant.fresh_mass_kg for plant in plants]) - np.log(0.0143 * area_cm2**1.184)
    dry = np.log([1e3 * plant.dry_mass_kg for plant in plants]) - np.log(0.00222 * area_cm2**1.035)
    for residual in (fresh, dry):
        assert abs(residual.mean()) < 0.025  # three standard errors of 400 plants
        assert 0.12 < residual.std() < 0.20


def test_a_plant_stays_large_or_small_as_measured():
    """Correlation of a plant's size with itself: .75 to .87 after 3 to 5 days, .38 after 26; s.d. .135."""
    logs = np.log([[grow(seed, day, "butterhead").flat_leaf_area_m2 for day in (20, 24, 46)] for seed in range(500)])
    assert 0.12 < logs[:, 0].std() < 0.15
    assert 0.75 < np.corrcoef(logs[:, 0], logs[:, 1])[0, 1] < 0.92
    assert 0.25 < np.corrcoef(logs[:, 0], logs[:, 2])[0, 1] < 0.50


def test_leaf_numbers_are_those_counted():
    """10 to 15 leaves early, 22 to 28 on heads of 200 to 290 g."""
    assert 10 <= len(grow(1, 26, "butterhead").leaves) <= 15
    assert 22 <= len(grow(1, 54, "butterhead").leaves) <= 28


def test_the_same_seed_and_day_give_the_same_plant():
    one, other = (leaf_sheets(grow(5, 20, "looseleaf")) for _ in range(2))
    assert all(np.array_equal(a.vertices_m, b.vertices_m) for a, b in zip(one, other, strict=True))


def test_a_plant_is_itself_the_next_day():
    today, tomorrow = grow(5, 20, "butterhead"), grow(5, 21, "butterhead")
    for before, after in zip(today.leaves, tomorrow.leaves, strict=False):
        assert after.azimuth_rad == before.azimuth_rad
        # The whole plant's luck wanders by a few percent a day, and so may a full-grown leaf.
        assert after.flat_area_m2 > 0.93 * before.flat_area_m2


def test_leaves_are_laid_out_to_their_area_and_triangles_are_fine():
    plant = grow(3, 26, "butterhead")
    for leaf, sheet in zip(plant.leaves, leaf_sheets(plant), strict=True):
        half = sheet.flat_m[:, -1, 0] - sheet.flat_m[:, 0, 0]
        # 6 %: the edge's own irregularity is drawn after the outline has been scaled to the leaf's area.
        assert np.trapezoid(half, sheet.flat_m[:, 0, 1]) == pytest.approx(leaf.flat_area_m2, rel=0.06)
        across = np.linalg.norm(np.diff(sheet.flat_m, axis=1), axis=-1)
        assert across.max() < 0.0018


def test_leaves_hardly_cut_through_each_other():
    """Under 1 % of the mesh's edges pass through another leaf."""
    sheets = leaf_sheets(grow(2, 30, "butterhead"), 0.002)
    crossing = edges = 0
    for sheet in sheets:
        others = o3d.t.geometry.RaycastingScene()
        for other in sheets:
            if other is not sheet:
                points = other.vertices_m.reshape(-1, 3).astype(np.float32)
                others.add_triangles(o3d.core.Tensor(points), o3d.core.Tensor(other.faces().astype(np.uint32)))
        start, step = sheet.vertices_m[:-1], np.diff(sheet.vertices_m, axis=0)
        rays = o3d.core.Tensor(np.concatenate([start, step], -1).astype(np.float32))
        met = others.cast_rays(rays)["t_hit"].numpy()
        crossing, edges = crossing + (met < 1).sum(), edges + met.size
    assert crossing / edges < 0.01


def test_no_leaf_grows_into_the_wall():
    for day in (8, 30, 54):
        assert min(sheet.vertices_m[..., 2].min() for sheet in leaf_sheets(grow(4, day, "looseleaf"))) > -0.002


def test_unknown_cultivar_and_day_are_said():
    with pytest.raises(InputError, match="butterhead, looseleaf"):
        grow(1, 20, "romaine")
    with pytest.raises(InputError, match="day 5 to 60"):
        grow(1, 90, "butterhead")


def _size_cm(seed, day, cultivar):
    points = np.concatenate([s.vertices_m.reshape(-1, 3) for s in leaf_sheets(grow(seed, day, cultivar), 0.004)])
    return 100 * points[:, 2].max(), 100 * diameter(points)
