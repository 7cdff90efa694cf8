"""From COLMAP's arbitrary frame into that of the believed poses and the board, and how far each photograph is off.

Only camera centres and tag centres decide scale and frame: how the camera is mounted on the wrist may be off by a
common rotation, which is estimated here and taken out before any pose is called wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from reconstruction.model import Array, PoseResidual, View
from reconstruction.tags import Corners
from trellis.errors import ReconstructionFailed
from trellis.geometry import Pose
from trellis.pose_file import CameraPose

#: What a pose is good for when its file does not say.
DEFAULT_POSITION_STD_M, DEFAULT_ROTATION_STD_RAD = 0.01, 0.1

#: How well tags are printed and stuck on, a coordinate.
BOARD_STD_M = 0.0005

#: Beyond so many standard deviations a pose is called wrong; one right place in 7000 is so far off.
_WRONG = 4.5

#: Median of the sum of three squared standard normal numbers.
_MEDIAN_OF_THREE = 2.366

#: Samples of three points; with half of the points wrong, all 300 hit a wrong one once in 10^17 times.
_SAMPLES = 300

#: A board decides only with so many tags.
TAGS_NEEDED = 4

#: Poses and board whose scales differ by more than this are not of one cell.
_SCALES_APART = 0.1


@dataclass(frozen=True, eq=False)
class Similarity:
    """new = scale * rotation @ old + translation; `scale_std` is relative."""

    scale: float
    rotation: Array
    translation: Array
    scale_std: float

    def points(self, old: Array) -> Array:
        """Points (n, 3) in the new frame."""
        return np.asarray(self.scale * old @ self.rotation.T + self.translation)

    def view(self, view: View) -> View:
        """A view in the new frame."""
        pose = view.world_from_camera
        centre = self.points(pose.translation_m[None])[0]
        return View(view.name, view.path, Pose(self.rotation @ pose.rotation, centre))


def align(views: Sequence[View], believed: Mapping[str, CameraPose], seed: int) -> Similarity:
    """The similarity that brings camera centres nearest to where they are believed, robust to some wrong poses.

    Raises:
        ReconstructionFailed: Fewer than three photographs have a believed pose, or no similarity explains half of them;
            the message says whether one axis is mirrored.
    """
    known = [view for view in views if view.name in believed]
    if len(known) < 3:
        raise ReconstructionFailed(f"{len(known)} placed photographs have a believed pose; scale needs at least 3")
    found, wanted, stds_m = _centres(known, believed)
    start, inside = _robust(found, wanted, _WRONG * float(np.median(stds_m)), seed)
    if start is None or inside < len(known) / 2:
        raise ReconstructionFailed(_why_not(found, wanted, stds_m, seed))
    return _refined(start, found, wanted, stds_m, np.zeros(len(known)))


def align_to_board(tags: Corners, seed: int) -> Similarity | None:
    """The similarity that brings the tags' centres to where the board has them, or None with too few of them."""
    if len(tags) < TAGS_NEEDED:
        return None
    # The better half of the tags: those that many photographs show from many sides.
    sure = tags.stds <= np.median(tags.stds)
    start, inside = _robust(tags.found[sure], tags.board_m[sure], 10 * BOARD_STD_M, seed)
    if start is None or inside < np.count_nonzero(sure) / 2:
        return None
    return _refined(start, tags.found, tags.board_m, np.full(len(tags), BOARD_STD_M), tags.stds)


def align_to_both(
    views: Sequence[View], believed: Mapping[str, CameraPose], tags: Corners, by_board: Similarity
) -> Similarity:
    """Camera centres and tags together, each weighed by its standard deviation, from a start by the board.

    Where they do not agree, the board's many tags outweigh the poses, which are then far off and lose their say.
    """
    known = [view for view in views if view.name in believed]
    found, wanted, stds_m = _centres(known, believed)
    return _refined(
        by_board,
        np.concatenate([found, tags.found]),
        np.concatenate([wanted, tags.board_m]),
        np.concatenate([stds_m, np.full(len(tags), BOARD_STD_M)]),
        np.concatenate([np.zeros(len(known)), tags.stds]),
    )


def disagreement(by_poses: Similarity, by_board: Similarity, centres: Array, position_std_m: float) -> str | None:
    """One line where poses and board do not tell the same scale and frame, or None where they do.

    Args:
        by_poses, by_board: From one model to the world.
        centres: Camera centres of that model, shape (n, 3).
        position_std_m: Of one believed position.

    Raises:
        ReconstructionFailed: The scales are so far apart that one of the files must be of another cell.
    """
    scale = by_poses.scale / by_board.scale - 1
    if abs(scale) > _SCALES_APART:
        raise ReconstructionFailed(
            f"poses and board disagree about the scale by {scale:+.0%}; check the board's size_m and corners, and the "
            "unit of the pose file"
        )
    shift_m = float(np.linalg.norm((by_poses.points(centres) - by_board.points(centres)).mean(axis=0)))
    turn = Rotation.from_matrix(by_board.rotation.T @ by_poses.rotation).magnitude()
    if abs(scale) < max(4 * by_poses.scale_std, 0.002) and shift_m < position_std_m:
        return None
    return (
        f"poses and board disagree: scale {scale:+.2%}, place {1e3 * shift_m:.1f} mm, turn {np.degrees(turn):.2f} deg; "
        "the board's were taken"
    )


def weighted_residual_m(similarity: Similarity, tags: Corners) -> float:
    """RMS distance of tags from their places on the board; tags that few photographs fix count little."""
    squares = ((similarity.points(tags.found) - tags.board_m) ** 2).sum(axis=1)
    return float(np.sqrt(np.average(squares, weights=1 / (BOARD_STD_M**2 + (similarity.scale * tags.stds) ** 2))))


def residuals(views: Sequence[View], believed: Mapping[str, CameraPose]) -> tuple[PoseResidual, ...]:
    """How far aligned views are from their beliefs, after the median turn that all share."""
    known = [view for view in views if view.name in believed]
    if not known:
        return ()
    turns = Rotation.from_matrix(
        [believed[v.name].world_from_camera.rotation.T @ v.world_from_camera.rotation for v in known]
    )
    rest_rad = (_median_turn(turns).inv() * turns).magnitude()
    found = []
    for view, turned_rad in zip(known, np.atleast_1d(rest_rad), strict=True):
        pose = believed[view.name]
        moved_m = view.world_from_camera.distance_to(pose.world_from_camera)[0]
        position_std_m = pose.position_std_m or DEFAULT_POSITION_STD_M
        rotation_std_rad = pose.rotation_std_rad or DEFAULT_ROTATION_STD_RAD
        wrong = bool(moved_m > _WRONG * position_std_m or turned_rad > _WRONG * rotation_std_rad)
        found.append(PoseResidual(view.name, moved_m, float(turned_rad), wrong))
    return tuple(found)


def _centres(known: Sequence[View], believed: Mapping[str, CameraPose]) -> tuple[Array, Array, Array]:
    found = np.array([view.world_from_camera.translation_m for view in known]).reshape(-1, 3)
    wanted = np.array([believed[view.name].world_from_camera.translation_m for view in known]).reshape(-1, 3)
    stds_m = np.array([believed[view.name].position_std_m or DEFAULT_POSITION_STD_M for view in known])
    return found, wanted, stds_m


def _robust(old: Array, new: Array, most: float, seed: int) -> tuple[Similarity | None, int]:
    """By samples of three: the similarity that brings most points within a distance, and how many that is.

    Our own, because `pycolmap.estimate_sim3d_robust` finds nothing where all points lie in one plane, as a board's do.
    """
    random = np.random.default_rng(seed)
    best, most_inside = None, 0
    for _ in range(_SAMPLES):
        chosen = random.choice(len(old), 3, replace=False)
        trial = _weighted(old[chosen], new[chosen], np.ones(3))
        inside = np.linalg.norm(trial.points(old) - new, axis=1) < most
        if np.count_nonzero(inside) > most_inside:
            trial = (
                _weighted(old[inside], new[inside], np.ones(np.count_nonzero(inside))) if inside.sum() > 3 else trial
            )
            best, most_inside = trial, int((np.linalg.norm(trial.points(old) - new, axis=1) < most).sum())
    return best, most_inside


def _refined(start: Similarity, old: Array, new: Array, stds: Array, old_stds: Array) -> Similarity:
    """Weighted least squares with Tukey's function (at six standard deviations), iterated from a start.

    Where residuals are larger than believed at their median, all standard deviations are widened to fit; that of the
    scale follows from the weighted fit.
    """
    now = start
    for _ in range(20):
        variances = stds**2 + (now.scale * old_stds) ** 2
        squares = ((now.points(old) - new) ** 2).sum(axis=1) / variances
        excess = max(1.0, float(np.median(squares)) / _MEDIAN_OF_THREE)
        weights = np.clip(1 - squares / (36 * excess), 0, None) ** 2 / (variances * excess)
        now = _weighted(old, new, weights)
    spread = now.points(old) - np.average(now.points(old), axis=0, weights=weights)
    information = float((weights * (spread**2).sum(axis=1)).sum())
    return Similarity(now.scale, now.rotation, now.translation, information**-0.5)


def _weighted(old: Array, new: Array, weights: Array) -> Similarity:
    """Least squares in closed form (Umeyama 1991)."""
    old_middle, new_middle = np.average(old, axis=0, weights=weights), np.average(new, axis=0, weights=weights)
    covariance = np.einsum("n,ni,nj->ij", weights, new - new_middle, old - old_middle)
    left, sizes, right = np.linalg.svd(covariance)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    rotation = left @ np.diag(signs) @ right
    scale = float((sizes * signs).sum() / max((weights * ((old - old_middle) ** 2).sum(axis=1)).sum(), 1e-300))
    return Similarity(scale, rotation, new_middle - scale * rotation @ old_middle, float("nan"))


def _why_not(found: Array, wanted: Array, stds_m: Array, seed: int) -> str:
    """Say what is the matter with poses that no similarity explains."""
    _, mirrored = _robust(found * np.array([1.0, 1.0, -1.0]), wanted, _WRONG * float(np.median(stds_m)), seed)
    if mirrored > len(found) / 2:
        return (
            "the believed poses are a mirror image of what the photographs show: one axis of the pose file has the "
            "wrong sign, or two axes are swapped"
        )
    return (
        "the camera places that the photographs show do not fit the believed ones in any scale; check that the "
        "pose file belongs to these photographs and that its rows are not shuffled"
    )


def _median_turn(turns: Rotation) -> Rotation:
    """A mean that a few wrong ones do not pull: the most far ones are left out three times over."""
    mean = turns.mean()
    for _ in range(3):
        away = (mean.inv() * turns).magnitude()
        mean = turns[np.flatnonzero(away <= np.median(away) * 2.5 + 1e-9)].mean()
    return mean
