"""What a scan is to do: from which postures a plant is photographed, in driving order."""

from dataclasses import dataclass

from scan.cell import CellPosture
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
