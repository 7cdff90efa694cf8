"""Which postures of the cell serve a view: exact, clear of everything, and reachable from the folded arm.

A view that cannot be had as wished is looked for at other distances first, then in directions nearby; one that cannot
be had at all gets the reason.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from scan.cell import Array, Cell
from scan.clearance import Obstacle, gaps
from scan.inverse import Postures, postures_for
from scan.viewpoints import Direction, fitted_distance_m, viewpoint
from scan.views_section import ViewsSection

#: How far a direction may stray from the wished one: about one spacing of 64 views.
_STRAY_DEG = (4.0, 8.0, 12.0)
_BEARINGS = 8
_DISTANCES = 6
#: Gaps, tension margin and distance from the joints' limits that are ample: more of them earns nothing.
_AMPLE_GAP_M, _AMPLE_MARGIN_N, _AMPLE_JOINT_RAD = 0.05, 10.0, 0.15
#: At most so many postures of a view go on to the search for a quick drive.
_KEPT = 24
_STEPS_OF_UNFOLDING = 12


@dataclass(frozen=True, eq=False)
class Choice:
    """The postures that serve one view, best first.

    Args:
        direction: From where the plant is seen.
        distance_m: From its middle.
        postures: At least one.
        penalties: How near each comes to a limit, 0 for not near at all, shape (n,).
    """

    direction: Direction
    distance_m: float
    postures: Postures
    penalties: Array


class NotReachable(Exception):
    """A view that the cell cannot have; the message is the reason. Caught by the planner."""


def choose(cell: Cell, plant: Obstacle, others: Sequence[Obstacle], views: ViewsSection, wished: Direction) -> Choice:
    """The postures for the view nearest to a wished one.

    Raises:
        NotReachable: There is none within the allowed distances and 12 deg.
    """
    reasons: list[str] = []
    for direction in _nearby(wished, np.radians(views.tilt_max_deg)):
        for distance_m in _distances(cell, plant, views, direction):
            found = _postures(cell, plant, others, direction, distance_m)
            if isinstance(found, Choice):
                return found
            reasons.append(found)
    raise NotReachable(_foremost(reasons))


def _nearby(wished: Direction, tilt_max_rad: float) -> Iterator[Direction]:
    """The wished direction, then ever farther ones within the cap."""
    yield wished
    for stray_rad in np.radians(_STRAY_DEG):
        for bearing_rad in 2 * np.pi * np.arange(_BEARINGS) / _BEARINGS:
            direction = wished.beside(float(stray_rad), float(bearing_rad))
            if direction.tilt_rad <= tilt_max_rad + 1e-9:
                yield direction


def _distances(cell: Cell, plant: Obstacle, views: ViewsSection, direction: Direction) -> list[float]:
    """The distance that fills the picture, then the others that are allowed, the nearest to it first."""
    best = fitted_distance_m(direction, plant.radius_m, plant.height_m, cell.lens, views)
    others = np.linspace(views.distance_min_m, views.distance_max_m, _DISTANCES)
    return [best, *sorted((float(other) for other in others), key=lambda other: abs(other - best))]


def _postures(
    cell: Cell, plant: Obstacle, others: Sequence[Obstacle], direction: Direction, distance_m: float
) -> Choice | str:
    """Postures for one view, or why there is none."""
    camera = viewpoint(plant.position_m, plant.height_m, direction, distance_m)
    postures = postures_for(cell, camera.translation_m, camera.rotation[:, 2])
    if len(postures) == 0:
        return "out of reach of carriage and arm"
    near = gaps(cell, postures.x_m, postures.y_m, postures.joints_rad, [plant, *others])
    clear = near.clear(cell.bodies.clearance_m)
    if not clear.any():
        return "the arm would touch a plant, the wall or itself"
    least = np.minimum(near.wall, near.plants)[clear]
    postures = postures[clear]
    penalties = _penalties(cell, postures, least)
    best = np.argsort(penalties, kind="stable")[: 2 * _KEPT]
    best = best[[unfolds(cell, postures[best[i : i + 1]], [plant, *others]) for i in range(len(best))]][:_KEPT]
    if len(best) == 0:
        return "the arm cannot unfold to it without touching a plant"
    return Choice(direction, distance_m, postures[best], penalties[best])


def _penalties(cell: Cell, postures: Postures, gap_m: Array) -> Array:
    """Sum of squared shortages of gap, tension margin and room to the joints' limits, each as a share of ample."""
    margin_n = cell.yaw_map.margin_n(postures.x_m, postures.y_m)
    low, high = cell.arm.limits_rad.T
    room_rad = np.minimum(postures.joints_rad - low, high - postures.joints_rad).min(axis=-1)
    shortages = [1 - gap_m / _AMPLE_GAP_M, 1 - margin_n / _AMPLE_MARGIN_N, 1 - room_rad / _AMPLE_JOINT_RAD]
    return np.asarray(np.sum([np.maximum(shortage, 0) ** 2 for shortage in shortages], axis=0))


def unfolds(cell: Cell, posture: Postures, plants: Sequence[Obstacle]) -> bool:
    """Whether the arm comes clear from folded to one posture, all joints in step, with the carriage in place."""
    share = np.linspace(0, 1, _STEPS_OF_UNFOLDING)[:, None]
    goal = posture.joints_rad[0]
    folded = np.array([goal[0], *cell.park.joints_rad[1:]])
    x, y = (np.full(len(share), value[0]) for value in (posture.x_m, posture.y_m))
    near = gaps(cell, x, y, folded + share * (goal - folded), plants)
    return bool(near.clear(cell.bodies.clearance_m).all())


def _foremost(reasons: list[str]) -> str:
    """The reason that came nearest to being none: where something was in reach, what stood in its way."""
    best = max(reasons, key=lambda reason: (reason != "out of reach of carriage and arm", reasons.count(reason)))
    return f"{best}, at every allowed distance and within {_STRAY_DEG[-1]:.0f} deg of the wished direction"
