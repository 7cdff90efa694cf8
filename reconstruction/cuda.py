"""A dense cloud by COLMAP's own PatchMatch on an NVIDIA GPU, where pycolmap was built with CUDA.

The way without a GPU is the usual one (`reconstruction/depth.py`, `fusion.py`); this one is there for who has the card
and the extra `cuda` (docs/decisions/0006).
"""

from pathlib import Path

import numpy as np
import open3d as o3d
import pycolmap

from reconstruction.config import DenseOptions
from reconstruction.records import Cloud
from trellis.errors import InputError, ReconstructionFailed

#: Bytes of one point in COLMAP's `.vis` file before the list of views: how many they are.
_COUNT = np.dtype("<u4")


def cuda_cloud(sparse: Path, images: Path, work: Path, options: DenseOptions) -> Cloud:
    """Depth maps of COLMAP's PatchMatch, fused.

    Args:
        sparse: COLMAP's model of the photographs, binary.
        images: The photographs.
        work: A folder for undistorted photographs and depth maps; a few times as large as the photographs.
        options: `views` is how many photographs must agree, `scale_max` how wide the depth maps may be.

    Raises:
        InputError: This pycolmap was built without CUDA.
        ReconstructionFailed: COLMAP found no GPU, or no surface.
    """
    if not pycolmap.has_cuda:
        raise InputError(
            "[reconstruction.dense] method = 'cuda', but this pycolmap was built without CUDA: install the extra, "
            "pip install 'trellis-farm[cuda]', on a machine with an NVIDIA GPU, or set method = 'cpu'"
        )
    pycolmap.undistort_images(work, sparse, images, undistort_options=_size_of(images, sparse, options))
    try:
        pycolmap.patch_match_stereo(work)
    except (RuntimeError, ValueError) as error:
        raise ReconstructionFailed(f"COLMAP's PatchMatch failed: {error}; method = 'cpu' needs no GPU") from error
    return fused(work, options.views)


def fused(work: Path, views: int) -> Cloud:
    """A COLMAP workspace's depth maps as points on which so many photographs agree; confidence is how many."""
    fusion = pycolmap.StereoFusionOptions()
    fusion.min_num_pixels = views
    pycolmap.stereo_fusion(work / "fused.ply", work, options=fusion, output_type="PLY")
    if not (work / "fused.ply").is_file():
        raise ReconstructionFailed("COLMAP's fusion found no point on which photographs agree")
    read = o3d.io.read_point_cloud(str(work / "fused.ply"))
    agree = _views_of_points((work / "fused.ply.vis").read_bytes())
    cloud = Cloud(
        np.asarray(read.points),
        np.asarray(read.normals),
        np.rint(255 * np.asarray(read.colors)).astype(np.uint8),
        agree.astype(np.float32),
    )
    # COLMAP counts pixels, and one photograph may give several.
    return cloud.chosen(agree >= views)


def _views_of_points(content: bytes) -> np.ndarray:
    """How many photographs see each point, from COLMAP's `.vis` file: a count of points, then for each a list."""
    numbers = np.frombuffer(content, _COUNT)
    count, place, found = int(np.frombuffer(content[:8], "<u8")[0]), 2, []
    for _ in range(count):
        found.append(int(numbers[place]))
        place += 1 + found[-1]
    return np.array(found)


def _size_of(images: Path, sparse: Path, options: DenseOptions) -> pycolmap.UndistortCameraOptions:
    """Photographs no wider than `scale_max` of what they are."""
    camera = next(iter(pycolmap.Reconstruction(sparse).cameras.values()))
    size = pycolmap.UndistortCameraOptions()
    size.max_image_size = round(options.scale_max * max(camera.width, camera.height))
    return size
