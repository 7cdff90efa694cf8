"""The truth that reconstructions are judged by, and the data set that carries it."""

import json

import numpy as np
import open3d as o3d
import pytest

from hardware_sim.dataset import Order, looking, plants_of, ring_views, write_dataset
from hardware_sim.dataset_batch import orders, write_many
from hardware_sim.photograph import Photographer
from hardware_sim.scene import PlantSpec
from hardware_sim.wall import site_m
from hardware_sim.world import build_world
from trellis.board import read_board
from trellis.errors import InputError
from trellis.lens import read_lens
from trellis.pose_file import read_poses

SITE = site_m(4, 2)
MIDDLE = SITE + np.array([0, 0, 0.02])


@pytest.fixture(scope="module")
def photographer():
    return Photographer(build_world(3, "none"), [PlantSpec("one", tuple(SITE), 12, "butterhead", 3)], 3)


@pytest.fixture(scope="module")
def views():
    return ring_views(MIDDLE, 20, np.random.default_rng(1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    assert list(write_dataset(Order("p", 9, "looseleaf", 3, 4, False), folder)) == ["000.jpg", "001.jpg", "002.jpg"]
    return folder


def test_one_view_sees_nothing_well_and_many_nearly_all(photographer, views):
    """Well seen takes two views; a young plant of few leaves hides little of itself from twenty."""
    assert photographer.truth("one", views[:1])["well_seen_area_m2"] == 0
    truth = photographer.truth("one", views)
    assert 0.8 * truth["leaf_area_m2"] < truth["well_seen_area_m2"] <= truth["leaf_area_m2"]


def test_more_views_never_see_less(photographer, views):
    areas = [photographer.truth("one", views[:count])["well_seen_area_m2"] for count in (2, 6, 20)]
    assert areas == sorted(areas)
    assert areas[0] < areas[2]


def test_the_wall_hides_the_plant_from_behind(photographer):
    behind = np.array([looking(MIDDLE - np.array([0, 0.05 * k, 0.3]), MIDDLE) for k in range(3)])
    assert photographer.truth("one", behind)["well_seen_area_m2"] == 0


def test_a_view_that_looks_away_sees_nothing(photographer):
    away = np.array([looking(MIDDLE + np.array([0, 0, 0.3]), MIDDLE + np.array([2.0, 0, 0.3]))] * 2)
    assert photographer.truth("one", away)["well_seen_area_m2"] == 0


def test_the_curled_surface_is_a_little_larger_than_the_leaf_laid_flat(photographer, views):
    truth = photographer.truth("one", views[:2])
    assert 1.0 < truth["leaf_area_m2"] / truth["flat_leaf_area_m2"] < 1.25


def test_a_plant_that_is_not_there_is_said(photographer, views):
    with pytest.raises(InputError, match="it has one"):
        photographer.truth("two", views)


def test_the_data_set_reads_with_the_public_readers(folder):
    believed, true = read_poses(folder / "poses.csv"), read_poses(folder / "true_poses.csv")
    assert [pose.image for pose in believed] == ["000.jpg", "001.jpg", "002.jpg"]
    assert read_lens(folder / "camera.toml").params == (1290, 1290, 648, 486, 0, 0, 0, 0)
    assert read_lens(folder / "true_camera.toml").params != read_lens(folder / "camera.toml").params
    assert len(read_board(folder / "board.toml").corners_world_m) == 429
    off = [
        b.world_from_camera.translation_m - t.world_from_camera.translation_m
        for b, t in zip(believed, true, strict=True)
    ]
    # Three poses of three coordinates with an s.d. of 6 mm.
    assert 0.001 < np.abs(off).mean() < 0.015


def test_the_truth_surface_has_the_true_area_and_a_count_for_each_face(folder):
    truth = json.loads((folder / "truth.json").read_text())
    mesh = o3d.io.read_triangle_mesh(str(folder / "truth_surface.ply"))
    seen = np.load(folder / "truth_seen.npy")
    # 1e-4: the surface file holds 32-bit floats.
    assert mesh.get_surface_area() == pytest.approx(truth["leaf_area_m2"], rel=1e-4)
    assert len(seen) == len(mesh.triangles)
    points = np.asarray(mesh.vertices)[np.asarray(mesh.triangles)]
    areas = np.linalg.norm(np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]), axis=1) / 2
    assert areas[seen >= 2].sum() == pytest.approx(truth["well_seen_area_m2"], rel=1e-4)


def test_every_face_has_its_leaf_and_the_leaves_add_up_to_the_plant(folder):
    truth = json.loads((folder / "truth.json").read_text())
    leaf_of_face = np.load(folder / "truth_leaves.npy")
    assert len(leaf_of_face) == len(np.load(folder / "truth_seen.npy"))
    assert sorted(set(leaf_of_face.tolist())) == [leaf["index"] for leaf in truth["leaf"]]
    assert len(truth["leaf"]) == truth["leaves"]
    for key in ("area_m2", "well_seen_area_m2", "flat_area_m2"):
        whole = truth["leaf_area_m2" if key == "area_m2" else key.replace("flat_area", "flat_leaf_area")]
        assert sum(leaf[key] for leaf in truth["leaf"]) == pytest.approx(whole, rel=1e-6)
    mesh = o3d.io.read_triangle_mesh(str(folder / "truth_surface.ply"))
    corners, faces = np.asarray(mesh.vertices), np.asarray(mesh.triangles)
    for leaf in truth["leaf"]:
        own = corners[faces[leaf_of_face == leaf["index"]].ravel()]
        # Its tip is one of its own points, to the rounding of the file's 32-bit floats.
        assert np.linalg.norm(own - leaf["tip_m"], axis=1).min() < 1e-6
        assert 0 < leaf["inclination_rad"] < np.pi / 2


def test_leaves_point_where_the_truth_says(folder):
    """A young leaf's tip lies within 30 deg of its azimuth: waves and the revolved outline turn it little.

    A tip that stands over the middle of the plant points nowhere.
    """
    truth = json.loads((folder / "truth.json").read_text())
    out = 0
    for leaf in truth["leaf"]:
        x, y = np.array(leaf["tip_m"][:2]) - truth["position_m"][:2]
        if np.hypot(x, y) < 0.005:
            continue
        out += 1
        off = (np.arctan2(y, x) - leaf["azimuth_rad"] + np.pi) % (2 * np.pi) - np.pi
        assert abs(off) < np.radians(30)
    assert out >= len(truth["leaf"]) - 2


def test_the_plants_of_a_data_set_stand_and_have_its_treatment():
    plants = plants_of(Order("p", 9, "looseleaf", 3, 4, True, treatment="nitrogen-3"))
    assert len(plants) == 9
    assert {(plant.state, plant.treatment) for plant in plants} == {("standing", "nitrogen-3")}
    with pytest.raises(ValueError, match="state is one of standing, fallen, missing"):
        PlantSpec("p", (0, 0, 0), 9, "looseleaf", 3, state="standard")


def test_a_broken_off_data_set_is_gone_on_with_and_another_order_is_refused(folder, tmp_path):
    """What is there is kept as it is; what is missing comes out as it was."""
    order = Order("p", 9, "looseleaf", 3, 4, False)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "000.jpg").write_bytes(b"kept")
    (tmp_path / "order.json").write_bytes((folder / "order.json").read_bytes())
    assert len(list(write_dataset(order, tmp_path))) == 3
    assert (tmp_path / "images" / "000.jpg").read_bytes() == b"kept"
    for name in ("images/002.jpg", "poses.csv", "truth.json", "truth_surface.ply"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    with pytest.raises(InputError, match="another order"):
        list(write_dataset(Order("p", 9, "looseleaf", 3, 5, False), folder))


def test_many_plants_have_their_own_seeds_and_those_that_are_there_are_left_alone(tmp_path):
    wanted = orders(Order("p", 9, "looseleaf", 3, 4, False), 2)
    assert [(one.plant, one.seed) for one in wanted] == [("p-0004", 4), ("p-0005", 5)]
    for one in wanted:
        (tmp_path / one.plant).mkdir()
        (tmp_path / one.plant / "truth.json").write_text("{}")
    assert list(write_many(wanted, tmp_path, 2)) == ["p-0004", "p-0005"]
    assert [path.name for path in (tmp_path / "p-0004").iterdir()] == ["truth.json"]
