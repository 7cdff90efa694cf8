"""A sparse model that begins where the photographs are believed to have been taken.

COLMAP's global mapper begins from nothing and now and then folds a scan or loses half of it. A robot knows its poses to
millimetres, so points can be triangulated from them, generously at first; an adjustment then pulls poses and points
together, and both are done again with what a good model allows.
"""

from collections.abc import Mapping
from pathlib import Path

import pycolmap

from reconstruction.adjustment import adjust
from trellis.pose_file import CameraPose

#: Pixels and degrees within which matches become a point, round by round. Poses off by 6 mm and 1 deg miss by some
#: forty pixels at 0.3 m; the last round is COLMAP's own usual strictness.
_ROUNDS = ((60.0, 5.0), (20.0, 2.5), (4.0, 2.0))
#: A photograph held by fewer points, or by less than this share of its features that match others', is elsewhere.
_POINTS_NEEDED, _SHARE_NEEDED = 30, 0.2


def model_from_beliefs(
    database: Path, images: Path, work: Path, believed: Mapping[str, CameraPose], seed: int
) -> pycolmap.Reconstruction | None:
    """The model, near the frame of the beliefs, or None where they do not hold together.

    Args:
        database: COLMAP's, with features and verified matches.
        images: The photographs.
        work: A folder of its own.
        believed: Poses by file name; photographs without one have no place in the model.
        seed: Of what is random inside.
    """
    opened = pycolmap.Database.open(database)
    cache = pycolmap.DatabaseCache.create(opened, pycolmap.DatabaseCacheOptions())
    opened.close()
    found = _placed(cache, believed)
    if found.num_reg_images() < 3:
        return None
    for number, (pixels, degrees) in enumerate(_ROUNDS):
        folder = work / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        found = pycolmap.triangulate_points(found, database, images, folder, True, _how(pixels, degrees, seed), False)
        if found.num_points3D() < _POINTS_NEEDED:
            return None
        adjust(found, believed, seed, free_lens=number + 1 == len(_ROUNDS))
    for image in [image for image in found.images.values() if image.has_pose]:
        matched = cache.correspondence_graph.num_observations_for_image(image.image_id)
        if image.num_points3D < max(_POINTS_NEEDED, _SHARE_NEEDED * matched):
            found.deregister_frame(image.frame_id)
    return found if found.num_reg_images() >= 3 else None


def _placed(cache: pycolmap.DatabaseCache, believed: Mapping[str, CameraPose]) -> pycolmap.Reconstruction:
    """Photographs with features at their believed places, without points."""
    placed = pycolmap.Reconstruction()
    placed.load(cache)
    for image in placed.images.values():
        pose = believed.get(image.name)
        if pose is None:
            continue
        camera_from_world = pose.world_from_camera.inverse
        image.frame.set_cam_from_world(
            image.camera_id,
            pycolmap.Rigid3d(pycolmap.Rotation3d(camera_from_world.rotation), camera_from_world.translation_m),
        )
        placed.register_frame(image.frame_id)
    return placed


def _how(pixels: float, degrees: float, seed: int) -> pycolmap.IncrementalPipelineOptions:
    """Triangulate within so many pixels and degrees; one thread, for the same bytes again."""
    how = pycolmap.IncrementalPipelineOptions()
    how.num_threads = 1
    how.random_seed = seed
    how.ba_global_max_refinements = how.ba_global_max_num_iterations = 1
    how.mapper.filter_max_reproj_error = pixels
    triangulation = how.triangulation
    triangulation.random_seed = seed
    triangulation.create_max_angle_error = triangulation.continue_max_angle_error = degrees
    triangulation.merge_max_reproj_error = triangulation.complete_max_reproj_error = pixels
    return how
