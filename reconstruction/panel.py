"""The flat thing that a plant stands before, where there is one: a wall, a board, a table."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reconstruction.model import Array, Model

#: A plane is the panel when so large a share of the points lies on it.
_SHARE = 0.12
#: Half its thickness, as a share of the middle distance from camera to point.
_HALF = 0.005
#: A leaf can be flat, and where nothing stands behind a plant it holds the share. But a panel hides what is behind it:
#: no more than this share of the points lies beyond (0.004 of true panels, 0.18 of a flat leaf); and it reaches so many
#: times further than what stands before it (4 times or more; 1.2).
_BEYOND, _WIDER = 0.05, 1.5
#: With a smaller share of the points before it there is nothing to compare with.
_FEW = 0.01


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
    panel = _refined(sample[on_best], model)
    return panel if _is_behind(panel, sample, unit) else None


def _is_behind(panel: Panel, points: Array, unit: float) -> bool:
    """Whether a plane lies behind all else and reaches beyond it, as a wall does and a leaf does not."""
    height = panel.height(points) / unit
    on, before = np.abs(height) < _HALF, height > 2 * _HALF
    if (height < -4 * _HALF).mean() > _BEYOND:
        return False
    if before.mean() < _FEW:
        return True
    flat = points - np.outer(panel.height(points), panel.normal)
    away = np.linalg.norm(flat - np.median(flat[on], axis=0), axis=1)
    return bool(np.percentile(away[on], 90) > _WIDER * np.percentile(away[before], 90))


def _refined(on: NDArray[np.float64], model: Model) -> Panel:
    """The plane through points by least squares."""
    centre = on.mean(axis=0)
    normal = np.linalg.svd(on - centre, full_matrices=False)[2][2]
    if (model.centres_world_m.mean(axis=0) - centre) @ normal < 0:
        normal = -normal
    return Panel(normal, float(centre @ normal))
