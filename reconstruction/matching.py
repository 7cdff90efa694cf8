"""Features of photographs and which of them are the same: COLMAP's, told where to look by poses and tags."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pycolmap

from reconstruction.colmap_io import named_by_number, number_by_name
from reconstruction.config import SparseOptions
from reconstruction.images import Folder
from reconstruction.pairs import likely_pairs
from trellis.geometry import Pose
from trellis.lens import Lens

#: Least contrasts of a feature, in COLMAP's measure (its own is the first). With fewer features than needed in the
#: middle photograph the next is taken: on plain grounds the first leaves a tenth of what there is to see.
_CONTRASTS, _FEATURES_NEEDED = (0.02 / 3, 0.003, 0.0015), 1000

#: A photograph with fewer good pairs than this after the first round is compared with all others.
_PAIRS_NEEDED = 3

#: A pair is good with so many matches that agree with one motion of the camera.
_MATCHES_NEEDED = 30


def extract(folder: Folder, database: Path, lens: Lens | None, options: SparseOptions) -> None:
    """Find SIFT features of every photograph, fainter ones where there are too few clear ones; one lens for all."""
    for contrast in _CONTRASTS:
        database.unlink(missing_ok=True)
        _extract(folder, database, lens, options, contrast)
        if _usual_count(database) >= min(_FEATURES_NEEDED, options.features):
            break
    number_by_name(database)


def _extract(folder: Folder, database: Path, lens: Lens | None, options: SparseOptions, contrast: float) -> None:
    reader = pycolmap.ImageReaderOptions()
    reader.camera_model = "SIMPLE_RADIAL" if lens is None else lens.model
    if lens is not None:
        reader.camera_params = ",".join(repr(value) for value in lens.params)
    extraction = pycolmap.FeatureExtractionOptions()
    extraction.use_gpu = False
    extraction.num_threads = options.threads or -1
    extraction.sift.max_num_features = options.features
    extraction.sift.peak_threshold = contrast
    # The octave of doubled images finds detail below a pixel, costs two thirds of the time and adds one image in 126.
    extraction.sift.first_octave = 0
    pycolmap.extract_features(
        database,
        folder.path,
        image_names=list(folder.names),
        camera_mode=pycolmap.CameraMode.SINGLE,
        reader_options=reader,
        extraction_options=extraction,
    )


def _usual_count(database: Path) -> float:
    """Features of the middle photograph."""
    opened = pycolmap.Database.open(database)
    counts = [opened.num_keypoints_for_image(image.image_id) for image in opened.read_all_images()]
    opened.close()
    return float(np.median(counts)) if counts else 0.0


def match(folder: Folder, work: Path, database: Path, poses: Mapping[str, Pose], options: SparseOptions) -> int:
    """Compare photographs; the number of pairs compared.

    With poses each is compared with the neighbours whose view is most alike; a photograph without a pose, or one that
    finds too few partners so (its pose may be wrong), is compared with all. Without poses all are compared.
    """
    known = [name for name in folder.names if name in poses]
    if len(known) <= options.neighbours:
        pycolmap.match_exhaustive(database, _how(options), verification_options=_verification(options))
        return len(folder.names) * (len(folder.names) - 1) // 2
    chosen = likely_pairs([poses[name] for name in known], options.neighbours)
    pairs = {(known[i], known[j]) for i, j in chosen}
    pairs |= _with_all([name for name in folder.names if name not in poses], folder.names)
    _compare(sorted(pairs), work, database, options)
    more = _with_all(_lonely(database, folder.names), folder.names) - pairs
    if more:
        _compare(sorted(more), work, database, options)
    return len(pairs | more)


def _compare(pairs: list[tuple[str, str]], work: Path, database: Path, options: SparseOptions) -> None:
    pairing = pycolmap.ImportedPairingOptions()
    pairing.match_list_path = work / "pairs.txt"
    with named_by_number(database) as number:
        (work / "pairs.txt").write_text("".join(f"{number[a]} {number[b]}\n" for a, b in pairs), encoding="ascii")
        pycolmap.match_image_pairs(database, _how(options), pairing, _verification(options))


def _how(options: SparseOptions) -> pycolmap.FeatureMatchingOptions:
    matching = pycolmap.FeatureMatchingOptions()
    matching.use_gpu = False
    matching.num_threads = options.threads or -1
    return matching


def _verification(options: SparseOptions) -> pycolmap.TwoViewGeometryOptions:
    verification = pycolmap.TwoViewGeometryOptions()
    verification.ransac.random_seed = options.seed
    return verification


def _with_all(names: list[str], others: tuple[str, ...]) -> set[tuple[str, str]]:
    return {(min(name, other), max(name, other)) for name in names for other in others if other != name}


def _lonely(database: Path, names: tuple[str, ...]) -> list[str]:
    """Photographs that have too few good pairs."""
    opened = pycolmap.Database.open(database)
    name_of = {image.image_id: image.name for image in opened.read_all_images()}
    ids, counts = opened.read_two_view_geometry_num_inliers()
    opened.close()
    good = [pair for pair, count in zip(ids, np.ravel(counts), strict=True) if count >= _MATCHES_NEEDED]
    partners = [name_of[image_id] for pair in good for image_id in pycolmap.pair_id_to_image_pair(pair)]
    return [name for name in names if partners.count(name) < _PAIRS_NEEDED]
