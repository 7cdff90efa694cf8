"""Where the carriage's centre may go: a polygon in the world's x-y plane, and what the nearest place inside is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdpr.robot import Array
from trellis.errors import Unreachable

#: A place on the border is inside, whatever rounding did to it.
_ROUNDING_M = 1e-9


@dataclass(frozen=True, eq=False)
class Workspace:
    """A polygon, not necessarily convex.

    Args:
        corners_m: In order around it, either way, shape (k, 2), world.

    Raises:
        ValueError: Fewer than three corners, no area, or sides that cross.
    """

    corners_m: Array

    def __post_init__(self) -> None:
        corners = np.array(self.corners_m, dtype=float)
        if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3 or not np.isfinite(corners).all():
            raise ValueError(f"a workspace needs three corners [x, y] or more, not {corners.tolist()}")
        if _crossed(corners):
            raise ValueError("the workspace's sides cross each other, or it has no area")
        corners.setflags(write=False)
        object.__setattr__(self, "corners_m", corners)

    @staticmethod
    def rectangle(x_m: tuple[float, float], y_m: tuple[float, float]) -> "Workspace":
        """Between lowest and highest x and y."""
        (left, right), (low, high) = x_m, y_m
        return Workspace(np.array([(left, low), (right, low), (right, high), (left, high)]))

    @property
    def x_m(self) -> tuple[float, float]:
        """Lowest and highest x."""
        return float(self.corners_m[:, 0].min()), float(self.corners_m[:, 0].max())

    @property
    def y_m(self) -> tuple[float, float]:
        """Lowest and highest y."""
        return float(self.corners_m[:, 1].min()), float(self.corners_m[:, 1].max())

    def holds(self, x_m: ArrayLike, y_m: ArrayLike) -> NDArray[np.bool_]:
        """Whether places of any one shape lie inside or on the border, to a nanometre."""
        x, y = np.broadcast_arrays(np.asarray(x_m, dtype=float), np.asarray(y_m, dtype=float))
        (x0, y0), (x1, y1) = self.corners_m.T, np.roll(self.corners_m, -1, axis=0).T
        spans = (y0 > y[..., None]) != (y1 > y[..., None])
        slope = (x1 - x0) / np.where(y1 == y0, 1.0, y1 - y0)
        crossed = spans & (x[..., None] < x0 + (y[..., None] - y0) * slope)
        inside = crossed.sum(axis=-1) % 2 == 1
        border: NDArray[np.bool_] = self._to_border(x, y)[1] <= _ROUNDING_M
        return np.asarray(inside | border)

    def nearest(self, x_m: ArrayLike, y_m: ArrayLike) -> Array:
        """The place itself where it is inside, else the nearest on the border; shape (..., 2)."""
        x, y = np.broadcast_arrays(np.asarray(x_m, dtype=float), np.asarray(y_m, dtype=float))
        inside = self.holds(x, y)[..., None]
        return np.where(inside, np.stack([x, y], axis=-1), self._to_border(x, y)[0])

    def beyond_m(self, x_m: ArrayLike, y_m: ArrayLike) -> Array:
        """How far places of any one shape lie outside, metres; 0 for those inside."""
        x, y = np.broadcast_arrays(np.asarray(x_m, dtype=float), np.asarray(y_m, dtype=float))
        return np.where(self.holds(x, y), 0.0, self._to_border(x, y)[1])

    def check(self, x_m: ArrayLike, y_m: ArrayLike) -> None:
        """See that every place lies inside.

        Raises:
            Unreachable: One does not; the first such is named, and the nearest place inside.
        """
        x, y = np.broadcast_arrays(np.asarray(x_m, dtype=float), np.asarray(y_m, dtype=float))
        outside = np.flatnonzero(~self.holds(x, y))
        if outside.size:
            at = float(x.flat[outside[0]]), float(y.flat[outside[0]])
            near = self.nearest(*at)
            raise Unreachable(
                f"the carriage may not go to x {at[0]:.3f} m, y {at[1]:.3f} m: its workspace is {self}; the nearest "
                f"point inside is ({near[0]:.3f}, {near[1]:.3f})"
            )

    def __str__(self) -> str:
        (left, right), (low, high) = self.x_m, self.y_m
        if len(self.corners_m) == 4 and np.isin(self.corners_m, [left, right, low, high]).all():
            return f"x {left:g} to {right:g} m, y {low:g} to {high:g} m"
        return "the polygon " + ", ".join(f"({x:.3f}, {y:.3f})" for x, y in self.corners_m)

    def _to_border(self, x: Array, y: Array) -> tuple[Array, Array]:
        """The nearest place on the border (..., 2), and how far it is (...)."""
        place = np.stack([x, y], axis=-1)[..., None, :]
        start, side = self.corners_m, np.roll(self.corners_m, -1, axis=0) - self.corners_m
        share = ((place - start) * side).sum(axis=-1) / (side**2).sum(axis=-1)
        feet = start + share.clip(0, 1)[..., None] * side
        far = np.linalg.norm(feet - place, axis=-1)
        best = far.argmin(axis=-1)[..., None]
        foot = np.take_along_axis(feet, best[..., None], axis=-2)[..., 0, :]
        return foot, np.take_along_axis(far, best, axis=-1)[..., 0]


def _crossed(corners: Array) -> bool:
    """Whether sides of a polygon cross, or it has no area."""
    ahead = np.roll(corners, -1, axis=0)
    area = (corners[:, 0] * ahead[:, 1] - corners[:, 1] * ahead[:, 0]).sum()
    if abs(area) < _ROUNDING_M or (np.linalg.norm(ahead - corners, axis=1) < _ROUNDING_M).any():
        return True
    start, side = corners, ahead - corners

    def beside(k: int, points: Array) -> Array:
        """On which hand of side k points lie."""
        off = points - start[k]
        return np.asarray(np.sign(side[k, 0] * off[..., 1] - side[k, 1] * off[..., 0]))

    count = len(corners)
    for first in range(count):
        for second in range(first + 1, count):
            split = beside(first, start[second]) * beside(first, ahead[second]) < 0
            if split and beside(second, start[first]) * beside(second, ahead[first]) < 0:
                return True
    return False
