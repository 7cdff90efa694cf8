"""Where the arm's camera is for given joints, and every set of joints that puts it where it is wanted.

Source of all formulas: docs/derivations-arm.md. `q` is the vector of joint angles (base, shoulder, elbow, wrist).
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares

from arm.model import JOINTS, Arm
from trellis.errors import Unreachable
from trellis.geometry import Pose, wrap_angle_rad

Array = NDArray[np.float64]

#: How many metres a radian of pitch counts for when the nearest reachable pose is sought.
_METRES_PER_RADIAN = 0.1


class PoseUnreachable(Unreachable):
    """A target that no posture of the arm reaches, beside the nearest one that a posture does.

    `nearest` is (yaw_rad, radius_m, height_m, pitch_rad) and `nearest_joints_rad` of shape (4,) takes it.
    """

    def __init__(self, wanted: "PlanarTarget", nearest: "PlanarTarget", nearest_joints_rad: Array) -> None:
        super().__init__(f"the arm cannot put its camera at {wanted}; the nearest it can is {nearest}; move the target")
        self.wanted = wanted
        self.nearest = nearest
        self.nearest_joints_rad = nearest_joints_rad


@dataclass(frozen=True)
class PlanarTarget:
    """A place and direction of the tool in the arm's own plane.

    Args:
        yaw_rad: Direction of the plane, about the base's z.
        radius_m: Distance from the base's axis along that direction; negative is behind the axis.
        height_m: Above the arm's foot.
        pitch_rad: Direction of the line of sight: 0 looks outward, pi/2 along the base's z, pi inward.
    """

    yaw_rad: float
    radius_m: float
    height_m: float
    pitch_rad: float

    @staticmethod
    def looking_at_axis(yaw_rad: float, radius_m: float, height_m: float, focus_height_m: float) -> "PlanarTarget":
        """At a radius and height, looking at the point of the base's axis that is `focus_height_m` high."""
        return PlanarTarget(yaw_rad, radius_m, height_m, float(np.arctan2(focus_height_m - height_m, -radius_m)))

    def __str__(self) -> str:
        return (
            f"yaw {np.degrees(self.yaw_rad):.2f} deg, radius {self.radius_m:.4f} m, height {self.height_m:.4f} m, "
            f"pitch {np.degrees(self.pitch_rad):.2f} deg"
        )


def planar(arm: Arm, joints_rad: ArrayLike) -> Array:
    """Radius (m), height (m) and pitch (rad, not wrapped) of the tool in the plane of the base's yaw.

    Takes joints of shape (..., 4), gives shape (..., 3).
    """
    phi = _link_angles(joints_rad)
    radius_m = np.cos(phi) @ arm.links_m
    height_m = np.sin(phi) @ arm.links_m + arm.shoulder_height_m
    return np.stack([radius_m, height_m, phi[..., 2]], axis=-1)


def forward(arm: Arm, joints_rad: ArrayLike) -> Pose:
    """`base_from_tool` for joints of shape (4,); limits are not looked at."""
    yaw = float(np.asarray(joints_rad, dtype=float)[0])
    radius_m, height_m, pitch = planar(arm, joints_rad)
    outward = np.array([np.cos(yaw), np.sin(yaw), 0.0])
    up = np.array([0.0, 0.0, 1.0])
    sight = np.cos(pitch) * outward + np.sin(pitch) * up
    across = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
    return Pose(np.column_stack([across, np.cross(sight, across), sight]), radius_m * outward + height_m * up)


def joint_points_m(arm: Arm, joints_rad: ArrayLike) -> Array:
    """Foot, shoulder, elbow, wrist and tool in the base frame, shape (..., 5, 3), for joints of shape (..., 4)."""
    joints = np.asarray(joints_rad, dtype=float)
    phi, yaw = _link_angles(joints), joints[..., 0, None]
    zeros = np.zeros((*joints.shape[:-1], 2))
    radii = np.concatenate([zeros, np.cumsum(arm.links_m * np.cos(phi), axis=-1)], axis=-1)
    heights = arm.shoulder_height_m + np.cumsum(arm.links_m * np.sin(phi), axis=-1)
    heights = np.concatenate([zeros + np.array([0.0, arm.shoulder_height_m]), heights], axis=-1)
    return np.stack([radii * np.cos(yaw), radii * np.sin(yaw), heights], axis=-1)


def jacobian(arm: Arm, joints_rad: ArrayLike) -> Array:
    """Of the tool in the base frame, shape (6, 4): velocity (m), then turning rate (rad), each per radian of joint."""
    joints = np.asarray(joints_rad, dtype=float)
    points_m = joint_points_m(arm, joints)
    across = np.array([np.sin(joints[0]), -np.cos(joints[0]), 0.0])
    # The angle of a link grows from the outward direction towards z, which is a turn about `across`.
    axes = np.stack([np.array([0.0, 0.0, 1.0]), across, across, across])
    velocities = np.cross(axes, points_m[4] - points_m[:4])
    return np.vstack([velocities.T, axes.T])


def branches(arm: Arm, yaw_rad: float, radius_m: float, height_m: float, pitch_rad: float) -> Array:
    """Every posture within limits that puts the tool at a target, and none where none does: shape (n, 4), n 0 to 4.

    The arguments are those of `PlanarTarget`. Branches differ in the side of the elbow, and in whether the base faces
    the target or is turned half round with the arm leaning over its own axis; facing ones come first. Turned half
    round, the tool's x axis and so the picture is upside down.
    """
    postures = all_branches(arm, yaw_rad, radius_m, height_m, pitch_rad)
    reached = postures[np.isfinite(postures).all(axis=1)]
    first = [i for i, q in enumerate(reached) if not any(np.allclose(q, p, atol=1e-9) for p in reached[:i])]
    return np.asarray(reached[first])


def all_branches(arm: Arm, yaw_rad: ArrayLike, radius_m: ArrayLike, height_m: ArrayLike, pitch_rad: ArrayLike) -> Array:
    """The four branches for targets of any one shape (...), not-a-number where there is none: shape (..., 4, 4).

    Along the last axis but one: facing the target with the elbow to one side and the other, then turned half round.
    """
    yaw, radius, height, pitch = np.broadcast_arrays(
        *(np.asarray(value, dtype=float) for value in (yaw_rad, radius_m, height_m, pitch_rad))
    )
    sides = product((False, True), (1.0, -1.0))
    postures = np.stack([_posture(arm, yaw, radius, height, pitch, turned, elbow) for turned, elbow in sides], axis=-2)
    return np.where(arm.within_limits(postures)[..., None], postures, np.nan)


def inverse(arm: Arm, yaw_rad: float, radius_m: float, height_m: float, pitch_rad: float) -> Array:
    """`branches`, at least one of them.

    Raises:
        PoseUnreachable: No posture within the limits does; finding the nearest takes a tenth of a second.
    """
    found = branches(arm, yaw_rad, radius_m, height_m, pitch_rad)
    if len(found) == 0:
        target = PlanarTarget(yaw_rad, radius_m, height_m, pitch_rad)
        raise PoseUnreachable(target, *_nearest(arm, target))
    return found


def _link_angles(joints_rad: ArrayLike) -> Array:
    """Angle of each link from the outward direction, shape (..., 3); pi/2 is along the base's z."""
    return np.asarray(np.pi / 2 + np.cumsum(np.asarray(joints_rad, dtype=float)[..., 1:], axis=-1))


def _posture(arm: Arm, yaw: Array, radius_m: Array, height_m: Array, pitch: Array, turned: bool, elbow: float) -> Array:
    """One branch, joints wrapped into [-pi, pi), or not-a-number where the wrist is too far from the shoulder."""
    if turned:
        yaw, radius_m, pitch = yaw + np.pi, -radius_m, np.pi - pitch
    x = radius_m - arm.mount_m * np.cos(pitch)
    y = height_m - arm.mount_m * np.sin(pitch) - arm.shoulder_height_m
    cosine = (x * x + y * y - arm.upper_m**2 - arm.fore_m**2) / (2 * arm.upper_m * arm.fore_m)
    bend = np.where(np.abs(cosine) > 1 + 1e-12, np.nan, elbow * np.arccos(np.clip(cosine, -1, 1)))
    first = np.arctan2(y, x) - np.arctan2(arm.fore_m * np.sin(bend), arm.upper_m + arm.fore_m * np.cos(bend))
    joints = np.stack([yaw + 0.0 * bend, first - np.pi / 2, bend, pitch - first - bend], axis=-1)
    return _into_limits(arm, wrap_angle_rad(joints))


def _into_limits(arm: Arm, joints_rad: Array) -> Array:
    """Half a turn either way is the same posture: take the one that the limits allow."""
    return np.where((np.abs(joints_rad + np.pi) < 1e-9) & (arm.limits_rad[:, 0] > -np.pi), np.pi, joints_rad)


def _nearest(arm: Arm, target: PlanarTarget) -> tuple[PlanarTarget, Array]:
    """The reachable target nearest to one that is not, by distance with pitch at 0.1 m a radian, and its posture."""
    found = min((_nearest_in_plane(arm, target, turned) for turned in (False, True)), key=lambda pair: pair[0])
    joints_rad = found[1]
    radius_m, height_m, pitch = planar(arm, joints_rad)
    yaw = joints_rad[0]
    if abs(wrap_angle_rad(yaw - target.yaw_rad)) > np.pi / 2:
        yaw, radius_m, pitch = yaw + np.pi, -radius_m, np.pi - pitch
    yaw, pitch = (float(wrap_angle_rad(angle)) for angle in (yaw, pitch))
    return PlanarTarget(yaw, float(radius_m), float(height_m), pitch), joints_rad


def _nearest_in_plane(arm: Arm, target: PlanarTarget, turned: bool) -> tuple[float, Array]:
    """Cost and joints of the nearest posture with the base facing the target, or turned half round."""
    yaw, radius_m, pitch = target.yaw_rad, target.radius_m, target.pitch_rad
    if turned:
        yaw, radius_m, pitch = yaw + np.pi, -radius_m, np.pi - pitch
    base = _nearest_allowed(float(wrap_angle_rad(yaw)), arm.limits_rad[0])
    swing_m = abs(float(wrap_angle_rad(base - yaw))) * max(abs(radius_m), _METRES_PER_RADIAN)

    def residual(bends: Array) -> Array:
        r, h, p = planar(arm, np.concatenate([[base], bends]))
        return np.array([r - radius_m, h - target.height_m, _METRES_PER_RADIAN * float(wrap_angle_rad(p - pitch))])

    low, high = arm.limits_rad[1:].T
    starts = [low + (high - low) * np.array(share) for share in product((0.25, 0.75), repeat=3)]
    solved = min((least_squares(residual, start, bounds=(low, high)) for start in starts), key=lambda s: float(s.cost))
    return float(np.sqrt(2 * solved.cost)) + swing_m, np.concatenate([[base], np.clip(solved.x, low, high)])


def _nearest_allowed(angle_rad: float, limits_rad: Array) -> float:
    if limits_rad[0] <= angle_rad <= limits_rad[1]:
        return angle_rad
    return float(min(limits_rad, key=lambda limit: abs(float(wrap_angle_rad(limit - angle_rad)))))


def joints_named(joints_rad: ArrayLike) -> str:
    """Joints as a person reads them, in degrees."""
    return ", ".join(f"{name} {np.degrees(q):.1f} deg" for name, q in zip(JOINTS, np.asarray(joints_rad), strict=True))
