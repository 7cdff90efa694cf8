"""The simulated camera: radiance to a JPEG as a small camera module would write it."""

import io
from collections.abc import Sequence
from functools import cached_property, lru_cache
from threading import RLock
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hardware_sim.render import render
from hardware_sim.render_light import Light, light_scene
from hardware_sim.rigid import Array
from hardware_sim.scene import PlantSpec, Scene, build_scene
from hardware_sim.truth import plant_truth
from hardware_sim.world import TrueLens, World
from trellis.errors import InputError

JPEG_QUALITY = 92
#: Exposure: what a white sheet in the middle of the wall comes to, linear, where 1 is the brightest value.
WHITE = 0.80
#: Light lost in the corners of the picture.
VIGNETTING = 0.22
#: The lens's own blur, pixels.
BLUR_PX = 0.55
#: Electrons of a full pixel, and of its reading: shot noise is their square root.
FULL_WELL, READ_NOISE = 6000.0, 6.0


class Photographer:
    """Photographs plants that stand still; the scene is built and lit at the first photograph. Any thread may ask."""

    def __init__(self, world: World, plants: Sequence[PlantSpec], seed: int) -> None:
        self.world, self.plants, self.seed = world, tuple(plants), seed
        self._lock = RLock()

    @cached_property
    def scene(self) -> Scene:
        """The plants on their wall."""
        return build_scene(self.plants, self.seed)

    @cached_property
    def light(self) -> Light:
        """The light on them."""
        return light_scene(self.scene)

    def jpeg(self, world_from_camera: Array, frame: int) -> bytes:
        """A photograph from a camera pose (4, 4), OpenCV axes; the same bytes for the same seed and frame."""
        with self._lock:
            radiance = render(self.scene, self.light, self.world.lens, np.asarray(world_from_camera, dtype=float))
        picture = develop(radiance, np.random.default_rng([self.seed, 0xF0705, frame]))
        out = io.BytesIO()
        Image.fromarray(picture).save(out, "JPEG", quality=JPEG_QUALITY, exif=_exif(self.world.lens))
        return out.getvalue()

    def truth(self, name: str, world_from_cameras: Array) -> dict[str, Any]:
        """What is true of a plant, and what of it these camera poses (n, 4, 4) can see.

        Raises:
            InputError: No plant has that name.
        """
        with self._lock:
            for plant in self.scene.plants:
                if plant.spec.name == name:
                    return plant_truth(self.scene, plant, self.world.lens, world_from_cameras).as_json()
        raise InputError(
            f"plant {name!r} is not on this wall; it has {', '.join(p.name for p in self.plants) or 'none'}"
        )


def develop(radiance: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.uint8]:
    """Lens losses, exposure, noise and the sRGB curve: linear radiance to 8 bits."""
    exposed = (
        cv2.GaussianBlur(radiance, (0, 0), BLUR_PX) * _vignetting(radiance.shape[:2])[..., None] * np.float32(WHITE)
    )
    noise = random.standard_normal(exposed.shape, dtype=np.float32)
    electrons = np.maximum(exposed, 0) * np.float32(FULL_WELL)
    exposed += noise * np.sqrt(electrons + np.float32(READ_NOISE**2)) / np.float32(FULL_WELL)
    return _srgb_table()[np.clip(exposed * 4095, 0, 4095).astype(np.uint16)]


@lru_cache(maxsize=2)
def _vignetting(shape: tuple[int, ...]) -> NDArray[np.float32]:
    y, x = np.mgrid[: shape[0], : shape[1]]
    r2 = ((x - shape[1] / 2) ** 2 + (y - shape[0] / 2) ** 2) / (shape[0] ** 2 + shape[1] ** 2) * 4
    return (1 - VIGNETTING * r2).astype(np.float32)


@lru_cache(maxsize=1)
def _srgb_table() -> NDArray[np.uint8]:
    linear = np.arange(4096) / 4095
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(curve * 255).astype(np.uint8)


def _exif(lens: TrueLens) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Trellis", "simulated farm"
    exif[0x0131] = "trellis sim"
    exif.get_ifd(0x8769)[0x829A] = 0.01
    exif.get_ifd(0x8769)[0x920A] = 3.6
    exif.get_ifd(0x8769)[0xA002], exif.get_ifd(0x8769)[0xA003] = lens.width_px, lens.height_px
    return exif
