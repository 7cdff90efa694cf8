"""Structure from motion: photographs, and poses where they are believed, become one sparse model.

COLMAP does the work; what is ours is what it is told: which pairs to compare, and where metres come from. How the
numbers were chosen stands in docs/decisions/0004.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pycolmap

from reconstruction.alignment import align, residuals
from reconstruction.colmap_io import lens_of, move, points_of, views_of
from reconstruction.config import SparseOptions
from reconstruction.images import Folder
from reconstruction.model import LeftOut, Model, ScaleSource
from reconstruction.pairs import likely_pairs
from trellis.errors import InputError, ReconstructionFailed
from trellis.lens import Lens
from trellis.pose_file import CameraPose


def sparse_model(
    folder: Folder, work: Path, poses: Mapping[str, CameraPose], lens: Lens | None, options: SparseOptions
) -> Model:
    """Find where every photograph was taken from.

    Args:
        folder: The photographs.
        work: A folder of its own for COLMAP's database and output; `work/sparse` holds COLMAP's model afterwards.
        poses: Believed poses by file name; empty when there are none, and the model then has no scale.
        lens: As believed, or None to start from COLMAP's guess.
        options: Cost and quality.

    Raises:
        InputError: The poses are of other photographs, or the lens is of another size.
        ReconstructionFailed: No model of at least three photographs is found, or it does not fit the poses.
    """
    _check(folder, poses, lens)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    database = work / "database.db"
    _extract(folder, database, lens, options)
    _match(folder, work, database, poses, options)
    found = _map(folder, work, database, options)
    scale_std, source = float("nan"), ScaleSource.NONE
    if poses:
        similarity = align(views_of(found, folder.path), poses, options.seed)
        move(found, similarity.rotation, similarity.translation, similarity.scale)
        scale_std, source = similarity.scale_std, ScaleSource.POSES
    found.update_point_3d_errors()
    found.extract_colors_for_all_images(folder.path)
    (work / "sparse").mkdir()
    found.write_binary(work / "sparse")
    views = views_of(found, folder.path)
    points, colours, errors_px, observations = points_of(found, views)
    placed = {view.name for view in views}
    unplaced = [LeftOut(name, "no place found: too little in common") for name in folder.names if name not in placed]
    return Model(
        lens=lens_of(found),
        views=views,
        points_world_m=points,
        colours=colours,
        errors_px=errors_px,
        observations=observations,
        reprojection_error_px=float(found.compute_mean_reprojection_error()),
        scale_source=source,
        scale_std=scale_std,
        images_given=len(folder.names) + len(folder.left_out),
        left_out=(*folder.left_out, *unplaced),
        residuals=residuals(views, poses) if poses else (),
    )


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


def _extract(folder: Folder, database: Path, lens: Lens | None, options: SparseOptions) -> None:
    reader = pycolmap.ImageReaderOptions()
    reader.camera_model = "SIMPLE_RADIAL" if lens is None else lens.model
    if lens is not None:
        reader.camera_params = ",".join(repr(value) for value in lens.params)
    extraction = pycolmap.FeatureExtractionOptions()
    extraction.use_gpu = False
    extraction.num_threads = options.threads or -1
    extraction.sift.max_num_features = options.features
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


def _match(folder: Folder, work: Path, database: Path, poses: Mapping[str, CameraPose], options: SparseOptions) -> None:
    matching = pycolmap.FeatureMatchingOptions()
    matching.use_gpu = False
    matching.num_threads = options.threads or -1
    verification = pycolmap.TwoViewGeometryOptions()
    verification.ransac.random_seed = options.seed
    known = [name for name in folder.names if name in poses]
    if not known:
        pycolmap.match_exhaustive(database, matching, verification_options=verification)
        return
    chosen = likely_pairs([poses[name].world_from_camera for name in known], options.neighbours)
    pairs = [(known[i], known[j]) for i, j in chosen]
    # Nobody knows where a photograph without a pose belongs: it is compared with all.
    pairs += [(name, other) for name in folder.names if name not in poses for other in folder.names if other != name]
    (work / "pairs.txt").write_text("".join(f"{a} {b}\n" for a, b in pairs), encoding="utf-8")
    pairing = pycolmap.ImportedPairingOptions()
    pairing.match_list_path = work / "pairs.txt"
    pycolmap.match_image_pairs(database, matching, pairing, verification)


def _map(folder: Folder, work: Path, database: Path, options: SparseOptions) -> pycolmap.Reconstruction:
    """The largest model of the global mapper."""
    pipeline = pycolmap.GlobalPipelineOptions()
    pipeline.random_seed = options.seed
    pipeline.num_threads = options.threads or -1
    output = work / "mapped"
    output.mkdir()
    models = pycolmap.global_mapping(database, folder.path, output, pipeline)
    found = max(models.values(), key=lambda model: model.num_reg_images(), default=None)
    if found is None or found.num_reg_images() < 3:
        raise ReconstructionFailed(
            f"{folder.path}: the photographs do not fit together; they need texture, and each must share a good part "
            "of what it shows with several others"
        )
    return found
