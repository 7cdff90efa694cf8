"""The simulated camera: radiance to a JPEG as a small module would write it (settings: hardware_sim.optics)."""

import io
from collections.abc import Sequence
from functools import cached_property, lru_cache
from threading import RLock
from typing import Any

import cv2
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray
from PIL import Image

from hardware_sim.lens_blur import defocus, smear
from hardware_sim.optics import Camera, gains
from hardware_sim.render import render
from hardware_sim.render_light import Light, light_scene
from hardware_sim.rigid import Array
from hardware_sim.scene import LAMPS, Lamp, PlantSpec, Scene, build_scene
from hardware_sim.truth import plant_truth
from hardware_sim.world import TrueLens, World
from trellis.errors import InputError


class Photographer:
    """Photographs plants that stand still; the scene is built and lit at the first photograph. Any thread may ask."""

    #: Those that shine; set before the first photograph.
    lamps: Sequence[Lamp] = LAMPS

    def __init__(
        self,
        world: World,
        plants: Sequence[PlantSpec],
        seed: int,
        camera: Camera | None = None,
        gutters: bool = False,
    ) -> None:
        self.world, self.plants, self.seed, self.gutters = world, tuple(plants), seed, gutters
        self.camera = camera or Camera()
        self._lock = RLock()

    @cached_property
    def scene(self) -> Scene:
        """The plants on their wall."""
        return build_scene(self.plants, self.seed, gutters=self.gutters)

    @cached_property
    def light(self) -> Light:
        """The light on them."""
        return light_scene(self.scene, self.lamps)

    def jpeg(self, world_from_camera: Array, frame: int, twist: Array | None = None) -> bytes:
        """A photograph; the same bytes for the same seed, frame, pose and motion.

        Args:
            world_from_camera: Pose (4, 4) at mid exposure, OpenCV axes.
            frame: Number of the photograph: of its noise, and of where exposure and white balance have drifted to.
            twist: The camera's velocity in its own frame, three of m/s and three of rad/s; it stands still without.
        """
        lens, camera = self.world.lens, self.camera
        with self._lock:
            radiance, nearness = render(self.scene, self.light, lens, np.asarray(world_from_camera, dtype=float))
        radiance = defocus(radiance, nearness, lens, camera)
        if twist is not None:
            radiance = smear(radiance, nearness, lens, twist, camera.exposure_s)
        random = np.random.default_rng([self.seed, 0xF0705, frame])
        picture = develop(radiance, camera, gains(camera, self.seed, frame), random)
        out = io.BytesIO()
        Image.fromarray(picture).save(out, "JPEG", quality=camera.jpeg_quality, exif=_exif(lens, camera))
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


def develop(
    radiance: NDArray[np.float32], camera: Camera, colour_gains: Array, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Lens losses, exposure, noise and the sRGB curve: linear radiance to 8 bits."""
    sharp = cv2.GaussianBlur(radiance, (0, 0), camera.blur_px) if camera.blur_px else radiance
    noise = random.standard_normal(radiance.shape, dtype=np.float32)
    out = np.empty(radiance.shape, np.uint8)
    losses = camera.vignetting, camera.full_well, camera.read_noise
    _expose(sharp, noise, (camera.white * colour_gains).astype(np.float32), losses, _srgb_table(), out)
    return out


@njit(parallel=True, cache=True, fastmath=True)
def _expose(radiance, noise, gain, losses, curve, out):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    rows, columns, _ = radiance.shape
    vignetting, well, read = np.float32(losses[0]), np.float32(losses[1]), np.float32(losses[2])
    corner2 = np.float32((rows * rows + columns * columns) / 4)
    for row in prange(rows):
        dy = np.float32(row - rows / 2)
        for column in range(columns):
            dx = np.float32(column - columns / 2)
            kept = 1 - vignetting * (dx * dx + dy * dy) / corner2
            for k in range(3):
                electrons = max(radiance[row, column, k], np.float32(0)) * kept * gain[k] * well
                value = (electrons + noise[row, column, k] * np.sqrt(electrons + read * read)) / well
                out[row, column, k] = curve[int(min(max(value, np.float32(0)), np.float32(1)) * np.float32(4095))]


@lru_cache(maxsize=1)
def _srgb_table() -> NDArray[np.uint8]:
    linear = np.arange(4096) / 4095
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(curve * 255).astype(np.uint8)


def _exif(lens: TrueLens, camera: Camera) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Trellis", "simulated farm"
    exif[0x0131] = "trellis sim"
    exif.get_ifd(0x8769)[0x829A] = camera.exposure_s
    exif.get_ifd(0x8769)[0x920A] = 3.6
    exif.get_ifd(0x8769)[0xA002], exif.get_ifd(0x8769)[0xA003] = lens.width_px, lens.height_px
    return exif
