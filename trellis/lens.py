"""The camera's lens, by COLMAP's names, and its public file `camera.toml`."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from trellis.errors import InputError, reason_of

#: Number of parameters of each lens model that is understood, in COLMAP's order.
PARAMETER_COUNTS = {
    "SIMPLE_PINHOLE": 3,
    "PINHOLE": 4,
    "SIMPLE_RADIAL": 4,
    "RADIAL": 5,
    "OPENCV": 8,
    "OPENCV_FISHEYE": 8,
    "FULL_OPENCV": 12,
}


@dataclass(frozen=True)
class Lens:
    """A lens: COLMAP's `model` name, image size in pixels, and `params` in COLMAP's order, in pixels.

    The centre of the first pixel is at (0.5, 0.5), as COLMAP has it.
    """

    model: str
    width_px: int
    height_px: int
    params: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.model not in PARAMETER_COUNTS:
            raise ValueError(f"lens model {self.model!r} is unknown; allowed: {', '.join(PARAMETER_COUNTS)}")
        if len(self.params) != PARAMETER_COUNTS[self.model]:
            raise ValueError(f"{self.model} takes {PARAMETER_COUNTS[self.model]} params, not {len(self.params)}")
        if self.width_px <= 0 or self.height_px <= 0:
            raise ValueError(f"image size must be positive, not {self.width_px}x{self.height_px}")


def read_lens(path: Path) -> Lens:
    """Read `camera.toml`: keys `model`, `width`, `height`, `params`, and no others.

    Raises:
        InputError: The file is missing, is not TOML, or does not describe a lens.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: cannot read the camera file: {reason_of(error)}") from error
    expected = {"model", "width", "height", "params"}
    if set(table) != expected:
        odd = sorted(set(table) ^ expected)
        raise InputError(f"{path}: a camera file has exactly the keys {sorted(expected)}; check {odd}")
    try:
        params = tuple(float(value) for value in table["params"])
        return Lens(str(table["model"]), int(table["width"]), int(table["height"]), params)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: {error}") from error


def lens_text(lens: Lens) -> str:
    """The text of `camera.toml` for a lens; `read_lens` gives the same lens back."""
    params = ", ".join(repr(float(value)) for value in lens.params)
    return f'model = "{lens.model}"\nwidth = {lens.width_px}\nheight = {lens.height_px}\nparams = [{params}]\n'
