"""The lives of a plant's leaves over all its scans: each keeps its number, with its area and growth on every day."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import open3d as o3d
from numpy.typing import ArrayLike

from reconstruction.growth.followed import follow
from reconstruction.leaves import Leaves, tell_apart
from reconstruction.panel import Panel
from reconstruction.records import Surface
from trellis.errors import InputError

#: The farm's frame: the wall is z = 0, and plants grow towards z.
_WALL = Panel(np.array([0.0, 0.0, 1.0]), 0.0)


@dataclass(frozen=True)
class LeafDay:
    """One leaf on one day.

    Args:
        leaf: Its number, the same on all days; numbers are given in the order in which leaves are first seen.
        area_m2: One side of what was seen of it.
        growth_per_day: Of the logarithm of that area since the scan before; NaN on its first day.
        fate: `new` on its first day unless that is the plant's first scan, `lost` after its last (area NaN), else "".
    """

    leaf: int
    day: float
    area_m2: float
    growth_per_day: float
    fate: str = ""


def read_mesh(path: Path) -> Surface:
    """`mesh.ply` of a reconstruction.

    Raises:
        InputError: It is missing or empty.
    """
    mesh = o3d.io.read_triangle_mesh(str(path)) if path.is_file() else o3d.geometry.TriangleMesh()
    corners = np.asarray(mesh.vertices)
    if len(corners) == 0:
        raise InputError(f"{path}: no mesh to follow leaves on; run `trellis reconstruct` again")
    faces = np.asarray(mesh.triangles).astype(np.int32)
    return Surface(corners, np.zeros_like(corners), np.zeros(corners.shape, np.uint8), faces)


def leaf_lives(scans: Iterable[tuple[float, Surface]], collar_m: ArrayLike) -> list[LeafDay]:
    """Every leaf on every day.

    Args:
        scans: Age in days and the plant's surface in the farm's frame, oldest first.
        collar_m: Where the plant grows out of the wall.
    """
    rows: list[LeafDay] = []
    before: tuple[Surface, Leaves] | None = None
    names: list[int] = []
    count, last_day = 0, 0.0
    for day, surface in scans:
        now = surface, tell_apart(surface, _WALL, collar_m)
        own = [-1] * len(now[1])
        growth = [float("nan")] * len(now[1])
        if before is not None:
            followed = follow(before, now, collar_m, _WALL.normal, max(day - last_day, 0.1))
            for pair in followed.pairs:
                own[pair.now], growth[pair.now] = names[pair.before], pair.growth_per_day
            rows += [LeafDay(names[leaf], day, float("nan"), float("nan"), "lost") for leaf in followed.lost]
        for leaf in range(len(own)):
            fate = "new" if own[leaf] < 0 and before is not None else ""
            if own[leaf] < 0:
                own[leaf], count = count, count + 1
            rows.append(LeafDay(own[leaf], day, float(now[1].areas_m2[leaf]), growth[leaf], fate))
        before, names, last_day = now, own, day
    return rows
