"""Simulated plants over their weeks, and a whole wall of them: the pictures of docs/simulated-plants.md."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hardware_sim.dataset import looking
from hardware_sim.lettuce_kinds import CULTIVARS
from hardware_sim.optics import Camera
from hardware_sim.photograph import Photographer
from hardware_sim.planting import plant_specs
from hardware_sim.scene import PlantSpec
from hardware_sim.wall import SITE_COLUMNS, SITE_ROWS, site_m
from hardware_sim.world import build_world
from trellis.durable import write_durably

DAYS = (10, 17, 24, 31, 38, 45, 52)
SIDE_PX = 236


def write_strip(path: Path, cultivars: Sequence[str], seed: int) -> Iterator[float]:
    """Write a JPEG with a row for each cultivar and a column for each of `DAYS`; yields each day done."""
    x, y, _ = site_m(4, 2)
    world = build_world(seed)
    # Half a metre away, 35 deg from the wall's normal, a little from above: a grown head fills the square.
    pose = looking(np.array([x + 0.12, y + 0.26, 0.44]), np.array([x, y, 0.05]))
    rows = []
    for cultivar in cultivars:
        squares = []
        for day in DAYS:
            plant = PlantSpec("one", (float(x), float(y), 0.0), day, cultivar, seed)
            picture = np.asarray(
                Image.open(io.BytesIO(Photographer(world, [plant], seed, Camera(focus_m=0.5)).jpeg(pose, 0)))
            )
            left = (picture.shape[1] - picture.shape[0]) // 2
            square = picture[:, left : left + picture.shape[0]]
            squares.append(cv2.resize(square, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA))
            yield day
        rows.append(np.hstack(squares))
    _write(path, np.vstack(rows))


def write_wall(path: Path, day: float, seed: int) -> None:
    """Write a JPEG of all 54 sites from two metres away, three columns of each cultivar."""
    kinds = tuple(CULTIVARS)
    tables = [
        {"name": f"{column}-{row}", "column": column, "row": row, "day": day, "cultivar": kinds[column // 3]}
        for column in range(SITE_COLUMNS)
        for row in range(SITE_ROWS)
    ]
    photographer = Photographer(build_world(seed), plant_specs(tables, seed), seed, Camera(focus_m=2.0))
    middle = (site_m(0, 0) + site_m(SITE_COLUMNS - 1, SITE_ROWS - 1)) / 2
    pose = looking(middle + np.array([0.0, 0.05, 2.0]), middle)
    _write(path, np.asarray(Image.open(io.BytesIO(photographer.jpeg(pose, 0)))))


def _write(path: Path, picture: NDArray[np.uint8]) -> None:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=76)
    write_durably(path, out.getvalue())
