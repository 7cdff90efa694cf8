"""A plant's points become an open, one-sided surface, with what was not seen left open."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from reconstruction.config import SurfaceOptions
from reconstruction.model import Model
from reconstruction.panel import middle_distance
from reconstruction.records import Cloud, Surface
from reconstruction.smoothing import gathered, smoothed, supported, thinned
from reconstruction.triangulation import triangles

_USUAL_DISTANCE_M = 0.31


def in_unit_of(model: Model, options: SurfaceOptions) -> SurfaceOptions:
    """The options in the model's unit: without metres, as if it had been seen from the usual 0.31 m."""
    if model.metric:
        return options
    unit = middle_distance(model) / _USUAL_DISTANCE_M
    lengths = ("spacing_m", "reach_m", "hole_m")
    return options.model_copy(update={name: unit * getattr(options, name) for name in lengths})


def thin_sheets(cloud: Cloud, options: SurfaceOptions) -> Cloud:
    """One thin sheet of points for each leaf, about `options.spacing_m / 2` apart."""
    sheet = gathered(cloud, options.spacing_m / 2)
    sheet = supported(sheet, 2 * options.reach_m, options.support)
    for _ in range(options.passes):
        sheet = smoothed(sheet, options.reach_m, options.least)
    return gathered(sheet, options.spacing_m / 2)


def leaf_surface(sheet: Cloud, options: SurfaceOptions) -> Surface:
    """Triangles over thin sheets, corners `options.spacing_m` apart; no hole that `options.hole_m` spans is closed."""
    kept = sheet.chosen(thinned(sheet, options.spacing_m))
    faces = triangles(kept.points_m, kept.normals, options.spacing_m, options.hole_m)
    faces = _without_crumbs(faces, len(kept), options.crumb)
    used, renumbered = np.unique(faces, return_inverse=True)
    part = kept.chosen(used)
    return Surface(part.points_m, part.normals, part.colours, renumbered.reshape(-1, 3).astype(np.int32))


def _without_crumbs(faces: NDArray[np.int32], count: int, least: int) -> NDArray[np.int32]:
    """Faces of connected pieces of at least `least` faces."""
    if len(faces) == 0:
        return faces
    piece = _pieces(faces, count)[faces[:, 0]]
    size = np.bincount(piece)
    return faces[size[piece] >= least]


def _pieces(faces: NDArray[np.int32], count: int) -> NDArray[np.int32]:
    """The connected piece of each of `count` vertices."""
    edges = np.concatenate([faces[:, :2], faces[:, 1:]])
    links = coo_array((np.ones(len(edges), bool), (edges[:, 0], edges[:, 1])), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1])
