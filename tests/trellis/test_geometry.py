"""Poses obey the laws of rigid motions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trellis.geometry import Pose, wrap_angle_rad

_vectors = st.tuples(*[st.floats(-2.0, 2.0)] * 3)
_poses = st.builds(Pose.from_rotation_vector, _vectors, _vectors)
# Products of a few rotations by numbers of order one lose a few digits of the sixteen.
_EXACT = 1e-12


@given(_poses, _poses, _poses)
def test_composition_is_associative(a: Pose, b: Pose, c: Pose) -> None:
    np.testing.assert_allclose(((a @ b) @ c).matrix, (a @ (b @ c)).matrix, atol=_EXACT * 100)


@given(_poses)
def test_inverse_undoes(a: Pose) -> None:
    np.testing.assert_allclose((a @ a.inverse).matrix, np.eye(4), atol=_EXACT)


@given(_poses, _poses, _vectors)
def test_moving_a_point_twice_is_moving_it_by_the_product(a: Pose, b: Pose, point: tuple[float, ...]) -> None:
    np.testing.assert_allclose(a @ (b @ np.array(point)), (a @ b) @ np.array(point), atol=_EXACT * 10)


@given(_poses)
def test_quaternion_round_trip(a: Pose) -> None:
    back = Pose.from_quaternion(*a.quaternion_wxyz, a.translation_m)
    np.testing.assert_allclose(back.matrix, a.matrix, atol=_EXACT)
    assert a.quaternion_wxyz[0] >= 0


def test_quarter_turn_about_z_takes_x_to_y() -> None:
    turned = Pose.from_planar(1.0, 2.0, np.pi / 2) @ np.array([1.0, 0.0, 0.0])
    np.testing.assert_allclose(turned, [1.0, 3.0, 0.0], atol=_EXACT)


def test_quaternion_is_scalar_first() -> None:
    quarter_turn = Pose.from_quaternion(np.sqrt(0.5), 0, 0, np.sqrt(0.5), (0, 0, 0))
    np.testing.assert_allclose(quarter_turn.rotation, [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=_EXACT)


def test_camera_in_front_of_a_wall_sees_right_as_right_and_down_as_down() -> None:
    world_from_camera = Pose.looking_at((0, 0, 1), (0, 0, 0), up=(0, 1, 0))
    np.testing.assert_allclose(world_from_camera.rotation, [[1, 0, 0], [0, -1, 0], [0, 0, -1]], atol=_EXACT)


def test_distance_is_metres_and_radians() -> None:
    metres, radians = Pose.identity().distance_to(Pose.from_rotation_vector((0, 0.1, 0), (3, 0, 4)))
    assert (metres, radians) == pytest.approx((5.0, 0.1))


@pytest.mark.parametrize("rotation", [np.diag([1.0, 1.0, -1.0]), 1.01 * np.eye(3), np.full((3, 3), np.nan), np.eye(2)])
def test_what_is_not_a_rotation_is_refused(rotation: np.ndarray) -> None:
    with pytest.raises(ValueError, match="pose"):
        Pose(rotation, np.zeros(3))


def test_a_pose_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        Pose.identity().translation_m[0] = 1.0


@given(st.floats(-50, 50))
def test_wrapped_angle_is_the_same_direction(angle_rad: float) -> None:
    wrapped = float(wrap_angle_rad(angle_rad))
    assert -np.pi <= wrapped < np.pi
    assert np.cos(wrapped - angle_rad) == pytest.approx(1.0)
