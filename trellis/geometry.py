"""Rigid motions, named so that frames cancel: `world_from_camera @ camera_from_tag` is `world_from_tag`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pose:
    """A rigid motion `a_from_b`: takes points in frame b to frame a.

    Args:
        rotation: Orthonormal with determinant +1, shape (3, 3).
        translation_m: Origin of frame b in frame a, metres, shape (3,).

    Raises:
        ValueError: A shape is wrong, a number is not finite, or `rotation` is not a rotation within 1e-6.
    """

    rotation: Array
    translation_m: Array

    def __post_init__(self) -> None:
        rotation = np.array(self.rotation, dtype=float)
        translation_m = np.array(self.translation_m, dtype=float)
        if rotation.shape != (3, 3) or translation_m.shape != (3,):
            raise ValueError(f"a pose needs shapes (3, 3) and (3,), not {rotation.shape} and {translation_m.shape}")
        if not (np.isfinite(rotation).all() and np.isfinite(translation_m).all()):
            raise ValueError("a pose needs finite numbers")
        if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-6 or np.linalg.det(rotation) < 0:
            raise ValueError("the rotation of a pose must be orthonormal and right-handed")
        rotation.setflags(write=False)
        translation_m.setflags(write=False)
        object.__setattr__(self, "rotation", rotation)
        object.__setattr__(self, "translation_m", translation_m)

    @staticmethod
    def identity() -> Pose:
        return Pose(np.eye(3), np.zeros(3))

    @staticmethod
    def from_rotation_vector(rotation_vector_rad: ArrayLike, translation_m: ArrayLike = (0.0, 0.0, 0.0)) -> Pose:
        """Rotation by the vector's length about its direction, then the translation."""
        vector = np.asarray(rotation_vector_rad, dtype=float)
        return Pose(Rotation.from_rotvec(vector).as_matrix(), np.asarray(translation_m, dtype=float))

    @staticmethod
    def from_quaternion(qw: float, qx: float, qy: float, qz: float, translation_m: ArrayLike) -> Pose:
        """From a quaternion, scalar first, of any length but zero."""
        return Pose(Rotation.from_quat([qx, qy, qz, qw]).as_matrix(), np.asarray(translation_m, dtype=float))

    @staticmethod
    def from_planar(x_m: float, y_m: float, yaw_rad: float, z_m: float = 0.0) -> Pose:
        """Turned by `yaw_rad` about z and placed at (x, y, z)."""
        return Pose.from_rotation_vector((0.0, 0.0, yaw_rad), (x_m, y_m, z_m))

    @staticmethod
    def looking_at(eye_m: ArrayLike, target_m: ArrayLike, up: ArrayLike) -> Pose:
        """`world_from_camera` in OpenCV axes (x right, y down, z forward) for an eye, a target and an up direction.

        Raises:
            ValueError: Eye and target coincide, or `up` lies along the line of sight.
        """
        eye = np.asarray(eye_m, dtype=float)
        forward = np.asarray(target_m, dtype=float) - eye
        right = np.cross(forward, np.asarray(up, dtype=float))
        if np.linalg.norm(forward) < 1e-9 or np.linalg.norm(right) < 1e-9 * np.linalg.norm(forward):
            raise ValueError("looking_at needs a target away from the eye and an up direction across the line of sight")
        forward = forward / np.linalg.norm(forward)
        right = right / np.linalg.norm(right)
        return Pose(np.column_stack([right, np.cross(forward, right), forward]), eye)

    @property
    def quaternion_wxyz(self) -> Array:
        """Unit quaternion, scalar first and not negative, shape (4,)."""
        x, y, z, w = Rotation.from_matrix(self.rotation).as_quat(canonical=True)
        return np.array([w, x, y, z])

    @property
    def rotation_vector_rad(self) -> Array:
        """Axis times angle, shape (3,)."""
        return np.asarray(Rotation.from_matrix(self.rotation).as_rotvec(), dtype=float)

    @property
    def matrix(self) -> Array:
        """Homogeneous, shape (4, 4)."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.rotation
        matrix[:3, 3] = self.translation_m
        return matrix

    @property
    def inverse(self) -> Pose:
        return Pose(self.rotation.T, -self.rotation.T @ self.translation_m)

    @overload
    def __matmul__(self, other: Pose) -> Pose: ...
    @overload
    def __matmul__(self, other: Array) -> Array: ...
    def __matmul__(self, other: Pose | Array) -> Pose | Array:
        """Compose with a pose, or move points of shape (..., 3)."""
        if isinstance(other, Pose):
            return Pose(self.rotation @ other.rotation, self.rotation @ other.translation_m + self.translation_m)
        points_m: Array = np.asarray(other, dtype=float) @ self.rotation.T + self.translation_m
        return points_m

    def distance_to(self, other: Pose) -> tuple[float, float]:
        """How far `other` is from this pose: metres between origins, radians of rotation."""
        turn = Rotation.from_matrix(self.rotation.T @ other.rotation)
        return float(np.linalg.norm(self.translation_m - other.translation_m)), float(turn.magnitude())


def wrap_angle_rad(angle_rad: ArrayLike) -> Array:
    """The same angle in [-pi, pi)."""
    return (np.asarray(angle_rad, dtype=float) + np.pi) % (2 * np.pi) - np.pi
