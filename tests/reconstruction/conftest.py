"""A small scene of the tests' own: a green dome on a spotted panel, that a camera looks at from known places."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import open3d as o3d
import pytest

from trellis.geometry import Pose
from trellis.lens import Lens, lens_text
from trellis.pose_file import CameraPose, poses_text

WIDTH, HEIGHT, FOCAL = 960, 720, 960.0

#: z = h (1 - r^2 / R^2).
DOME_HEIGHT_M, DOME_RADIUS_M = 0.03, 0.04


@dataclass(frozen=True)
class SmallSet:
    """A folder with `images/`, `poses.csv` and `camera.toml`; `poses` are exact."""

    path: Path
    names: tuple[str, ...]
    poses: tuple[Pose, ...]


@pytest.fixture(scope="session")
def small_set(tmp_path_factory: pytest.TempPathFactory) -> SmallSet:
    """Ten photographs of 960x720 of a dome, 30 mm high and 80 mm wide, on a panel of 0.25 m, from 0.2 m away."""
    path = tmp_path_factory.mktemp("small_set")
    angles = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    eyes = [(0.08 * np.cos(a), 0.08 * np.sin(a), 0.2 + 0.01 * np.cos(3 * a)) for a in angles]
    poses = [Pose.looking_at(eye, (0, 0, 0), (0, 1, 0)) for eye in eyes]
    names = [f"{i:03d}.jpg" for i in range(len(poses))]
    (path / "images").mkdir()
    for name, picture in zip(names, _photographs(poses), strict=True):
        cv2.imwrite(str(path / "images" / name), picture)
    believed = [CameraPose(name, pose, 0.002, 0.02) for name, pose in zip(names, poses, strict=True)]
    (path / "poses.csv").write_text(poses_text(believed))
    lens = Lens("PINHOLE", WIDTH, HEIGHT, (FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2))
    (path / "camera.toml").write_text(lens_text(lens))
    return SmallSet(path, tuple(names), tuple(poses))


def _photographs(poses: Sequence[Pose]) -> list[np.ndarray]:
    random = np.random.default_rng(7)
    side = 200
    x, y = np.meshgrid(np.linspace(-0.125, 0.125, side), np.linspace(-0.125, 0.125, side), indexing="xy")
    z = DOME_HEIGHT_M * np.clip(1 - (x**2 + y**2) / DOME_RADIUS_M**2, 0, None)
    spots = cv2.resize(random.random((130, 130)), (side * 4, side * 4), interpolation=cv2.INTER_CUBIC)
    corner = np.arange(side * side).reshape(side, side)
    lower = np.stack([corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:]], axis=-1)
    upper = np.stack([corner[:-1, :-1], corner[1:, 1:], corner[1:, :-1]], axis=-1)
    scene = o3d.t.geometry.RaycastingScene()
    vertices = np.stack([x, y, z], axis=-1).reshape(-1, 3).astype(np.float32)
    scene.add_triangles(vertices, np.concatenate([lower.reshape(-1, 3), upper.reshape(-1, 3)]).astype(np.uint32))
    return [_photograph(scene, spots, pose) for pose in poses]


def _photograph(scene: o3d.t.geometry.RaycastingScene, spots: np.ndarray, pose: Pose) -> np.ndarray:
    u, v = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    sights = np.stack([(u - WIDTH / 2) / FOCAL, (v - HEIGHT / 2) / FOCAL, np.ones_like(u)], axis=-1) @ pose.rotation.T
    rays = np.concatenate([np.broadcast_to(pose.translation_m, sights.shape), sights], axis=-1).astype(np.float32)
    depth = scene.cast_rays(o3d.core.Tensor(rays))["t_hit"].numpy()
    hit = pose.translation_m + np.where(np.isfinite(depth), depth, 0)[..., None] * sights
    at = ((hit[..., :2] + 0.125) / 0.25 * (len(spots) - 1)).astype(np.float32)
    grey = cv2.remap(spots.astype(np.float32), at[..., 0], at[..., 1], cv2.INTER_LINEAR)
    grey = 40 + 200 * np.where(np.isfinite(depth), np.clip(grey, 0, 1), 0.5)
    leafy = np.isfinite(depth) & (hit[..., 2] > 1e-3)
    tint_bgr = np.where(leafy[..., None], (0.35, 0.95, 0.55), (1.0, 1.0, 1.0))
    return (grey[..., None] * tint_bgr).astype(np.uint8)
