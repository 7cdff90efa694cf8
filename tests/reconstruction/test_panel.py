"""What stands behind a plant is found, and a leaf that is flat is not taken for it."""

import numpy as np
import pytest

from reconstruction.model import Model, ScaleSource, View
from reconstruction.panel import find_panel
from trellis.geometry import Pose
from trellis.lens import Lens

RANDOM = np.random.default_rng(3)


def _disc(middle: tuple[float, float, float], radius_m: float, tilt_rad: float, count: int) -> np.ndarray:
    """A flat leaf, leaning over the x axis, with a third of a millimetre of noise."""
    away, turn = radius_m * np.sqrt(RANDOM.random(count)), RANDOM.uniform(0, 2 * np.pi, count)
    flat = np.column_stack([away * np.cos(turn), away * np.sin(turn), 0.0003 * RANDOM.standard_normal(count)])
    c, s = np.cos(tilt_rad), np.sin(tilt_rad)
    return np.asarray(flat @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]).T + np.array(middle))


def _model(points: np.ndarray) -> Model:
    eyes = [0.35 * np.array([np.sin(t), 0.3, np.cos(t)]) for t in np.linspace(-1, 1, 7)]
    views = tuple(
        View(f"{k}.png", None, Pose.looking_at(eye, (0, 0, 0.03), (0, 1, 0.1)))  # type: ignore[arg-type]
        for k, eye in enumerate(eyes)
    )
    rows = [(point, view) for point in range(0, len(points), 50) for view in range(len(views))]
    return Model(
        lens=Lens("PINHOLE", 640, 480, (600.0, 600.0, 320.0, 240.0)),
        views=views,
        points_world_m=points,
        colours=np.zeros((len(points), 3), np.uint8),
        errors_px=np.zeros(len(points)),
        observations=np.array(rows, dtype=np.int32),
        reprojection_error_px=0.0,
        scale_source=ScaleSource.POSES,
        scale_std=0.001,
        images_given=len(views),
    )


LEAVES = np.vstack(
    [
        _disc((0.0, 0.0, 0.04), 0.05, 0.1, 4000),
        _disc((0.05, 0.0, 0.02), 0.04, 0.9, 3000),
        _disc((-0.05, 0.02, 0.03), 0.04, -0.8, 3000),
        _disc((0.0, -0.04, 0.01), 0.03, 0.5, 2000),
    ]
)


def test_a_flat_leaf_of_a_plant_that_stands_before_nothing_is_no_panel() -> None:
    assert find_panel(LEAVES, _model(LEAVES)) is None


@pytest.mark.parametrize("wide_m", [0.12, 0.4])
def test_the_wall_behind_the_same_leaves_is(wide_m: float) -> None:
    wall = np.column_stack([RANDOM.uniform(-wide_m, wide_m, (9000, 2)), -0.03 + 0.0003 * RANDOM.standard_normal(9000)])
    points = np.vstack([LEAVES, wall])
    panel = find_panel(points, _model(points))
    assert panel is not None
    np.testing.assert_allclose(panel.normal, [0, 0, 1], atol=0.01)
    np.testing.assert_allclose(panel.offset, -0.03, atol=0.001)
