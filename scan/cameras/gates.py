"""The least that a photograph must be to count: the lens's size, light, some sharpness, and not the last one again."""

import hashlib

import cv2
import numpy as np

from scan.camera_section import CameraSection
from scan.cameras.camera import Frame
from trellis.errors import CameraError


class Gates:
    """Judges photographs one after the other.

    Args:
        section: Bounds, and the lens whose size a photograph must have.
    """

    def __init__(self, section: CameraSection) -> None:
        self._section = section
        self._last: bytes | None = None

    def check(self, frame: Frame) -> None:
        """Let a photograph pass, or say what is wrong with it.

        Raises:
            CameraError: It is byte for byte the one before (a real sensor's noise never repeats), cannot be decoded,
                has another size than the lens, or is too dark, too bright or too blurred.
        """
        digest = hashlib.sha256(frame.jpeg).digest()
        if digest == self._last:
            raise CameraError("the camera sent its last photograph again; check that it is still connected")
        self._last = digest
        grey = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
        if grey is None:
            raise CameraError(f"a photograph of {len(frame.jpeg)} bytes cannot be decoded; try again")
        self._check_size(*grey.shape)
        self._check_light(float(grey.mean()))
        self._check_sharpness(float(cv2.Laplacian(grey, cv2.CV_64F).var()))

    def _check_size(self, height: int, width: int) -> None:
        lens = self._section.lens
        if (width, height) != (lens.width, lens.height):
            raise CameraError(
                f"a photograph is {width} x {height}, but the lens is described for {lens.width} x {lens.height}; "
                "set the camera's resolution, or calibrate the lens at this one"
            )

    def _check_light(self, brightness: float) -> None:
        low, high = self._section.brightness_min, self._section.brightness_max
        if not low <= brightness <= high:
            raise CameraError(
                f"a photograph is too {'dark' if brightness < low else 'bright'}: its mean grey is {brightness:.0f}, "
                f"{low:g} to {high:g} are allowed; check lamps and exposure"
            )

    def _check_sharpness(self, sharpness: float) -> None:
        if sharpness < self._section.sharpness_min:
            raise CameraError(
                f"a photograph is blurred: the variance of its Laplacian is {sharpness:.1f}, at least "
                f"{self._section.sharpness_min:g} is needed; check focus and that nothing swings"
            )
