"""What the cables have to bear: weight where it is, inertia, and an arm that moves while the carriage is driven."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from cdpr.robot import GRAVITY_M_S2, Array, CableRobot
from cdpr.tension import distribute, gravity_wrench, margins_n

#: Halvings of the share of a load's moment that tensions can balance: to a hundredth of it.
_HALVINGS = 7


@dataclass(frozen=True, eq=False)
class Load:
    """A part of the carriage's mass that does not stand where the rest does: an arm.

    Args:
        mass_kg: Of that part; `CableRobot.mass_kg` has it in.
        track_m: Its centre of mass, platform x and y, at equal steps of time of a move from its begin to its end, shape
            (k, 2); one row for a part that keeps still.

    Raises:
        ValueError: The mass is not positive, or the track is no list of places.
    """

    mass_kg: float
    track_m: Array

    def __post_init__(self) -> None:
        track_m = np.atleast_2d(np.array(self.track_m, dtype=float))
        if not self.mass_kg > 0 or track_m.shape[1:] != (2,) or not np.isfinite(track_m).all():
            raise ValueError(f"a load needs mass_kg > 0 and a track of shape (k, 2), not {self.mass_kg}, {track_m}")
        track_m.setflags(write=False)
        object.__setattr__(self, "track_m", track_m)

    def at(self, share: ArrayLike) -> Array:
        """Where it is after shares of the move, 0 to 1, shape (n,): platform x and y, shape (n, 2)."""
        shares = np.linspace(0, 1, len(self.track_m))
        return np.column_stack([np.interp(np.atleast_1d(share), shares, column) for column in self.track_m.T])

    def rest_of(self, share: float) -> "Load":
        """What is left of the move after a share of it."""
        count = len(self.track_m)
        return replace(self, track_m=self.at(share + (1 - share) * np.linspace(0, 1, count)))

    @property
    def ended(self) -> "Load":
        """The same once the move is over."""
        return replace(self, track_m=self.track_m[-1:])

    def on(self, robot: CableRobot) -> CableRobot:
        """The robot with this part of its mass where it is at the end of the move."""
        return replace(robot, mass_kg=robot.mass_kg - self.mass_kg).carrying(self.mass_kg, self.track_m[-1])


def tensions_for(
    robot: CableRobot, poses: Array, changes: ArrayLike = 0.0, load: Load | None = None, shares: ArrayLike = 1.0
) -> Array:
    """Tensions of a carriage that is moved with a load on it.

    Where no tensions hold the whole moment of the load at the pose's yaw, they take as large a share of it as can be
    had, and the rest turns the carriage until it hangs in balance: with the hydroponic robot and its arm stretched out
    sideways that is so in a tenth of the workspace, at its sides and top.

    Args:
        robot: With `mass_kg` of all and the centre of mass of all but the load.
        poses: x, y, yaw, shape (n, 3).
        changes: Accelerations of x, y and yaw, shape (n, 3).
        load: What moves on the carriage.
        shares: How much of the load's move is over at each pose, shape (n,).

    Returns:
        Newtons, shape (n, m).

    Raises:
        NoTension: At a pose no tensions hold the carriage even without the load's moment.
    """
    changes = np.broadcast_to(np.asarray(changes, dtype=float), poses.shape)
    wrench = bare_wrench(robot, poses, changes)
    if load is None:
        return distribute(robot, poses, wrench)
    wrench_of_load = np.zeros_like(wrench)
    wrench_of_load[:, 2] = load_moment(robot, poses, changes, load, shares)
    held = _held_share(robot, poses, wrench, wrench_of_load)
    return distribute(robot, poses, wrench + held[:, None] * wrench_of_load)


def bare_wrench(robot: CableRobot, poses: Array, changes: Array) -> Array:
    """Weight and inertia at poses and accelerations (n, 3), all mass at the robot's centre of mass, shape (n, 3).

    The carriage counts as a uniform plate as large as its corners, about its middle.
    """
    inertia = robot.mass_kg * float((np.ptp(robot.corners_m, axis=0) ** 2).sum()) / 12
    return np.asarray(gravity_wrench(robot, poses) - np.array([robot.mass_kg, robot.mass_kg, inertia]) * changes)


def load_moment(robot: CableRobot, poses: Array, changes: Array, load: Load, shares: ArrayLike) -> Array:
    """The moment (N m) that a load adds by not being at the robot's centre of mass, shape (n,).

        -m (r_x (g + a_y) - r_y a_x),  r from the centre of mass to the load, turned into the world

    Its own acceleration on the carriage is left out: an arm of 0.3 kg that swings at 2 rad/s2 pulls with 0.1 N.
    """
    away_m = load.at(np.broadcast_to(shares, len(poses))) - robot.centre_of_mass_m
    cos, sin = np.cos(poses[:, 2]), np.sin(poses[:, 2])
    x, y = cos * away_m[:, 0] - sin * away_m[:, 1], sin * away_m[:, 0] + cos * away_m[:, 1]
    return np.asarray(-load.mass_kg * (x * (GRAVITY_M_S2 + changes[:, 1]) - y * changes[:, 0]))


def _held_share(robot: CableRobot, poses: Array, wrench: Array, wrench_of_load: Array) -> Array:
    """The greatest share of a load's wrench that tensions balance beside the rest, shape (n,).

    What a box of tensions can balance is convex, so the shares that it can are all those up to one.
    """
    share = np.ones(len(poses))
    heavy = np.flatnonzero(margins_n(robot, poses, wrench + wrench_of_load) < 0)
    low, high = np.zeros(len(heavy)), np.ones(len(heavy))
    for _ in range(_HALVINGS if len(heavy) else 0):
        middle = (low + high) / 2
        can = margins_n(robot, poses[heavy], wrench[heavy] + middle[:, None] * wrench_of_load[heavy]) >= 0
        low, high = np.where(can, middle, low), np.where(can, high, middle)
    share[heavy] = low
    return share
