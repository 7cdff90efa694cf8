"""Cameras: one file for each driver, one table of them, and the gates that a photograph must pass (docs/cameras.md)."""

from collections.abc import Callable, Mapping

from scan.camera_section import CameraSection
from scan.cameras.camera import Camera, Frame
from scan.cameras.gates import Gates
from scan.cameras.http import HttpCamera
from scan.cameras.picamera2 import PicameraCamera
from scan.cameras.v4l2 import V4l2Camera
from trellis.clock import Clock

#: Name in `[camera] driver` to what makes such a camera.
DRIVERS: Mapping[str, Callable[[CameraSection, Clock], Camera]] = {
    "http": lambda section, clock: HttpCamera(section.url, section.timeout_s, clock),
    "v4l2": lambda section, clock: V4l2Camera(section.device, section.lens.value(), clock),
    "picamera2": lambda section, clock: PicameraCamera(section.index, section.lens.value(), clock),
}

__all__ = ["DRIVERS", "Camera", "Frame", "Gates", "HttpCamera", "PicameraCamera", "V4l2Camera", "open_camera"]


def open_camera(section: CameraSection, clock: Clock) -> Camera:
    """The camera that the section describes, connected.

    Raises:
        CameraError: It is not there.
    """
    camera = DRIVERS[section.driver](section, clock)
    camera.connect()
    return camera
