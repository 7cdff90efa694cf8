"""What a camera is to the rest of the house: something that can be connected and gives a photograph in time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Frame:
    """A photograph as the camera gave it.

    Args:
        jpeg: The file's bytes, not yet judged.
        taken_at: When the shutter was asked for, by the clock that all devices live by, in UTC.
    """

    jpeg: bytes
    taken_at: datetime


class Camera(Protocol):
    """A camera. The constructor stores, `connect` touches the hardware, and every failure is a `CameraError`."""

    def connect(self) -> None:
        """Open the camera and see that it is there.

        Raises:
            CameraError: It is not.
        """
        ...

    def snapshot(self, deadline_s: float) -> Frame:
        """One photograph that was exposed after this call.

        Args:
            deadline_s: When it must be there, on the clock's `monotonic_s`.

        Raises:
            CameraError: There is none in time, or it is no JPEG.
        """
        ...

    def close(self) -> None:
        """Let the camera go; it may be connected again."""
        ...
