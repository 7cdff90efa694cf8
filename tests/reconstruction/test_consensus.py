"""Depth maps judge each other: one that is wrong in a place takes the plane that the others see there."""

import cv2
import numpy as np

from reconstruction.consensus import reconcile
from reconstruction.levels import Level
from reconstruction.model import Model, ScaleSource, View
from reconstruction.views import Pinhole, partners
from trellis.geometry import Pose
from trellis.lens import Lens

PINHOLE = Pinhole(120, 90, 130.0, 60.0, 45.0)
WRONG = np.s_[30:60, 40:80]


def _pattern(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    grain = np.random.default_rng(2).random((200, 200)).astype(np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), 1.0)
    grain = (grain - grain.min()) / np.ptp(grain)
    places = ((x / 0.3 + 0.5) * 200).astype(np.float32), ((y / 0.3 + 0.5) * 200).astype(np.float32)
    return cv2.remap(grain, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def _board() -> tuple[Model, Level]:
    """Six cameras over a patterned board in the plane z = 0, and their true maps."""
    target = np.zeros(3)
    poses = [Pose.looking_at((x, y, 0.25), target, (0, 1, 0.01)) for x in (-0.04, 0.0, 0.04) for y in (-0.02, 0.02)]
    u, v = np.meshgrid(np.arange(120) + 0.5, np.arange(90) + 0.5)
    rays = np.stack([(u - 60) / 130, (v - 45) / 130, np.ones_like(u)], -1)
    grey, depth, normal = [], [], []
    for pose in poses:
        depth.append(-pose.translation_m[2] / (rays @ pose.rotation.T)[..., 2])
        places = pose.translation_m + (rays @ pose.rotation.T) * depth[-1][..., None]
        grey.append(_pattern(places[..., 0], places[..., 1]))
        normal.append(np.broadcast_to(pose.rotation.T @ (0, 0, 1.0), rays.shape))
    level = Level.empty(PINHOLE, np.array(grey, dtype=np.float32), 1)
    for view in range(6):
        level.keep(
            view, (depth[view].astype(np.float32), normal[view].astype(np.float32), np.zeros((90, 120), np.float32))
        )
    points = np.random.default_rng(1).uniform(-0.04, 0.04, (60, 3)) * (1, 1, 0)
    model = Model(
        lens=Lens("PINHOLE", 120, 90, (130.0, 130.0, 60.0, 45.0)),
        views=tuple(View(f"{k}.png", None, pose) for k, pose in enumerate(poses)),
        points_world_m=points,
        colours=np.zeros((60, 3), np.uint8),
        errors_px=np.zeros(60),
        observations=np.array([(p, view) for p in range(60) for view in range(6)], dtype=np.int32),
        reprojection_error_px=0.0,
        scale_source=ScaleSource.POSES,
        scale_std=0.001,
        images_given=6,
    )
    return model, level


def test_a_wrong_patch_takes_the_plane_that_the_others_see() -> None:
    model, level = _board()
    true = level.depth_m[2].copy()
    level.depth_m[2][WRONG] *= 0.9
    level.cost[2][WRONG] = 60
    planes = level.planes(2)
    changed = reconcile(model, level, 2, partners(model, 5)[2], planes, False)
    assert changed[WRONG].mean() > 0.95
    # Carried over by the plane, not by the pixel: what is left is how finely slopes are kept, 1/127.
    np.testing.assert_allclose(planes[0][WRONG], true[WRONG], rtol=0.004)
    changed[WRONG] = False
    assert not changed.any()


def test_a_true_patch_stays_though_all_others_are_wrong_together() -> None:
    model, level = _board()
    true = level.depth_m[2].copy()
    for other in (0, 1, 3, 4, 5):
        level.depth_m[other] *= 0.93
    planes = level.planes(2)
    reconcile(model, level, 2, partners(model, 5)[2], planes, False)
    # At the border few of the others see the same, and nothing speaks for either.
    middle = np.s_[15:-15, 20:-20]
    assert np.mean((np.abs(planes[0] - true) < 0.004 * true)[middle]) > 0.95


def test_only_one_colour_of_the_chessboard_is_looked_at_when_that_is_asked() -> None:
    model, level = _board()
    level.depth_m[2][WRONG] *= 0.9
    level.cost[2][WRONG] = 60
    planes = level.planes(2)
    changed = reconcile(model, level, 2, partners(model, 5)[2], planes, True)
    y, x = np.nonzero(changed)
    assert len(y) > 400
    assert ((x + y) % 2 == 0).all()
