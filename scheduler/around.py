"""Which plants stand around the one that was scanned: reconstruction shares leaves that touch out by collars."""

from collections.abc import Sequence

import numpy as np

from scan.config import WallSection
from trellis.errors import InputError
from trellis.folders import ScanFolder
from trellis.manifest import read_manifest

#: No head reaches farther along the wall than this from another's collar, both radii together.
_REACH_M = 0.6
#: A collar nearer than this is the plant's own.
_SAME_M = 0.02


def neighbour_options(wall: WallSection, plant_position_m: Sequence[float]) -> list[str]:
    """`--neighbours` of `trellis reconstruct` for a plant of the wall; nothing where it stands alone."""
    apart = {
        plant.position_m: float(np.linalg.norm(np.subtract(plant.position_m, plant_position_m)))
        for plant in wall.plants
    }
    around = [place for place, distance_m in apart.items() if _SAME_M < distance_m < _REACH_M]
    if not around:
        return []
    return ["--neighbours", ";".join(",".join(f"{value:.4f}" for value in place) for place in around)]


def neighbours_of(wall: WallSection, folder: ScanFolder) -> list[str]:
    """The same for a scan's folder; what is wrong with its manifest the reconstruction itself will say."""
    try:
        return neighbour_options(wall, read_manifest(folder.manifest).plant_position_m)
    except InputError:
        return []
