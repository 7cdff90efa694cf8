"""What the simulated camera does to light, against the formulas of a thin lens and of a moving pinhole."""

import numpy as np
import pytest

from hardware_sim.camera_server import camera_motion
from hardware_sim.lens_blur import defocus, smear
from hardware_sim.optics import Camera, camera_from_words, gains
from hardware_sim.physics import Physics
from hardware_sim.world import TrueLens, build_world
from trellis.errors import InputError

LENS = TrueLens(96, 64, 1000.0, 1000.0, 48.0, 32.0, 0, 0, 0, 0)
CAMERA = Camera(aperture_m=0.002, focus_m=0.25)


def point_of_light(distance_m):
    picture = np.zeros((64, 96, 3), np.float32)
    picture[32, 48] = 1
    return picture, np.full((64, 96), 1 / distance_m, np.float32)


def spread(picture):
    """Mean and standard deviation of where the light is, columns then rows."""
    grey = picture[..., 1] / picture[..., 1].sum()
    places = np.arange(96) @ grey.sum(0), np.arange(64) @ grey.sum(1)
    squares = ((np.arange(96) - places[0]) ** 2) @ grey.sum(0), ((np.arange(64) - places[1]) ** 2) @ grey.sum(1)
    return np.array(places), np.sqrt(squares)


def test_a_point_out_of_focus_becomes_the_disc_of_a_thin_lens():
    """At 0.125 m, focus at 0.25 m: 1000 px x 2 mm x (8 - 4) / m = 8 px across; a uniform disc's s.d. is a quarter."""
    picture, nearness = point_of_light(0.125)
    out = defocus(picture, nearness, LENS, CAMERA)
    place, deviation = spread(out)
    assert out.sum() == pytest.approx(3, rel=1e-4)
    assert place == pytest.approx([48, 32], abs=1e-4)
    assert deviation == pytest.approx([2, 2], rel=0.06)  # pixels are coarse
    assert out[32, 48 + 6].max() == 0


def test_what_is_in_focus_and_a_pinhole_stay_sharp():
    picture, nearness = point_of_light(0.25)
    assert np.array_equal(defocus(picture, nearness, LENS, CAMERA), picture)
    picture, nearness = point_of_light(0.05)
    assert defocus(picture, nearness, LENS, Camera(aperture_m=0)) is picture


def test_a_blurred_background_does_not_run_over_a_sharp_leaf():
    picture, nearness = np.zeros((64, 96, 3), np.float32), np.full((64, 96), 4.0, np.float32)
    picture[:, 48:], nearness[:, 48:] = 1, 0.5
    out = defocus(picture, nearness, LENS, CAMERA)
    assert out[:, :48].max() == 0
    assert out[:, 60:].min() == pytest.approx(1)


@pytest.mark.parametrize(
    ("twist", "columns_px", "rows_px"),
    [
        ((0.1, 0, 0, 0, 0, 0), 20.0, 0.0),  # 0.1 m/s x 20 ms at 0.1 m
        ((0, -0.05, 0, 0, 0, 0), 0.0, 10.0),
        ((0, 0, 0, 0, 0.6, 0), 12.0, 0.0),  # 0.6 rad/s x 20 ms, at any distance
        ((0, 0, 0, 0.3, 0, 0), 0.0, 6.0),
        ((0.1, 0, 0, 0, -1.0, 0), 0.0, 0.0),  # turning after what it passes: panned sharp
    ],
)
def test_motion_smears_a_point_along_its_own_way(twist, columns_px, rows_px):
    """A line of length L has a standard deviation of L / sqrt(12); reading between pixels adds up to 0.4 px."""
    picture, nearness = point_of_light(0.1)
    out = smear(picture, nearness, LENS, np.array(twist, float), 0.02)
    place, deviation = spread(out)
    assert place == pytest.approx([48, 32], abs=0.05)
    assert deviation == pytest.approx(np.array([columns_px, rows_px]) / np.sqrt(12), abs=0.45)


def test_a_camera_at_rest_smears_nothing():
    picture, nearness = point_of_light(0.1)
    assert smear(picture, nearness, LENS, np.zeros(6), 0.02) is picture


def test_exposure_and_balance_drift_by_what_is_set_and_slowly():
    camera = Camera(exposure_drift=0.1, balance_drift=0.03)
    logs = np.log([gains(camera, 5, frame) for frame in range(3000)])
    green, red = logs[:, 1], logs[:, 0] - logs[:, 1]
    assert green.std() == pytest.approx(0.1, rel=0.2)
    assert red.std() == pytest.approx(0.03, rel=0.2)
    assert np.diff(green).std() < 0.8 * green.std()
    assert np.array_equal(gains(camera, 5, 17), gains(camera, 5, 17))
    assert not np.array_equal(gains(camera, 5, 17), gains(camera, 6, 17))
    assert np.array_equal(gains(Camera(exposure_drift=0, balance_drift=0), 5, 17), np.ones(3))


def test_an_impossible_camera_is_refused():
    with pytest.raises(InputError, match=r"no setting 'f_number'.*aperture_m"):
        Camera.of({"f_number": 2.8})
    with pytest.raises(InputError, match=r"focus_m = 0: allowed are 0\.02 to 100"):
        Camera.of({"focus_m": 0})
    with pytest.raises(InputError, match="NAME=NUMBER"):
        camera_from_words(["focus_m"])
    assert camera_from_words(["focus_m=0.3", "blur_px = 1"]) == Camera(focus_m=0.3, blur_px=1.0)
    assert Camera.of({"jpeg_quality": 80.0}).jpeg_quality == 80


def test_the_cameras_velocity_is_how_its_pose_changes():
    """Against two poses of the stepped mechanics, a millisecond apart, falling on slack cables.

    The mean of the velocities before and after leaves terms of second order.
    """
    physics = Physics(build_world(4))
    physics.cables.rest += 1.0
    physics.body.x, physics.body.vx, physics.body.w = 0.9, 0.3, 0.4
    physics.servos.rate = (0.5, 0.0, 0.0, 0.0)
    physics.run_to(0.001)
    before, twist_before = camera_motion(physics)
    physics.run_to(0.002)
    after, twist_after = camera_motion(physics)
    twist = (twist_before + twist_after) / 2
    change = np.linalg.inv(before) @ after
    assert np.linalg.norm(twist[:3]) > 0.2
    assert change[:3, 3] / 0.001 == pytest.approx(twist[:3], abs=0.003)
    spin = np.array([change[2, 1], change[0, 2], change[1, 0]]) / 0.001
    assert spin == pytest.approx(twist[3:], abs=0.02)
    assert np.linalg.norm(twist[3:]) > 0.2
