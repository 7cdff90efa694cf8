"""The simulated camera against OpenCV's own camera model and tag detector."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from hardware_sim.dataset import looking
from hardware_sim.photograph import Photographer
from hardware_sim.render import distort, render, undistort
from hardware_sim.render_light import light_scene
from hardware_sim.scene import PlantSpec, build_scene
from hardware_sim.wall import GUTTER_DEPTH_M, board, gutters_y_m, site_m, tag_centres_m
from hardware_sim.world import build_world

SITE = site_m(4, 2)
EYE = SITE + np.array([0.10, -0.12, 0.30])


@pytest.fixture(scope="module")
def photographer():
    world = build_world(3, "builder")  # the most distorted lens there is
    return Photographer(world, [PlantSpec("one", tuple(SITE), 10, "butterhead", 3)], 3)


@pytest.fixture(scope="module")
def jpeg(photographer):
    return photographer.jpeg(looking(EYE, SITE), 0)


def test_undistort_inverts_distort():
    lens = build_world(3, "builder").lens
    x, y = np.meshgrid(np.linspace(-0.52, 0.52, 9), np.linspace(-0.4, 0.4, 9))
    assert np.array(distort(lens, *undistort(lens, x, y))) == pytest.approx(np.array([x, y]), abs=1e-9)


def test_tags_appear_where_opencv_projects_them(photographer, jpeg):
    """Within what the detector's corners are good for; pixel centres are at 0.5 here, at 0 in OpenCV.

    Blur happens in linear light, so the sRGB curve makes black squares look smaller by 0.2 px a side, as in any camera:
    it is undone first, and the whole pattern's shift, which it leaves alone, is asked to be smaller still.
    """
    grey = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    grey = np.rint(255 * (np.arange(256) / 255) ** 2.2).astype(np.uint8)[grey]
    settings = cv2.aruco.DetectorParameters()
    settings.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36h11), settings)
    corners, ids, _ = detector.detectMarkers(grey)
    assert len(ids) >= 6
    lens, camera_from_world = photographer.world.lens, np.linalg.inv(looking(EYE, SITE))
    matrix = np.array([[lens.fx_px, 0, lens.cx_px], [0, lens.fy_px, lens.cy_px], [0, 0, 1.0]])
    rotation, _ = cv2.Rodrigues(camera_from_world[:3, :3])
    places = np.concatenate([board().corners_world_m[int(i)] for i in ids.ravel()])
    wanted, _ = cv2.projectPoints(
        places, rotation, camera_from_world[:3, 3], matrix, np.array([lens.k1, lens.k2, lens.p1, lens.p2])
    )
    off = np.concatenate(corners).reshape(-1, 2) + 0.5 - wanted.reshape(-1, 2)
    assert np.median(np.linalg.norm(off, axis=1)) < 0.15
    assert np.abs(off.mean(axis=0)).max() < 0.03


def test_the_same_frame_gives_the_same_bytes_and_another_frame_other_noise(photographer, jpeg):
    assert photographer.jpeg(looking(EYE, SITE), 0) == jpeg
    assert photographer.jpeg(looking(EYE, SITE), 1) != jpeg


def test_the_photograph_is_a_jpeg_of_the_lens_size_with_exif(jpeg):
    picture = Image.open(io.BytesIO(jpeg))
    assert (picture.format, picture.size, picture.mode) == ("JPEG", (1296, 972), "RGB")
    assert picture.getexif()[0x0110] == "simulated farm"


def test_the_plant_is_green_and_the_wall_is_not(photographer, jpeg):
    blue, green, red = cv2.split(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).astype(int))
    share = ((green > red + 25) & (green > blue + 25)).mean()
    assert 0.01 < share < 0.5
    assert np.median(np.abs(green - red)) < 12


def test_no_tag_hides_a_site_and_ids_count_along_the_rows():
    """483 lattice points less one for each of the 54 sites."""
    tags = tag_centres_m()
    assert len(tags) == 23 * 21 - 54
    assert tags[24] == pytest.approx([0.150, 0.145, 0])
    assert np.linalg.norm(np.array(list(tags.values())) - SITE, axis=1).min() > 0.03


def test_gutters_stand_out_of_the_panel_between_the_tags_and_hide_none_from_the_front():
    scene = build_scene([], 3, gutters=True)
    towards = np.array([0, 0, -1.0])
    fronts = [np.array([1.0, y, 0.5, *towards]) for y in gutters_y_m()]
    assert scene.distances_m(np.array(fronts)) == pytest.approx(0.5 - GUTTER_DEPTH_M, abs=1e-6)
    corners = np.concatenate(list(board().corners_world_m.values()))
    rays = np.concatenate([corners + np.array([0, 0, 0.5]), np.broadcast_to(towards, corners.shape)], 1)
    assert scene.distances_m(rays) == pytest.approx(0.5, abs=1e-6)
    light = light_scene(scene)
    place = np.array([1.1, gutters_y_m()[2], 0.0])
    radiance, nearness = render(scene, light, build_world(3).lens, looking(place + np.array([0, 0, 0.3]), place))
    middle = radiance[480:492, 640:656]
    assert 0.4 < middle.mean() < 1.1  # white and lit
    assert 1 / nearness[486, 648] == pytest.approx(0.3 - GUTTER_DEPTH_M, abs=1e-3)
