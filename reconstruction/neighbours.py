"""Points sorted into cubes, so that compiled loops find what lies near without a tree."""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Cubes along an axis that a key can tell apart.
_MANY = 1 << 20


@dataclass(frozen=True, eq=False)
class Cubes:
    """Points ordered by cube.

    Args:
        order: Indices of the points, cube by cube, shape (n,).
        keys: Of the occupied cubes, ascending, shape (k,).
        starts: Where each cube's points begin in `order`, with n at the end, shape (k + 1,).
        origin_m: Corner of cube (1, 1, 1), shape (3,).
        size_m: Edge of a cube.
    """

    order: NDArray[np.int64]
    keys: NDArray[np.int64]
    starts: NDArray[np.int64]
    origin_m: Array
    size_m: float

    @property
    def parts(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], Array, float]:
        """The fields, as compiled functions take them."""
        return self.order, self.keys, self.starts, self.origin_m, self.size_m


def cubes(points_m: Array, size_m: float) -> Cubes:
    """Sort points (n, 3) into cubes; neighbours within `size_m` then lie in a cube or the 26 around it."""
    origin = points_m.min(axis=0) if len(points_m) else np.zeros(3)
    cell = np.floor((points_m - origin) / size_m).astype(np.int64) + 1
    key = (cell[:, 0] * _MANY + cell[:, 1]) * _MANY + cell[:, 2]
    order = np.argsort(key, kind="stable")
    keys, starts = np.unique(key[order], return_index=True)
    return Cubes(order, keys, np.append(starts, len(key)).astype(np.int64), origin, size_m)


@numba.njit(cache=True)
def near(point, reach_m, points_m, order, keys, starts, origin_m, size_m, found):  # type: ignore[no-untyped-def]
    """Fill `found` with indices of points within `reach_m` (at most `size_m`) of a place; how many were found."""
    count = 0
    a = int(np.floor((point[0] - origin_m[0]) / size_m)) + 1
    b = int(np.floor((point[1] - origin_m[1]) / size_m)) + 1
    c = int(np.floor((point[2] - origin_m[2]) / size_m)) + 1
    for i in range(a - 1, a + 2):
        for j in range(b - 1, b + 2):
            # Three cubes along z have keys in a row.
            first = (i * _MANY + j) * _MANY + c - 1
            place = np.searchsorted(keys, first)
            while place < keys.size and keys[place] <= first + 2:
                for slot in range(starts[place], starts[place + 1]):
                    other = order[slot]
                    x = points_m[other, 0] - point[0]
                    y = points_m[other, 1] - point[1]
                    z = points_m[other, 2] - point[2]
                    if x * x + y * y + z * z <= reach_m * reach_m and count < found.size:
                        found[count] = other
                        count += 1
                place += 1
    return count


@numba.njit(cache=True)
def across(n):  # type: ignore[no-untyped-def]
    """Two unit vectors across a unit normal."""
    least = 0
    for a in range(1, 3):
        if abs(n[a]) < abs(n[least]):
            least = a
    help = np.zeros(3)
    help[least] = 1.0
    first = np.cross(n, help)
    first /= np.sqrt(first @ first)
    return first, np.cross(n, first)
