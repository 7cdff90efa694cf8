"""Fiducial tags in photographs: where corners are seen, where that puts the camera, and where the corners stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from reconstruction.colmap_io import focal_px, rays
from reconstruction.model import Array, View
from trellis.board import TagBoard
from trellis.errors import InputError
from trellis.geometry import Pose
from trellis.lens import Lens

#: Tag id to the pixels of its four corners, shape (4, 2), in the board's order; (0.5, 0.5) is the first pixel's centre.
Sighting = Mapping[int, Array]

#: What a corner's place in a photograph is good for, and beyond what it is another thing.
_CORNER_STD_PX, _OUTLIER_PX = 0.3, 3.0

#: How many tags must be seen to say where a camera stands; two may lie in a line with its shadow of a twin solution.
_TAGS_FOR_A_POSE = 3


@dataclass(frozen=True, eq=False)
class Corners:
    """Corners triangulated from photographs, beside where the board has them; one row a corner.

    Args:
        tags: Tag ids, shape (n,).
        found: In the frame and unit of the views, shape (n, 3).
        stds: Standard deviation a coordinate, in the same unit, shape (n,).
        board_m: Where they stand on the board, shape (n, 3).
        errors_px: Root mean square of the reprojection, shape (n,).
    """

    tags: NDArray[np.int64]
    found: Array
    stds: Array
    board_m: Array
    errors_px: Array

    def __len__(self) -> int:
        return len(self.tags)

    def centres(self) -> Corners:
        """One row for each tag with all four corners: their mean.

        Light bleeds over edges and detectors round corners, so that all four seem nearer to the middle than they are
        (by 0.2 mm at 0.3 m on simulated tags); the mean does not feel it.
        """
        whole = [np.flatnonzero(self.tags == tag) for tag in sorted(set(self.tags.tolist()))]
        rows = np.array([row for row in whole if len(row) == 4], dtype=np.int64).reshape(-1, 4)
        return Corners(
            self.tags[rows[:, 0]],
            self.found[rows].mean(axis=1),
            # The four are seen by the same few photographs: their errors are far from independent.
            np.sqrt((self.stds[rows] ** 2).mean(axis=1)),
            self.board_m[rows].mean(axis=1),
            np.sqrt((self.errors_px[rows] ** 2).mean(axis=1)),
        )


def see_tags(folder: Path, names: Sequence[str], board: TagBoard, threads: int) -> dict[str, Sighting]:
    """Detect the board's tags in photographs; photographs without any are absent.

    Raises:
        InputError: The board's family is not one of OpenCV's dictionaries.
    """
    code = getattr(cv2.aruco, board.family, None)
    if not board.family.startswith("DICT_") or code is None:
        raise InputError(f"tag family {board.family!r} is unknown; use OpenCV's name, such as DICT_APRILTAG_36h11")
    dictionary = cv2.aruco.getPredefinedDictionary(code)

    def look(name: str) -> Sighting:
        # A detector of its own for each photograph: nothing says that one may be used by two threads at once.
        return _see(folder / name, dictionary, board)

    with ThreadPoolExecutor(threads or 2) as pool:
        seen = dict(zip(names, pool.map(look, names), strict=True))
    return {name: sighting for name, sighting in seen.items() if sighting}


def poses_from_board(seen: Mapping[str, Sighting], board: TagBoard, lens: Lens) -> dict[str, Pose]:
    """`world_from_camera` of each photograph that sees enough tags, good to a few millimetres where the lens is."""
    poses = {name: _pose(sighting, board, lens) for name, sighting in seen.items()}
    return {name: pose for name, pose in poses.items() if pose is not None}


def triangulate(seen: Mapping[str, Sighting], views: Sequence[View], board: TagBoard, lens: Lens) -> Corners:
    """Where each corner stands by the views' poses; a sighting that does not fit the others has no say.

    A corner needs three views. Least squares over the distances from lines of sight, each weighed by its depth so that
    pixels count, and by Cauchy's function of its error; the standard deviation follows from the lines' geometry.
    """
    lines: dict[tuple[int, int], list[tuple[Array, Array]]] = {}
    for view in views:
        sighting = seen.get(view.name)
        if not sighting:
            continue
        directions = rays(lens, np.concatenate(list(sighting.values()))) @ view.world_from_camera.rotation.T
        for row, direction in enumerate(directions):
            key = (list(sighting)[row // 4], row % 4)
            lines.setdefault(key, []).append((view.world_from_camera.translation_m, direction))
    rows = []
    for (tag, corner), found in sorted(lines.items()):
        if len(found) >= 3:
            point, std, error_px = _meet(np.array([line[0] for line in found]), np.array([line[1] for line in found]),
                                         focal_px(lens))  # fmt: skip
            if error_px < _OUTLIER_PX and np.isfinite(std):
                rows.append((tag, point, std, board.corners_world_m[tag][corner], error_px))
    return Corners(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows]).reshape(-1, 3),
        np.array([row[2] for row in rows], dtype=float),
        np.array([row[3] for row in rows]).reshape(-1, 3),
        np.array([row[4] for row in rows], dtype=float),
    )


def _see(file: Path, dictionary: cv2.aruco.Dictionary, board: TagBoard) -> Sighting:
    grey = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    if grey is None:
        return {}
    parameters = cv2.aruco.DetectorParameters()
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    parameters.cornerRefinementWinSize = 4
    corners, ids, _ = cv2.aruco.ArucoDetector(dictionary, parameters).detectMarkers(grey)
    if ids is None:
        return {}
    known = [(int(tag), quad.reshape(4, 2)) for tag, quad in zip(ids.ravel(), corners, strict=True)]
    once = [tag for tag, _ in known if tag in board.corners_world_m]
    # A tag that is there twice is a mirror image or a mistake: which of both is meant nobody knows.
    return {tag: quad.astype(float) + 0.5 for tag, quad in sorted(known, key=lambda item: item[0])
            if once.count(tag) == 1}  # fmt: skip


def _pose(sighting: Sighting, board: TagBoard, lens: Lens) -> Pose | None:
    if len(sighting) < _TAGS_FOR_A_POSE:
        return None
    world_m = np.concatenate([board.corners_world_m[tag] for tag in sighting])
    directions = rays(lens, np.concatenate(list(sighting.values())))
    flat = np.ascontiguousarray(directions[:, :2] / directions[:, 2:])
    # OpenCV throws where samples are degenerate; such a sighting says nothing. (Its SQPNP does so even on good boards.)
    try:
        ok, turn, shift, inside = cv2.solvePnPRansac(
            world_m, flat, np.eye(3), None, reprojectionError=_OUTLIER_PX / focal_px(lens), iterationsCount=200,
            flags=cv2.SOLVEPNP_AP3P,
        )  # fmt: skip
        if not ok or inside is None or len(inside) < max(4 * _TAGS_FOR_A_POSE, len(flat) / 2):
            return None
        rows = inside.ravel()
        turn, shift = cv2.solvePnPRefineLM(world_m[rows], flat[rows], np.eye(3), None, turn, shift)
    except cv2.error:
        return None
    return Pose.from_rotation_vector(turn.ravel(), shift.ravel()).inverse


def _meet(centres: Array, directions: Array, focal: float) -> tuple[Array, float, float]:
    """The point where lines of sight meet, its standard deviation, and the root mean square error in pixels."""
    across = np.eye(3) - directions[:, :, None] * directions[:, None, :]
    weights = np.ones(len(centres))
    for _ in range(6):
        normal = np.einsum("n,nij->ij", weights, across)
        point = np.linalg.lstsq(normal, np.einsum("n,nij,nj->i", weights, across, centres), rcond=None)[0]
        away = point - centres
        depth = np.maximum((away * directions).sum(axis=1), 1e-9)
        error_px = focal * np.linalg.norm(np.einsum("nij,nj->ni", across, away), axis=1) / depth
        weights = (focal / depth) ** 2 / (1 + (error_px / (3 * _CORNER_STD_PX)) ** 2)
    if np.count_nonzero(error_px < _OUTLIER_PX) < 3:
        return point, np.inf, np.inf
    inside = error_px < _OUTLIER_PX
    covariance = _CORNER_STD_PX**2 * np.linalg.pinv(np.einsum("n,nij->ij", weights, across))
    return point, float(np.sqrt(np.linalg.eigvalsh(covariance)[-1])), float(np.sqrt((error_px[inside] ** 2).mean()))
