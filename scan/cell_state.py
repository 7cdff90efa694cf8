"""What the cell says of itself: the believed pose of its camera, a photograph, and the state of all its devices."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arm.servos import ArmHealth
from trellis.geometry import Pose
from trellis.manifest import DevicesRecord

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Believed:
    """Where the camera is by kinematics from what the devices report.

    Args:
        world_from_camera: OpenCV axes.
        position_std_m: Standard deviation of each coordinate.
        rotation_std_rad: Standard deviation about each axis.
        covariance: Of its place (m) and turn (rad) about the world's axes, shape (6, 6).
    """

    world_from_camera: Pose
    position_std_m: float
    rotation_std_rad: float
    covariance: Array

    @staticmethod
    def of(world_from_camera: Pose, position_std_m: float, rotation_std_rad: float) -> "Believed":
        """Known equally well in all directions."""
        variances = [position_std_m**2] * 3 + [rotation_std_rad**2] * 3
        return Believed(world_from_camera, position_std_m, rotation_std_rad, np.diag(variances))


@dataclass(frozen=True, eq=False)
class Photograph:
    """A photograph that passed the gates.

    Args:
        jpeg: The file's bytes.
        taken_at: When the shutter was asked for, UTC.
        believed: Where the camera stood at that moment.
        devices: What the devices said then.
    """

    jpeg: bytes
    taken_at: datetime
    believed: Believed
    devices: DevicesRecord | None = None


@dataclass(frozen=True, eq=False)
class CellState:
    """Everything that moves, as the devices report it now.

    The place of the carriage, lengths and tensions are None until the cell is homed. Cables stand in the order bottom
    right, top right, top left, bottom left; joints base, shoulder, elbow, wrist. `doubt` says why the carriage was
    frozen and may not move, or is None.
    """

    homed: bool
    stopped: bool
    joints_rad: tuple[float, ...]
    health: ArmHealth
    x_m: float | None = None
    y_m: float | None = None
    yaw_rad: float | None = None
    lengths_m: tuple[float, ...] | None = None
    tensions_n: tuple[float, ...] | None = None
    camera_m: tuple[float, ...] | None = None
    doubt: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The same for JSON."""
        flat = {name: value for name, value in vars(self).items() if name != "health"}
        servos = [dict(vars(servo)) for servo in self.health.servos]
        return {**flat, "servos": servos, "servo_bus": dict(vars(self.health.bus))}
