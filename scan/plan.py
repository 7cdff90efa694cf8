"""What a scan is to do: from which postures a plant is photographed, in driving order."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from scan.cell import Cell, CellPosture
from scan.clearance import Obstacle, Surroundings, gaps
from scan.order import drive, move_s, one
from scan.reach import Choice, NotReachable, choose
from scan.route import way
from scan.viewpoints import Direction, directions
from scan.views_section import ViewsSection
from trellis.errors import Unreachable
from trellis.geometry import Pose

Triple = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class PlannedView:
    """A stop of the drive.

    Args:
        view: Number of the viewpoint, from 0; it names the photograph, and is not the order of driving.
        world_from_camera: Where the camera is at `posture`, OpenCV axes.
        posture: Of all actuators.
        via: Postures to pass on the way from the stop before (the first stop: from the park), in order. A drive that
            begins here for another reason goes through `cell.folded(posture)` instead.
    """

    view: int
    world_from_camera: Pose
    posture: CellPosture
    via: tuple[CellPosture, ...] = ()


@dataclass(frozen=True)
class DroppedView:
    """A viewpoint that cannot be had, and why."""

    view: int
    reason: str


@dataclass(frozen=True, eq=False)
class Plan:
    """The drive around one plant.

    Args:
        plant: Its name.
        position_m: Its collar, world.
        radius_m: Size planned for, across the wall.
        height_m: Likewise, out of the wall.
        stops: In driving order, starting from and ending at the cell's park.
        dropped: Viewpoints that were asked for and are not among the stops.
        duration_s: How long the drive takes from park to park, photographs and settling included, as estimated.
    """

    plant: str
    position_m: Triple
    radius_m: float
    height_m: float
    stops: tuple[PlannedView, ...]
    dropped: tuple[DroppedView, ...]
    duration_s: float


def plan(
    cell: Cell,
    plant: Obstacle,
    others: Sequence[Obstacle],
    views: ViewsSection,
    wishes: Sequence[Direction] | None = None,
) -> Plan:
    """The drive around one plant with its neighbours standing.

    Args:
        cell: The cell.
        plant: The plant to photograph, at the size to plan for.
        others: All other plants on the wall.
        views: How many views, how slanting, from how far.
        wishes: Directions to look from instead of those that spread evenly, `views.count` of them.

    Raises:
        TooFewViews: Fewer than `views.least` can be had; it says why the others cannot.
        Unreachable: A plant is so tall that the folded arm cannot travel over it.
    """
    _check_heights(cell, [plant, *others])
    others = [other for other in others if _near(plant, other)]
    choices: dict[int, Choice] = {}
    dropped: list[DroppedView] = []
    for view, wished in enumerate(wishes or directions(views.count, np.radians(views.tilt_max_deg))):
        try:
            choices[view] = choose(cell, plant, others, views, wished)
        except NotReachable as reason:
            dropped.append(DroppedView(view, str(reason)))
    if len(choices) < views.least:
        raise TooFewViews(plant.name, len(choices), views.least, dropped)
    stops = _stops(cell, choices, [plant, *others])
    duration_s = _duration_s(cell, stops)
    position_m = plant.position_m
    return Plan(plant.name, position_m, plant.radius_m, plant.height_m, stops, tuple(dropped), duration_s)


class TooFewViews(Unreachable):
    """A plant of which the cell can photograph too little."""

    def __init__(self, plant: str, found: int, least: int, dropped: Sequence[DroppedView]) -> None:
        reasons = [view.reason for view in dropped]
        commonest = max(set(reasons), key=reasons.count)
        super().__init__(
            f"only {found} of the views of {plant!r} can be had, and [views] asks for at least {least}: "
            f"{reasons.count(commonest)} are {commonest}; move the plant nearer the middle of the frame, or lower "
            "[views] least or tilt_max_deg"
        )
        self.dropped = tuple(dropped)


def _check_heights(cell: Cell, plants: Sequence[Obstacle]) -> None:
    """The folded arm may go anywhere only if it stays over every plant."""
    free_m = float(gaps(cell, cell.park.x_m, cell.park.y_m, cell.park.joints_rad, ()).wall) - cell.bodies.clearance_m
    for plant in plants:
        if plant.position_m[2] + plant.height_m > free_m:
            raise Unreachable(
                f"plant {plant.name!r} is {plant.height_m:.3f} m high, and the folded arm passes {free_m:.3f} m over "
                "the wall at most with its clearance; correct its height_m, or fold the arm higher by [arm] parked_rad"
            )


def _near(plant: Obstacle, other: Obstacle) -> bool:
    """Whether the arm at work on one plant could come near the other."""
    away_m = float(np.hypot(*np.subtract(plant.position_m, other.position_m)[:2]))
    return away_m < 1.0 + other.radius_m


def _stops(cell: Cell, choices: dict[int, Choice], plants: Sequence[Obstacle]) -> tuple[PlannedView, ...]:
    """The chosen views in driving order."""
    numbers = list(choices)
    around = Surroundings(cell, plants)
    order, picked = drive(cell, list(choices.values()), around)
    stops: list[PlannedView] = []
    before = cell.park
    for index in order:
        postures, pick = choices[numbers[index]].postures, picked[index]
        posture = cell.posture(float(postures.x_m[pick]), float(postures.y_m[pick]), postures.joints_rad[pick])
        via = way(cell, before, posture, plants, around)
        stops.append(PlannedView(numbers[index], cell.world_from_camera(posture), posture, via))
        before = posture
    return tuple(stops)


def _duration_s(cell: Cell, stops: Sequence[PlannedView]) -> float:
    """Of the moves from park to park, with settling at every stop."""
    passed = [cell.park]
    for stop in stops:
        passed += [*stop.via, stop.posture]
    passed += [cell.folded(passed[-1]), cell.park]
    moves_s = sum(float(move_s(cell, one(start), one(goal))[0, 0]) for start, goal in pairwise(passed))
    return moves_s + cell.pace.settle_s * len(stops)
