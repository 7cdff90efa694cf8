"""Cables, arm and camera as one robot: where its camera is for a posture of all its actuators.

`world_from_camera = world_from_platform @ platform_from_base @ base_from_tool @ tool_from_camera`
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arm.config import ArmSection
from arm.kinematics import forward, joint_points_m
from arm.model import Arm
from cdpr.config import CablesSection
from cdpr.robot import CableRobot
from cdpr.workspace import Workspace
from cdpr.yaw_map import YawMap, yaw_map
from scan.calibrated_sections import calibrated
from scan.camera_section import CameraSection
from scan.cell_section import CellSection
from trellis.config import Configuration
from trellis.geometry import Pose
from trellis.lens import Lens

Array = NDArray[np.float64]
#: Asking winches and servos where they are, before and after a photograph and before the next move.
READING_S = 0.065
#: How many swings of the carriage a move of it lasts at least, and less than what is no move.
SWINGS, UNMOVED_M = 2.0, 0.0005
Joints = tuple[float, float, float, float]


@dataclass(frozen=True)
class CellPosture:
    """Where everything that moves stands.

    Args:
        x_m: Of the carriage's centre, world.
        y_m: Likewise.
        yaw_rad: Of the carriage: `cell.yaw_map` at (x, y), for a commanded posture.
        joints_rad: Base, shoulder, elbow, wrist of the arm.
    """

    x_m: float
    y_m: float
    yaw_rad: float
    joints_rad: Joints


@dataclass(frozen=True)
class Bodies:
    """How thick the cell's parts are, metres; meanings as in `[cell]`."""

    link_radius_m: float
    camera_radius_m: float
    carriage_depth_m: float
    clearance_m: float


@dataclass(frozen=True)
class Pace:
    """How quickly the cell moves: the carriage along a line, and each joint; and how long it stops for a photograph.

    A move of the carriage takes `least_s` at least: a shorter one is a knock that it swings from. `settle_s` is for
    coming to rest, `shot_s` for asking all devices where they are, exposure and transfer.
    """

    speed_m_s: float
    acceleration_m_s2: float
    jerk_m_s3: float
    joint_speed_rad_s: float
    least_s: float
    settle_s: float
    shot_s: float

    @property
    def stop_s(self) -> float:
        """What a stop costs beside the move to it."""
        return self.settle_s + self.shot_s


@dataclass(frozen=True, eq=False)
class Cell:
    """The robot that photographs plants, as it is believed to be.

    Args:
        robot: The cable robot.
        arm: The arm on its carriage.
        lens: The camera's.
        platform_from_base: How the arm's foot is mounted on the carriage.
        tool_from_camera: How the camera is mounted on the arm's last link.
        plane_z_m: Height of the cable plane over the wall, world z.
        workspace: Where the carriage may go.
        yaw_map: The carriage's yaw by its place.
        bodies: How thick its parts are.
        pace: How quickly it moves.
        park: Where it rests; the arm is folded away from the plants there.
    """

    robot: CableRobot
    arm: Arm
    lens: Lens
    platform_from_base: Pose
    tool_from_camera: Pose
    plane_z_m: float
    workspace: Workspace
    yaw_map: YawMap
    bodies: Bodies
    pace: Pace
    park: CellPosture

    @staticmethod
    def of(configuration: Configuration) -> "Cell":
        """The cell that a configuration describes, with the calibration in force. Raises `InputError`."""
        configuration = calibrated(configuration)
        return Cell.of_sections(
            configuration.section(CablesSection),
            configuration.section(ArmSection),
            configuration.section(CameraSection),
            configuration.section(CellSection),
        )

    @staticmethod
    def of_sections(cables: CablesSection, arm: ArmSection, camera: CameraSection, cell: CellSection) -> "Cell":
        """The cell that four sections describe."""
        cables = cell.softened(cables)
        table = yaw_map(cables)
        x, y = cables.home_m
        return Cell(
            robot=table.robot,
            arm=arm.arm(),
            lens=camera.lens.value(),
            platform_from_base=cell.platform_from_base.pose(),
            tool_from_camera=cell.tool_from_camera.pose(),
            plane_z_m=cell.plane_z_m,
            workspace=cables.workspace(),
            yaw_map=table,
            bodies=Bodies(cell.link_radius_m, cell.camera_radius_m, cell.carriage_depth_m, cell.clearance_m),
            pace=Pace(
                cables.speed_m_s,
                cables.acceleration_m_s2,
                cables.jerk_m_s3,
                arm.speed_rad_s,
                SWINGS / cell.swing_hz,
                cell.settle_s,
                READING_S + camera.exposure_s + camera.transfer_s,
            ),
            park=CellPosture(x, y, float(table.yaw_rad(x, y)), arm.parked_rad),
        )

    def posture(self, x_m: float, y_m: float, joints_rad: ArrayLike) -> CellPosture:
        """The posture with the carriage at a place, at the yaw that it has there."""
        base, shoulder, elbow, wrist = (float(q) for q in np.asarray(joints_rad))
        yaw_rad = float(self.yaw_map.yaw_rad(x_m, y_m))
        return CellPosture(float(x_m), float(y_m), yaw_rad, (base, shoulder, elbow, wrist))

    def folded(self, posture: CellPosture) -> CellPosture:
        """The same place and base yaw with the arm folded away from the plants: in this shape it may go anywhere."""
        joints_rad = (posture.joints_rad[0], *self.park.joints_rad[1:])
        return CellPosture(posture.x_m, posture.y_m, posture.yaw_rad, joints_rad)

    def world_from_base(self, posture: CellPosture) -> Pose:
        """The arm's foot."""
        platform = Pose.from_planar(posture.x_m, posture.y_m, posture.yaw_rad, self.plane_z_m)
        return platform @ self.platform_from_base

    def world_from_camera(self, posture: CellPosture) -> Pose:
        """The camera, for any yaw of the carriage, commanded or measured."""
        return self.world_from_base(posture) @ forward(self.arm, posture.joints_rad) @ self.tool_from_camera

    def arm_points_m(self, posture: CellPosture) -> Array:
        """Foot, shoulder, elbow, wrist and tool in the world, shape (5, 3)."""
        return self.world_from_base(posture) @ joint_points_m(self.arm, posture.joints_rad)
