"""The easiest yaw everywhere in the workspace as a table, so that planner and driver ask the same and ask quickly.

`cdpr.tension.easiest_yaw_rad` takes milliseconds; a planner asks it a million times, a driver at every setpoint.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import RegularGridInterpolator

from cdpr.config import CablesSection
from cdpr.kinematics import cable_lengths, forward
from cdpr.robot import Array, CableRobot
from cdpr.tension import easiest_yaw_rad, margins_n

_PITCH_M = 0.02
_LIMIT_RAD = 0.35
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True, eq=False)
class YawMap:
    """The carriage's yaw by its place.

    Args:
        robot: The robot.
        x_m: Columns of the table, world, ascending, shape (n,).
        y_m: Rows, shape (m,).
        yaws_rad: `easiest_yaw_rad` at each, shape (n, m).
        margins_n: `margin_n` there, shape (n, m).
    """

    robot: CableRobot
    x_m: Array
    y_m: Array
    yaws_rad: Array
    margins_n: Array

    def yaw_rad(self, x_m: ArrayLike, y_m: ArrayLike) -> Array:
        """The easiest yaw at places of any one shape, linear between the table's entries.

        On the hydroponic robot within 0.02 deg of `easiest_yaw_rad`, but where the margin is nearly level over some
        yaws (one place in a hundred, 0.2 deg at most, less than 0.2 N of margin). Outside the table it is that
        function itself.
        """
        x, y = np.broadcast_arrays(np.asarray(x_m, dtype=float), np.asarray(y_m, dtype=float))
        yaw = self._look_up(self.yaws_rad, x, y)
        outside = ~np.isfinite(yaw)
        if outside.any():
            places = zip(x[outside], y[outside], strict=True)
            yaw[outside] = [easiest_yaw_rad(self.robot, float(a), float(b)) for a, b in places]
        return yaw

    def margin_n(self, x_m: ArrayLike, y_m: ArrayLike) -> Array:
        """How far the best tensions stay from the nearest limit, newtons; not a number outside the table."""
        x, y = np.broadcast_arrays(np.asarray(x_m, dtype=float), np.asarray(y_m, dtype=float))
        return self._look_up(self.margins_n, x, y)

    def _look_up(self, table: Array, x_m: Array, y_m: Array) -> Array:
        look = RegularGridInterpolator((self.x_m, self.y_m), table, bounds_error=False, fill_value=np.nan)
        return np.array(look(np.stack([x_m, y_m], axis=-1)), dtype=float).reshape(x_m.shape)


@lru_cache(maxsize=8)
def yaw_map(section: CablesSection) -> YawMap:
    """The table over the section's workspace, entries about 20 mm apart; built once in a process, in 1.5 s."""
    robot = section.robot()
    # Who asks is about to move something: the search is compiled now, not while a stop waits for the winches.
    forward(robot, cable_lengths(robot, (*section.home_m, 0.0)))
    return tabulate(robot, section.workspace_x_m, section.workspace_y_m)


def tabulate(
    robot: CableRobot, x_m: tuple[float, float], y_m: tuple[float, float], pitch_m: float = _PITCH_M
) -> YawMap:
    """The table between lowest and highest x and y, entries no further apart than `pitch_m`."""
    x, y = (_axis(*limits, pitch_m) for limits in (x_m, y_m))
    places = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    found = np.concatenate([_easiest(robot, part) for part in np.array_split(places, max(len(places) // 1000, 1))])
    return YawMap(robot, x, y, found[:, 0].reshape(len(x), len(y)), found[:, 1].reshape(len(x), len(y)))


def _axis(low_m: float, high_m: float, pitch_m: float) -> Array:
    return np.linspace(low_m, high_m, max(int(np.ceil((high_m - low_m) / pitch_m)), 1) + 1)


def _easiest(robot: CableRobot, places_m: Array) -> Array:
    """Easiest yaw and its margin at places (n, 2): best of a coarse grid, then a golden-section search; (n, 2)."""
    grid = np.linspace(-_LIMIT_RAD, _LIMIT_RAD, 29)

    def margins(yaws: Array) -> Array:
        return margins_n(robot, np.concatenate([places_m, yaws[:, None]], axis=1))

    coarse = np.stack([margins(np.full(len(places_m), yaw)) for yaw in grid])
    best, reach = grid[coarse.argmax(axis=0)], grid[1] - grid[0]
    low, high = best - reach, best + reach
    for _ in range(24):  # 0.618**24 of two steps of the grid is 5e-7 rad
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        rising = margins(left) < margins(right)
        low, high = np.where(rising, left, low), np.where(rising, high, right)
    yaws = np.clip((low + high) / 2, -_LIMIT_RAD, _LIMIT_RAD)
    return np.stack([yaws, margins(yaws)], axis=1)
