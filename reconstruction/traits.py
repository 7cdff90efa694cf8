"""Numbers of one plant from its surface, each as honest as the reconstruction allows."""

from dataclasses import dataclass
from math import hypot

import numpy as np
import open3d as o3d
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull, QhullError, cKDTree

from reconstruction.leaves import Leaves
from reconstruction.model import Array, Model
from reconstruction.panel import Panel
from reconstruction.plausibility import implausible
from reconstruction.records import Cloud, Surface
from reconstruction.smoothing import thinned
from trellis.records import Traits

#: A face counts as seen by a view that looks at it within this angle of its normal, unhindered.
_SLANT_RAD = np.radians(75)
#: Share of a surface that is found where so many views see it, on simulated leaves photographed from 15 to 64 places
#: (docs/decisions/0006). The same few views find more of an open place than of one deep inside: each counts for as many
#: more as `_OPEN` times the share, beyond `_DEEP`, that these views are of those that would see it if nothing hid it.
_VIEWS, _FOUND = (2, 3, 4, 5, 6, 8, 10), (0.15, 0.25, 0.4, 0.55, 0.7, 0.9, 1.0)
_OPEN, _DEEP = 1.5, 0.1
#: How much of what is missed by that reckoning may be wrong.
_MISSED_SHARE = 0.35
#: What estimators of area leave beside their disagreement: rims and blisters, from known shapes and simulated plants.
_AREA_SHARE = 0.04
#: Points of a thinned sheet in the square of their spacing.
_CROWD = 0.585
#: Triangles end at corners that lie inside the rim, on average by this share of their spacing (known discs and rings).
_RIM = 0.36
#: Middle length of a triangle's side by the spacing of a Poisson-disk sampling.
_EDGE = 1.47
#: Gates: shares and pixels beyond which nothing is weighed.
_REGISTERED, _REPROJECTION_PX, _SCALE_STD, _DISAGREEMENT, _COMPLETENESS = 0.6, 2.0, 0.02, 0.3, 0.3
#: What height, diameter, projected area and hull volume are off by where nothing is missing, as a share; from a few
#: simulated plants (docs/decisions/0009).
_HEIGHT_SHARE, _DIAMETER_SHARE, _SHADOW_SHARE, _VOLUME_SHARE = 0.06, 0.02, 0.08, 0.08


@dataclass(frozen=True)
class Earlier:
    """What the same plant measured so many days ago."""

    traits: Traits
    days: float


def measure(
    model: Model,
    sheet: Cloud,
    surface: Surface,
    spacing_m: float,
    panel: Panel | None = None,
    plant_position_m: ArrayLike | None = None,
    leaves: Leaves | None = None,
    earlier: Earlier | None = None,
) -> Traits:
    """Traits of one plant.

    Args:
        model: Says from where it was seen, and what metres are good for.
        sheet: The plant's points as thin sheets.
        surface: The triangles over them.
        spacing_m: Of the surface's corners; the sheet's points stand about half as far apart.
        panel: What the plant grows out of; heights are above it. Without it, and without `plant_position_m`, height,
            diameter and projected area have no axis and stay None.
        plant_position_m: The plant's collar; the axis is then the world's z when there is no panel.
        leaves: Of the surface, told apart.
        earlier: An earlier measurement; what cannot have grown from it is not trusted.
    """
    area, cloud_area = surface_area(surface), sheet_area(sheet, spacing_m)
    shape = _shape(sheet.points_m, spacing_m, panel, plant_position_m)
    scale_std = model.scale_std if model.metric else 0.0
    missed = _missed_area(model, surface)
    whole = area + missed
    std = hypot(2 * scale_std * whole, _AREA_SHARE * whole, (area - cloud_area) / 2, _MISSED_SHARE * missed)
    completeness = area / whole if area > 0 else None
    reason = _distrust(model, area, cloud_area, completeness)
    volume = _hull_volume(sheet.points_m)
    found = Traits(
        images_given=model.images_given,
        images_registered=len(model.views),
        reprojection_error_px=model.reprojection_error_px,
        scale_source=str(model.scale_source),
        leaf_area_m2=whole,
        leaf_area_std_m2=std,
        leaf_area_found_m2=area,
        leaf_area_cloud_m2=cloud_area,
        volume_m3=volume,
        volume_std_m3=_std(volume, _VOLUME_SHARE, 3 * scale_std),
        height_m=shape[0],
        height_std_m=_std(shape[0], _HEIGHT_SHARE, scale_std),
        diameter_m=shape[1],
        diameter_std_m=_std(shape[1], _DIAMETER_SHARE, scale_std),
        projected_area_m2=shape[2],
        projected_area_std_m2=_std(shape[2], _SHADOW_SHARE, 2 * scale_std),
        leaf_count=None if leaves is None else len(leaves),
        leaf_areas_m2=None if leaves is None else tuple(leaves.areas_m2.tolist()),
        leaf_inclinations_rad=None if leaves is None else tuple(leaves.inclinations_rad.tolist()),
        completeness=completeness,
        trusted=reason is None,
        untrusted_reason=reason,
    )
    if found.trusted and earlier is not None:
        reason = implausible(found, earlier.traits, earlier.days)
    return found.model_copy(update={"trusted": reason is None, "untrusted_reason": reason})


def _std(value: float | None, share: float, scale_share: float) -> float | None:
    return None if value is None else value * hypot(share, scale_share)


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


def _shape(
    points: Array, spacing_m: float, panel: Panel | None, plant_position_m: ArrayLike | None
) -> tuple[float | None, float | None, float | None]:
    """Height along the axis, mean width across it over all directions, and area of the shadow along it."""
    if len(points) < 10 or (panel is None and plant_position_m is None):
        return None, None, None
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
    return float(np.percentile(height, 99.8)), float(widths.mean()), float(shadow)


def _hull_volume(points: Array) -> float | None:
    """Volume of the convex hull, or None where the points span none."""
    try:
        return float(ConvexHull(points).volume)
    except (QhullError, ValueError):
        return None


def _missed_area(model: Model, surface: Surface) -> float:
    """How much more surface the cameras could see than was found, in the model's unit squared.

    What few views see is found seldom. So each face that was found and that n views see stands for others that were
    not: 1 / (share of such surface that is found) of it in all (Horvitz and Thompson, 1952). What fewer than two views
    see is not in it.
    """
    if len(surface.faces) == 0:
        return 0.0
    views, unhindered = _views_of_faces(model, surface)
    openness = views / np.maximum(unhindered, 1)
    found = np.interp(views * (1 + _OPEN * np.maximum(openness - _DEEP, 0)), _VIEWS, _FOUND)
    return float((surface.face_areas_m2 * (1 / found - 1)).sum())


def _views_of_faces(model: Model, surface: Surface) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many cameras see each face within 75 deg of its normal, and how many would if nothing stood before it."""
    corners = surface.vertices_m[surface.faces]
    middle = corners.mean(axis=1)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-18
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(surface.vertices_m.astype(np.float32), surface.faces.astype(np.uint32))
    views, unhindered = np.zeros(len(middle), np.int64), np.zeros(len(middle), np.int64)
    for centre in model.centres_world_m:
        direct, seen = _sees(scene, centre, middle, normal)
        views += seen
        unhindered += direct
    return views, unhindered


def _sees(
    scene: o3d.t.geometry.RaycastingScene, centre: Array, middle: Array, normal: Array
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which faces, by their middles, are turned to a camera at `centre`, and which of those it sees."""
    way = middle - centre
    distance = np.linalg.norm(way, axis=1)
    direct = np.abs((way * normal).sum(axis=1)) > np.cos(_SLANT_RAD) * distance
    rays = np.concatenate([np.broadcast_to(centre, way.shape), way / distance[:, None]], axis=1).astype(np.float32)
    hit = scene.cast_rays(o3d.core.Tensor(rays))["t_hit"].numpy()
    return np.asarray(direct), np.asarray(direct & (hit > distance * 0.995))


def _distrust(model: Model, area: float, cloud_area: float, completeness: float | None) -> str | None:
    """Why the numbers may not be used, or None."""
    share = len(model.views) / max(model.images_given, 1)
    if share < _REGISTERED:
        return f"only {len(model.views)} of {model.images_given} photographs were placed; {_REGISTERED:.0%} are needed"
    if model.reprojection_error_px > _REPROJECTION_PX:
        return f"the model misses its photographs by {model.reprojection_error_px:.2f} px, more than {_REPROJECTION_PX}"
    if model.metric and model.scale_std > _SCALE_STD:
        return f"the scale is known to {model.scale_std:.1%} only; {_SCALE_STD:.0%} is allowed"
    if area <= 0:
        return "no leaf surface was found"
    if abs(area - cloud_area) > _DISAGREEMENT * area:
        return f"two ways of measuring the area differ: {area * 1e4:.1f} and {cloud_area * 1e4:.1f} cm2"
    if completeness is not None and completeness < _COMPLETENESS:
        return f"only {completeness:.0%} of what the cameras could see was found; {_COMPLETENESS:.0%} are needed"
    return None
