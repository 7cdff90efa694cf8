"""Tomorrow's views by today's mesh: some of them move to where they look at what was seen by too few.

A face counts as seen by a view that looks at its middle, unhidden by the plant itself, within 75 deg of its normal. It
is worth its area times the number of views that see it, up to ten: what ten see is recovered, what few see is not
(FACTS of the field, 7). Views are exchanged one by one, the least missed against the most wanted direction of a dense
set, as long as that gains and no more than a quarter of them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from scan.cell import Array
from scan.viewpoints import Direction, directions
from trellis.errors import InputError
from trellis.folders import ScanFolder
from trellis.manifest import read_manifest

SEEN_DEG, ENOUGH = 75.0, 10
MOVED_MAX_SHARE = 0.25
#: Its published types know no arrays.
_TENSOR: Any = o3d.core.Tensor
_CANDIDATES, _DISTANCE_M, _FACES_MAX = 160, 0.32, 6000
#: An exchange must add this share of the plant's area times one view.
_GAIN_MIN = 0.002


@dataclass(frozen=True, eq=False)
class SeenMesh:
    """A plant as it was reconstructed, in the world.

    Args:
        vertices_m: Shape (n, 3).
        faces: Shape (m, 3).
        middle_m: Of the plant: what the views look at, shape (3,).
    """

    vertices_m: Array
    faces: NDArray[np.int64]
    middle_m: Array


@dataclass(frozen=True, eq=False)
class Adapted:
    """Directions for the next plan.

    Args:
        wishes: One for each view, in the views' numbering.
        moved: Numbers of the views that were moved.
        before: Share of the area seen by ten views, by the mesh.
        after: Likewise, with the moved views.
    """

    wishes: list[Direction]
    moved: tuple[int, ...]
    before: float
    after: float


def read_mesh(folder: ScanFolder) -> SeenMesh:
    """The mesh of a reconstructed scan.

    Raises:
        InputError: The scan has no reconstruction with a mesh.
    """
    path: Path = folder.path / "reconstruction" / "mesh.ply"
    manifest = read_manifest(folder.manifest)
    if not path.exists():
        raise InputError(f"{path} is not there; reconstruct the scan first: `trellis reconstruct {folder.path}`")
    mesh = o3d.io.read_triangle_mesh(path)
    faces = np.asarray(mesh.triangles)
    if len(faces) == 0:
        raise InputError(f"{path} holds no triangles; the views stay as they are: plan without --adapt")
    x, y, z = manifest.plant_position_m
    middle = np.array([x, y, z + manifest.plant_height_m / 2])
    return SeenMesh(np.asarray(mesh.vertices), faces.astype(np.int64), middle)


def adapt(mesh: SeenMesh, wishes: list[Direction], tilt_max_rad: float) -> Adapted:
    """Move some of the wished directions to where they see what too few of them see.

    Args:
        mesh: The plant.
        wishes: The directions as they would be without.
        tilt_max_rad: No direction slants more.
    """
    candidates = directions(_CANDIDATES, tilt_max_rad)
    seen, areas = _seen(mesh, [*wishes, *candidates])
    now, others = seen[: len(wishes)].copy(), seen[len(wishes) :]
    count = now.sum(axis=0)
    before = _share(count, areas)
    adapted, moved = list(wishes), list[int]()
    while len(moved) < int(MOVED_MAX_SHARE * len(wishes)):
        # What each view would be missed by, and then what each candidate would add in its stead.
        loss = (now & (count <= ENOUGH)) @ areas
        loss[moved] = np.inf
        least = int(loss.argmin())
        left = count - now[least]
        gain = (others & (left < ENOUGH)) @ areas
        best = int(gain.argmax())
        if gain[best] - loss[least] < _GAIN_MIN * areas.sum():
            break
        adapted[least], now[least] = candidates[best], others[best]
        count = left + others[best]
        moved.append(least)
    return Adapted(adapted, tuple(sorted(moved)), before, _share(count, areas))


def _share(count: Array, areas: Array) -> float:
    return float(areas[count >= ENOUGH].sum() / areas.sum())


def _seen(mesh: SeenMesh, ways: list[Direction]) -> tuple[NDArray[np.bool_], Array]:
    """Which faces (of a sample) each direction sees, shape (views, faces), and the faces' areas."""
    corners = mesh.vertices_m[mesh.faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(cross, axis=1) / 2
    picked = np.flatnonzero(areas > 0)
    picked = picked[:: max(len(picked) // _FACES_MAX, 1)]
    middles, normals = corners[picked].mean(axis=1), cross[picked] / (2 * areas[picked, None])
    caster = o3d.t.geometry.RaycastingScene()
    caster.add_triangles(_TENSOR(mesh.vertices_m.astype(np.float32)), _TENSOR(mesh.faces.astype(np.uint32)))
    seen = np.zeros((len(ways), len(picked)), bool)
    for row, way in enumerate(ways):
        eye = mesh.middle_m + _DISTANCE_M * way.unit
        rays = middles - eye
        far = np.linalg.norm(rays, axis=1)
        rays /= far[:, None]
        both = np.concatenate([np.broadcast_to(eye, rays.shape), rays], axis=1).astype(np.float32)
        hit = caster.cast_rays(_TENSOR(both))["t_hit"].numpy()
        facing = np.abs((rays * normals).sum(axis=1)) > np.cos(np.radians(SEEN_DEG))
        seen[row] = facing & (hit > far - 5e-4)
    return seen, areas[picked]
