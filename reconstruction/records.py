"""What passes between the stages after the sparse model: a dense cloud and an open surface."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points on surfaces, in the model's frame and unit.

    Args:
        points_m: Shape (n, 3).
        normals: Unit, towards the cameras that saw the point, shape (n, 3).
        colours: RGB, uint8, shape (n, 3).
        confidence: Photographs that agree on the point, less those that see through it, float32, shape (n,).
    """

    points_m: Array
    normals: Array
    colours: NDArray[np.uint8]
    confidence: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.points_m)

    def chosen(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "Cloud":
        """The points of a mask or of indices."""
        return Cloud(self.points_m[which], self.normals[which], self.colours[which], self.confidence[which])


def joined(first: Cloud, second: Cloud) -> Cloud:
    """The points of both."""
    return Cloud(
        np.concatenate([first.points_m, second.points_m]),
        np.concatenate([first.normals, second.normals]),
        np.concatenate([first.colours, second.colours]),
        np.concatenate([first.confidence, second.confidence]),
    )


@dataclass(frozen=True, eq=False)
class Surface:
    """An open, one-sided surface: a leaf seen from both sides is one sheet, and what was not seen is missing.

    Args:
        vertices_m: Shape (v, 3).
        normals: Unit, of the side that was seen better, shape (v, 3).
        colours: RGB, uint8, shape (v, 3).
        faces: Indices of vertices, int32, shape (f, 3); the order of a face's vertices says nothing.
    """

    vertices_m: Array
    normals: Array
    colours: NDArray[np.uint8]
    faces: NDArray[np.int32]

    @property
    def face_areas_m2(self) -> Array:
        """Area of every face, shape (f,)."""
        a, b, c = (self.vertices_m[self.faces[:, k]] for k in range(3))
        return np.asarray(np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2)


def coarser(cloud: Cloud, edge_m: float) -> Cloud:
    """One point in each cube of this edge: the surest of those that lie there."""
    cubes = np.floor(cloud.points_m / edge_m).astype(np.int64)
    order = np.lexsort((-cloud.confidence, cubes[:, 2], cubes[:, 1], cubes[:, 0]))
    first = np.append(True, (np.diff(cubes[order], axis=0) != 0).any(axis=1)) if len(cloud) else np.zeros(0, bool)
    return cloud.chosen(np.sort(order[first]))
