"""A camera module of a Raspberry Pi, by picamera2 (the extra `picamera`, or Debian's package python3-picamera2)."""

import io
from typing import Any

from scan.cameras.camera import Frame
from scan.cameras.jpeg import complete_jpeg
from trellis.clock import Clock
from trellis.errors import CameraError
from trellis.lens import Lens

try:
    from picamera2 import Picamera2
except ImportError:  # it exists on a Raspberry Pi only, and nothing but this driver needs it
    Picamera2 = None

_QUALITY = 95


class PicameraCamera:
    """The camera module at an index, with exposure, gain and white balance as the module finds them at the start.

    Args:
        index: Of the module, 0 on a Pi with one.
        lens: Its size is asked of the camera.
        clock: Stamps the photographs.
    """

    def __init__(self, index: int, lens: Lens, clock: Clock) -> None:
        self._index, self._lens, self._clock = index, lens, clock
        self._camera: Any = None

    def connect(self) -> None:
        """Open the module at the lens's size and let it run.

        Raises:
            CameraError: picamera2 is not installed, there is no such module, or it does not take that size.
        """
        if Picamera2 is None:
            raise CameraError(
                "picamera2 is not installed for this Python; on a Raspberry Pi install the package python3-picamera2 "
                "and make the environment with --system-site-packages, or choose another [camera] driver"
            )
        size = self._lens.width_px, self._lens.height_px
        try:
            self._camera = Picamera2(self._index)
            self._camera.configure(self._camera.create_still_configuration(main={"size": size}))
            self._camera.options["quality"] = _QUALITY
            got = tuple(self._camera.camera_configuration()["main"]["size"])
            self._camera.start()
        except (RuntimeError, IndexError, OSError) as error:
            self.close()
            raise self._failed(str(error)) from error
        if got != size:
            self.close()
            raise self._failed(f"it gives {got[0]} x {got[1]} when asked for {size[0]} x {size[1]}")

    def snapshot(self, deadline_s: float) -> Frame:
        """See `Camera.snapshot`; frames whose exposure began before this call are let go by picamera2 (`flush`)."""
        if self._camera is None:
            raise CameraError(f"camera module {self._index} is not connected; call connect() first")
        taken_at = self._clock.utc()
        try:
            job = self._camera.capture_request(wait=False, flush=True)
            request = job.get_result(timeout=max(deadline_s - self._clock.monotonic_s(), 0.0))
        except TimeoutError as error:
            self._camera.cancel_all_and_flush()
            raise self._failed("it gave no picture in time; look at its ribbon cable") from error
        except (RuntimeError, OSError) as error:
            raise self._failed(str(error)) from error
        try:
            content = io.BytesIO()
            request.save("main", content, format="jpeg")
        except (RuntimeError, OSError) as error:
            raise self._failed(str(error)) from error
        finally:
            request.release()
        return Frame(complete_jpeg(content.getvalue(), f"camera module {self._index}"), taken_at)

    def close(self) -> None:
        if self._camera is not None:
            self._camera.close()
            self._camera = None

    def _failed(self, reason: str) -> CameraError:
        return CameraError(f"camera module {self._index}: {reason}; `rpicam-hello --list-cameras` shows what is there")
