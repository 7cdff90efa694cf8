"""Leaves lean on each other instead of cutting through: each is lifted off the older ones that it lies on."""

import cv2
import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from hardware_sim.rigid import Array

#: Contact is worked out on every third point of a leaf's grid.
STEP = 3
#: Leaves in contact keep this apart; a leaf is lifted by this at most, or its foot would leave the stem.
GAP_M, REACH_M = 0.0012, 0.012


def part(grids: list[Array], lift_share: list[Array]) -> list[Array]:
    """Lift younger leaves off older ones.

    Args:
        grids: Each leaf's points (rows, columns, 3), oldest first; rows x columns points to its upper side.
        lift_share: For each leaf by row (rows,), how much of the lift is taken: 0 at the foot, 1 on the blade.
    """
    done: list[Array] = []
    below = _Below()
    for grid, share in zip(grids, lift_share, strict=True):
        parted = grid
        for _ in range(2 if done else 0):
            parted = _lifted(parted, share, below)
        done.append(parted)
        below.add(_coarse(parted))
    return done


def upward_normals(grid: Array) -> Array:
    """Unit normals of a grid of points towards the leaf's upper side (inwards and up)."""
    normals = np.cross(np.gradient(grid, axis=0), np.gradient(grid, axis=1))
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-15))


def grid_faces(rows: int, columns: int) -> NDArray[np.int32]:
    """Two triangles a cell, counter-clockwise seen from the upper side, as indices into the flattened grid."""
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    return np.concatenate([np.stack(three, -1).reshape(-1, 3) for three in ((a, d, c), (a, c, b))])


class _Below:
    """The coarse surfaces of the leaves done so far."""

    def __init__(self) -> None:
        self.caster = o3d.t.geometry.RaycastingScene()

    def add(self, grid: Array) -> None:
        vertices = np.ascontiguousarray(grid.reshape(-1, 3), dtype=np.float32)
        faces = grid_faces(*grid.shape[:2]).astype(np.uint32)
        self.caster.add_triangles(o3d.core.Tensor(vertices), o3d.core.Tensor(faces))

    def lift_m(self, grid: Array, normals: Array) -> NDArray[np.float32]:
        """How far each point must rise along its normal to clear what should lie below it, (rows, columns)."""
        rays = np.concatenate([grid + REACH_M * normals, -normals], -1).astype(np.float32)
        hit = self.caster.cast_rays(o3d.core.Tensor(rays))
        height = REACH_M - hit["t_hit"].numpy()
        # A surface whose upper side faces the other way belongs to an older leaf that bends over this one.
        beneath = (hit["primitive_normals"].numpy() * normals).sum(-1) > 0.1
        return np.where(beneath & np.isfinite(height), np.maximum(height + GAP_M, 0), 0).astype(np.float32)


def _picks(count: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, count - 1, max(3, count // STEP)).round().astype(np.int64))


def _coarse(grid: Array) -> Array:
    return grid[np.ix_(_picks(grid.shape[0]), _picks(grid.shape[1]))]


def _lifted(grid: Array, share: Array, below: _Below) -> Array:
    rows, columns = _picks(grid.shape[0]), _picks(grid.shape[1])
    normals = cv2.GaussianBlur(upward_normals(grid), (0, 0), 5.0)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-15)
    coarse = np.ix_(rows, columns)
    lift = below.lift_m(grid[coarse], normals[coarse]) * share[rows, None]
    if not lift.any():
        return grid
    # A sheet does not bend in a point: the lift spreads over a centimetre.
    spread = cv2.GaussianBlur(cv2.dilate(lift, np.ones((3, 3))), (0, 0), 2.4)
    y = np.interp(np.arange(grid.shape[0]), rows, np.arange(len(rows))).astype(np.float32)
    x = np.interp(np.arange(grid.shape[1]), columns, np.arange(len(columns))).astype(np.float32)
    fine = cv2.remap(spread.astype(np.float32), *np.meshgrid(x, y), cv2.INTER_LINEAR)
    # Along smoothed normals: over blisters a lift of millimetres along the leaf's own would fold it.
    return np.asarray(grid + fine[..., None] * normals)
