"""Rigid motions as 4x4 matrices: the simulator's own, so that a mistake shared with the judged code cannot cancel."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def turn(rotation_vector: ArrayLike) -> Array:
    """Rotation matrix (3, 3) about the vector by its length in radians (Rodrigues)."""
    vector = np.asarray(rotation_vector, dtype=float)
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    K = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * K + (1 - np.cos(angle)) * (K @ K))


def motion(rotation_vector: ArrayLike = (0, 0, 0), translation: ArrayLike = (0, 0, 0)) -> Array:
    """A motion (4, 4) that first turns, then shifts."""
    matrix = np.eye(4)
    matrix[:3, :3] = turn(rotation_vector)
    matrix[:3, 3] = np.asarray(translation, dtype=float)
    return matrix


def quaternion_wxyz(rotation: Array) -> Array:
    """Unit quaternion of a rotation matrix (3, 3), with w not negative (Shepperd's choice of the largest part)."""
    m = np.asarray(rotation, dtype=float)
    parts = np.array([np.trace(m), m[0, 0], m[1, 1], m[2, 2]])
    largest = int(np.argmax(parts))
    if largest == 0:
        q = np.array([1 + parts[0], m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]])
    else:
        i, j, k = ((0, 1, 2), (1, 2, 0), (2, 0, 1))[largest - 1]
        q = np.zeros(4)
        q[0] = m[k, j] - m[j, k]
        q[1 + i] = 1 + m[i, i] - m[j, j] - m[k, k]
        q[1 + j] = m[j, i] + m[i, j]
        q[1 + k] = m[k, i] + m[i, k]
    q /= np.linalg.norm(q)
    return np.asarray(-q if q[0] < 0 else q)
