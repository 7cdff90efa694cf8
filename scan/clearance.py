"""How near the arm comes to plants, wall, carriage and itself.

Links and camera are capsules, sampled as balls a centimetre or two apart; a plant is the cylinder over its collar (a
head is fuller than a half ellipsoid, whose flanks grown leaves overshoot by 4 cm); the wall is the plane z = 0; the
carriage is a block that reaches `carriage_depth_m` from the cable plane towards the wall and without end away from it.
The cables lie behind the block's face and out of the arm's way.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scan.cell import Array, Cell, CellPosture
from scan.gaps_kernel import many_gaps, moves_are_clear

#: Balls along upper arm, forearm and mount. The two first of the upper arm belong to the shoulder's bracket.
_BALLS = (8, 7, 3)
_SHOULDER_BALLS = 2
#: Places along a move at which it is looked at, for carriage and joints each; odd, because the middle comes first.
SHARES = 9
#: What must stay between the arm and the carriage, and between the arm's own parts.
OWN_GAP_M = 0.005


@dataclass(frozen=True)
class Obstacle:
    """A plant to keep away from: a cylinder that stands on its collar.

    Args:
        name: As a person knows it.
        position_m: Collar, world.
        radius_m: Across the wall.
        height_m: Out of the wall.
    """

    name: str
    position_m: tuple[float, float, float]
    radius_m: float
    height_m: float


@dataclass(frozen=True, eq=False)
class Gaps:
    """Least distances between surfaces, metres, negative where they overlap; each of shape (...).

    Args:
        wall: Arm or camera to the wall.
        plants: To the nearest plant.
        own: Of the arm to its carriage, and of its parts to each other.
    """

    wall: Array
    plants: Array
    own: Array

    def clear(self, clearance_m: float) -> NDArray[np.bool_]:
        """Whether wall and plants are `clearance_m` away, and the cell's own parts `OWN_GAP_M`."""
        free: NDArray[np.bool_] = (np.minimum(self.wall, self.plants) >= clearance_m) & (self.own >= OWN_GAP_M)
        return free


class Surroundings:
    """A cell among plants, ready to be asked about many postures.

    Args:
        cell: The cell.
        plants: All that may be in its way.
    """

    def __init__(self, cell: Cell, plants: Sequence[Obstacle]) -> None:
        half_x, half_y = np.abs(cell.robot.corners_m).max(axis=0)
        bodies, base, table = cell.bodies, cell.platform_from_base, cell.yaw_map
        shape = [cell.arm.shoulder_height_m, *cell.arm.links_m, bodies.link_radius_m, bodies.camera_radius_m,
                 half_x, half_y, bodies.carriage_depth_m, cell.plane_z_m]  # fmt: skip
        rows = [(*plant.position_m, plant.radius_m, plant.height_m) for plant in plants]
        self._clearance_m = bodies.clearance_m
        self.scene = (
            np.array(shape), base.rotation, base.translation_m, np.array(rows, dtype=float).reshape(-1, 5),
            np.array([*_BALLS, _SHOULDER_BALLS], dtype=float), table.x_m, table.y_m, table.yaws_rad,
        )  # fmt: skip

    def gaps(self, x_m: ArrayLike, y_m: ArrayLike, joints_rad: ArrayLike) -> Gaps:
        """Gaps in postures: carriage at places of shape (...), joints of shape (..., 4), at the yaw map's yaw."""
        joints = np.asarray(joints_rad, dtype=float)
        shape = joints.shape[:-1]
        x, y = (np.broadcast_to(np.asarray(place, dtype=float), shape).ravel() for place in (x_m, y_m))
        found = many_gaps(*self.scene, np.column_stack([x, y, joints.reshape(-1, 4)]))
        return Gaps(*(found[:, kind].reshape(shape) for kind in range(3)))

    def clear_moves(self, starts: Array, goals: Array) -> NDArray[np.bool_]:
        """Whether straight moves are clear, however carriage and joints keep step, from n postures to each of m.

        Args:
            starts: x, y and four joints, shape (n, 6).
            goals: Likewise, shape (m, 6).
        """
        clear = moves_are_clear(*self.scene, starts, goals, SHARES, self._clearance_m, OWN_GAP_M)
        return np.asarray(clear, dtype=bool)

    def clear_move(self, start: CellPosture, goal: CellPosture) -> bool:
        """The same for one move."""
        return bool(self.clear_moves(row_of(start)[None], row_of(goal)[None])[0, 0])


def row_of(posture: CellPosture) -> Array:
    """A posture as x, y and four joints, shape (6,)."""
    return np.array([posture.x_m, posture.y_m, *posture.joints_rad])


def gaps(cell: Cell, x_m: ArrayLike, y_m: ArrayLike, joints_rad: ArrayLike, plants: Sequence[Obstacle]) -> Gaps:
    """`Surroundings.gaps` for once."""
    return Surroundings(cell, plants).gaps(x_m, y_m, joints_rad)
