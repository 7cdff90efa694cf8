"""Where a plant is looked at from: places spread over the hemisphere in front of it, each looking at its middle.

Directions stand on a spiral of the golden angle over the cap of the sphere around the wall's normal, evenly by area but
somewhat denser where they slant: slanting views are the ones that look in between the leaves, and each of them sees
only one side of the head.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from scan.cell import Array
from scan.views_section import ViewsSection
from trellis.geometry import Pose
from trellis.lens import Lens

_GOLDEN_ANGLE_RAD = np.pi * (3 - np.sqrt(5))
#: 1 spreads the directions evenly by area; below it the slanting ones stand closer together.
_EVENNESS = 0.9
_DISTANCE_STEP_M = 0.01


@dataclass(frozen=True)
class Direction:
    """A direction from the plant to the camera: tilt from the wall's normal, azimuth from world x towards y."""

    tilt_rad: float
    azimuth_rad: float

    @property
    def unit(self) -> Array:
        """Unit vector out of the plant, world, shape (3,)."""
        sin = np.sin(self.tilt_rad)
        return np.array([sin * np.cos(self.azimuth_rad), sin * np.sin(self.azimuth_rad), np.cos(self.tilt_rad)])

    def beside(self, angle_rad: float, bearing_rad: float) -> "Direction":
        """The direction at an angle from this one, on a bearing: 0 towards more tilt, pi/2 towards more azimuth."""
        a, t = self.azimuth_rad, self.tilt_rad
        outward = np.array([np.cos(t) * np.cos(a), np.cos(t) * np.sin(a), -np.sin(t)])
        around = np.array([-np.sin(a), np.cos(a), 0.0])
        step = np.cos(bearing_rad) * outward + np.sin(bearing_rad) * around
        x, y, z = np.cos(angle_rad) * self.unit + np.sin(angle_rad) * step
        return Direction(float(np.arccos(np.clip(z, -1, 1))), float(np.arctan2(y, x)))


def directions(count: int, tilt_max_rad: float) -> list[Direction]:
    """Directions over the cap, the first the nearest to the normal, the last at `tilt_max_rad`."""
    share = (np.arange(count) + 0.5) / (count - 0.5)
    tilts = np.arccos(1 - (1 - np.cos(tilt_max_rad)) * share**_EVENNESS)
    azimuths = _GOLDEN_ANGLE_RAD * np.arange(count) % (2 * np.pi)
    return [Direction(float(tilt), float(azimuth)) for tilt, azimuth in zip(tilts, azimuths, strict=True)]


def fitted_distance_m(direction: Direction, radius_m: float, height_m: float, lens: Lens, views: ViewsSection) -> float:
    """How far from the plant's middle it just fills the picture, within the section's range.

    The plant is the half ellipsoid on its collar. What it may fill is the mean of the picture's half height and half
    width as angles: how the picture is turned about the line of sight is the arm's choice.
    """
    half_field = (np.arctan2(lens.width_px, 2 * focal_px(lens)) + np.arctan2(lens.height_px, 2 * focal_px(lens))) / 2
    points_m = _half_ellipsoid(radius_m, height_m) - [0.0, 0.0, height_m / 2]
    distances = np.arange(views.distance_min_m, views.distance_max_m + 1e-9, _DISTANCE_STEP_M)
    for distance_m in distances:
        ahead = distance_m - points_m @ direction.unit
        aside = np.linalg.norm(np.cross(points_m, direction.unit), axis=1)
        if (ahead > 0).all() and np.arctan2(aside, ahead).max() <= half_field:
            return float(distance_m)
    return views.distance_max_m


def viewpoint(plant_position_m: ArrayLike, height_m: float, direction: Direction, distance_m: float) -> Pose:
    """`world_from_camera` in a direction from the plant's middle, looking at it, the world's y up in the picture."""
    middle_m = np.asarray(plant_position_m, dtype=float) + np.array([0.0, 0.0, height_m / 2])
    return Pose.looking_at(middle_m + distance_m * direction.unit, middle_m, up=(0.0, 1.0, 0.0))


def viewpoint_rays(
    plant_position_m: ArrayLike, height_m: float, units: Array, distances_m: Array
) -> tuple[Array, Array]:
    """Places of cameras in directions (unit vectors out of the plant) and along what they look, (n, 3) each."""
    middle_m = np.asarray(plant_position_m, dtype=float) + np.array([0.0, 0.0, height_m / 2])
    return middle_m + distances_m[:, None] * units, -units


def viewpoints(
    plant_position_m: ArrayLike, radius_m: float, height_m: float, views: ViewsSection, lens: Lens
) -> list[Pose]:
    """The views to wish for, `world_from_camera` each, before anyone asked whether the cell can have them.

    Args:
        plant_position_m: The collar, world.
        radius_m: Of the plant, across the wall.
        height_m: Of the plant, out of the wall.
        views: How many, how slanting, from how far.
        lens: Of the camera.
    """
    return [
        viewpoint(plant_position_m, height_m, way, fitted_distance_m(way, radius_m, height_m, lens, views))
        for way in directions(views.count, np.radians(views.tilt_max_deg))
    ]


def focal_px(lens: Lens) -> float:
    """The focal length along x: the first parameter of every model."""
    return lens.params[0]


def _half_ellipsoid(radius_m: float, height_m: float) -> Array:
    """Points on a plant's outline, shape (n, 3)."""
    tilt, azimuth = np.meshgrid(np.linspace(0, np.pi / 2, 10), np.linspace(0, 2 * np.pi, 25))
    return np.stack(
        [
            radius_m * np.sin(tilt) * np.cos(azimuth),
            radius_m * np.sin(tilt) * np.sin(azimuth),
            height_m * np.cos(tilt),
        ],
        axis=-1,
    ).reshape(-1, 3)
