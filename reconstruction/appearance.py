"""The colour of a plant's leaves, against the panel's white: the lamp's own colour and the exposure drop out."""

from dataclasses import dataclass

import cv2
import numpy as np

from reconstruction.model import Array
from reconstruction.records import Surface


@dataclass(frozen=True)
class Appearance:
    """Means over the leaves' area.

    Args:
        red, green, blue: Brightness as a share of the panel's white in the same channel; a leaf in shade is darker.
        hue_rad: 0 red, 2 pi / 3 green; circular mean, weighed by how coloured each place is.
        hue_spread_rad: Circular standard deviation over the leaves.
        saturation: 0 grey, 1 pure.
    """

    red: float
    green: float
    blue: float
    hue_rad: float
    hue_spread_rad: float
    saturation: float


def appearance(surface: Surface, white: Array) -> Appearance | None:
    """Colour of a surface against the brightness of white, shape (3,), in red, green, blue; None without a surface."""
    areas = surface.face_areas_m2
    if len(areas) == 0 or areas.sum() <= 0:
        return None
    balanced = np.clip(surface.colours[surface.faces].mean(axis=1) / white, 0, 1)
    mean = np.average(balanced, axis=0, weights=areas)
    hsv = cv2.cvtColor(balanced.astype(np.float32)[None], cv2.COLOR_RGB2HSV)[0].astype(float)
    weights = areas * hsv[:, 1]
    turn = np.average(np.exp(1j * np.radians(hsv[:, 0])), weights=weights) if weights.sum() > 0 else 1.0
    spread = float(np.sqrt(max(-2 * np.log(min(abs(turn), 1.0)), 0.0)))
    return Appearance(
        *(float(value) for value in mean),
        float(np.angle(turn) % (2 * np.pi)),
        spread,
        float(np.average(hsv[:, 1], weights=areas)),
    )
