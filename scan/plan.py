"""What a scan is to do: from which postures a plant is photographed, in driving order."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from scan.candidates import Drawing, Draws
from scan.cell import Array, Cell, CellPosture
from scan.clearance import Obstacle, Surroundings, gaps
from scan.inverse import made_exact
from scan.order import move_s, one
from scan.route import way
from scan.tour import Place, find_tour
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
        via: Postures to pass on the way from the stop before (the first stop: from the plan's start), in order. A drive
            that begins here for another reason goes through `cell.folded(posture)` instead.
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
        stops: In driving order.
        dropped: Viewpoints that were asked for and are not among the stops.
        duration_s: How long the drive takes from `start` to the park, photographs and settling included, as estimated.
        start: From where the way to the first stop leads; whoever stands elsewhere folds the arm to come there.
    """

    plant: str
    position_m: Triple
    radius_m: float
    height_m: float
    stops: tuple[PlannedView, ...]
    dropped: tuple[DroppedView, ...]
    duration_s: float
    start: CellPosture | None = None


def plan(
    cell: Cell,
    plant: Obstacle,
    others: Sequence[Obstacle],
    views: ViewsSection,
    wishes: Sequence[Direction] | None = None,
    start: CellPosture | Place | None = None,
    end_m: Place | None = None,
) -> Plan:
    """The drive around one plant with its neighbours standing.

    Args:
        cell: The cell.
        plant: The plant to photograph, at the size to plan for.
        others: All other plants on the wall.
        views: How many views, how slanting, from how far.
        wishes: Directions to look from instead of those that spread evenly, `views.count` of them.
        start: Where the cell stands before, in its park without; a place of the carriage alone counts for the order,
            and the way to the first stop is then that from the park.
        end_m: Where the carriage goes afterwards; it does not matter without.

    Raises:
        TooFewViews: Fewer than `views.least` can be had; it says why the others cannot.
        Unreachable: A plant is so tall that the folded arm cannot travel over it.
    """
    _check_heights(cell, [plant, *others])
    near = [other for other in others if _near(plant, other)]
    around = Surroundings(cell, [plant, *near])
    wished = list(wishes or directions(views.count, np.radians(views.tilt_max_deg)))
    drawing = Drawing(cell, plant, around, views, wished)
    found = find_tour(cell, drawing, around, cell.park if start is None else start, end_m)
    missing = range(len(wished)) if found is None else found.missing
    dropped = tuple(DroppedView(view, drawing.reason(view)) for view in missing)
    if found is None or len(found.draws) < views.least:
        raise TooFewViews(plant.name, len(wished) - len(dropped), views.least, dropped)
    rows = _exact(cell, drawing, found.draws, around)
    begin = start if isinstance(start, CellPosture) else cell.park
    stops = _stops(cell, found.draws.view.tolist(), rows, begin, around, [plant, *others])
    duration_s = _duration_s(cell, begin, stops)
    return Plan(plant.name, plant.position_m, plant.radius_m, plant.height_m, stops, dropped, duration_s, begin)


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
    """Whether the arm at work on one plant could come near the other: 0.36 m of view, and the arm beyond it."""
    away_m = float(np.hypot(*np.subtract(plant.position_m, other.position_m)[:2]))
    return away_m < 0.68 + other.radius_m


def _exact(cell: Cell, drawing: Drawing, draws: Draws, around: Surroundings) -> Array:
    """The drive's postures, each moved by the little by which the cell's mounts are not square, where that is clear."""
    rows = made_exact(cell, draws.rows, *drawing.rays(draws))
    moved = dataclasses.replace(draws, rows=rows)
    good = around.gaps(rows[:, 0], rows[:, 1], rows[:, 2:]).clear(cell.bodies.clearance_m)
    good &= cell.arm.within_limits(rows[:, 2:]) & cell.workspace.holds(rows[:, 0], rows[:, 1])
    good &= drawing.unfolding(moved)
    return np.where(good[:, None], rows, draws.rows)


def _stops(
    cell: Cell,
    numbers: Sequence[int],
    rows: Array,
    start: CellPosture,
    around: Surroundings,
    plants: Sequence[Obstacle],
) -> tuple[PlannedView, ...]:
    """Postures (n, 6) in driving order as stops, with what to pass between them."""
    stops: list[PlannedView] = []
    # The first way may come from another plant, past others.
    before, here = start, Surroundings(cell, plants)
    for view, row in zip(numbers, rows, strict=True):
        posture = cell.posture(float(row[0]), float(row[1]), row[2:])
        stops.append(PlannedView(view, cell.world_from_camera(posture), posture, way(cell, before, posture, here)))
        before, here = posture, around
    return tuple(stops)


def _duration_s(cell: Cell, start: CellPosture, stops: Sequence[PlannedView]) -> float:
    """Of the moves from where it begins to the park, with settling at every stop."""
    passed = [start]
    for stop in stops:
        passed += [*stop.via, stop.posture]
    passed += [cell.folded(passed[-1]), cell.park]
    moves_s = sum(float(move_s(cell, one(start), one(goal))[0, 0]) for start, goal in pairwise(passed))
    return moves_s + cell.pace.stop_s * len(stops)
