"""Structure from motion: photographs, and poses and tags where there are any, become one sparse model.

COLMAP does the work; what is ours is what it is told: which pairs to compare, where metres come from, and what not to
believe. How the numbers were chosen stands in docs/decisions/0004 and 0005.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pycolmap

from reconstruction.adjustment import adjust
from reconstruction.alignment import (
    DEFAULT_POSITION_STD_M,
    TAGS_NEEDED,
    Similarity,
    align,
    align_to_board,
    align_to_both,
    disagreement,
    residuals,
    weighted_residual_m,
)
from reconstruction.colmap_io import drop, lens_of, move, points_of, views_of
from reconstruction.config import SparseOptions
from reconstruction.images import Folder
from reconstruction.mapping import mapped
from reconstruction.matching import extract, match
from reconstruction.model import LeftOut, Model, PoseResidual, ScaleSource, View
from reconstruction.tag_points import take_over, with_tags
from reconstruction.tags import Corners, Sighting, poses_from_board, see_tags, triangulate
from reconstruction.wrong_poses import notes_on
from trellis.board import TagBoard
from trellis.errors import InputError, ReconstructionFailed
from trellis.geometry import Pose
from trellis.lens import Lens
from trellis.pose_file import CameraPose

#: A view that disagrees with its pose and has less than this share of what views usually see is not believed itself.
_FEW_POINTS_SHARE = 0.25

#: Tags whose found places are nearer than this to those on the board, at the median, are held there. Tags off by 0.3 mm
#: move a camera that sees twenty by 0.07 mm.
_WELL_MADE_M = 0.0005


@dataclass(frozen=True, eq=False)
class _Beliefs:
    """What is believed before anything is computed: poses by file name, tags seen, and the board that they are on."""

    poses: Mapping[str, CameraPose]
    seen: Mapping[str, Sighting]
    board: TagBoard | None


@dataclass(frozen=True, eq=False)
class _Frame:
    """How a model was brought into the world."""

    source: ScaleSource
    scale_std: float
    board_residual_m: float | None
    notes: tuple[str, ...]


def sparse_model(
    folder: Folder,
    work: Path,
    poses: Mapping[str, CameraPose],
    lens: Lens | None,
    options: SparseOptions,
    board: TagBoard | None = None,
) -> Model:
    """Find where every photograph was taken from.

    Args:
        folder: The photographs.
        work: A folder of its own for COLMAP's database and output; `work/sparse` holds COLMAP's model afterwards.
        poses: Believed poses by file name; may be empty.
        lens: As believed, or None to start from COLMAP's guess. It is refined.
        options: Cost and quality.
        board: Tags at known places; with neither poses nor board the model has no scale.

    Raises:
        InputError: The poses are of other photographs, the lens is of another size, or the tag family is unknown.
        ReconstructionFailed: No model of at least three photographs is found, or it does not fit poses and board.
    """
    _check(folder, poses, lens)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    database = work / "database.db"
    extract(folder, database, lens, options)
    seen = {} if board is None else see_tags(folder.path, folder.names, board, options.threads)
    beliefs = _Beliefs({name: poses[name] for name in folder.names if name in poses}, seen, board)
    match(folder, work, database, _guide(beliefs, lens), options)
    found = mapped(folder, work, database, beliefs.poses, options)
    frame = _into_the_world(found, folder, beliefs, options)
    return _finished(found, folder, work, beliefs, frame)


def _check(folder: Folder, poses: Mapping[str, CameraPose], lens: Lens | None) -> None:
    common = set(folder.names) & set(poses)
    if poses and len(common) < 3:
        raise InputError(
            f"the pose file names other photographs: it has {', '.join(sorted(poses)[:3])}, the folder "
            f"{', '.join(folder.names[:3])}; at least 3 names must be in both"
        )
    if lens is not None and (lens.width_px, lens.height_px) != (folder.width_px, folder.height_px):
        raise InputError(
            f"the camera file is for {lens.width_px}x{lens.height_px}, the photographs are "
            f"{folder.width_px}x{folder.height_px}"
        )


def _guide(beliefs: _Beliefs, lens: Lens | None) -> dict[str, Pose]:
    """Where each photograph was probably taken from, to choose pairs: by the board where it can be, else as believed.

    Board and poses are mixed only if they speak of one frame; otherwise whichever knows more photographs is taken.
    """
    by_pose = {name: pose.world_from_camera for name, pose in beliefs.poses.items()}
    if beliefs.board is None or lens is None:
        return by_pose
    by_board = poses_from_board(beliefs.seen, beliefs.board, lens)
    both = [name for name in by_board if name in by_pose]
    if not by_pose or not both:
        return max(by_board, by_pose, key=len)
    apart_m = np.median([by_board[name].distance_to(by_pose[name])[0] for name in both])
    if apart_m > 10 * _usual_std_m(beliefs.poses):
        return max(by_board, by_pose, key=len)
    return by_pose | by_board


def _into_the_world(
    found: pycolmap.Reconstruction, folder: Folder, beliefs: _Beliefs, options: SparseOptions
) -> _Frame:
    """Align, adjust with tags or beliefs, and align again by all that says where the model stands."""
    frame = _settle(found, folder, beliefs, options)
    if frame.board_residual_m is None:
        adjust(found, beliefs.poses, options.seed, free_lens=True)
        return _settle(found, folder, beliefs, options)
    _adjust_with_tags(found, folder, beliefs, options, as_on_board=False)
    frame = _settle(found, folder, beliefs, options)
    if not _well_made(_board(found, views_of(found, folder.path), beliefs, options)[0]):
        return frame
    _adjust_with_tags(found, folder, beliefs, options, as_on_board=True)
    tags, by_board = _board(found, views_of(found, folder.path), beliefs, options)
    if by_board is None:
        return frame
    stands = Similarity(1.0, np.eye(3), np.zeros(3), frame.scale_std)
    return replace(frame, board_residual_m=weighted_residual_m(stands, tags))


def _adjust_with_tags(
    found: pycolmap.Reconstruction, folder: Folder, beliefs: _Beliefs, options: SparseOptions, *, as_on_board: bool
) -> None:
    """Adjust with tags as points, fixed where the board has them or free; poses have no say, tags know better."""
    tags, _ = _board(found, views_of(found, folder.path), beliefs, options)
    copy, points = with_tags(found, beliefs.seen, tags, as_on_board=as_on_board)
    fixed = points if as_on_board else ()
    adjust(copy, {}, options.seed, free_lens=True, fixed_points=fixed)
    take_over(found, copy)


def _well_made(tags: Corners) -> bool:
    """Whether tags, in the world's frame, are where the board has them so nearly that they may hold the cameras."""
    sure = tags.stds <= np.median(tags.stds)
    apart_m = np.linalg.norm(tags.found[sure] - tags.board_m[sure], axis=1)
    return len(tags) >= TAGS_NEEDED and float(np.median(apart_m)) < _WELL_MADE_M


def _settle(found: pycolmap.Reconstruction, folder: Folder, beliefs: _Beliefs, options: SparseOptions) -> _Frame:
    """Move a model to where poses and board have it."""
    views = views_of(found, folder.path)
    by_poses = align(views, beliefs.poses, options.seed) if beliefs.poses else None
    tags, by_board = _board(found, views, beliefs, options)
    notes: list[str] = []
    if beliefs.board is not None and by_board is None:
        notes.append("the board gives no scale: too few of its tags are seen by three photographs, or they do not fit")
    chosen, source = by_poses or by_board, ScaleSource.BOARD if by_poses is None else ScaleSource.POSES
    if by_poses is not None and by_board is not None:
        centres = np.array([view.world_from_camera.translation_m for view in views])
        odd = disagreement(by_poses, by_board, centres, _usual_std_m(beliefs.poses))
        notes += [] if odd is None else [odd]
        chosen, source = align_to_both(views, beliefs.poses, tags, by_board), ScaleSource.BOTH
    if chosen is None:
        return _Frame(ScaleSource.NONE, float("nan"), None, tuple(notes))
    move(found, chosen.rotation, chosen.translation, chosen.scale)
    residual_m = None
    if by_board is not None:
        residual_m = weighted_residual_m(chosen, tags)
    return _Frame(source, chosen.scale_std, residual_m, tuple(notes))


def _board(
    found: pycolmap.Reconstruction, views: tuple[View, ...], beliefs: _Beliefs, options: SparseOptions
) -> tuple[Corners, Similarity | None]:
    if beliefs.board is None:
        return triangulate({}, (), TagBoard("", 1.0, {}), lens_of(found)), None
    tags = triangulate(beliefs.seen, views, beliefs.board, lens_of(found)).centres()
    return tags, align_to_board(tags, options.seed)


def _usual_std_m(poses: Mapping[str, CameraPose]) -> float:
    return float(np.median([pose.position_std_m or DEFAULT_POSITION_STD_M for pose in poses.values()]))


def _finished(found: pycolmap.Reconstruction, folder: Folder, work: Path, beliefs: _Beliefs, frame: _Frame) -> Model:
    """What is not to be believed taken out, the rest written and told."""
    off = residuals(views_of(found, folder.path), beliefs.poses)
    _refuse_foreign_directions(off)
    misplaced = _misplaced(found, off)
    drop(found, [item.name for item in misplaced])
    found.update_point_3d_errors()
    found.extract_colors_for_all_images(folder.path)
    (work / "sparse").mkdir()
    found.write_binary(work / "sparse")
    views = views_of(found, folder.path)
    points, colours, errors_px, observations = points_of(found, views)
    placed = {view.name for view in views} | {item.name for item in misplaced}
    unplaced = [LeftOut(name, "no place found: too little in common") for name in folder.names if name not in placed]
    return Model(
        lens=lens_of(found),
        views=views,
        points_world_m=points,
        colours=colours,
        errors_px=errors_px,
        observations=observations,
        reprojection_error_px=float(found.compute_mean_reprojection_error()),
        scale_source=frame.source,
        scale_std=frame.scale_std,
        images_given=len(folder.names) + len(folder.left_out),
        left_out=tuple(sorted((*folder.left_out, *unplaced, *misplaced), key=lambda item: item.name)),
        residuals=tuple(item for item in off if item.name not in {gone.name for gone in misplaced}),
        board_residual_m=frame.board_residual_m,
        notes=(*frame.notes, *notes_on(off, views_of(found, folder.path), beliefs.poses)),
    )


def _refuse_foreign_directions(off: tuple[PoseResidual, ...]) -> None:
    """Places may fit by chance, as those of a flat grid do in a mirror; directions then cannot."""
    far = [item for item in off if item.wrong and item.rotation_rad > 0.5]
    if len(far) > len(off) / 2:
        raise ReconstructionFailed(
            f"{len(far)} of {len(off)} photographs look elsewhere than their poses say (by "
            f"{np.degrees(np.median([item.rotation_rad for item in far])):.0f} deg): the pose file has a mirrored axis "
            "or another convention for directions"
        )


def _misplaced(found: pycolmap.Reconstruction, off: tuple[PoseResidual, ...]) -> list[LeftOut]:
    """Views that few points hold and that stand far from where they are believed."""
    counts = {image.name: image.num_points3D for image in found.images.values() if image.has_pose}
    few = _FEW_POINTS_SHARE * float(np.median(list(counts.values())))
    return [
        LeftOut(
            item.name,
            f"its place is not trusted: {counts[item.name]} points put it {1e3 * item.position_m:.0f} mm and "
            f"{np.degrees(item.rotation_rad):.0f} deg from where it is believed",
        )
        for item in off
        if item.wrong and counts[item.name] < few
    ]
