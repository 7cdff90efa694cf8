"""A USB camera through Video4Linux, by OpenCV."""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import cv2

from scan.cameras.camera import Frame
from trellis.clock import Clock
from trellis.errors import CameraError
from trellis.lens import Lens

#: A driver holds back up to this many frames; as many are thrown away, so that what is kept was exposed after the call.
_BUFFERED_FRAMES = 4
_QUALITY = 95
#: How long opening may take, real seconds; a driver that hangs is left to itself.
_OPEN_S = 20.0


class V4l2Camera:
    """A camera at a device path such as `/dev/video0`, or a stable name under `/dev/v4l/by-id`.

    Reading a device can hang in the kernel, so it happens in a thread of its own that is not waited for for ever.

    Args:
        device: Path of the device.
        lens: Its size is asked of the camera.
        clock: Stamps the photographs.
    """

    def __init__(self, device: str, lens: Lens, clock: Clock) -> None:
        self._device, self._lens, self._clock = device, lens, clock
        self._capture: Any = None
        self._reader = ThreadPoolExecutor(1, "camera")

    def connect(self) -> None:
        """Open the device and ask for the lens's size.

        Raises:
            CameraError: There is no such device, it may not be opened, or it does not take that size.
        """
        if not os.path.exists(self._device):
            raise CameraError(f"there is no camera at {self._device}; check its cable and [camera] device")
        if not os.access(self._device, os.R_OK | os.W_OK):
            raise CameraError(f"{self._device} may not be opened; add this user to its group, often 'video'")
        self._capture = self._within(self._reader.submit(self._open), _OPEN_S)

    def snapshot(self, deadline_s: float) -> Frame:
        """See `Camera.snapshot`."""
        if self._capture is None:
            raise CameraError(f"the camera at {self._device} is not connected; call connect() first")
        taken_at = self._clock.utc()
        picture = self._within(self._reader.submit(self._fresh), deadline_s - self._clock.monotonic_s())
        coded, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        if not coded:
            raise CameraError(f"a picture of {self._device} cannot be written as JPEG")
        return Frame(jpeg.tobytes(), taken_at)

    def close(self) -> None:
        if self._capture is not None:
            self._reader.submit(self._capture.release)  # after a read that may still hang
            self._capture = None
        self._reader.shutdown(wait=False)
        self._reader = ThreadPoolExecutor(1, "camera")

    def _open(self) -> Any:
        capture = cv2.VideoCapture(self._device, cv2.CAP_V4L2)
        if not capture.isOpened():
            raise CameraError(f"{self._device} is no camera that gives pictures, or another program uses it")
        width, height = self._lens.width_px, self._lens.height_px
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        got = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if got != (width, height):
            capture.release()
            raise CameraError(
                f"{self._device} gives {got[0]} x {got[1]} when asked for {width} x {height}; "
                "describe the lens for a size that the camera has"
            )
        return capture

    def _fresh(self) -> Any:
        """A picture after those that the driver still held."""
        for _ in range(_BUFFERED_FRAMES):
            self._capture.grab()
        found, picture = self._capture.read()
        if not found:
            raise CameraError(f"the camera at {self._device} gives no picture; check its cable")
        return picture

    def _within(self, work: "Future[Any]", seconds: float) -> Any:
        try:
            return work.result(max(seconds, 0.0))
        except TimeoutError as error:
            raise CameraError(f"the camera at {self._device} gave nothing in time; unplug it and plug it in") from error
