"""Postures of the whole cell that put its camera where it is wanted, along the one freedom that is left.

A view fixes five numbers, the place of the camera and its line of sight; the cell has six: the carriage's x and y and
four joints. The freedom is how far the camera stands from the axis of the arm's base, along the line in which the plane
of the arm cuts the wall. For each such reach the answer is found in closed form for a mount that only turns the camera
about its line of sight, over a base that faces the wall, and made exact for any small mount by Newton's method.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from arm.kinematics import all_branches, planar
from scan.cell import Array, Cell

#: Reaches that are tried: the whole of what the arm can do, a centimetre apart.
_STEP_M = 0.01
#: Below this tilt the line of sight does not say in which plane the arm should work, and several are tried.
_UPRIGHT_RAD = np.radians(4.0)
_PLANES = 12
#: Newton's method has converged when the camera is this near.
_EXACT_M = 1e-6
_EXACT_RAD = 1e-5


@dataclass(frozen=True, eq=False)
class Postures:
    """Many postures of the cell.

    Args:
        x_m: Of the carriage, shape (n,).
        y_m: Likewise.
        joints_rad: Shape (n, 4).
    """

    x_m: Array
    y_m: Array
    joints_rad: Array

    def __len__(self) -> int:
        return len(self.x_m)

    def __getitem__(self, index: NDArray[np.bool_] | NDArray[np.intp]) -> "Postures":
        return Postures(self.x_m[index], self.y_m[index], self.joints_rad[index])


def sights(cell: Cell, postures: Postures) -> tuple[Array, Array]:
    """Places of the camera and unit lines of sight in the world, both (n, 3), for carriages inside the workspace."""
    q = postures.joints_rad
    radius, height, pitch = np.moveaxis(planar(cell.arm, q), -1, 0)
    yaw, zero, one = q[:, 0], np.zeros(len(q)), np.ones(len(q))
    outward = np.stack([np.cos(yaw), np.sin(yaw), zero], axis=-1)
    up = np.stack([zero, zero, one], axis=-1)
    along = np.cos(pitch)[:, None] * outward + np.sin(pitch)[:, None] * up
    across = np.stack([np.sin(yaw), -np.cos(yaw), zero], axis=-1)
    tool = np.stack([across, np.cross(along, across), along], axis=-1)  # base_from_tool
    in_base = radius[:, None] * outward + height[:, None] * up + tool @ cell.tool_from_camera.translation_m
    sight = tool @ cell.tool_from_camera.rotation[:, 2]
    carriage = Rotation.from_rotvec(_yaw_rad(cell, postures.x_m, postures.y_m)[:, None] * [0.0, 0.0, 1.0])
    place = carriage.apply(cell.platform_from_base @ in_base)
    place += np.stack([postures.x_m, postures.y_m, np.full(len(q), cell.plane_z_m)], axis=-1)
    return place, carriage.apply(sight @ cell.platform_from_base.rotation.T)


def postures_for(cell: Cell, place_m: ArrayLike, sight: ArrayLike) -> Postures:
    """Every posture found for a place of the camera and a line of sight, inside limits and workspace.

    Args:
        cell: The cell.
        place_m: Of the camera, world, shape (3,).
        sight: Unit vector along which it looks, world, shape (3,).

    Returns:
        Postures on a grid of the free reach, in all branches of the arm, exact to a micrometre and 1e-5 rad; none
        where the cell cannot do it. Clearance is not looked at.
    """
    place, direction = np.asarray(place_m, dtype=float), np.asarray(sight, dtype=float)
    first = _closed_form(cell, place, direction)
    postures = _newton(cell, first, place, direction)
    inside = cell.workspace.holds(postures.x_m, postures.y_m) & cell.arm.within_limits(postures.joints_rad)
    postures = postures[inside]
    reached, along = sights(cell, postures)
    exact = (np.linalg.norm(reached - place, axis=1) < _EXACT_M) & (
        np.linalg.norm(along - direction, axis=1) < _EXACT_RAD
    )
    return postures[exact]


def closed_form(cell: Cell, places: Array, sights: Array, reaches_m: Array) -> tuple[Array, NDArray[np.int64]]:
    """Postures for a base that faces the wall squarely and a camera at the tip of the tool, a reach for each view.

    Args:
        cell: The cell; turns of its mounts are not looked at, and offsets only along the line of sight.
        places: Of the camera, world, shape (n, 3).
        sights: Unit vectors along which it looks, shape (n, 3); one along the wall's normal is as good as any plane.
        reaches_m: Of the camera's tip from the axis of the arm's base, shape (n,).

    Returns:
        Postures inside limits and workspace as x, y and joints, shape (m, 6), and of which view each is, (m,).
    """
    tip = places - cell.tool_from_camera.translation_m[2] * sights
    plane = np.arctan2(sights[:, 1], sights[:, 0])
    foot = tip[:, :2] - reaches_m[:, None] * np.stack([np.cos(plane), np.sin(plane)], axis=-1)
    near = np.flatnonzero(_near(cell, foot[:, 0], foot[:, 1]))
    tip, plane, foot, sights, reaches_m = tip[near], plane[near], foot[near], sights[near], reaches_m[near]
    x, y, yaw = _carriage_under(cell, foot)
    base_yaw, height, facing = _over_the_base(cell, plane, yaw, tip[:, 2])
    pitch = np.arctan2(facing * sights[:, 2], np.hypot(sights[:, 0], sights[:, 1]))
    q = all_branches(cell.arm, base_yaw, reaches_m, height, pitch)
    found = np.isfinite(q).all(axis=-1) & cell.workspace.holds(x, y)[:, None]
    index = np.nonzero(found)[0]
    return np.column_stack([x[index], y[index], q[found]]), near[index].astype(np.int64)


def made_exact(cell: Cell, rows: Array, places: Array, sights: Array) -> Array:
    """Postures (n, 6) by Newton's method so that each camera is at its place and looks along its sight, both (n, 3)."""
    found = _newton(cell, Postures(rows[:, 0], rows[:, 1], rows[:, 2:]), places, sights)
    return np.column_stack([found.x_m, found.y_m, found.joints_rad])


def _closed_form(cell: Cell, place: Array, sight: Array) -> Postures:
    """Postures for a base that faces the wall squarely and a camera at the tip of the tool."""
    reach_m = cell.arm.links_m.sum()
    reaches = np.arange(-np.floor(reach_m / _STEP_M), np.floor(reach_m / _STEP_M) + 1) * _STEP_M
    # The tool's tip, where the camera sits off it along the line of sight only.
    tip = place - cell.tool_from_camera.translation_m[2] * sight
    level = np.hypot(sight[0], sight[1])
    if level > np.sin(_UPRIGHT_RAD):
        planes = np.array([np.arctan2(sight[1], sight[0])])
    else:
        planes = np.arange(_PLANES) * np.pi / _PLANES
    plane, reach = (grid.ravel() for grid in np.meshgrid(planes, reaches, indexing="ij"))
    outward = np.stack([np.cos(plane), np.sin(plane)], axis=-1)
    foot = tip[:2] - reach[:, None] * outward
    x, y, yaw = _carriage_under(cell, foot)
    base_yaw, height, facing = _over_the_base(cell, plane, yaw, np.full_like(reach, tip[2]))
    pitch = np.arctan2(facing * sight[2], sight[:2] @ outward.T)
    q = all_branches(cell.arm, base_yaw, reach, height, pitch)
    found = np.isfinite(q).all(axis=-1)
    index = np.nonzero(found)[0]
    return Postures(x[index], y[index], q[found])


def _over_the_base(cell: Cell, plane: Array, yaw: Array, tip_z_m: Array) -> tuple[Array, Array, float]:
    """Base yaw for planes in the world, height of the tip over the base, and whether base z points at the wall (-1)."""
    base = cell.platform_from_base
    # Base x seen in the world; a base turned over mirrors its yaw.
    facing = float(np.sign(base.rotation[2, 2]))
    base_yaw = facing * (plane - yaw - np.arctan2(base.rotation[1, 0], base.rotation[0, 0]))
    return base_yaw, facing * (tip_z_m - cell.plane_z_m - base.translation_m[2]), facing


def _carriage_under(cell: Cell, foot_m: Array) -> tuple[Array, Array, Array]:
    """Carriage's x, y and yaw when the arm's foot is over places (n, 2); the yaw depends on where the carriage is."""
    offset = cell.platform_from_base.translation_m[:2]
    x, y = foot_m.T
    for _ in range(3):
        yaw = _yaw_rad(cell, x, y)
        x = foot_m[:, 0] - np.cos(yaw) * offset[0] + np.sin(yaw) * offset[1]
        y = foot_m[:, 1] - np.sin(yaw) * offset[0] - np.cos(yaw) * offset[1]
    return x, y, yaw


def _yaw_rad(cell: Cell, x_m: Array, y_m: Array) -> Array:
    """The yaw at places, and outside the workspace that of the nearest place inside: nothing stays there anyway."""
    return cell.yaw_map.yaw_rad(x_m.clip(*cell.workspace.x_m), y_m.clip(*cell.workspace.y_m))


def _newton(cell: Cell, postures: Postures, place: Array, sight: Array) -> Postures:
    """Least-norm Newton steps of all six numbers until the camera is where it should be: (3,) for all, or (n, 3)."""
    near = _near(cell, postures.x_m, postures.y_m)
    state = np.column_stack([postures.x_m, postures.y_m, postures.joints_rad])[near]
    if place.ndim == 2:
        place, sight = place[near], sight[near]
    for _ in range(6):
        error = _error(cell, state, place, sight)
        if len(state) == 0 or np.abs(error).max() < 1e-9:
            break
        step = 1e-6
        columns = [(_error(cell, state + step * unit, place, sight) - error) / step for unit in np.eye(6)]
        state = state - np.einsum("nij,nj->ni", np.linalg.pinv(np.stack(columns, axis=-1), rcond=1e-4), error)
    return Postures(state[:, 0], state[:, 1], state[:, 2:])


def _near(cell: Cell, x: Array, y: Array) -> NDArray[np.bool_]:
    """Near enough to the workspace for Newton's method to end inside."""
    (left, right), (low, high) = cell.workspace.x_m, cell.workspace.y_m
    near: NDArray[np.bool_] = (x > left - 0.02) & (x < right + 0.02) & (y > low - 0.02) & (y < high + 0.02)
    return near


def _error(cell: Cell, state: Array, place: Array, sight: Array) -> Array:
    """What is missing, shape (n, 6): metres of place and unit vector of sight."""
    reached, along = sights(cell, Postures(state[:, 0], state[:, 1], state[:, 2:]))
    return np.concatenate([reached - place, along - sight], axis=1)
