"""The flat thing that a plant stands before, where there is one: a wall, a board, a table."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reconstruction.model import Array, Model

#: A plane is the panel when so large a share of the points lies on it.
_SHARE = 0.12
#: Half its thickness, as a share of the middle distance from camera to point.
_HALF = 0.005


@dataclass(frozen=True, eq=False)
class Panel:
    """Points p with normal . p = offset; the normal is of length 1 and points to the cameras."""

    normal: Array
    offset: float

    def height(self, points: Array) -> Array:
        """Distance in front of the panel, shape (n,)."""
        return np.asarray(points @ self.normal - self.offset)


def middle_distance(model: Model) -> float:
    """The middle distance from camera to sparse point: the unit of lengths that must hold without metres too."""
    away = model.points_world_m[model.observations[:, 0]] - model.centres_world_m[model.observations[:, 1]]
    return float(np.median(np.linalg.norm(away, axis=1)))


def find_panel(points: Array, model: Model, seed: int = 0) -> Panel | None:
    """The plane on which most points (n, 3) lie, if a good share of them does, by RANSAC on a sample."""
    if len(points) < 200:
        return None
    random = np.random.default_rng(seed)
    unit = middle_distance(model)
    sample = points[random.choice(len(points), min(len(points), 20000), replace=False)]
    best, on_best = None, np.zeros(len(sample), bool)
    for _ in range(300):
        a, b, c = sample[random.choice(len(sample), 3, replace=False)]
        normal = np.cross(b - a, c - a)
        length = np.linalg.norm(normal)
        if length < 1e-3 * unit**2:
            continue
        on = np.abs((sample - a) @ (normal / length)) < _HALF * unit
        if on.sum() > on_best.sum():
            best, on_best = normal / length, on
    if best is None or on_best.mean() < _SHARE:
        return None
    return _refined(sample[on_best], model)


def _refined(on: NDArray[np.float64], model: Model) -> Panel:
    """The plane through points by least squares."""
    centre = on.mean(axis=0)
    normal = np.linalg.svd(on - centre, full_matrices=False)[2][2]
    if (model.centres_world_m.mean(axis=0) - centre) @ normal < 0:
        normal = -normal
    return Panel(normal, float(centre @ normal))
