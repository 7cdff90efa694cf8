"""A folder of photographs, and which of its files can be used."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from reconstruction.model import LeftOut
from reconstruction.quality import Look, look, unlike_the_rest
from trellis.errors import InputError

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")


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
    """Look at every photograph in a folder, two at a time.

    Pixels are taken as they are stored; a turn that EXIF asks for is not made, so that all share one lens.

    Raises:
        InputError: The folder is missing, or fewer than three of its photographs can be used.
    """
    if not path.is_dir():
        raise InputError(f"{path}: there is no such folder of photographs")
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith("."))
    if not files:
        raise InputError(f"{path}: no photograph in it; files must end in {', '.join(SUFFIXES)}")
    with ThreadPoolExecutor(2) as pool:
        looked_at = dict(zip((file.name for file in files), pool.map(look, files), strict=True))
    size, reasons = _judge(looked_at)
    names = tuple(name for name in looked_at if name not in reasons)
    left_out = tuple(LeftOut(name, reasons[name]) for name in looked_at if name in reasons)
    if len(names) < 3:
        why = "; ".join(f"{item.name}: {item.reason}" for item in left_out[:3])
        raise InputError(f"{path}: {len(names)} usable photographs, at least 3 are needed{'; ' + why if why else ''}")
    return Folder(path, names, *size, left_out)


def _judge(looked_at: Mapping[str, Look | str]) -> tuple[tuple[int, int], dict[str, str]]:
    """The size that most have, and why each file that cannot be used cannot."""
    reasons = {name: found for name, found in looked_at.items() if isinstance(found, str)}
    looks = {name: found for name, found in looked_at.items() if isinstance(found, Look)}
    sizes = [found.size for found in looks.values()]
    size = max(sorted(set(sizes)), key=sizes.count) if sizes else (0, 0)
    for name, found in looks.items():
        if found.size != size:
            reasons[name] = f"size {found.width_px}x{found.height_px} differs from the others' {size[0]}x{size[1]}"
    return size, reasons | unlike_the_rest({name: found for name, found in looks.items() if name not in reasons})
