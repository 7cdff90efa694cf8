"""What is looked at before each scan: disk, drives, servos, camera, and tags where some should be in sight."""

from collections.abc import Callable
from typing import Protocol

import cv2
import numpy as np

from arm.servos import ArmHealth
from scan.cell_state import CellState, Photograph
from trellis.board import TagBoard
from trellis.errors import CameraError, DeviceFault
from trellis.lens import Lens

#: An AX-12A switches itself off at 70 °C.
SERVO_HOT_C = 65.0
#: So many tags well inside the picture, and not one is seen: lamps, lens or the believed pose are wrong.
_TAGS_EXPECTED = 4
#: Of each edge of the picture, where a tag may be just outside.
_MARGIN = 0.15


class Cell(Protocol):
    """What is asked of `scan.hardware.CellHardware`."""

    def state(self) -> CellState: ...
    def photograph(self) -> Photograph: ...


class Preflight:
    """Looks at everything that a scan needs; calling it raises what is in the way.

    Args:
        cell: Connected and homed.
        lens: Of its camera.
        board: The wall's tags, if it has some.
        disk: Raises `OutOfSpace` if there is no room for a scan.
    """

    def __init__(self, cell: Cell, lens: Lens, board: TagBoard | None, disk: Callable[[], None]) -> None:
        self._cell, self._lens, self._board, self._disk = cell, lens, board, disk

    def __call__(self) -> None:
        """Look.

        Raises:
            OutOfSpace: There is no room for the scan.
            DeviceError: A drive, a servo or the camera does not answer as it should; says which.
        """
        self._disk()
        check_arm(self._cell.state().health)
        photograph = self._cell.photograph()
        expected = 0 if self._board is None else tags_expected(photograph, self._board, self._lens)
        if self._board is not None and expected >= _TAGS_EXPECTED and not tags_seen(photograph.jpeg, self._board):
            raise CameraError(
                f"none of the {expected} tags that should be in sight is seen; check the lamps, the lens, and that the "
                "carriage is where the daemon takes it to be (it must hang in its dock when the daemon starts)"
            )


def check_arm(health: ArmHealth) -> None:
    """Raises `DeviceFault` if a servo reports an error or is about to switch itself off."""
    for servo in health.servos:
        name = f"servo {servo.servo} ({servo.joint})"
        if servo.errors:
            raise DeviceFault(f"{name} reports: {', '.join(servo.errors)}; clear the cause")
        if servo.temperature_c >= SERVO_HOT_C:
            raise DeviceFault(
                f"{name} is at {servo.temperature_c:.0f} degrees Celsius, and switches itself off at 70; let it cool "
                f"below {SERVO_HOT_C:.0f}, and see what it holds"
            )


def tags_expected(photograph: Photograph, board: TagBoard, lens: Lens) -> int:
    """How many tags lie well inside the picture, by the pose in which the camera is believed to be.

    Distortion is left out: the margin is wider than what it does.
    """
    camera_from_world = photograph.believed.world_from_camera.inverse
    corners_m = np.array(list(board.corners_world_m.values()))
    x, y, z = (camera_from_world @ corners_m.reshape(-1, 3)).T
    focal_x, focal_y, centre_x, centre_y = pinhole(lens)
    with np.errstate(divide="ignore", invalid="ignore"):
        u, v = (focal_x * x / z + centre_x) / lens.width_px, (focal_y * y / z + centre_y) / lens.height_px
    inside = (z > 0) & (u > _MARGIN) & (u < 1 - _MARGIN) & (v > _MARGIN) & (v < 1 - _MARGIN)
    return int(inside.reshape(-1, 4).all(axis=1).sum())


def pinhole(lens: Lens) -> tuple[float, float, float, float]:
    """Focal lengths and centre, in pixels, of any lens model."""
    if lens.model in ("SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL"):
        focal, centre_x, centre_y = lens.params[:3]
        return focal, focal, centre_x, centre_y
    focal_x, focal_y, centre_x, centre_y = lens.params[:4]
    return focal_x, focal_y, centre_x, centre_y


def tags_seen(jpeg: bytes, board: TagBoard) -> int:
    """How many of the board's tags are found in a photograph."""
    grey = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, board.family))
    _, ids, _ = cv2.aruco.ArucoDetector(dictionary, cv2.aruco.DetectorParameters()).detectMarkers(grey)
    return 0 if ids is None else len({int(one) for one in ids.ravel()} & set(board.corners_world_m))
