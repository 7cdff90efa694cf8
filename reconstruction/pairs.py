"""Which photographs can show the same leaves, by where they are believed to have been taken from."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trellis.geometry import Pose


def likely_pairs(world_from_cameras: Sequence[Pose], neighbours: int) -> list[tuple[int, int]]:
    """Each photograph with the others whose view is most like its own.

    Unlike is: an angle between the lines of sight, and a distance between the places looked at, seen from the camera.
    The place looked at is where a line of sight passes nearest to the middle of all of them.

    Args:
        world_from_cameras: Believed poses; errors of a few degrees only blur the ranking.
        neighbours: How many partners each photograph gets at least.

    Returns:
        Index pairs (i, j) with i < j, sorted, each once.
    """
    centres = np.array([pose.translation_m for pose in world_from_cameras])
    sights = np.array([pose.rotation[:, 2] for pose in world_from_cameras])
    reach_m = np.clip(((_middle(centres, sights) - centres) * sights).sum(axis=1), 1e-3, None)
    targets = centres + sights * reach_m[:, None]
    turn_rad = np.arccos(np.clip(sights @ sights.T, -1, 1))
    shift = np.linalg.norm(targets[:, None] - targets, axis=2) / np.minimum(reach_m[:, None], reach_m)
    unlike = turn_rad + shift
    np.fill_diagonal(unlike, np.inf)
    count = min(neighbours, len(centres) - 1)
    nearest = np.argsort(unlike, axis=1, kind="stable")[:, :count]
    return sorted({(min(i, int(j)), max(i, int(j))) for i, row in enumerate(nearest) for j in row})


def _middle(centres: NDArray[np.float64], sights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The point nearest to all lines of sight, least squares; for parallel ones any point of their middle line."""
    across = np.eye(3) - sights[:, :, None] * sights[:, None, :]
    return np.asarray(np.linalg.lstsq(across.sum(axis=0), np.einsum("nij,nj->i", across, centres), rcond=None)[0])
