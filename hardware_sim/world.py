"""The true cell, drawn from a seed: what a builder meant (docs/frames.md), and by how much it came out otherwise.

Nothing of this is told to the stack; it sees bytes and photographs. `errors` says how careful the builder was:
`calibrated` is what a calibration leaves, `builder` what a tape measure leaves, `none` is the nominal cell.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from hardware_sim.rigid import Array, motion
from trellis.errors import InputError

#: Frame of the nominal hydroponic cell, order bottom right, top right, top left, bottom left.
NOMINAL_PULLEYS_M = ((2.20, 0.0), (2.20, 2.00), (0.0, 2.00), (0.0, 0.0))
HALF_SIDE_M = 0.22377 / 2
NOMINAL_CORNERS_M = tuple((HALF_SIDE_M * sx, HALF_SIDE_M * sy) for sx, sy in ((1, -1), (1, 1), (-1, 1), (-1, -1)))
HOME_M = (1.10, 1.00)
#: Where the arm stands folded when the farm is switched on: base, shoulder, elbow, wrist. Balanced over its own foot,
#: so that it stays there with the servos off.
FOLDED_DEG = (0.0, 40.0, -125.0, 75.0)


@dataclass(frozen=True)
class Sizes:
    """Standard deviations of what differs from nominal; lengths in metres, angles in degrees."""

    pulley_m: float
    drum_share: float
    corner_m: float
    home_m: float
    home_yaw_deg: float
    joint_zero_deg: float
    link_m: float
    base_m: float
    base_deg: float
    mount_m: float
    mount_deg: float
    focal_share: float
    centre_px: float
    distortion: float


ERRORS = {
    "none": Sizes(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "calibrated": Sizes(0.002, 0.002, 0.0003, 0.001, 0.1, 0.4, 0.0003, 0.001, 0.2, 0.001, 0.4, 0.003, 3.0, 1.0),
    "builder": Sizes(0.015, 0.02, 0.002, 0.004, 0.5, 1.5, 0.001, 0.003, 1.0, 0.003, 2.0, 0.02, 12.0, 2.0),
}


@dataclass(frozen=True)
class TrueLens:
    """COLMAP's OPENCV model: a pinhole with two radial and two tangential terms; pixel centres at 0.5."""

    width_px: int
    height_px: int
    fx_px: float
    fy_px: float
    cx_px: float
    cy_px: float
    k1: float
    k2: float
    p1: float
    p2: float


@dataclass(frozen=True, eq=False)
class World:
    """What is really there, apart from the plants.

    Args:
        pulleys_m: Points where the cables leave the frame, or centres of the pulleys' wheels, shape (4, 2).
        corners_m: Where they are tied to the carriage, in its frame, shape (4, 2).
        drum_radii_m: Metres of cable a radian of drum, shape (4,).
        home_m: x, y and yaw (rad) of the carriage when the farm is switched on and every encoder reads 0.
        platform_from_base, tool_from_camera: Motions (4, 4).
        links_m: Height of the shoulder, upper arm, forearm, camera mount, shape (4,).
        joint_zeros_rad: True joint angle when the servo stands at its zero, shape (4,).
    """

    seed: int
    pulleys_m: Array
    corners_m: Array
    drum_radii_m: Array
    home_m: Array
    plane_z_m: float
    platform_from_base: Array
    tool_from_camera: Array
    links_m: Array
    joint_zeros_rad: Array
    lens: TrueLens
    folded_rad: Array = field(default_factory=lambda: np.radians(FOLDED_DEG))
    #: Of the pulleys' wheels, to the middle of the cable, shape (4,); 0 where it leaves at a point.
    wheel_radii_m: Array = field(default_factory=lambda: np.zeros(4))

    def base_from_tool(self, joints_rad: ArrayLike) -> Array:
        """The arm's forward solution from true joint angles (4,), as a chain of turns: yaw, then three bends.

        At zero every link stands along the base's z; a positive bend leans away from where the base faces.
        """
        yaw, *bends = np.asarray(joints_rad, dtype=float)
        shoulder, *lengths = self.links_m
        chain = motion((0, 0, yaw)) @ motion(translation=(0, 0, shoulder))
        for bend, length in zip(bends, lengths, strict=True):
            chain = chain @ motion((0, -bend, 0)) @ motion(translation=(0, 0, length))
        # The last link's frame has x outward and y to the left; the tool looks along the link with x = (sin, -cos).
        return np.asarray(chain @ motion((0, 0, -np.pi / 2)))

    def world_from_camera(self, carriage: ArrayLike, joints_rad: ArrayLike) -> Array:
        """True camera pose (4, 4), OpenCV axes, from the carriage's true x, y, yaw and the true joint angles (4,)."""
        x, y, yaw = np.asarray(carriage, dtype=float)
        world_from_platform = motion((0, 0, yaw), (x, y, self.plane_z_m))
        base = self.platform_from_base @ self.base_from_tool(joints_rad)
        return np.asarray(world_from_platform @ base @ self.tool_from_camera)


def build_world(
    seed: int, errors: str = "calibrated", folded_deg: ArrayLike = FOLDED_DEG, pulley_radius_m: float = 0.0
) -> World:
    """Draw the world of a seed; the same seed and `errors` give the same world on every machine.

    Raises:
        InputError: `errors` is none of `ERRORS`.
    """
    if errors not in ERRORS:
        raise InputError(f"errors = {errors!r}: the simulated builder is one of {', '.join(ERRORS)}")
    if not 0 <= pulley_radius_m <= 0.1:
        raise InputError(f"pulley_radius_m = {pulley_radius_m}: 0 (a point) to 0.1 m are possible")
    size = ERRORS[errors]
    random = np.random.default_rng([seed, 0x77A11])

    def off(deviation: float, *shape: int) -> Array:
        # Cut at 2.5 s.d.: a part that is further off than that would have been noticed while building.
        return np.asarray(deviation * np.clip(random.standard_normal(shape), -2.5, 2.5))

    degree = float(np.pi / 180)
    return World(
        seed=seed,
        pulleys_m=np.array(NOMINAL_PULLEYS_M) + off(size.pulley_m, 4, 2),
        corners_m=np.array(NOMINAL_CORNERS_M) + off(size.corner_m, 4, 2),
        drum_radii_m=0.0127 * (1 + off(size.drum_share, 4)),
        home_m=np.array([*(HOME_M + off(size.home_m, 2)), *off(size.home_yaw_deg * degree, 1)]),
        plane_z_m=0.47 + float(off(size.base_m, 1)[0]),
        platform_from_base=motion((np.pi, 0, 0), (0, 0, -0.03))
        @ motion(off(size.base_deg * degree, 3), off(size.base_m, 3)),
        tool_from_camera=motion(off(size.mount_deg * degree, 3), off(size.mount_m, 3)),
        links_m=np.array([0.0803, 0.107, 0.107, 0.0265]) + off(size.link_m, 4),
        joint_zeros_rad=off(size.joint_zero_deg * degree, 4),
        lens=_lens(size, off),
        folded_rad=np.radians(np.asarray(folded_deg, dtype=float)),
        wheel_radii_m=np.full(4, float(pulley_radius_m)),
    )


def _lens(size: Sizes, off: Callable[..., Array]) -> TrueLens:
    focal = 1290 * (1 + float(off(size.focal_share, 1)[0]))
    aspect, k1, k2, p1, p2 = off(1.0, 5)
    cx, cy = np.array([648.0, 486.0]) + off(size.centre_px, 2)
    d = size.distortion
    return TrueLens(
        width_px=1296,
        height_px=972,
        fx_px=focal,
        fy_px=focal * (1 + 0.0005 * d * float(aspect)),
        cx_px=float(cx),
        cy_px=float(cy),
        k1=d * (-0.03 + 0.005 * float(k1)),
        k2=d * (0.01 + 0.003 * float(k2)),
        p1=0.0003 * d * float(p1),
        p2=0.0003 * d * float(p2),
    )
