"""The simulated camera's settings, and what differs from frame to frame: exposure and white balance that drift.

The default is a small fixed-focus camera module (OV5647: 3.6 mm at f/2.9, binned to 1296 x 972) focused on a plant on
the wall from a scan's distance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np

from hardware_sim.rigid import Array
from trellis.errors import InputError


@dataclass(frozen=True)
class Camera:
    """What the camera does to light.

    Args:
        aperture_m: Diameter of the entrance pupil, 0 for a pinhole: 3.6 mm at f/2.9.
        focus_m: Distance along the line of sight that is sharp.
        blur_px: Standard deviation of the blur of everything: lens, sensor's own filter and demosaicing. Sharpest edges
            of the real photographs of a romaine have 0.45 to 0.8, the median of strong edges 0.75 to 1.3.
        exposure_s: How long the shutter stands open.
        white: What a white sheet in the middle of the wall comes to, linear, where 1 is the brightest value.
        vignetting: Share of the light lost in the corners.
        exposure_drift: Standard deviation of the natural logarithm of the exposure over frames.
        balance_drift: The same for red and for blue relative to green.
        full_well: Electrons of a full pixel; shot noise is their square root. With 8000 the noise in the smoothest
            parts of a photograph is that of the real ones (0.3 to 0.4 grey values after JPEG).
        read_noise: Electrons of its reading.
        jpeg_quality: 1 to 95.
    """

    aperture_m: float = 0.00124
    focus_m: float = 0.28
    blur_px: float = 0.7
    exposure_s: float = 0.010
    white: float = 0.75
    vignetting: float = 0.22
    exposure_drift: float = 0.05
    balance_drift: float = 0.02
    full_well: float = 8000.0
    read_noise: float = 8.0
    jpeg_quality: int = 92

    def __post_init__(self) -> None:
        for field in fields(self):
            value, (low, high) = getattr(self, field.name), _ALLOWED[field.name]
            if not low <= value <= high:
                raise InputError(f"camera {field.name} = {value:g}: allowed are {low:g} to {high:g}")

    @classmethod
    def of(cls, changes: Mapping[str, float]) -> Self:
        """The default camera with some settings changed.

        Raises:
            InputError: There is no such setting, or its value is not possible.
        """
        kinds = {field.name: field.type for field in fields(cls)}
        for name in changes:
            if name not in kinds:
                raise InputError(f"the simulated camera has no setting {name!r}; it has {', '.join(kinds)}")
        return replace(cls(), **{name: kinds[name](value) for name, value in changes.items()})


def camera_from_words(words: Sequence[str]) -> Camera:
    """The default camera with settings such as `exposure_drift=0.1` changed.

    Raises:
        InputError: A word is no setting with a possible number.
    """
    changes = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            changes[name.strip()] = float(value)
        except ValueError as error:
            raise InputError(f"camera setting {word!r}: write NAME=NUMBER, such as exposure_drift=0.1") from error
    return Camera.of(changes)


_ALLOWED = {
    "aperture_m": (0, 0.02),
    "focus_m": (0.02, 100),
    "blur_px": (0, 10),
    "exposure_s": (0, 1),
    "white": (0.01, 10),
    "vignetting": (0, 0.9),
    "exposure_drift": (0, 1),
    "balance_drift": (0, 1),
    "full_well": (100, 1e6),
    "read_noise": (0, 1000),
    "jpeg_quality": (1, 95),
}


def gains(camera: Camera, seed: int, frame: int) -> Array:
    """What a frame's red, green and blue are multiplied by, shape (3,).

    Each of exposure, red and blue wanders over tens of frames (lamps, automatic balance) and jitters from frame to
    frame; the same seed and frame give the same gains.
    """
    random = np.random.default_rng([seed, 0xD61F])
    periods = np.exp(random.uniform(np.log(12), np.log(300), (3, 4)))
    phases = random.uniform(0, 2 * np.pi, (3, 4))
    # Four sines of amplitude a have a variance of 2 a^2: 0.8 of the variance is slow, 0.2 is jitter.
    slow = np.sqrt(0.8 / 2) * np.sin(2 * np.pi * frame / periods + phases).sum(axis=1)
    jitter = np.sqrt(0.2) * np.random.default_rng([seed, 0xD61F, frame]).standard_normal(3)
    exposure, red, blue = slow + jitter
    logs = camera.exposure_drift * exposure + camera.balance_drift * np.array([red, 0.0, blue])
    return np.asarray(np.exp(logs))
