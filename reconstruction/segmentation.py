"""Which points of a cloud are this plant's: coloured, off the panel, and joined to where the plant stands.

What counts as coloured is measured against the scene's own white: where a large flat panel is seen, its colour is the
lamp's, and a leaf, green, red or yellow, differs from it; nothing asks for green.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from reconstruction.model import Array, Model
from reconstruction.panel import Panel, middle_distance
from reconstruction.records import Cloud
from reconstruction.rims import chroma, saturation
from reconstruction.territory import own_points

Mask = NDArray[np.bool_]

#: Least saturation (1 - least over greatest channel, against the panel's white) of a leaf.
_COLOURED = 0.14
#: Least chroma: what is darker is noise on a black pot or tag.
_DARK = 0.04
#: Lengths as shares of the middle distance from camera to point, so that they hold without metres too: half the
#: panel's thickness, edge of the cubes that colour is averaged over, gap that still joins two leaves.
_PANEL, _PATCH, _GAP = 0.010, 0.007, 0.013
#: A loose piece below this share of the largest is none of the plant's.
_CRUMB = 0.002


def plant_mask(
    cloud: Cloud,
    model: Model,
    panel: Panel | None = None,
    plant_position_m: ArrayLike | None = None,
    plant_radius_m: float | None = None,
    neighbours_m: ArrayLike = (),
) -> Mask:
    """The points of one plant.

    Args:
        cloud: Everything.
        model: Says from where it was seen.
        panel: What the plant grows out of, or None where nothing flat stands behind it.
        plant_position_m: The plant's collar, or None to take what the cameras look at.
        plant_radius_m: How far its leaves may reach from the collar along the panel; twice as far as it is believed
            to be wide is still its own. None sets no limit but being joined.
        neighbours_m: Collars of the plants around, (m, 3); their leaves are theirs, also where they touch.
    """
    unit = middle_distance(model)
    white = white_of(cloud, panel, unit)
    leaf = _coloured(cloud, white, unit) & (chroma(cloud.colours, white) > _DARK)
    if panel is not None:
        leaf &= panel.height(cloud.points_m) > _PANEL * unit
    if not leaf.any():
        return leaf
    middle = _looked_at(model) if plant_position_m is None else np.asarray(plant_position_m, dtype=float)
    axis = None if panel is None else panel.normal
    around = np.asarray(neighbours_m, dtype=float).reshape(-1, 3)
    if len(around):
        leaf[np.flatnonzero(leaf)[~own_points(cloud.points_m[leaf], _GAP * unit, middle, around, axis)]] = False
        if not leaf.any():
            return leaf
    kept = _joined(cloud.points_m[leaf], middle, axis, _GAP * unit, plant_radius_m)
    mask = np.zeros(len(cloud), bool)
    mask[np.flatnonzero(leaf)[kept]] = True
    return mask


def white_of(cloud: Cloud, panel: Panel | None, unit: float) -> Array:
    """Brightness of the panel in red, green and blue, shape (3,)."""
    if panel is None:
        return np.full(3, 255.0)
    near = np.abs(panel.height(cloud.points_m)) < _PANEL / 2 * unit
    # The bright part: tags, pots and shadows are not white.
    return np.maximum(np.percentile(cloud.colours[near].astype(float), 75, axis=0), 1.0)


def _coloured(cloud: Cloud, white: Array, unit: float) -> Mask:
    """Points whose surroundings are coloured; colours are averaged over small cubes, for shade is noisy."""
    cell = np.floor((cloud.points_m - cloud.points_m.min(axis=0)) / (_PATCH * unit)).astype(np.int64)
    _, of_point = np.unique(cell, axis=0, return_inverse=True)
    of_point = of_point.ravel()
    count = np.bincount(of_point)
    colour = np.column_stack([np.bincount(of_point, cloud.colours[:, k].astype(float)) / count for k in range(3)])
    return np.asarray((saturation(colour, white) > _COLOURED)[of_point])


def _joined(points: Array, middle: Array, axis: Array | None, gap: float, radius_m: float | None) -> Mask:
    """Points of the pieces that belong to the plant standing at `middle`."""
    cell = np.floor((points - points.min(axis=0)) / gap).astype(np.int64)
    cells, of_point = np.unique(cell, axis=0, return_inverse=True)
    links = cKDTree(cells).query_pairs(1.8, output_type="ndarray")
    graph = coo_array((np.ones(len(links), bool), (links[:, 0], links[:, 1])), shape=(len(cells), len(cells)))
    piece = connected_components(graph, directed=False)[1][of_point.ravel()]
    size = np.bincount(piece)
    away = points - middle
    if axis is not None:
        away = away - np.outer(away @ axis, axis)
    distance = np.linalg.norm(away, axis=1)
    middle_distance = np.bincount(piece, distance) / size
    nearest = np.full(len(size), np.inf)
    np.minimum.at(nearest, piece, distance)
    reach = np.percentile(distance[piece == _main(size, nearest)], 99) if radius_m is None else 2 * radius_m
    # A piece that only begins within reach is a neighbour's.
    own = (size >= _CRUMB * size.max()) & (middle_distance < 1.1 * reach) & (nearest < reach)
    return np.asarray(own[piece])


def _main(size: NDArray[np.int64], nearest: Array) -> int:
    """The piece that is large and near."""
    large = size >= 0.1 * size.max()
    return int(np.argmin(np.where(large, nearest, np.inf)))


def _looked_at(model: Model) -> Array:
    """The point nearest to all lines of sight."""
    sights = np.array([view.world_from_camera.rotation[:, 2] for view in model.views])
    across = np.eye(3) - sights[:, :, None] * sights[:, None, :]
    pulled = np.einsum("nij,nj->i", across, model.centres_world_m)
    return np.asarray(np.linalg.lstsq(across.sum(axis=0), pulled, rcond=None)[0])
