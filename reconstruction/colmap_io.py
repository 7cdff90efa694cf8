"""COLMAP's conventions, and nothing else of the house knows them: world-to-camera poses, its tables of points."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pycolmap

from reconstruction.model import Array, View
from trellis.geometry import Pose
from trellis.lens import Lens

#: Columns of COLMAP's database that hold the numbers of photographs, and of frames, before anything is matched.
_BY_IMAGE = (("images", "image_id"), ("keypoints", "image_id"), ("descriptors", "image_id"), ("frame_data", "data_id"))
_BY_FRAME = (("frame_data", "frame_id"), ("frames", "frame_id"))


def views_of(found: pycolmap.Reconstruction, folder: Path) -> tuple[View, ...]:
    """Every photograph that has a pose, by name."""
    placed = sorted((image for image in found.images.values() if image.has_pose), key=lambda image: image.name)
    views = []
    for image in placed:
        camera_from_world = image.cam_from_world()
        pose = Pose(camera_from_world.rotation.matrix(), camera_from_world.translation).inverse
        views.append(View(image.name, folder / image.name, pose))
    return tuple(views)


def lens_of(found: pycolmap.Reconstruction) -> Lens:
    """The one lens of a reconstruction."""
    (camera,) = found.cameras.values()
    return Lens(camera.model_name, camera.width, camera.height, tuple(float(value) for value in camera.params))


def points_of(found: pycolmap.Reconstruction, views: tuple[View, ...]) -> tuple[Array, np.ndarray, Array, np.ndarray]:
    """Points (n, 3), RGB (n, 3), errors in pixels (n,), and rows of (point, view) sorted by point (m, 2)."""
    row = {view.name: index for index, view in enumerate(views)}
    view_of = {image_id: row[image.name] for image_id, image in found.images.items() if image.name in row}
    points = [found.points3D[key] for key in sorted(found.points3D)]
    seen = [
        (index, view)
        for index, point in enumerate(points)
        for view in sorted({view_of[element.image_id] for element in point.track.elements})
    ]
    return (
        np.array([point.xyz for point in points]).reshape(-1, 3),
        np.array([point.color for point in points], dtype=np.uint8).reshape(-1, 3),
        np.array([point.error for point in points], dtype=float),
        np.array(seen, dtype=np.int32).reshape(-1, 2),
    )


def move(found: pycolmap.Reconstruction, rotation: Array, translation: Array, scale: float) -> None:
    """Take a reconstruction to another frame and unit, in place: new = scale * rotation @ old + translation."""
    found.transform(pycolmap.Sim3d(scale, pycolmap.Rotation3d(rotation), translation))


def drop(found: pycolmap.Reconstruction, names: Sequence[str]) -> None:
    """Take photographs, and what only they and one other saw, out of a reconstruction."""
    for image in [image for image in found.images.values() if image.has_pose and image.name in names]:
        found.deregister_frame(image.frame_id)


def rays(lens: Lens, pixels: Array) -> Array:
    """Unit directions in camera axes, shape (n, 3), of pixels (n, 2), the lens' distortion taken out."""
    flat = np.asarray(_camera(lens).cam_from_img(np.asarray(pixels, dtype=float)), dtype=float)
    directions = np.column_stack([flat, np.ones(len(flat))])
    return np.asarray(directions / np.linalg.norm(directions, axis=1, keepdims=True))


def focal_px(lens: Lens) -> float:
    """Mean focal length."""
    return float(_camera(lens).mean_focal_length())


def _camera(lens: Lens) -> pycolmap.Camera:
    return pycolmap.Camera(model=lens.model, width=lens.width_px, height=lens.height_px, params=list(lens.params))


def number_by_name(database: Path) -> None:
    """Give photographs, and their frames, the numbers 1, 2, ... in the order of their names.

    COLMAP numbers them as its threads finish with them; everything after, down to which pairs are tried and in which
    order numbers are summed, follows these numbers: without this two runs are not the same.
    """
    # Far from any number that is in use, so that no two rows ever have one number.
    away = 1 << 24
    with closing(sqlite3.connect(database)) as opened, opened:
        rows = opened.execute("SELECT image_id FROM images ORDER BY name").fetchall()
        frame_of = dict(opened.execute("SELECT data_id, frame_id FROM frame_data").fetchall())
        for new, (old,) in enumerate(rows, start=1):
            for table, column in _BY_IMAGE:
                opened.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (new + away, old))
            for table, column in _BY_FRAME:
                opened.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (new + away, frame_of[old]))
        for table, column in _BY_IMAGE + _BY_FRAME:
            opened.execute(f"UPDATE {table} SET {column} = {column} - ? WHERE {column} > ?", (away, away))


@contextmanager
def named_by_number(database: Path) -> Iterator[dict[str, str]]:
    """For a while photographs are called by their numbers; yields these by name.

    COLMAP's list of pairs is text, and a name with a space in it would be two.
    """
    with closing(sqlite3.connect(database)) as opened:
        names = opened.execute("SELECT name, image_id FROM images").fetchall()
    _call(database, [(str(number), number) for _, number in names])
    try:
        yield {name: str(number) for name, number in names}
    finally:
        _call(database, names)


def _call(database: Path, names: list[tuple[str, int]]) -> None:
    # Names are unique at every moment, and "1" may be one already: nothing is called so with a slash before it.
    with closing(sqlite3.connect(database)) as opened, opened:
        opened.execute("UPDATE images SET name = '/' || image_id")
        opened.executemany("UPDATE images SET name = ? WHERE image_id = ?", names)
