"""How near the arm comes to plants, wall, carriage and itself.

Links and camera are capsules, sampled as balls a centimetre or two apart; a plant is the cylinder over its collar (a
head is fuller than a half ellipsoid, whose flanks grown leaves overshoot by 4 cm); the wall is the plane z = 0; the
carriage is a block that reaches `carriage_depth_m` from the cable plane towards the wall and without end away from it.
The cables lie behind the block's face and out of the arm's way.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arm.kinematics import joint_points_m
from scan.cell import Array, Cell

#: Balls along upper arm, forearm and mount. The two first of the upper arm belong to the shoulder's bracket.
_BALLS = (8, 7, 3)
_SHOULDER_BALLS = 2
#: What must stay between the arm and the carriage, and between the arm's own parts.
OWN_GAP_M = 0.005


@dataclass(frozen=True)
class Obstacle:
    """A plant to keep away from: a cylinder that stands on its collar.

    Args:
        name: As a person knows it.
        position_m: Collar, world.
        radius_m: Across the wall.
        height_m: Out of the wall.
    """

    name: str
    position_m: tuple[float, float, float]
    radius_m: float
    height_m: float


@dataclass(frozen=True, eq=False)
class Gaps:
    """Least distances between surfaces, metres, negative where they overlap; each of shape (...).

    Args:
        wall: Arm or camera to the wall.
        plants: To the nearest plant.
        own: Of the arm to its carriage, and of its parts to each other.
    """

    wall: Array
    plants: Array
    own: Array

    def clear(self, clearance_m: float) -> NDArray[np.bool_]:
        """Whether wall and plants are `clearance_m` away, and the cell's own parts `OWN_GAP_M`."""
        free: NDArray[np.bool_] = (np.minimum(self.wall, self.plants) >= clearance_m) & (self.own >= OWN_GAP_M)
        return free


def gaps(cell: Cell, x_m: ArrayLike, y_m: ArrayLike, joints_rad: ArrayLike, plants: Sequence[Obstacle]) -> Gaps:
    """Gaps in postures: carriage at places of shape (...), joints of shape (..., 4), at the yaw map's yaw."""
    joints = np.asarray(joints_rad, dtype=float)
    x, y = np.asarray(x_m, dtype=float), np.asarray(y_m, dtype=float)
    in_platform = cell.platform_from_base @ joint_points_m(cell.arm, joints)
    balls = _along(in_platform)
    radii = _radii(cell)
    yaw = cell.yaw_map.yaw_rad(x, y)
    turned = _turned(balls, yaw) + np.stack([x, y, np.full_like(x, cell.plane_z_m)], axis=-1)[..., None, :]
    near = np.full(x.shape, np.inf)
    for plant in plants:
        near = np.minimum(near, (_to_plant(turned, plant) - radii).min(axis=-1))
    own = np.minimum(_to_carriage(cell, balls, radii), _to_itself(cell, in_platform))
    return Gaps((turned[..., 2] - radii).min(axis=-1), near, own)


def _along(points_m: Array) -> Array:
    """Centres of balls along shoulder to tool, from joint points (..., 5, 3): shape (..., sum(_BALLS), 3)."""
    parts = []
    for link, count in enumerate(_BALLS, start=1):
        share = (np.arange(count) + 1.0)[:, None] / count if link > 1 else np.arange(count)[:, None] / (count - 1.0)
        start, end = points_m[..., link, None, :], points_m[..., link + 1, None, :]
        parts.append(start + share * (end - start))
    return np.concatenate(parts, axis=-2)


def _radii(cell: Cell) -> Array:
    links = _BALLS[0] + _BALLS[1]
    return np.repeat([cell.bodies.link_radius_m, cell.bodies.camera_radius_m], [links, _BALLS[2]])


def _turned(points_m: Array, yaw_rad: Array) -> Array:
    """Points (..., n, 3) turned about z by yaws (...)."""
    cos, sin = np.cos(yaw_rad)[..., None], np.sin(yaw_rad)[..., None]
    x, y, z = np.moveaxis(points_m, -1, 0)
    return np.stack([cos * x - sin * y, sin * x + cos * y, z], axis=-1)


def _to_plant(points_m: Array, plant: Obstacle) -> Array:
    """Distance from points (..., 3) to a plant's cylinder, negative inside."""
    x, y, z = np.moveaxis(points_m - np.array(plant.position_m), -1, 0)
    outside = np.stack([np.hypot(x, y) - plant.radius_m, z - plant.height_m], axis=-1)
    return _signed(outside)


def _signed(outside: Array) -> Array:
    """Distance to a body from how far outside of it along each of its own directions, shape (..., n)."""
    return np.asarray(np.linalg.norm(np.maximum(outside, 0), axis=-1) + np.minimum(outside.max(axis=-1), 0))


def _to_carriage(cell: Cell, balls_m: Array, radii: Array) -> Array:
    """Gap of the arm to the carriage's block, in the platform frame."""
    half = np.abs(cell.robot.corners_m).max(axis=0)
    outside = np.concatenate([np.abs(balls_m[..., :2]) - half, -cell.bodies.carriage_depth_m - balls_m[..., 2:]], -1)
    return np.asarray((_signed(outside) - radii)[..., _SHOULDER_BALLS:].min(axis=-1))


def _to_itself(cell: Cell, points_m: Array) -> Array:
    """Gap of camera and wrist to upper arm and shoulder's column."""
    foot, shoulder, elbow, wrist, tool = np.moveaxis(points_m, -2, 0)
    link, camera = cell.bodies.link_radius_m, cell.bodies.camera_radius_m
    found = [
        _to_segment(tool, shoulder, elbow) - link - camera,
        _to_segment(tool, foot, shoulder) - link - camera,
        _to_segment(wrist, foot, shoulder) - 2 * link,
    ]
    return np.asarray(np.minimum.reduce(found))


def _to_segment(point_m: Array, start_m: Array, end_m: Array) -> Array:
    along = end_m - start_m
    share = np.clip(((point_m - start_m) * along).sum(-1) / np.maximum((along * along).sum(-1), 1e-12), 0, 1)
    return np.asarray(np.linalg.norm(point_m - start_m - share[..., None] * along, axis=-1))
