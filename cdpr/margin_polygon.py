"""The greatest polygon in which the cables hold the carriage with a margin, cut out of a table of margins."""

import numpy as np
from contourpy import LineType, contour_generator

from cdpr.robot import Array
from cdpr.workspace import Workspace
from cdpr.yaw_map import YawMap
from trellis.errors import InputError

#: A corner goes if no more area than this goes with it, or is added by it.
_CUT_M2, _ADDED_M2 = 2e-3, 3e-4
_OUTSIDE_N = -1e3
_ROUNDS = 8


def margin_polygon(table: YawMap, least_n: float) -> Workspace:
    """The largest connected region whose margin is at least `least_n`, as a polygon of few corners.

    What dropping corners adds to the region must have the margin too: else a smaller region is simplified.

    Raises:
        InputError: Nowhere in the table is the margin so great.
    """
    level_n = least_n
    for _ in range(_ROUNDS):
        found = Workspace(_fewer(_region(table, level_n)).round(3))
        short_n = least_n - _least_on(table, found)
        if short_n <= 0:
            return found
        level_n += short_n + 0.1
    raise InputError(f"no polygon with a margin of {least_n:g} N has few corners; ask for another margin")


def _region(table: YawMap, level_n: float) -> Array:
    """Corners of the largest region above a level, counter-clockwise."""
    # A rim below every margin closes the lines at the table's border.
    x, y = (np.concatenate([[axis[0] - 1e-6], axis, [axis[-1] + 1e-6]]) for axis in (table.x_m, table.y_m))
    height = np.pad(table.margins_n, 1, constant_values=_OUTSIDE_N)
    lines = contour_generator(x, y, height.T, line_type=LineType.Separate).lines(level_n)
    rings = [np.asarray(line, dtype=float)[:-1] for line in lines if len(line) > 3]
    if not rings:
        raise InputError(
            f"nowhere do the cables hold the carriage with a margin of {level_n:g} N; the greatest is "
            f"{table.margins_n.max():.1f} N: ask for less, or look at masses and limits"
        )
    ring = max(rings, key=lambda corners: abs(_twice_area(corners)))
    return ring if _twice_area(ring) > 0 else ring[::-1]


def _least_on(table: YawMap, space: Workspace) -> float:
    """The least margin on a polygon's sides, where they run inside the table."""
    start, side = space.corners_m, np.roll(space.corners_m, -1, axis=0) - space.corners_m
    share = np.linspace(0, 1, 50)[:, None, None]
    places = (start + share * side).reshape(-1, 2).clip((table.x_m[0], table.y_m[0]), (table.x_m[-1], table.y_m[-1]))
    return float(table.margin_n(*places.T).min())


def _twice_area(corners: Array) -> float:
    """Positive counter-clockwise."""
    ahead = np.roll(corners, -1, axis=0)
    return float((corners[:, 0] * ahead[:, 1] - corners[:, 1] * ahead[:, 0]).sum())


def _fewer(ring: Array) -> Array:
    """Drop the corner that changes the area least, again and again (Visvalingam and Whyatt, 1993)."""
    while len(ring) > 3:
        before, after = np.roll(ring, 1, axis=0) - ring, np.roll(ring, -1, axis=0) - ring
        triangle = (after[:, 0] * before[:, 1] - after[:, 1] * before[:, 0]) / 2  # positive where the corner is convex
        may_go = (triangle < _CUT_M2) & (triangle > -_ADDED_M2)
        if not may_go.any():
            return ring
        ring = np.delete(ring, int(np.where(may_go, np.abs(triangle), np.inf).argmin()), axis=0)
    return ring
