"""Leaves told apart on the plant's surface: how many, how large each, and how steep.

Leaves of a rosette meet near the collar and end away from it, so each has a place that is farthest from the collar: its
tip. Surface is flooded from the tips inwards (a watershed of the distance from the collar); where two floods meet, they
are one leaf unless both tips stand out from the meeting place far enough (persistence: Edelsbrunner and others, 2002).
A lobe or a wave of the rim stands out by millimetres, a leaf by centimetres.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from reconstruction.panel import Panel
from reconstruction.records import Array, Surface

#: A tip that stands out from where its leaf meets another by less than this share of its own distance from the collar
#: is a lobe. Found on simulated heads of three sizes (docs/decisions/0009).
_STANDS_OUT = 0.15

#: Faces that meet at a sharper angle than this belong to two leaves, one of which covers the other.
_CREASE_RAD = np.radians(35)

#: A leaf covers at least this share of the area of the largest; what is smaller belongs to nothing.
_LEAST_SHARE = 0.02


@dataclass(frozen=True, eq=False)
class Leaves:
    """Leaves of one surface, largest first.

    Args:
        of_face: Which leaf each face belongs to, -1 for none, shape (f,).
        areas_m2: One side of what was seen of each, shape (n,).
        inclinations_rad: Angle between each leaf's mean plane and the panel (0: flat on it), shape (n,).
    """

    of_face: NDArray[np.int32]
    areas_m2: Array
    inclinations_rad: Array

    def __len__(self) -> int:
        return len(self.areas_m2)


def tell_apart(surface: Surface, panel: Panel | None = None, collar_m: ArrayLike | None = None) -> Leaves:
    """Leaves of a surface.

    Args:
        surface: The plant's.
        panel: What it grows out of; without it the plant's own direction of least spread is its axis.
        collar_m: Where it grows out of it, or None: then below the middle of the surface.
    """
    if len(surface.faces) == 0:
        return Leaves(np.zeros(0, np.int32), np.zeros(0), np.zeros(0))
    axis = _axis(surface, panel)
    collar = _collar(surface, axis, panel) if collar_m is None else np.asarray(collar_m, dtype=float)
    label = _flooded(surface, collar)
    sizes = np.bincount(label, surface.face_areas_m2)
    large = np.flatnonzero(sizes >= _LEAST_SHARE * sizes.max())
    large = large[np.argsort(-sizes[large], kind="stable")]
    number = np.full(len(sizes), -1, np.int32)
    number[large] = np.arange(len(large))
    of_face = number[label]
    steep = [_inclination(surface, of_face == leaf, axis) for leaf in range(len(large))]
    return Leaves(of_face, sizes[large], np.array(steep))


def _axis(surface: Surface, panel: Panel | None) -> Array:
    if panel is not None:
        return panel.normal
    points = surface.vertices_m
    return np.asarray(np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][2])


def _collar(surface: Surface, axis: Array, panel: Panel | None) -> Array:
    """On the panel, or under the lowest of the surface, below the surface's middle."""
    areas = surface.face_areas_m2
    middle = np.average(surface.vertices_m[surface.faces].mean(axis=1), axis=0, weights=areas)
    lowest = panel.offset if panel is not None else float((surface.vertices_m @ axis).min())
    return np.asarray(middle + (lowest - middle @ axis) * axis)


def _flooded(surface: Surface, collar: Array) -> NDArray[np.int64]:
    """A label for each face, from a watershed of the faces' distances from the collar."""
    middles = surface.vertices_m[surface.faces].mean(axis=1)
    away = np.linalg.norm(middles - collar, axis=1)
    starts, partners = _neighbours(surface)
    order = np.argsort(-away, kind="stable")
    parent = np.full(len(away), -1)
    for face in order.tolist():
        roots = {_root(parent, int(other)) for other in partners[starts[face] : starts[face + 1]] if parent[other] >= 0}
        if not roots:
            parent[face] = face
            continue
        # The root of a flood is its tip, the first of its faces. Floods whose tips do not stand out join the highest.
        highest = max(roots, key=lambda root: away[root])
        parent[face] = highest
        for root in roots - {highest}:
            if away[root] - away[face] < _STANDS_OUT * away[root]:
                parent[root] = highest
    roots_of = np.array([_root(parent, face) for face in range(len(parent))])
    return np.unique(roots_of, return_inverse=True)[1]


def _root(parent: NDArray[np.int64], face: int) -> int:
    while parent[face] != face:
        parent[face] = parent[parent[face]]
        face = int(parent[face])
    return face


def _neighbours(surface: Surface) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Faces that share a side and do not meet in a crease: where each face's partners start, and the partners."""
    faces = surface.faces
    sides = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [0, 2]]]), axis=1)
    owner = np.tile(np.arange(len(faces)), 3)
    order = np.lexsort((owner, sides[:, 1], sides[:, 0]))
    same = (sides[order][1:] == sides[order][:-1]).all(axis=1)
    first, second = owner[order][:-1][same], owner[order][1:][same]
    normals = _unit_normals(surface)
    smooth = np.abs((normals[first] * normals[second]).sum(axis=1)) > np.cos(_CREASE_RAD)
    first, second = first[smooth], second[smooth]
    ones = np.ones(2 * len(first), np.int8)
    pairs = (np.concatenate([first, second]), np.concatenate([second, first]))
    graph = coo_matrix((ones, pairs), shape=(len(faces), len(faces))).tocsr()
    return graph.indptr, graph.indices


def pieces(surface: Surface) -> int:
    """How many connected pieces the surface has, creases cut."""
    starts, partners = _neighbours(surface)
    owner = np.repeat(np.arange(len(surface.faces)), np.diff(starts))
    graph = coo_matrix((np.ones(len(partners)), (owner, partners)), shape=(len(surface.faces),) * 2)
    return int(connected_components(graph)[0])


def _unit_normals(surface: Surface) -> Array:
    a, b, c = (surface.vertices_m[surface.faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    return np.asarray(normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-18))


def _inclination(surface: Surface, which: NDArray[np.bool_], axis: Array) -> float:
    """Of the direction that the faces' normals share most, whichever side they are told from."""
    normals = _unit_normals(surface)[which]
    shared = np.einsum("n,ni,nj->ij", surface.face_areas_m2[which], normals, normals)
    mean = np.linalg.eigh(shared)[1][:, -1]
    return float(np.arccos(np.clip(abs(mean @ axis), 0, 1)))
