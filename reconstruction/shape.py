"""Size and outline of a plant from its points: height, width, shadow, compactness, and the volume of the hull."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import ConvexHull, QhullError

from reconstruction.model import Array
from reconstruction.panel import Panel


@dataclass(frozen=True)
class Outline:
    """A plant along its axis and across it.

    Args:
        height_m: Along the axis, above the panel or the collar.
        diameter_m: Mean width across the axis, over all directions.
        shadow_m2: Area of the shadow along the axis.
        compactness: Area of the shadow over that of its convex hull, 0 to 1.
    """

    height_m: float
    diameter_m: float
    shadow_m2: float
    compactness: float


def outline(points: Array, spacing_m: float, panel: Panel | None, plant_position_m: ArrayLike | None) -> Outline | None:
    """The outline of points (n, 3) about `spacing_m / 2` apart; None where they are too few or nothing gives an axis.

    The axis is the panel's normal, or the world's z where there is no panel but a collar.
    """
    if len(points) < 10 or (panel is None and plant_position_m is None):
        return None
    if panel is not None:
        axis, height = panel.normal, panel.height(points)
    else:
        axis = np.array([0.0, 0.0, 1.0])
        height = points[:, 2] - np.asarray(plant_position_m, dtype=float)[2]
    first = np.linalg.svd(axis[None])[2][1]
    flat = points @ np.column_stack([first, np.cross(axis, first)])
    turns = np.linspace(0, np.pi, 36, endpoint=False)
    along = flat @ np.stack([np.cos(turns), np.sin(turns)])
    widths = np.percentile(along, 99.9, axis=0) - np.percentile(along, 0.1, axis=0)
    edge = 1.2 * spacing_m
    shadow = len(np.unique(np.floor(flat / edge).astype(np.int64), axis=0)) * edge**2
    # A square that is touched counts whole, so the hull is widened by half of one all around.
    hull = ConvexHull(flat)
    around = hull.volume + hull.area * edge / 2
    return Outline(float(np.percentile(height, 99.8)), float(widths.mean()), float(shadow), float(shadow / around))


def hull_volume(points: Array) -> float | None:
    """Volume of the convex hull, or None where the points span none."""
    try:
        return float(ConvexHull(points).volume)
    except (QhullError, ValueError):
        return None
