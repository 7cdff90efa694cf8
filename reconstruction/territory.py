"""Whose leaf it is where plants touch: the plant to whose collar the way through leaves is shortest.

On a dense wall heads touch their neighbours, and pieces of neighbours stand within reach of the plant that was scanned.
The places of the other collars are known, so leaf surface is shared out like land between springs: along the leaves
from every collar at once (Dijkstra 1959), the first to arrive keeps it. A leaf that hangs over its neighbour stays its
own plant's, because the way over the neighbour's leaves is longer. Pieces that join no collar go to the nearest.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from reconstruction.records import Array

#: Cells of the graph and how far apart two may be to join, as shares of the gap that leaves may have.
_CELL, _JOIN = 0.5, 1.8
#: How near to a collar, in gaps, its leaves begin at the farthest.
_BEGIN = 3.0


def own_points(
    points: Array, gap: float, collar: ArrayLike, others: ArrayLike, axis: ArrayLike | None
) -> NDArray[np.bool_]:
    """Which points of leaf belong to the plant at `collar` and to none of the `others`.

    Args:
        points: Of leaves, of all plants, (n, 3).
        gap: That still joins two leaves, in the unit of the points.
        collar: (3,).
        others: Collars of the plants around, (m, 3).
        axis: The panel's normal; distances to collars are along the panel. None: in space.
    """
    collars = np.vstack([np.asarray(collar, dtype=float)[None], np.asarray(others, dtype=float).reshape(-1, 3)])
    if len(collars) == 1 or len(points) == 0:
        return np.ones(len(points), bool)
    corner = points.min(axis=0)
    cells, of_point = np.unique(
        np.floor((points - corner) / (_CELL * gap)).astype(np.int64), axis=0, return_inverse=True
    )
    middles = corner + (cells + 0.5) * _CELL * gap
    away = _along(middles[:, None] - collars[None], axis)  # (cells, collars)
    pairs = cKDTree(middles).query_pairs(_JOIN * gap, output_type="ndarray")
    ways = _ways(middles, pairs, away, _BEGIN * gap)
    reached = np.isfinite(ways).any(axis=0)
    owner = np.where(reached, ways.argmin(axis=0), away.argmin(axis=1))
    return np.asarray(owner[of_point.ravel()] == 0)


def _ways(middles: Array, pairs: NDArray[np.int64], away: Array, begin: float) -> Array:
    """Length of the shortest way over cells from each collar to each cell, (collars, cells)."""
    cells, collars = away.shape
    lengths = np.linalg.norm(middles[pairs[:, 0]] - middles[pairs[:, 1]], axis=1)
    # Every collar is one more node, joined to the cells around it by their distance from it.
    at_cell, at_collar = np.nonzero(away < np.maximum(begin, away.min(axis=0) * 1.01))
    rows = np.concatenate([pairs[:, 0], cells + at_collar])
    columns = np.concatenate([pairs[:, 1], at_cell])
    weights = np.concatenate([lengths, away[at_cell, at_collar]])
    graph = coo_array((weights + 1e-9, (rows, columns)), shape=(cells + collars,) * 2).tocsr()
    return np.asarray(dijkstra(graph, directed=False, indices=cells + np.arange(collars)))[:, :cells]


def _along(away: Array, axis: ArrayLike | None) -> Array:
    if axis is not None:
        normal = np.asarray(axis, dtype=float)
        away = away - (away @ normal)[..., None] * normal
    return np.asarray(np.linalg.norm(away, axis=-1))
