"""Choosing tensions for a wrench: some are free, and the box of allowed tensions is never left.

Of the tensions that balance a wrench those inside the box nearest its middle are taken; they move continuously with the
pose. Clamping each tension on its own instead would break the wrench. Source: docs/cable-robot.md, section 4.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

from cdpr.kinematics import length_jacobian
from cdpr.redundancy import Balancing, balancing, nearest_steps, safest_steps
from cdpr.robot import GRAVITY_M_S2, Array, CableRobot
from trellis.errors import Unreachable


class NoTension(Unreachable):
    """No tensions inside the limits hold the carriage there.

    Args:
        robot: The robot.
        pose: Where; shape (3,).
        cable: Index of the cable that is worst off at the best compromise.
        needed_n: What it would have to bear there.
        shortfall_n: By how much that lies outside its limits; no other choice misses them by less.
    """

    def __init__(self, robot: CableRobot, pose: Array, cable: int, needed_n: float, shortfall_n: float) -> None:
        x, y, yaw = pose
        slack = needed_n < robot.tension_min_n
        side = f"below its least of {robot.tension_min_n:g}" if slack else f"above its most of {robot.tension_max_n:g}"
        super().__init__(
            f"no tensions hold the carriage at x {x:.3f} m, y {y:.3f} m, yaw {np.degrees(yaw):.1f} deg: the "
            f"{robot.name(cable)} cable would need {needed_n:.1f} N, {shortfall_n:.1f} N {side} N, at the best of all "
            "compromises; choose a pose nearer the middle of the frame, or another yaw"
        )
        self.pose = pose
        self.cable = cable
        self.needed_n = needed_n
        self.shortfall_n = shortfall_n


def gravity_wrench(robot: CableRobot, pose: ArrayLike) -> Array:
    """Force x, force y (N) and moment about the carriage's centre (N m) of the weight where it is, shape (..., 3)."""
    yaw_rad = np.asarray(pose, dtype=float)[..., 2]
    lever_x_m = np.cos(yaw_rad) * robot.centre_of_mass_m[0] - np.sin(yaw_rad) * robot.centre_of_mass_m[1]
    weight_n = robot.mass_kg * GRAVITY_M_S2
    zero = np.zeros_like(lever_x_m)
    return np.stack([zero, zero - weight_n, -lever_x_m * weight_n], axis=-1)


def distribute(robot: CableRobot, pose: ArrayLike, wrench: ArrayLike | None = None) -> Array:
    """Tensions that balance a wrench, inside the limits, as near their middle as can be.

    Args:
        robot: The robot; `CableRobot.carrying` puts an arm's weight where it is.
        pose: x, y, yaw; shape (..., 3).
        wrench: What acts on the carriage beside the cables: force x, force y (N), moment (N m), shape (..., 3); gravity
            when not given.

    Returns:
        Newtons, shape (..., m).

    Raises:
        NoTension: Somewhere no balancing tensions lie in the box; of several poses the first is named.

    Source: closed form for one free tension, exact for more (`cdpr.redundancy`); Pott, Cable-Driven Parallel Robots
    (2018), chapter 3.
    """
    where = np.asarray(pose, dtype=float)
    within = _balancing(robot, where, wrench)
    steps, held = nearest_steps(within)
    if not held.all():
        row = tuple(index[0] for index in np.nonzero(~held)) if where.ndim > 1 else ()
        raise _explain(robot, where[row], Balancing(within.some[row], within.free[row], within.min_n, within.max_n))
    # Rounding may leave a tension at its limit outside by an ulp.
    return np.asarray(np.clip(within.at(steps), robot.tension_min_n, robot.tension_max_n))


def margin_n(robot: CableRobot, pose: ArrayLike, wrench: ArrayLike | None = None) -> float:
    """`margins_n` of one pose, shape (3,)."""
    return float(margins_n(robot, pose, wrench))


def margins_n(robot: CableRobot, pose: ArrayLike, wrench: ArrayLike | None = None) -> Array:
    """How far the best tensions stay from the nearest limit, newtons; negative where no tensions hold the carriage.

    The greatest, over all tensions that balance the wrench, of the least distance to a limit: it says how much may go
    wrong with any one cable before the carriage is lost. Arguments as in `distribute`; shape (..., 3) to (...).
    """
    return safest_steps(_balancing(robot, np.asarray(pose, dtype=float), wrench))[1]


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
    best = grid[int(np.argmax(margins_n(robot, np.column_stack([np.full((29, 2), (x_m, y_m)), grid]))))]
    reach = grid[1] - grid[0]
    found = minimize_scalar(
        lambda yaw: -margin_n(robot, (x_m, y_m, yaw)), bounds=(best - reach, best + reach), method="bounded"
    )
    return float(np.clip(found.x, -limit_rad, limit_rad))


def _balancing(robot: CableRobot, where: Array, wrench: ArrayLike | None) -> Balancing:
    load = gravity_wrench(robot, where) if wrench is None else np.asarray(wrench, dtype=float)
    balance = np.swapaxes(length_jacobian(robot, where), -1, -2)  # balance @ tensions = load
    return balancing(balance, load, robot.tension_min_n, robot.tension_max_n)


def _explain(robot: CableRobot, pose: Array, within: Balancing) -> NoTension:
    """The cable that is worst off where the worst is least."""
    steps, margin = safest_steps(within)
    tensions = within.at(steps)
    outside = np.maximum(robot.tension_min_n - tensions, tensions - robot.tension_max_n)
    cable = int(np.argmax(outside))
    return NoTension(robot, pose, cable, float(tensions[cable]), -float(margin))
