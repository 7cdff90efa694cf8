"""The depth maps of all photographs at one resolution."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from reconstruction.model import Model
from reconstruction.patch_cost import NO_MATCH
from reconstruction.views import Pinhole

Float = NDArray[np.float32]
#: Depth (h, w), normal (h, w, 3) and cost (h, w) of one view, all float32.
Planes = tuple[Float, Float, Float]
#: Rotations (s, 3, 3) and translations (s, 3) from one camera to others.
Motions = tuple[Float, Float]

#: Slopes are kept as whole numbers up to this, costs as so many for 1.
FULL = 127


@dataclass(frozen=True, eq=False)
class Level:
    """What is known at one resolution; the arrays of depth, normal, cost and flat are bettered in place.

    Args:
        pinhole: Of all maps.
        grey: Undistorted photographs, 0 to 1, `zoom` times as fine as the maps, shape (v, zoom h, zoom w).
        zoom: Pixels of the photographs for one of the maps; the maps' pixel (x, y) is theirs at zoom times that.
        depth_m: Along the line of sight's z, 0 where nothing was found, shape (v, h, w).
        normal: In the camera frame, towards the camera, 127 for 1, int8, shape (v, h, w, 3).
        cost: 0 is a perfect match, 127 no likeness (correlation 0), uint8, shape (v, h, w).
        flat: Where the panel is seen for sure, shape (v, h, w).
    """

    pinhole: Pinhole
    grey: Float
    zoom: int
    depth_m: Float
    normal: NDArray[np.int8]
    cost: NDArray[np.uint8]
    flat: NDArray[np.bool_]

    @classmethod
    def empty(cls, pinhole: Pinhole, grey: Float, zoom: int) -> "Level":
        """Nothing found yet."""
        shape = (len(grey), pinhole.height_px, pinhole.width_px)
        return cls(
            pinhole,
            grey,
            zoom,
            np.zeros(shape, np.float32),
            np.zeros((*shape, 3), np.int8),
            np.full(shape, 255, np.uint8),
            np.zeros(shape, np.bool_),
        )

    def planes(self, view: int) -> Planes:
        """A copy of one view's planes."""
        normal = self.normal[view].astype(np.float32) / FULL
        return self.depth_m[view].copy(), normal, self.cost[view].astype(np.float32) / FULL

    def keep(self, view: int, planes: Planes) -> None:
        """Takes one view's planes in."""
        self.depth_m[view] = planes[0]
        self.normal[view] = np.rint(planes[1] * FULL)
        self.cost[view] = np.clip(planes[2] * FULL, 0, 255)

    def copy(self) -> "Level":
        """The same maps, to be bettered while this stays as it is."""
        return Level(
            self.pinhole, self.grey, self.zoom, self.depth_m.copy(), self.normal.copy(), self.cost.copy(), self.flat
        )

    def finer(self, view: int, pinhole: Pinhole) -> Planes:
        """One view's planes at another resolution."""
        size = (pinhole.width_px, pinhole.height_px)
        depth, normal, cost = (cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST) for plane in self.planes(view))
        return depth, np.ascontiguousarray(normal), cost

    def finer_flat(self, view: int, pinhole: Pinhole) -> NDArray[np.bool_]:
        """Where the panel is seen, without its rim: there a leaf may begin, and it is looked at again."""
        size = (pinhole.width_px, pinhole.height_px)
        flat = cv2.resize(self.flat[view].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        return cv2.erode(flat, np.ones((5, 5), np.uint8)) > 0


def motions(model: Model, view: int, others: list[int]) -> Motions:
    """From the camera of a view to those of others: rotations (s, 3, 3) and translations (s, 3)."""
    world_from_view = model.views[view].world_from_camera
    moves = [model.views[other].world_from_camera.inverse @ world_from_view for other in others]
    return (
        np.array([move.rotation for move in moves], dtype=np.float32).reshape(-1, 3, 3),
        np.array([move.translation_m for move in moves], dtype=np.float32).reshape(-1, 3),
    )


def unknown(shape: tuple[int, ...]) -> Float:
    """Costs before anything was tried."""
    return np.full(shape, NO_MATCH, np.float32)
