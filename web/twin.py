"""The cell as it stands now, in space: cables, carriage, arm and what the camera sees, for a drawing to be turned."""

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scan.calibrated_sections import CURRENT, calibration_folder
from scan.cell import Cell, CellPosture
from scan.config import WallSection
from scan.sizes import obstacles
from trellis.clock import SystemClock
from trellis.config import Configuration
from trellis.geometry import Pose
from trellis.manifest import Outcome
from web.answers import Answer, RobotAnswer, ViewsAnswer

Point = tuple[float, float, float]
#: How far the drawn view reaches.
_CONE_M = 0.25


class StandingAnswer(Answer):
    """A plant as large as it is likely to be today: the robot keeps away from this cylinder."""

    name: str
    position_m: Point
    radius_m: float
    height_m: float


class StillAnswer(Answer):
    """What of the cell does not move: pulleys, workspace (a polygon) and plants, metres in the world frame."""

    pulleys_m: tuple[Point, ...]
    workspace_m: tuple[Point, ...]
    plants: tuple[StandingAnswer, ...]
    tension_min_n: float
    tension_max_n: float
    joints_low_rad: tuple[float, ...]
    joints_high_rad: tuple[float, ...]


class TwinAnswer(Answer):
    """What moves, as the devices report it, metres in the world frame; None where they do not say.

    `corners_m` are the cables' ends on the carriage (4); `arm_m` foot, shoulder, elbow, wrist and tool (5); `cone_m`
    the camera and the corners of what it sees (5); `planned_m` where the camera has yet to go in the scan that is under
    way. `driver` holds the controls.
    """

    robot: RobotAnswer
    corners_m: tuple[Point, ...] | None
    arm_m: tuple[Point, ...] | None
    cone_m: tuple[Point, ...] | None
    planned_m: tuple[Point, ...]
    driver: str | None


class Twin:
    """The believed cell, worked out once and again when another calibration comes into force.

    Args:
        configuration: The farm's.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration, self._lock = configuration, threading.Lock()
        self._cell: tuple[int, Cell] | None = None

    @property
    def cell(self) -> Cell:
        """The cell; raises `InputError` where its calibration cannot be read."""
        current = calibration_folder(self._configuration) / CURRENT
        changed_ns = current.stat().st_mtime_ns if current.exists() else 0
        with self._lock:
            if self._cell is None or self._cell[0] != changed_ns:
                self._cell = changed_ns, Cell.of(self._configuration)
            return self._cell[1]

    def still(self) -> StillAnswer:
        """What does not move."""
        cell = self.cell
        pulleys = np.column_stack([cell.robot.pulleys_m, np.full(4, cell.plane_z_m)])
        corners = cell.workspace.corners_m
        today = SystemClock().utc().date()
        low, high = cell.arm.limits_rad.T
        return StillAnswer(
            pulleys_m=_points(pulleys),
            workspace_m=_points(np.column_stack([corners, np.full(len(corners), cell.plane_z_m)])),
            plants=tuple(
                StandingAnswer(**vars(one)) for one in obstacles(self._configuration.section(WallSection), today)
            ),
            tension_min_n=cell.robot.tension_min_n,
            tension_max_n=cell.robot.tension_max_n,
            joints_low_rad=tuple(map(float, low)),
            joints_high_rad=tuple(map(float, high)),
        )

    def live(self, robot: RobotAnswer, newest: ViewsAnswer | None, driver: str | None) -> TwinAnswer:
        """What moves."""
        moving: dict[str, Any] = {"corners_m": None, "arm_m": None, "cone_m": None}
        if None not in (robot.x_m, robot.y_m, robot.yaw_rad, robot.joints_rad):
            moving = self._moving(robot)
        planned = [view.position_m for view in newest.views if view.outcome == Outcome.PENDING] if newest else []
        return TwinAnswer(robot=robot, planned_m=tuple(planned), driver=driver, **moving)

    def _moving(self, robot: RobotAnswer) -> dict[str, Any]:
        cell = self.cell
        assert robot.x_m is not None
        assert robot.y_m is not None
        assert robot.yaw_rad is not None
        assert robot.joints_rad is not None
        base, shoulder, elbow, wrist = robot.joints_rad
        posture = CellPosture(robot.x_m, robot.y_m, robot.yaw_rad, (base, shoulder, elbow, wrist))
        platform = Pose.from_planar(posture.x_m, posture.y_m, posture.yaw_rad, cell.plane_z_m)
        corners = np.column_stack([cell.robot.corners_m, np.zeros(4)])
        return {
            "corners_m": _points(platform @ corners),
            "arm_m": _points(cell.arm_points_m(posture)),
            "cone_m": _points(_cone(cell, cell.world_from_camera(posture))),
        }


def _cone(cell: Cell, world_from_camera: Pose) -> NDArray[np.float64]:
    """The camera's place and the corners of its picture a way in front of it, shape (5, 3)."""
    lens = cell.lens
    half_x, half_y = lens.width_px / 2 / lens.params[0], lens.height_px / 2 / lens.params[0]
    rays = [(0.0, 0.0, 0.0)] + [(x * half_x, y * half_y, 1.0) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return np.asarray(world_from_camera @ (_CONE_M * np.array(rays)))


def _points(rows: NDArray[np.float64]) -> tuple[Point, ...]:
    return tuple((round(float(x), 5), round(float(y), 5), round(float(z), 5)) for x, y, z in rows)
