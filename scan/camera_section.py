"""The section `[camera]`: where photographs come from, which are refused, and the lens."""

from typing import Literal

from pydantic import Field, model_validator

from trellis.config import Section
from trellis.lens import Lens


class LensTable(Section):
    """The lens by COLMAP's names and order of parameters, as in the public file `camera.toml`."""

    model: str = "OPENCV"
    width: int = Field(default=1296, ge=16, le=20000)
    height: int = Field(default=972, ge=16, le=20000)
    params: tuple[float, ...] = (1290.0, 1290.0, 648.0, 486.0, 0.0, 0.0, 0.0, 0.0)

    @model_validator(mode="after")
    def _is_a_lens(self) -> "LensTable":
        self.value()
        return self

    def value(self) -> Lens:
        """The lens that this table describes."""
        return Lens(self.model, self.width, self.height, self.params)


class CameraSection(Section):
    """A camera, and the least that a photograph must be to count.

    `driver` is `http` (any snapshot URL; `url`), `v4l2` (a USB camera; `device`) or `picamera2` (a Raspberry
    Pi's module; `index`). `exposure_s` is how long its shutter stands open at most, `transfer_s` how long a photograph
    takes to arrive, for planning. `brightness_min` and `brightness_max` bound the mean grey value (0 to 255);
    `sharpness_min` bounds the variance of the Laplacian of the grey image, 0 turns that gate off.
    """

    driver: Literal["http", "v4l2", "picamera2"] = "http"
    url: str = "http://127.0.0.1:8701/snapshot.jpg"
    device: str = "/dev/video0"
    index: int = Field(default=0, ge=0, le=9)
    timeout_s: float = Field(default=5.0, gt=0, le=120)
    exposure_s: float = Field(default=0.010, gt=0, le=10)
    transfer_s: float = Field(default=0.03, ge=0, le=60)
    attempts: int = Field(default=3, ge=1, le=20)
    brightness_min: float = Field(default=15.0, ge=0, le=255)
    brightness_max: float = Field(default=245.0, ge=0, le=255)
    sharpness_min: float = Field(default=5.0, ge=0)
    lens: LensTable = LensTable()

    @model_validator(mode="after")
    def _has_room_between_the_bounds(self) -> "CameraSection":
        if self.brightness_min >= self.brightness_max:
            raise ValueError("brightness_min must lie below brightness_max")
        return self
