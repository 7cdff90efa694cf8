"""The section `[cell]`: how cables, arm and camera stand to each other, on which clock, and how well that is known."""

from math import radians
from typing import Annotated, Any

import numpy as np
from pydantic import Field, field_validator

from cdpr.config import CablesSection
from trellis.clock import known_clocks
from trellis.config import Section
from trellis.geometry import Pose

Triple = tuple[float, float, float]
Size = Annotated[float, Field(ge=0, lt=1)]

#: Share of a swing over which an acceleration grows.
_GROWTH = 0.7


class MountTable(Section):
    """A rigid mount `a_from_b`: origin of b in a, and the axis of rotation times its angle in degrees."""

    position_m: Triple = (0.0, 0.0, 0.0)
    rotation_vector_deg: Triple = (0.0, 0.0, 0.0)

    def pose(self) -> Pose:
        """The mount as a pose."""
        return Pose.from_rotation_vector(np.radians(self.rotation_vector_deg), self.position_m)


class CellSection(Section):
    """The cell as one robot.

    `clock` and `clock_options` say by which clock the devices live (`trellis.clock.clock_named`). `plane_z_m` is the
    height of the cable plane over the wall. `position_std_m` and `rotation_std_deg` are what the camera's believed
    pose is good for before the cell is calibrated. `still_px` is how far the middle of the picture may move while the
    shutter is open: so long everything is waited for. `settle_s` is how long that takes after a move, on average, for
    planning. `swing_hz` is how fast the carriage swings on its elastic cables: accelerations are spread over one swing,
    so that little of it is left after a move. `arrival_m` and `arrival_deg` say how near counts as arrived,
    `arrival_timeout_s` how long that may take beyond the move's own duration. The rest is the size of things, for
    keeping them apart: radii around the links and around the camera, the least gap to leaves, wall and neighbours, and
    how far the carriage stands out of the cable plane towards the wall.
    """

    clock: str = "system"
    clock_options: dict[str, Any] = Field(default_factory=dict)
    calibration_folder: str = "calibration"
    plane_z_m: float = Field(default=0.47, gt=0, lt=10)
    platform_from_base: MountTable = MountTable(position_m=(0.0, 0.0, -0.03), rotation_vector_deg=(180.0, 0.0, 0.0))
    tool_from_camera: MountTable = MountTable()
    position_std_m: float = Field(default=0.006, gt=0, lt=1)
    rotation_std_deg: float = Field(default=1.0, gt=0, lt=90)
    settle_s: float = Field(default=0.23, ge=0, le=30)
    still_px: float = Field(default=0.3, gt=0, le=50)
    swing_hz: float = Field(default=7.2, gt=0, le=1000)
    arrival_m: float = Field(default=0.01, gt=0, lt=0.5)
    arrival_deg: float = Field(default=2.0, gt=0, lt=45)
    arrival_timeout_s: float = Field(default=5.0, gt=0, le=120)
    link_radius_m: Size = 0.025
    camera_radius_m: Size = 0.03
    carriage_depth_m: Size = 0.03
    clearance_m: Size = 0.02

    @field_validator("clock")
    @classmethod
    def _is_a_clock(cls, value: str) -> str:
        if value not in known_clocks():
            raise ValueError(f"no such clock; known are {', '.join(known_clocks())}")
        return value

    def softened(self, cables: CablesSection) -> CablesSection:
        """The cables with their limits lowered so that a change by full speed takes one swing of the carriage and more.

        An acceleration that lasts one swing, or grows over one, leaves nothing of it behind (a zero of its spectrum).
        """
        acceleration = min(cables.acceleration_m_s2, cables.speed_m_s * self.swing_hz)
        jerk = min(cables.jerk_m_s3, acceleration * self.swing_hz / _GROWTH)
        return cables.model_copy(update={"acceleration_m_s2": acceleration, "jerk_m_s3": jerk})

    @property
    def rotation_std_rad(self) -> float:
        return radians(self.rotation_std_deg)
