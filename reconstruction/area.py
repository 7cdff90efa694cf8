"""Leaf area of what was found, one side, in two ways: by triangles, and by how many points find room."""

import numpy as np
from scipy.spatial import cKDTree

from reconstruction.model import Array
from reconstruction.records import Cloud, Surface
from reconstruction.smoothing import thinned

#: Points of a thinned sheet in the square of their spacing.
_CROWD = 0.585
#: Triangles end at corners that lie inside the rim, on average by this share of their spacing (known discs and rings).
_RIM = 0.36
#: Middle length of a triangle's side by the spacing of a Poisson-disk sampling.
_EDGE = 1.47


def surface_area(surface: Surface) -> float:
    """Area of the triangles, and of the narrow strip between them and the rim of what was seen."""
    if len(surface.faces) == 0:
        return 0.0
    faces = surface.faces
    sides = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [0, 2]]]), axis=1)
    edges, count = np.unique(sides, axis=0, return_counts=True)
    ends = surface.vertices_m[edges]
    lengths = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
    spacing, rim = float(lengths.mean()) / _EDGE, count == 1
    strip = _RIM * spacing * _smooth_length(ends[rim].mean(axis=1), lengths[rim], 3 * spacing)
    return float(surface.face_areas_m2.sum()) + strip


def _smooth_length(middles: Array, lengths: Array, reach: float) -> float:
    """Length of a rim without its zigzags: inside a ball of radius `reach` it counts as at most a straight line."""
    if len(middles) == 0:
        return 0.0
    tree = cKDTree(middles)
    beside = np.array([lengths[near].sum() for near in tree.query_ball_point(middles, reach)])
    return float((lengths * np.minimum(1, 2 * reach / beside)).sum())


def sheet_area(sheet: Cloud, spacing_m: float) -> float:
    """Area of thin sheets by how many points find room on them, without a mesh.

    Points of a sheet (`thin_sheets`) that are thinned to a spacing s stand `_CROWD` to s^2 of it, whatever its shape;
    between 0.58 and 0.60 on discs and hemispheres of any slant, a little more on pieces smaller than 2 cm.
    """
    return len(thinned(sheet, spacing_m)) * spacing_m**2 / _CROWD
