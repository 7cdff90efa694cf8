"""From verified matches to one model in COLMAP's own frame, by whichever of two ways holds the photographs better.

The global mapper begins from nothing. Now and then it loses photographs, or folds a scan: then all have a place, and
the places contradict what the robot believes. Either is a reason to try the way that begins at the beliefs. What they
are worth shows in what three photographs see alike: between two, wrong places find points enough.
"""

from collections.abc import Mapping
from pathlib import Path

import pycolmap

from reconstruction.alignment import align, residuals
from reconstruction.believed import model_from_beliefs
from reconstruction.colmap_io import views_of
from reconstruction.config import SparseOptions
from reconstruction.images import Folder
from trellis.errors import ReconstructionFailed
from trellis.pose_file import CameraPose

#: Tracks a photograph that its place is first sought with; the others join once all have a place. All of them from the
#: start cost four times the seconds for the same model (docs/decisions/0004).
_TRACKS = 200
#: A model with less than this share of another's support is not better, however many photographs it holds.
_FEWER = 0.8
#: With more than this share of its photographs away from their beliefs a model is doubted.
_DOUBTED = 0.25


def mapped(
    folder: Folder, work: Path, database: Path, believed: Mapping[str, CameraPose], options: SparseOptions
) -> pycolmap.Reconstruction:
    """The model, in a frame of its own.

    Args:
        folder: The photographs.
        work: A folder of its own for COLMAP's output.
        database: COLMAP's, with features and verified matches.
        believed: Poses by file name; may be empty.
        options: Its seed is used.

    Raises:
        ReconstructionFailed: Fewer than three photographs fit together.
    """
    found = _from_nothing(folder, work, database, options)
    if len(believed) >= 3 and (found is None or _to_be_doubted(found, folder, believed, options)):
        other = model_from_beliefs(database, folder.path, work / "believed", believed, options.seed)
        if other is not None and (found is None or _better(other, found, folder, believed, options)):
            return other
    if found is None or found.num_reg_images() < 3:
        raise ReconstructionFailed(
            f"{folder.path}: the photographs do not fit together; they need texture, and each must share a good part "
            "of what it shows with several others"
        )
    return found


def _from_nothing(folder: Folder, work: Path, database: Path, options: SparseOptions) -> pycolmap.Reconstruction | None:
    """The largest model of the global mapper."""
    pipeline = pycolmap.GlobalPipelineOptions()
    pipeline.random_seed = options.seed
    # Sums of several threads come in any order; one thread gives the same bytes again, for a few seconds more.
    pipeline.num_threads = pipeline.mapper.num_threads = 1
    pipeline.mapper.track_required_tracks_per_view = _TRACKS
    output = work / "mapped"
    output.mkdir()
    models = pycolmap.global_mapping(database, folder.path, output, pipeline)
    return max(models.values(), key=lambda model: model.num_reg_images(), default=None)


def _to_be_doubted(
    found: pycolmap.Reconstruction, folder: Folder, believed: Mapping[str, CameraPose], options: SparseOptions
) -> bool:
    """Whether a model lacks photographs whose place is believed, or puts many elsewhere."""
    placed = {image.name for image in found.images.values() if image.has_pose}
    lacking = any(name in believed and name not in placed for name in folder.names)
    return lacking or _astray(found, folder, believed, options) > _DOUBTED


def _better(
    one: pycolmap.Reconstruction,
    other: pycolmap.Reconstruction,
    folder: Folder,
    believed: Mapping[str, CameraPose],
    options: SparseOptions,
) -> bool:
    """Whether a model holds more photographs, or as many and nearer their beliefs, with not clearly less support."""
    if _support(one) <= _FEWER * _support(other):
        return False
    if one.num_reg_images() != other.num_reg_images():
        return one.num_reg_images() > other.num_reg_images()
    return _astray(one, folder, believed, options) < _astray(other, folder, believed, options)


def _support(found: pycolmap.Reconstruction) -> int:
    """How often a photograph sees a point that at least two others see too."""
    lengths = [point.track.length() for point in found.points3D.values()]
    return sum(length for length in lengths if length >= 3)


def _astray(
    found: pycolmap.Reconstruction, folder: Folder, believed: Mapping[str, CameraPose], options: SparseOptions
) -> float:
    """The share of a model's photographs that stand or look elsewhere than believed, 1 where no frame fits them."""
    views = views_of(found, folder.path)
    try:
        frame = align(views, believed, options.seed)
    except ReconstructionFailed:
        return 1.0
    off = residuals([frame.view(view) for view in views], believed)
    return sum(item.wrong for item in off) / len(off)
