"""All tensions that balance a wrench: one choice plus what is free, and the best of them.

m cables hold three planar degrees of freedom, so r = m - 3 tensions are free. Everything here takes batches: leading
axes are rows.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from cdpr.robot import Array

_TINY = 1e-12
#: Newtons by which rounding may seem to leave the box.
_ROUNDING_N = 1e-9


@dataclass(frozen=True, eq=False)
class Balancing:
    """The tensions `some + steps @ free`, for any steps (..., r).

    Args:
        some: Those nearest the middle of the limits, newtons, shape (..., m).
        free: Orthonormal rows that move no wrench, shape (..., r, m).
        min_n: Least tension allowed.
        max_n: Greatest.
    """

    some: Array
    free: Array
    min_n: float
    max_n: float

    def at(self, steps: Array) -> Array:
        """Tensions, shape (..., m)."""
        return np.asarray(self.some + (steps[..., None, :] @ self.free)[..., 0, :])

    def lines(self) -> tuple[Array, Array]:
        """Distance to each limit as `offset + slope @ steps`, (..., 2m) and (..., 2m, r); negative is outside."""
        offset = np.concatenate([self.some - self.min_n, self.max_n - self.some], axis=-1)
        slope = np.swapaxes(np.concatenate([self.free, -self.free], axis=-1), -1, -2)
        return offset, slope


def balancing(balance: Array, wrench: Array, min_n: float, max_n: float) -> Balancing:
    """What balances a wrench.

    Args:
        balance: Takes tensions to the wrench they hold, shape (..., 3, m).
        wrench: Shape (..., 3).
        min_n: Least tension allowed.
        max_n: Greatest.
    """
    cables = balance.shape[-1]
    middle = (min_n + max_n) / 2
    missing = wrench - middle * balance.sum(axis=-1)
    gram = balance @ np.swapaxes(balance, -1, -2)
    weights = np.linalg.solve(gram, missing[..., None])
    some = middle + (np.swapaxes(balance, -1, -2) @ weights)[..., 0]
    free = _null_line(balance) if cables == 4 else np.linalg.svd(balance)[2][..., 3:, :]
    return Balancing(some, free, min_n, max_n)


def nearest_steps(within: Balancing) -> tuple[Array, NDArray[np.bool_]]:
    """Steps to the tensions inside the limits that are nearest their middle, and whether there are any.

    One free tension: an interval, in closed form. More: the nearest point of a polytope lies on no more of its faces
    than there are free tensions; the foot of the middle on every such intersection is tried.
    """
    if within.free.shape[-2] == 1:
        low, high = _interval(within)
        return np.clip(0.0, low, np.maximum(low, high))[..., None], low <= high
    offset, slope = within.lines()
    feet = _feet(offset, slope)
    fits = (offset[..., None, :] + feet @ np.swapaxes(slope, -1, -2)).min(axis=-1) >= -_ROUNDING_N
    far = np.where(fits, (feet**2).sum(axis=-1), np.inf)
    best = far.argmin(axis=-1)[..., None, None]
    return np.take_along_axis(feet, best, axis=-2)[..., 0, :], fits.any(axis=-1)


def safest_steps(within: Balancing) -> tuple[Array, Array]:
    """Steps to the tensions farthest from the nearest limit, and that distance: negative if all are outside.

    The least of 2m lines (planes) in the steps is concave, so its peak lies where r + 1 of them cross. Shapes (..., r)
    and (...).
    """
    offset, slope = within.lines()
    crossings = _line_crossings(offset, slope[..., 0]) if slope.shape[-1] == 1 else _plane_crossings(offset, slope)
    least = (offset[..., None, :] + crossings @ np.swapaxes(slope, -1, -2)).min(axis=-1)
    best = least.argmax(axis=-1)
    steps = np.take_along_axis(crossings, best[..., None, None], axis=-2)[..., 0, :]
    return steps, np.take_along_axis(least, best[..., None], axis=-1)[..., 0]


def _null_line(balance: Array) -> Array:
    """The unit null vector of 3 x 4 matrices, by their signed minors, shape (..., 1, 4)."""
    a, b, c = balance[..., 0, :], balance[..., 1, :], balance[..., 2, :]
    minors = []
    for i, j, k in ((1, 2, 3), (0, 2, 3), (0, 1, 3), (0, 1, 2)):
        minors.append(
            a[..., i] * (b[..., j] * c[..., k] - b[..., k] * c[..., j])
            - a[..., j] * (b[..., i] * c[..., k] - b[..., k] * c[..., i])
            + a[..., k] * (b[..., i] * c[..., j] - b[..., j] * c[..., i])
        )
    free = np.stack([minors[0], -minors[1], minors[2], -minors[3]], axis=-1)
    return np.asarray(free / np.linalg.norm(free, axis=-1, keepdims=True))[..., None, :]


def _interval(within: Balancing) -> tuple[Array, Array]:
    """How far the one step may go; empty when the first exceeds the second."""
    free = within.free[..., 0, :]
    moving = np.abs(free) > _TINY
    by = np.where(moving, free, 1.0)
    to_min, to_max = (within.min_n - within.some) / by, (within.max_n - within.some) / by
    # A cable that no step moves is inside, and bounds nothing, or outside, and no step mends it.
    outside = (within.some < within.min_n - _ROUNDING_N) | (within.some > within.max_n + _ROUNDING_N)
    low = np.where(moving, np.minimum(to_min, to_max), np.where(outside, np.inf, -np.inf)).max(axis=-1)
    high = np.where(moving, np.maximum(to_min, to_max), np.where(outside, -np.inf, np.inf)).min(axis=-1)
    return low, high


def _feet(offset: Array, slope: Array) -> Array:
    """The points of least norm on all intersections of up to r faces, shape (..., c, r)."""
    faces, r = slope.shape[-2:]
    feet = [np.zeros((*offset.shape[:-1], 1, r))]
    for count in range(1, r + 1):
        chosen = np.array(list(combinations(range(faces), count)))
        normals = slope[..., chosen, :]  # (..., c, count, r)
        gram = normals @ np.swapaxes(normals, -1, -2)
        crossing = np.linalg.det(gram) > _TINY
        gram[~crossing] = np.eye(count)
        weights = np.linalg.solve(gram, -offset[..., chosen][..., None])
        foot = (np.swapaxes(normals, -1, -2) @ weights)[..., 0]
        feet.append(np.where(crossing[..., None], foot, 0.0))
    return np.concatenate(feet, axis=-2)


def _line_crossings(offset: Array, slope: Array) -> Array:
    """Where two of the lines cross, shape (..., c, 1); 0 where they do not."""
    first, second = np.triu_indices(offset.shape[-1], 1)
    falls = slope[..., first] - slope[..., second]
    crossing = np.abs(falls) > _TINY
    rises = offset[..., second] - offset[..., first]
    return np.where(crossing, rises / np.where(crossing, falls, 1.0), 0.0)[..., None]


def _plane_crossings(offset: Array, slope: Array) -> Array:
    """Where r + 1 of the planes cross, shape (..., c, r); 0 where they do not."""
    faces, r = slope.shape[-2:]
    chosen = np.array(list(combinations(range(faces), r + 1)))
    system = np.concatenate([-slope[..., chosen, :], np.ones((*slope.shape[:-2], *chosen.shape, 1))], axis=-1)
    crossing = np.abs(np.linalg.det(system)) > _TINY
    system[~crossing] = np.eye(r + 1)
    found = np.linalg.solve(system, offset[..., chosen][..., None])[..., :r, 0]
    return np.where(crossing[..., None], found, 0.0)
