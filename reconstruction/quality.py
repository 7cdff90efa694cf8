"""Which photographs cannot help: torn, black, burnt out, blurred beside their fellows, or the same picture again."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

#: Mean grey value below which a picture shows nothing (a closed shutter, a lamp that is out), and above which likewise;
#: unless one pixel in 200 is brighter or darker than this: a small plant on a black or a white ground.
_BLACK_BELOW, _WHITE_ABOVE = 8.0, 247.0
_BRIGHT, _DARK, _SOME_PERCENT = 40.0, 215.0, 0.5

#: A picture with less variation of grey than this is a cap, a wall or a fault.
_EMPTY_BELOW = 3.0

#: Share of the height that a flat band at the bottom may have: decoders fill what a torn JPEG lacks with one value.
_FLAT_SHARE = 0.04
#: Above a tear the picture goes on at once; a plain ground shows its colour there too. How many rows higher that is
#: looked for (more than a block of a JPEG), how near in grey, and over what share of the width.
_ABOVE_PX, _ALIKE, _GROUND_SHARE = 24, 3.0, 0.25

#: Sharpness as a share of the median of the folder. Sharp photographs of one real plant spread over 0.46 to 2.5; a blur
#: of 2 pixels (standard deviation) brings them to 0.10 to 0.18, 21 pixels of motion to 0.09 to 0.17.
_BLURRED_BELOW = 0.2

#: Root mean square of grey values between two pictures at 160 x 120 below which they are one picture. Neighbouring
#: real photographs differ by 26 or more; noise alone of a camera that stands still by about 0.5.
_SAME_BELOW = 1.5

_THUMBNAIL = (160, 120)


@dataclass(frozen=True, eq=False)
class Look:
    """What one glance at a usable photograph tells: size, a sharpness to compare with others', and a small copy."""

    width_px: int
    height_px: int
    sharpness: float
    thumbnail: NDArray[np.uint8]

    @property
    def size(self) -> tuple[int, int]:
        return self.width_px, self.height_px


def look(file: Path) -> Look | str:
    """Look at one file; a string says why it cannot be used, whatever the others are like."""
    content = file.read_bytes()
    # Some cameras append bytes of their own after the end of the picture.
    if file.suffix.lower() in (".jpg", ".jpeg") and content.rfind(b"\xff\xd9") < content.rfind(b"\xff\xda"):
        return "truncated: the JPEG has no end"
    flags = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION
    grey = cv2.imdecode(np.frombuffer(content, np.uint8), flags) if content else None
    if grey is None:
        return "unreadable: not a picture"
    reason = _shows_nothing(grey)
    if reason is not None:
        return reason
    thumbnail = cv2.resize(grey, _THUMBNAIL, interpolation=cv2.INTER_AREA)
    return Look(grey.shape[1], grey.shape[0], sharpness(grey), thumbnail)


def sharpness(grey: NDArray[np.uint8]) -> float:
    """Fine structure over coarse structure, without a unit; falls with blur, hardly with light or with what is shown.

    Variance of the Laplacian at half size, over the same after a blur of 4 pixels.
    """
    half = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    fine = cv2.Laplacian(half, cv2.CV_32F).var()
    coarse = cv2.Laplacian(cv2.GaussianBlur(half, (0, 0), 4), cv2.CV_32F).var()
    return float(fine / (coarse + 1e-3))


def unlike_the_rest(looks: Mapping[str, Look]) -> dict[str, str]:
    """Photographs of one folder that are blurred or stale, with the reason; the first of equal ones is kept."""
    names = sorted(looks)
    if not names:
        return {}
    middle = float(np.median([looks[name].sharpness for name in names]))
    reasons = {
        name: f"blurred: its sharpness is {looks[name].sharpness / middle:.0%} of what is usual in this folder"
        for name in names
        if looks[name].sharpness < _BLURRED_BELOW * middle
    }
    small = np.array([looks[name].thumbnail for name in names], dtype=np.float32).reshape(len(names), -1)
    for later in range(1, len(names)):
        apart = np.sqrt(((small[:later] - small[later]) ** 2).mean(axis=1))
        if apart.min() < _SAME_BELOW and names[later] not in reasons:
            reasons[names[later]] = f"stale: the same picture as {names[int(apart.argmin())]}"
    return reasons


def _shows_nothing(grey: NDArray[np.uint8]) -> str | None:
    mean, spread = float(grey.mean()), float(grey.std())
    dark, bright = np.percentile(grey, (_SOME_PERCENT, 100 - _SOME_PERCENT))
    if mean < _BLACK_BELOW and bright < _BRIGHT:
        return f"black: mean grey value {mean:.1f} of 255"
    if mean > _WHITE_ABOVE and dark > _DARK:
        return f"burnt out: mean grey value {mean:.1f} of 255"
    if spread < _EMPTY_BELOW:
        return f"empty: one grey value all over, within {spread:.1f} of 255"
    rows = _torn_rows(grey)
    return f"torn: the last {rows} of {len(grey)} rows are one flat colour" if rows else None


def _torn_rows(grey: NDArray[np.uint8]) -> int:
    """Rows at the bottom that a decoder filled in, or 0."""
    uneven = np.flatnonzero(grey.std(axis=1) >= 1.0)
    rows = len(grey) - 1 - int(uneven[-1]) if len(uneven) else 0
    if rows <= _FLAT_SHARE * len(grey):
        return 0
    above = grey[max(len(grey) - rows - _ABOVE_PX, 0)].astype(float)
    alike = np.abs(above - float(grey[-1].mean())) < _ALIKE
    return 0 if alike.mean() > _GROUND_SHARE else rows
