"""COLMAP's own depth maps as a cloud: what can be tried without a GPU, and what is said where there is none."""

from pathlib import Path

import cv2
import numpy as np
import pycolmap
import pytest

from reconstruction.config import DenseOptions
from reconstruction.cuda import cuda_cloud, fused
from trellis.errors import InputError
from trellis.geometry import Pose

WIDTH, HEIGHT, FOCAL = 120, 90, 110.0


def _poses() -> list[Pose]:
    return [Pose.looking_at((x, 0.02, 0.3), (0, 0, 0), (0, 1, 0.01)) for x in (-0.06, -0.02, 0.02, 0.06)]


def _model(folder: Path) -> tuple[Path, Path]:
    """COLMAP's model of four photographs of the plane z = 0, and the folder of the photographs."""
    images, sparse = folder / "images", folder / "sparse"
    images.mkdir()
    sparse.mkdir()
    (sparse / "cameras.txt").write_text(f"1 PINHOLE {WIDTH} {HEIGHT} {FOCAL} {FOCAL} {WIDTH / 2} {HEIGHT / 2}\n")
    # Fusion asks photographs that share points.
    points = np.array([[x, y, 0.0] for x in np.linspace(-0.05, 0.05, 6) for y in np.linspace(-0.04, 0.04, 5)])
    lines = []
    for number, pose in enumerate(_poses(), start=1):
        w, x, y, z = pose.inverse.quaternion_wxyz
        shift = " ".join(str(value) for value in pose.inverse.translation_m)
        lines += [f"{number} {w} {x} {y} {z} {shift} 1 {number}.png"]
        seen = pose.inverse @ points
        pixels = FOCAL * seen[:, :2] / seen[:, 2:] + (WIDTH / 2, HEIGHT / 2)
        lines.append(" ".join(f"{u} {v} {k + 1}" for k, (u, v) in enumerate(pixels)))
        cv2.imwrite(str(images / f"{number}.png"), np.full((HEIGHT, WIDTH, 3), (30, 150, 60), np.uint8))
    (sparse / "images.txt").write_text("\n".join(lines) + "\n")
    tracks = " ".join(f"{number} {{k}}" for number in range(1, 5))
    rows = [f"{k + 1} {x} {y} {z} 0 0 0 0.1 {tracks.format(k=k)}" for k, (x, y, z) in enumerate(points)]
    (sparse / "points3D.txt").write_text("\n".join(rows) + "\n")
    return sparse, images


def _write_map(path: Path, values: np.ndarray) -> None:
    """COLMAP's array file: width&height&channels& and 32-bit floats, channel by channel, row by row."""
    planes = np.atleast_3d(values).transpose(2, 0, 1).astype("<f4")
    path.write_bytes(f"{values.shape[1]}&{values.shape[0]}&{planes.shape[0]}&".encode() + planes.tobytes())


def test_depth_maps_of_a_plane_fuse_into_that_plane(tmp_path: Path) -> None:
    sparse, images = _model(tmp_path)
    work = tmp_path / "work"
    pycolmap.undistort_images(work, sparse, images)
    camera = next(iter(pycolmap.Reconstruction(work / "sparse").cameras.values()))
    u, v = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    rays = np.dstack([(u - camera.principal_point_x) / FOCAL, (v - camera.principal_point_y) / FOCAL, np.ones(u.shape)])
    for number, pose in enumerate(_poses(), start=1):
        depth = -pose.translation_m[2] / (rays @ pose.rotation.T)[..., 2]
        normal = np.broadcast_to(pose.rotation.T @ (0, 0, 1), rays.shape)
        _write_map(work / "stereo" / "depth_maps" / f"{number}.png.geometric.bin", depth)
        _write_map(work / "stereo" / "normal_maps" / f"{number}.png.geometric.bin", normal)
    cloud = fused(work, views=3)
    assert len(cloud) > 1000
    # Depths are 32-bit floats; fusion takes the middle of each coordinate of points up to two pixels (5 mm) apart.
    assert np.abs(cloud.points_m[:, 2]).max() < 1e-4
    assert np.abs(cloud.normals @ (0, 0, 1)).min() > 0.999
    assert cloud.confidence.min() >= 3
    assert cloud.confidence.max() <= 4
    assert tuple(cloud.colours[0]) == (60, 150, 30)


@pytest.mark.skipif(pycolmap.has_cuda, reason="this pycolmap has CUDA, so there is nothing to refuse")
def test_without_cuda_the_way_out_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cuda.*method = 'cpu'"):
        cuda_cloud(tmp_path, tmp_path, tmp_path, DenseOptions(method="cuda"))
