"""What structure from motion found: where every photograph was taken from, and the sparse points that they share."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trellis.geometry import Pose
from trellis.lens import Lens

Array = NDArray[np.float64]


class ScaleSource(StrEnum):
    """Where metres come from; the values are those of `traits.json`."""

    POSES = "poses"
    BOARD = "board"
    BOTH = "poses and board"
    NONE = "none"


@dataclass(frozen=True, eq=False)
class View:
    """A photograph whose camera was found.

    Args:
        name: File name, as in COLMAP's model and in the pose file.
        path: The file; its pixels are read as they are stored, without any turn that EXIF asks for.
        world_from_camera: OpenCV camera axes.
    """

    name: str
    path: Path
    world_from_camera: Pose


@dataclass(frozen=True)
class LeftOut:
    """A photograph that is not in the model, and why, in one line for a person."""

    name: str
    reason: str


@dataclass(frozen=True)
class PoseResidual:
    """How far the camera was found from where it was believed, after the common correction of the mount.

    `wrong` says that this is more than the believed standard deviations allow; such a pose had no part in the result.
    """

    name: str
    position_m: float
    rotation_rad: float
    wrong: bool


@dataclass(frozen=True, eq=False)
class Model:
    """One model of one folder of photographs, in the frame of the poses and the board where there are any.

    Args:
        lens: As refined; one lens for all views.
        views: Sorted by name.
        points_world_m: Sparse points, shape (n, 3).
        colours: RGB of each point, uint8, shape (n, 3).
        errors_px: Mean reprojection error of each point, shape (n,).
        observations: Rows of (point index, view index), sorted by point, int32, shape (m, 2).
        reprojection_error_px: Mean over all observations.
        scale_source: `none` means an arbitrary frame and unit.
        scale_std: Relative standard deviation of the scale (0.001 is 0.1 %); not a number without scale.
        images_given: Files in the folder that claim to be photographs.
        left_out: Those that are not in `views`.
        residuals: One for each view with a believed pose.
        board_residual_m: RMS distance of tags found from where they stand on the board, each weighed by how well
            the photographs fix it, or None.
        notes: What a person should know about scale and frame, a line each; empty when all agree.
    """

    lens: Lens
    views: tuple[View, ...]
    points_world_m: Array
    colours: NDArray[np.uint8]
    errors_px: Array
    observations: NDArray[np.int32]
    reprojection_error_px: float
    scale_source: ScaleSource
    scale_std: float
    images_given: int
    left_out: tuple[LeftOut, ...] = ()
    residuals: tuple[PoseResidual, ...] = ()
    board_residual_m: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def metric(self) -> bool:
        return self.scale_source is not ScaleSource.NONE

    @cached_property
    def centres_world_m(self) -> Array:
        """Camera centres, shape (v, 3)."""
        return np.array([view.world_from_camera.translation_m for view in self.views])

    @cached_property
    def shared_points(self) -> NDArray[np.int32]:
        """How many sparse points two views share, shape (v, v); the diagonal is how many a view sees."""
        seen = np.zeros((len(self.points_world_m), len(self.views)), dtype=np.float32)
        seen[self.observations[:, 0], self.observations[:, 1]] = 1
        return (seen.T @ seen).astype(np.int32)

    def points_seen_by(self, view: int) -> NDArray[np.int32]:
        """Indices into `points_world_m` of what one view observes."""
        return self.observations[self.observations[:, 1] == view, 0]
