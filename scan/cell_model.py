"""The whole cell as one vector of numbers: what its builder may have got wrong, and what follows for a photograph.

The vector holds differences from a nominal cell, so zero is that cell. For any vector the model says what four drums
and the carriage's balance allow for a pose of the carriage, and where a tag's corner then appears. Derivation:
docs/calibration-cell.md.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from cdpr.kinematics import cable_lengths, length_jacobian
from cdpr.robot import CABLES, GRAVITY_M_S2, UPPER, CableRobot
from scan.cell import Array, Cell
from trellis.geometry import Pose
from trellis.lens import Lens

LENS, CAMERA, ZEROS, LINKS = slice(0, 8), slice(8, 14), slice(14, 18), slice(18, 22)
FOOT, PLANE, PULLEYS, CORNERS = slice(22, 28), slice(28, 29), slice(29, 37), slice(37, 45)
DRUMS, SLACKS, HOME, MASSES, CENTRE = slice(45, 49), slice(49, 53), slice(53, 56), slice(56, 59), slice(59, 60)
COUNT = 60
LOWER = (0, 3)

_AXES = ("x", "y", "z")
NAMES: tuple[str, ...] = (
    *(f"lens {name}" for name in ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2")),
    *(f"camera turned about {axis}" for axis in _AXES),
    *(f"camera moved in {axis}" for axis in _AXES),
    *(f"zero of the {joint}" for joint in ("base", "shoulder", "elbow", "wrist")),
    *(f"length of the {link}" for link in ("column", "upper arm", "forearm", "camera mount")),
    *(f"arm's foot turned about {axis}" for axis in _AXES),
    *(f"arm's foot moved in {axis}" for axis in _AXES),
    "height of the cable plane",
    *(f"{cable} pulley {axis}" for cable in CABLES for axis in ("x", "y")),
    *(f"{cable} corner {axis}" for cable in CABLES for axis in ("x", "y")),
    *(f"{cable} drum" for cable in CABLES),
    *(f"{cable} slack in the dock" for cable in CABLES),
    "dock x", "dock y", "dock yaw",
    "mass at the elbow", "mass at the wrist", "mass at the camera",
    "carriage's centre of mass x",
)  # fmt: skip
#: Unit of each number: px, 1 (a pure number), rad, m, kg.
UNITS: tuple[str, ...] = (
    *("px",) * 4, *("1",) * 4, *("rad",) * 3, *("m",) * 3, *("rad",) * 4, *("m",) * 4, *("rad",) * 3, *("m",) * 3, "m",
    *("m",) * 16, *("1",) * 4, *("m",) * 4, "m", "m", "rad", *("kg",) * 3, "m",
)  # fmt: skip
#: What is thought to hang at elbow, wrist and camera: a servo with its brackets each, and the camera.
ARM_MASSES_KG = np.array([0.11, 0.11, 0.08])


def prior_stds() -> Array:
    """What a careful builder with a tape measure leaves, generously, shape (60,)."""
    stds = np.empty(COUNT)
    stds[LENS] = (60.0, 60.0, 30.0, 30.0, 0.15, 0.15, 0.005, 0.005)
    stds[CAMERA] = (*np.radians([5.0, 5.0, 5.0]), 0.006, 0.006, 0.006)
    stds[ZEROS], stds[LINKS] = np.radians(3.0), 0.002
    stds[FOOT] = (*np.radians([2.0, 2.0, 2.0]), 0.006, 0.006, 0.006)
    stds[PLANE], stds[PULLEYS], stds[CORNERS] = 0.006, 0.03, 0.003
    stds[DRUMS], stds[SLACKS] = 0.04, 0.001
    stds[HOME] = (0.008, 0.008, np.radians(1.0))
    stds[MASSES], stds[CENTRE] = 0.04, 0.003
    return stds


@dataclass(frozen=True, eq=False)
class CellModel:
    """A nominal cell and how the true one differs.

    Args:
        nominal: The cell as configured.
        turn_m: Cable that one turn of a nominal drum pays out, metres.
        stiffness_n: Force that would double a cable's length.
        dock: The carriage in its dock as configured: x, y, yaw.
        vector: Differences, ordered as `NAMES`, shape (60,).
    """

    nominal: Cell
    turn_m: float
    stiffness_n: float
    dock: Array
    vector: Array

    def at(self, vector: Array) -> "CellModel":
        """The same nominal cell with other differences."""
        return replace(self, vector=np.asarray(vector, dtype=float))

    @property
    def robot(self) -> CableRobot:
        """The cable robot with its pulleys and corners where they are."""
        nominal = self.nominal.robot
        return replace(
            nominal,
            pulleys_m=nominal.pulleys_m + self.vector[PULLEYS].reshape(4, 2),
            corners_m=nominal.corners_m + self.vector[CORNERS].reshape(4, 2),
        )

    @property
    def lens(self) -> Lens:
        """The lens, always as COLMAP's OPENCV."""
        params = opencv_params(self.nominal.lens) + self.vector[LENS]
        return Lens("OPENCV", self.nominal.lens.width_px, self.nominal.lens.height_px, tuple(map(float, params)))

    @property
    def platform_from_base(self) -> Pose:
        turn, move = self.vector[FOOT][:3], self.vector[FOOT][3:]
        return self.nominal.platform_from_base @ Pose.from_rotation_vector(turn, move)

    @property
    def tool_from_camera(self) -> Pose:
        turn, move = self.vector[CAMERA][:3], self.vector[CAMERA][3:]
        return self.nominal.tool_from_camera @ Pose.from_rotation_vector(turn, move)

    @property
    def plane_z_m(self) -> float:
        return self.nominal.plane_z_m + float(self.vector[PLANE][0])

    @property
    def links_m(self) -> Array:
        """Column, upper arm, forearm, camera mount."""
        return np.array([self.nominal.arm.shoulder_height_m, *self.nominal.arm.links_m]) + self.vector[LINKS]

    def paid_m(self, turns: Array) -> Array:
        """Cable without tension between pulley and corner for drums turned so far since the dock, shape (n, 4)."""
        docked = cable_lengths(self.robot, self.dock + self.vector[HOME]) + self.vector[SLACKS]
        return np.asarray(docked + turns * self.turn_m * (1 + self.vector[DRUMS]))

    def carriage_errors(self, poses: Array, turns: Array, tensions_n: Array, joints_rad: Array) -> Array:
        """What drums and balance leave unexplained of carriage poses (n, 3): four lengths (m) and a moment (N m).

        The upper tensions are those that hold the weight beside the lower ones; with them the cables' stretch is known,
        and what turns the carriage is left over as a moment.
        """
        robot = self.robot
        J = length_jacobian(robot, poses)
        upper, lower = list(UPPER), list(LOWER)
        weight = np.zeros((len(poses), 2))
        weight[:, 1] = -robot.mass_kg * GRAVITY_M_S2
        held = weight - np.einsum("nci,nc->ni", J[:, lower, :2], tensions_n[:, lower])
        tensions = np.array(tensions_n)
        tensions[:, upper] = np.linalg.solve(np.swapaxes(J[:, upper, :2], 1, 2), held[..., None])[..., 0]
        moment = (J[:, :, 2] * tensions).sum(axis=1) + GRAVITY_M_S2 * self._weight_lever(poses, joints_rad)
        paid = self.paid_m(turns) * (1 + tensions / self.stiffness_n)
        return np.column_stack([cable_lengths(robot, poses) - paid, moment])

    def cameras(self, poses: Array, joints_rad: Array) -> tuple[Array, Array]:
        """`world_from_camera` of postures: rotations (n, 3, 3) and places (n, 3)."""
        true = joints_rad + self.vector[ZEROS]
        points, tool = self._arm(true)
        mount, base = self.tool_from_camera, self.platform_from_base
        turn = Rotation.from_rotvec(poses[:, 2, None] * [0.0, 0.0, 1.0]).as_matrix()
        in_platform = base @ (points[:, 4] + tool @ mount.translation_m)
        place = np.einsum("nij,nj->ni", turn, in_platform)
        place += np.column_stack([poses[:, :2], np.full(len(poses), self.plane_z_m)])
        return turn @ base.rotation @ tool @ mount.rotation, place

    def pixels(self, poses: Array, joints_rad: Array, points_m: Array) -> Array:
        """Where points of the world, shape (n, k, 3), appear in the photographs of n postures, shape (n, k, 2)."""
        rotation, place = self.cameras(poses, joints_rad)
        return project(opencv_params(self.nominal.lens) + self.vector[LENS], rotation, place, points_m)

    def _arm(self, joints_rad: Array) -> tuple[Array, Array]:
        """Foot, shoulder, elbow, wrist, tool in the base (n, 5, 3), and `base_from_tool` rotations (n, 3, 3)."""
        column, *links = self.links_m
        yaw = joints_rad[:, 0]
        phi = np.pi / 2 + np.cumsum(joints_rad[:, 1:], axis=1)
        zero, one = np.zeros_like(yaw), np.ones_like(yaw)
        outward = np.stack([np.cos(yaw), np.sin(yaw), zero], axis=1)
        up = np.stack([zero, zero, one], axis=1)
        points = [np.zeros((len(yaw), 3)), column * up]
        for length, angle in zip(links, phi.T, strict=True):
            along = np.cos(angle)[:, None] * outward + np.sin(angle)[:, None] * up
            points.append(points[-1] + length * along)
        across = np.stack([np.sin(yaw), -np.cos(yaw), zero], axis=1)
        return np.stack(points, axis=1), np.stack([across, np.cross(along, across), along], axis=2)

    def _weight_lever(self, poses: Array, joints_rad: Array) -> Array:
        """Sum of mass times its distance right of the carriage's centre, kg m, shape (n,)."""
        points, _ = self._arm(joints_rad + self.vector[ZEROS])
        in_platform = self.platform_from_base @ points[:, 2:5]
        cos, sin = np.cos(poses[:, 2]), np.sin(poses[:, 2])
        right = cos[:, None] * in_platform[..., 0] - sin[:, None] * in_platform[..., 1]
        masses = ARM_MASSES_KG + self.vector[MASSES]
        rest_kg = self.nominal.robot.mass_kg - masses.sum()
        x, y = self.nominal.robot.centre_of_mass_m
        lever = cos * (x + self.vector[CENTRE][0]) - sin * y
        return np.asarray(right @ masses + rest_kg * lever)


def opencv_params(lens: Lens) -> Array:
    """fx, fy, cx, cy, k1, k2, p1, p2 of a lens of up to two radial and two tangential terms.

    Raises:
        ValueError: The model is another.
    """
    p = lens.params
    if lens.model in ("SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL"):
        return np.array([p[0], p[0], p[1], p[2], *p[3:], *(0.0,) * (7 - len(p))])
    if lens.model in ("PINHOLE", "OPENCV"):
        return np.array([*p, *(0.0,) * (8 - len(p))])
    raise ValueError(f"a cell is calibrated with a lens of the OPENCV family, not {lens.model}")


def project(params: Array, rotation: Array, place_m: Array, points_m: Array) -> Array:
    """Pixels (n, k, 2) of points (n, k, 3) in cameras (n, 3, 3) and (n, 3); source: COLMAP's OPENCV model."""
    in_camera = np.einsum("nji,nkj->nki", rotation, points_m - place_m[:, None])
    depth = np.where(np.abs(in_camera[..., 2]) > 1e-6, in_camera[..., 2], 1e-6)
    x, y = in_camera[..., 0] / depth, in_camera[..., 1] / depth
    fx, fy, cx, cy, k1, k2, p1, p2 = params
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + k2 * r2)
    u = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    v = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    return np.stack([fx * u + cx, fy * v + cy], axis=-1)


Mask = NDArray[np.bool_]
