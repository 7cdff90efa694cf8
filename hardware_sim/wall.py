"""The wall that the plants grow out of: panels, tags, collars and dirt, as one picture; and the board file's truth."""

from collections.abc import Iterable
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from hardware_sim.rigid import Array
from trellis.board import TagBoard
from trellis.errors import InputError

FAMILY = "DICT_APRILTAG_36h11"
TAG_M = 0.040
TAG_COLUMNS, TAG_ROWS = 23, 21
TAG_PITCH_M, TAG_START_M = 0.095, (0.055, 0.05)
SITE_COLUMNS, SITE_ROWS = 9, 6
SITE_PITCH_M, SITE_START_M = 0.19, (0.34, 0.43)
#: No tag is printed nearer to a site than this.
CLEAR_M = 0.030
COLLAR_M = 0.024

#: White gutters that lead the nutrient past a row of plants: boxes across the panel, between two rows of tags.
GUTTER_HEIGHT_M, GUTTER_DEPTH_M = 0.018, 0.008

#: The panel's extent in the world's x and y, and the size of a picture element on it.
WALL_MIN_M, WALL_MAX_M = (-0.25, -0.25), (2.45, 2.25)
TEXEL_M = 0.0005


def site_m(column: int, row: int) -> Array:
    """The collar of a site in the world.

    Raises:
        InputError: There is no such site.
    """
    if not (0 <= column < SITE_COLUMNS and 0 <= row < SITE_ROWS):
        raise InputError(f"site ({column}, {row}): columns are 0 to {SITE_COLUMNS - 1}, rows 0 to {SITE_ROWS - 1}")
    return np.array([SITE_START_M[0] + SITE_PITCH_M * column, SITE_START_M[1] + SITE_PITCH_M * row, 0.0])


def tag_centres_m() -> dict[int, Array]:
    """Id to centre of every printed tag, by docs/frames.md."""
    sites = np.array([site_m(i, j)[:2] for i in range(SITE_COLUMNS) for j in range(SITE_ROWS)])
    found = {}
    for row in range(TAG_ROWS):
        for column in range(TAG_COLUMNS):
            centre = np.array([TAG_START_M[0] + TAG_PITCH_M * column, TAG_START_M[1] + TAG_PITCH_M * row])
            if np.linalg.norm(sites - centre, axis=1).min() > CLEAR_M:
                found[column + TAG_COLUMNS * row] = np.array([*centre, 0.0])
    return found


def gutters_y_m() -> Array:
    """Middle of each gutter, half a tag's pitch below each row of sites, shape (rows,)."""
    return SITE_START_M[1] + SITE_PITCH_M * np.arange(SITE_ROWS) - TAG_PITCH_M / 2


def gutter_triangles() -> tuple[Array, NDArray[np.int32]]:
    """Corners (n, 3) of the gutters' fronts, tops and undersides in the world, and their triangles (m, 3)."""
    low, high = WALL_MIN_M[0], WALL_MAX_M[0]
    corners, faces = [], []
    for y in gutters_y_m():
        profile = [(y - GUTTER_HEIGHT_M / 2, 0.0), (y - GUTTER_HEIGHT_M / 2, GUTTER_DEPTH_M),
                   (y + GUTTER_HEIGHT_M / 2, GUTTER_DEPTH_M), (y + GUTTER_HEIGHT_M / 2, 0.0)]  # fmt: skip
        for (y0, z0), (y1, z1) in pairwise(profile):
            n = len(corners)
            corners += [(low, y0, z0), (high, y0, z0), (high, y1, z1), (low, y1, z1)]
            faces += [(n, n + 1, n + 2), (n, n + 2, n + 3)]
    return np.array(corners), np.array(faces, np.int32)


def board() -> TagBoard:
    """The tags as printed: four corners each, top left first, seen from the front."""
    half = TAG_M / 2
    square = np.array([[-half, half, 0], [half, half, 0], [half, -half, 0], [-half, -half, 0]])
    return TagBoard(FAMILY, TAG_M, {tag: centre + square for tag, centre in tag_centres_m().items()})


def wall_picture(seed: int, planted_m: Iterable[Array]) -> NDArray[np.uint8]:
    """Square root of the albedo of the wall (rows from the bottom, columns from the left), one grey channel."""
    random = np.random.default_rng([seed, 0x3A11])
    size = [round((high - low) / TEXEL_M) for low, high in zip(WALL_MIN_M, WALL_MAX_M, strict=True)]
    columns, rows = size
    albedo = np.full((rows, columns), 0.70, np.float32)
    for pixels, share in ((400, 0.025), (60, 0.02), (9, 0.012), (2, 0.012)):
        coarse = random.standard_normal((rows // pixels + 2, columns // pixels + 2)).astype(np.float32)
        albedo *= 1 + share * cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC)
    _dirty(random, albedo)
    _collars(albedo, np.array([p[:2] for p in planted_m]).reshape(-1, 2))
    _tags(random, albedo)
    return np.asarray(np.rint(np.sqrt(np.clip(albedo, 0, 1)) * 255), dtype=np.uint8)


def _pixel(point_m: Array) -> tuple[int, int]:
    x, y = (np.asarray(point_m)[:2] - WALL_MIN_M) / TEXEL_M
    return round(float(x)), round(float(y))


def _dirty(random: np.random.Generator, albedo: NDArray[np.float32]) -> None:
    """Splashes of nutrient, scratches and the seams between panels."""
    rows, columns = albedo.shape
    mask = np.zeros((rows, columns), np.uint8)
    for _ in range(2600):
        centre = (int(random.integers(columns)), int(random.integers(rows)))
        cv2.circle(mask, centre, int(random.integers(1, 5)), int(random.integers(15, 90)), -1, cv2.LINE_AA)
    for _ in range(260):
        x, y = int(random.integers(columns)), int(random.integers(rows))
        dx, dy = random.integers(-120, 120, 2)
        cv2.line(mask, (x, y), (x + int(dx), y + int(dy)), int(random.integers(12, 40)), 1, cv2.LINE_AA)
    for x_m in (0.60, 1.20, 1.80):
        x, _ = _pixel(np.array([x_m + 0.0075, 0.0]))
        cv2.line(mask, (x, 0), (x, rows), 140, 3)
    albedo *= 1 - cv2.GaussianBlur(mask, (0, 0), 0.8).astype(np.float32) / 255


def _collars(albedo: NDArray[np.float32], planted_m: Array) -> None:
    """A dark net pot where a plant stands, a pale lid where none does."""
    for column in range(SITE_COLUMNS):
        for row in range(SITE_ROWS):
            site = site_m(column, row)
            planted = len(planted_m) > 0 and np.linalg.norm(planted_m - site[:2], axis=1).min() < 0.01
            radius = round(COLLAR_M / TEXEL_M)
            cv2.circle(albedo, _pixel(site), radius, 0.30 if planted else 0.62, -1, cv2.LINE_AA)
            cv2.circle(albedo, _pixel(site), radius - 6, 0.05 if planted else 0.66, -1, cv2.LINE_AA)


def _tags(random: np.random.Generator, albedo: NDArray[np.float32]) -> None:
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36h11)
    side = round(TAG_M / TEXEL_M)
    paper = round(0.006 / TEXEL_M)
    for tag, centre in tag_centres_m().items():
        marker = cv2.aruco.generateImageMarker(dictionary, tag, side)
        x, y = (c - side // 2 for c in _pixel(centre))
        ink = 0.035 + 0.01 * random.random()
        albedo[y - paper : y + side + paper, x - paper : x + side + paper] = 0.78
        # Rows of the wall's picture run upwards, those of a marker downwards.
        albedo[y : y + side, x : x + side] = np.where(marker[::-1] > 127, 0.78, ink)
