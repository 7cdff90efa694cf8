"""Choosing four tensions for a wrench: one is free, and the box of allowed tensions is never left.

Four cables hold three planar degrees of freedom, so the tensions that balance a wrench form a line. Of its part inside
the box the point nearest the box's middle is taken; it moves continuously with the pose. Clamping each tension on its
own instead would break the wrench.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

from cdpr.kinematics import length_jacobian
from cdpr.robot import CABLES, GRAVITY_M_S2, Array, CableRobot
from trellis.errors import Unreachable


class NoTension(Unreachable):
    """No tensions inside the limits hold the carriage there.

    `cable` is the index of the cable that fails most, `shortfall_n` by how much even the best compromise misses.
    """

    def __init__(self, pose: Array, cable: int, shortfall_n: float, needed_n: float) -> None:
        x, y, yaw = pose
        super().__init__(
            f"no tensions hold the carriage at x {x:.3f} m, y {y:.3f} m, yaw {np.degrees(yaw):.1f} deg: the "
            f"{CABLES[cable]} cable would need {needed_n:.1f} N, {shortfall_n:.1f} N outside its limits; "
            "choose a pose nearer the middle of the frame"
        )
        self.pose = pose
        self.cable = cable
        self.shortfall_n = shortfall_n


def gravity_wrench(robot: CableRobot, pose: ArrayLike) -> Array:
    """Force x, force y (N) and moment about the carriage's centre (N m) of the weight, shape (3,)."""
    yaw_rad = np.asarray(pose, dtype=float)[2]
    lever_x_m = np.cos(yaw_rad) * robot.centre_of_mass_m[0] - np.sin(yaw_rad) * robot.centre_of_mass_m[1]
    weight_n = robot.mass_kg * GRAVITY_M_S2
    return np.array([0.0, -weight_n, -lever_x_m * weight_n])


def distribute(robot: CableRobot, pose: ArrayLike, wrench: ArrayLike | None = None) -> Array:
    """Tensions that balance a wrench, inside the limits, as near their middle as can be.

    Args:
        robot: The robot.
        pose: x, y, yaw; shape (3,).
        wrench: What acts on the carriage beside the cables: force x, force y (N), moment (N m); gravity when not given.

    Returns:
        Newtons, shape (4,).

    Raises:
        NoTension: The line of balancing tensions misses the box.

    Source: closed form for one redundant cable; Pott, Cable-Driven Parallel Robots (2018), chapter 3.
    """
    where = np.asarray(pose, dtype=float)
    load = gravity_wrench(robot, where) if wrench is None else np.asarray(wrench, dtype=float)
    balance = length_jacobian(robot, where).T  # (3, 4): balance @ tensions = load
    middle = np.full(4, robot.tension_mid_n)
    nearest = middle + np.linalg.lstsq(balance, load - balance @ middle, rcond=None)[0]
    free = np.linalg.svd(balance)[2][3]
    low, high = _interval(robot, nearest, free)
    if low > high:
        raise _explain(robot, where, nearest + (low + high) / 2 * free)
    # Rounding may leave a tension at its limit outside by an ulp.
    return np.asarray(np.clip(nearest + np.clip(0.0, low, high) * free, robot.tension_min_n, robot.tension_max_n))


def _interval(robot: CableRobot, tensions: Array, free: Array) -> tuple[float, float]:
    """How far one may go along `free` from `tensions` inside the box; empty when the first exceeds the second."""
    moving = np.abs(free) > 1e-12
    to_min = (robot.tension_min_n - tensions[moving]) / free[moving]
    to_max = (robot.tension_max_n - tensions[moving]) / free[moving]
    low, high = float(np.minimum(to_min, to_max).max()), float(np.maximum(to_min, to_max).min())
    still = tensions[~moving]
    if ((still < robot.tension_min_n) | (still > robot.tension_max_n)).any():
        return max(low, high) + 1.0, min(low, high) - 1.0  # no step along the line mends a cable that it does not move
    return low, high


def _explain(robot: CableRobot, pose: Array, tensions: Array) -> NoTension:
    outside = np.maximum(robot.tension_min_n - tensions, tensions - robot.tension_max_n)
    cable = int(np.argmax(outside))
    return NoTension(pose, cable, float(outside[cable]), float(tensions[cable]))


def margin_n(robot: CableRobot, pose: ArrayLike, wrench: ArrayLike | None = None) -> float:
    """How far the best tensions stay from the nearest limit, newtons; negative where no tensions hold the carriage.

    The greatest, over all tensions that balance the wrench, of the least distance to a limit: it says how much may go
    wrong with any one cable before the carriage is lost. Arguments as in `distribute`.
    """
    where = np.asarray(pose, dtype=float)
    load = gravity_wrench(robot, where) if wrench is None else np.asarray(wrench, dtype=float)
    balance = length_jacobian(robot, where).T
    some = np.linalg.lstsq(balance, load, rcond=None)[0]
    free = np.linalg.svd(balance)[2][3]
    # Distances to the eight limits are lines offset + slope * step along the free direction; the least of them is
    # concave, so its peak lies where two of them cross.
    offset = np.concatenate([some - robot.tension_min_n, robot.tension_max_n - some])
    slope = np.concatenate([free, -free])
    first, second = np.triu_indices(8, 1)
    crossing = np.abs(slope[first] - slope[second]) > 1e-12
    first, second = first[crossing], second[crossing]
    steps = (offset[second] - offset[first]) / (slope[first] - slope[second])
    return float((offset[:, None] + slope[:, None] * steps).min(axis=0).max())


def easiest_yaw_rad(robot: CableRobot, x_m: float, y_m: float, limit_rad: float = 0.35) -> float:
    """The yaw at which the cables hold the carriage with the greatest margin.

    A carriage on four cables does not hang level everywhere: away from the frame's middle line no tensions at all hold
    the hydroponic robot at yaw 0, and a few degrees of yaw, chosen here, hold it well. Symmetric in x for a symmetric
    robot, and continuous with the position.

    Args:
        robot: The robot.
        x_m: Where the carriage is to stand, world.
        y_m: Likewise.
        limit_rad: No greater yaw is looked for.
    """
    grid = np.linspace(-limit_rad, limit_rad, 29)
    best = grid[int(np.argmax([margin_n(robot, (x_m, y_m, yaw)) for yaw in grid]))]
    reach = grid[1] - grid[0]
    found = minimize_scalar(
        lambda yaw: -margin_n(robot, (x_m, y_m, yaw)), bounds=(best - reach, best + reach), method="bounded"
    )
    return float(np.clip(found.x, -limit_rad, limit_rad))
