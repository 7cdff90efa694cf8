"""COLMAP's own files and tables."""

import sqlite3
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pycolmap

from reconstruction.colmap_io import number_by_name
from reconstruction.config import SparseOptions
from reconstruction.images import Folder
from reconstruction.matching import extract


def _photographs(folder: Path) -> None:
    folder.mkdir()
    random = np.random.default_rng(5)
    for index in range(4):
        # Each of another coarseness, so that each has another number of features.
        coarse = random.integers(0, 255, (40 + 12 * index, 54 + 16 * index), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{index}.png"), cv2.resize(coarse, (320, 240), interpolation=cv2.INTER_CUBIC))


def _features(database: Path) -> dict[str, int]:
    with closing(pycolmap.Database.open(database)) as opened:
        return {image.name: opened.num_keypoints_for_image(image.image_id) for image in opened.read_all_images()}


def test_photographs_are_numbered_by_name_whoever_came_first(tmp_path: Path) -> None:
    _photographs(tmp_path / "images")
    database = tmp_path / "database.db"
    names = tuple(f"{index}.png" for index in range(4))
    extract(Folder(tmp_path / "images", names, 320, 240, ()), database, None, SparseOptions())
    before = _features(database)
    assert len(set(before.values())) == 4
    # As if 3.png had been done first: it and 0.png change their numbers.
    with closing(sqlite3.connect(database)) as opened, opened:
        for old, new in ((1, 99), (4, 1), (99, 4)):
            for table, column in (("images", "image_id"), ("keypoints", "image_id"), ("descriptors", "image_id")):
                opened.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (new, old))
            opened.execute("UPDATE frame_data SET data_id = ? WHERE data_id = ?", (new, old))
    number_by_name(database)
    assert _features(database) == before
    with closing(pycolmap.Database.open(database)) as opened:
        assert [(image.image_id, image.name) for image in opened.read_all_images()] == [
            (index + 1, f"{index}.png") for index in range(4)
        ]
        assert all([data.id for data in frame.data_ids] == [frame.frame_id] for frame in opened.read_all_frames())
