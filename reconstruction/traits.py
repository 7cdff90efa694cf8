"""Numbers of one plant from its surface, each as honest as the reconstruction allows."""

from math import hypot

import numpy as np
import open3d as o3d
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull, QhullError

from reconstruction.model import Array, Model
from reconstruction.panel import Panel
from reconstruction.records import Cloud, Surface
from trellis.records import Traits

#: A face counts as seen by a view that looks at it within this angle of its normal, unhindered.
_SLANT_RAD = np.radians(75)
#: So many views make a face well covered.
_COVERED = 5
#: What estimators of area leave beside their disagreement: rims and blisters, from known shapes and simulated plants.
_AREA_SHARE = 0.04
#: Gates: shares and pixels beyond which nothing is weighed.
_REGISTERED, _REPROJECTION_PX, _SCALE_STD, _DISAGREEMENT = 0.6, 2.0, 0.02, 0.3


def measure(
    model: Model, sheet: Cloud, surface: Surface, panel: Panel | None = None, plant_position_m: ArrayLike | None = None
) -> Traits:
    """Traits of one plant.

    Args:
        model: Says from where it was seen, and what metres are good for.
        sheet: The plant's points as thin sheets.
        surface: The triangles over them.
        panel: What the plant grows out of; heights are above it. Without it, and without `plant_position_m`, height,
            diameter and projected area have no axis and stay None.
        plant_position_m: The plant's collar; the axis is then the world's z when there is no panel.
    """
    area, cloud_area = float(surface.face_areas_m2.sum()), sheet_area(sheet)
    shape = _shape(sheet.points_m, panel, plant_position_m)
    scale_std = model.scale_std if model.metric else 0.0
    std = hypot(2 * scale_std * area, _AREA_SHARE * area, (area - cloud_area) / 2)
    reason = _distrust(model, area, cloud_area)
    return Traits(
        images_given=model.images_given,
        images_registered=len(model.views),
        reprojection_error_px=model.reprojection_error_px,
        scale_source=str(model.scale_source),
        leaf_area_m2=area,
        leaf_area_std_m2=std,
        leaf_area_cloud_m2=cloud_area,
        volume_m3=_hull_volume(sheet.points_m),
        height_m=shape[0],
        diameter_m=shape[1],
        projected_area_m2=shape[2],
        completeness=_completeness(model, surface),
        trusted=reason is None,
        untrusted_reason=reason,
    )


def sheet_area(sheet: Cloud) -> float:
    """Area of thin sheets by counting cubes, without a mesh.

    A flat piece of area A and normal n passes through A (|nx| + |ny| + |nz|) / s^2 cubes of edge s on average, so each
    occupied cube stands for s^2 / (|nx| + |ny| + |nz|). A cube of three times the points' spacing is missed by no
    sheet that crosses more than a corner of it; the grid is laid at eight places and the mean taken.
    """
    if len(sheet) < 10:
        return 0.0
    low = sheet.points_m.min(axis=0)
    spacing = _spacing(sheet.points_m)
    edge = 3 * spacing
    areas = []
    for shift in np.stack(np.meshgrid([0, 0.5], [0, 0.5], [0, 0.5]), axis=-1).reshape(-1, 3):
        cell = np.floor((sheet.points_m - low) / edge + shift).astype(np.int64)
        key = (cell[:, 0] << 42) | (cell[:, 1] << 21) | cell[:, 2]
        _, of_point = np.unique(key, return_inverse=True)
        count = np.bincount(of_point)
        steep = np.bincount(of_point, np.abs(sheet.normals).sum(axis=1)) / count
        areas.append(edge**2 * float((1 / steep).sum()))
    return float(np.mean(areas))


def _spacing(points: Array) -> float:
    """Middle distance to the nearest other point, of a sample."""
    tree = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points[:: max(len(points) // 5000, 1)]))
    whole = o3d.geometry.KDTreeFlann(o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points)))
    nearest = [whole.search_knn_vector_3d(point, 2)[2][1] for point in tree.points]
    return float(np.sqrt(np.median(nearest)))


def _shape(
    points: Array, panel: Panel | None, plant_position_m: ArrayLike | None
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
    edge = 2 * _spacing(points)
    shadow = len(np.unique(np.floor(flat / edge).astype(np.int64), axis=0)) * edge**2
    return float(np.percentile(height, 99.8)), float(widths.mean()), float(shadow)


def _hull_volume(points: Array) -> float | None:
    """Volume of the convex hull, or None where the points span none."""
    try:
        return float(ConvexHull(points).volume)
    except (QhullError, ValueError):
        return None


def _completeness(model: Model, surface: Surface) -> float | None:
    """Share of the surface's area that at least five views see within 75 deg of its normal.

    It speaks of the surface that was found: what no view saw at all is not in it.
    """
    if len(surface.faces) == 0:
        return None
    corners = surface.vertices_m[surface.faces]
    middle = corners.mean(axis=1)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-18
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(surface.vertices_m.astype(np.float32), surface.faces.astype(np.uint32))
    views = np.zeros(len(middle), np.int64)
    for centre in model.centres_world_m:
        views += _sees(scene, centre, middle, normal)
    area = surface.face_areas_m2
    return float(area[views >= _COVERED].sum() / area.sum())


def _sees(scene: o3d.t.geometry.RaycastingScene, centre: Array, middle: Array, normal: Array) -> NDArray[np.bool_]:
    """Which faces a camera at `centre` sees, by their middles."""
    way = middle - centre
    distance = np.linalg.norm(way, axis=1)
    direct = np.abs((way * normal).sum(axis=1)) > np.cos(_SLANT_RAD) * distance
    rays = np.concatenate([np.broadcast_to(centre, way.shape), way / distance[:, None]], axis=1).astype(np.float32)
    hit = scene.cast_rays(o3d.core.Tensor(rays))["t_hit"].numpy()
    return np.asarray(direct & (hit > distance * 0.995))


def _distrust(model: Model, area: float, cloud_area: float) -> str | None:
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
    return None
