"""A folder of photographs, and which of its files can be used."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from reconstruction.model import LeftOut
from trellis.errors import InputError

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")

#: Mean grey value below which a picture shows nothing (a closed shutter, a lamp that is out).
_BLACK_BELOW = 8.0


@dataclass(frozen=True)
class Folder:
    """Photographs of one size by one camera.

    Args:
        path: The folder.
        names: Usable files, sorted.
        width_px: Of all of them.
        height_px: Likewise.
        left_out: Files that claim to be photographs and cannot be used, with the reason.
    """

    path: Path
    names: tuple[str, ...]
    width_px: int
    height_px: int
    left_out: tuple[LeftOut, ...]


def read_folder(path: Path) -> Folder:
    """Look at every photograph in a folder.

    Pixels are taken as they are stored; a turn that EXIF asks for is not made, so that all share one lens.

    Raises:
        InputError: The folder is missing, or fewer than three of its photographs can be used.
    """
    if not path.is_dir():
        raise InputError(f"{path}: there is no such folder of photographs")
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith("."))
    if not files:
        raise InputError(f"{path}: no photograph in it; files must end in {', '.join(SUFFIXES)}")
    looked_at = {file.name: _look(file) for file in files}
    sizes = [found for found in looked_at.values() if isinstance(found, tuple)]
    size = max(set(sizes), key=sizes.count) if sizes else (0, 0)
    names = tuple(name for name, found in looked_at.items() if found == size)
    reasons = {name: found if isinstance(found, str) else _other_size(found, size) for name, found in looked_at.items()}
    left_out = tuple(LeftOut(name, reason) for name, reason in reasons.items() if name not in names)
    if len(names) < 3:
        why = "; ".join(f"{item.name}: {item.reason}" for item in left_out[:3])
        raise InputError(f"{path}: {len(names)} usable photographs, at least 3 are needed{'; ' + why if why else ''}")
    return Folder(path, names, *size, left_out)


def _look(file: Path) -> tuple[int, int] | str:
    """Width and height, or why the file cannot be used."""
    content = file.read_bytes()
    if any(letter.isspace() for letter in file.name):
        return "its name has a space, which COLMAP's list of pairs cannot hold: rename it"
    # Some cameras append bytes of their own after the end of the picture.
    if file.suffix.lower() in (".jpg", ".jpeg") and content.rfind(b"\xff\xd9") < content.rfind(b"\xff\xda"):
        return "truncated: the JPEG has no end"
    grey = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_4) if content else None
    if grey is None:
        return "unreadable: not a picture"
    if grey.mean() < _BLACK_BELOW:
        return f"black: mean grey value {grey.mean():.1f} of 255"
    full = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    return full.shape[1], full.shape[0]


def _other_size(found: tuple[int, int], size: tuple[int, int]) -> str:
    return f"size {found[0]}x{found[1]} differs from the others' {size[0]}x{size[1]}"
