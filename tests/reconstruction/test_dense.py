"""From photographs with known poses to a surface: a slanting green leaf of known area before a grey panel.

The scene needs no renderer: both are flat, so a photograph of them is two look-ups in a texture.
"""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from reconstruction.config import DenseOptions, SurfaceOptions
from reconstruction.dense import dense_cloud
from reconstruction.model import Model, ScaleSource, View
from reconstruction.panel import find_panel
from reconstruction.records import Cloud
from reconstruction.segmentation import plant_mask
from reconstruction.surface import leaf_surface, thin_sheets
from reconstruction.traits import measure
from reconstruction.views import Pinhole
from trellis.geometry import Pose
from trellis.lens import Lens

OPTIONS = DenseOptions(scale_max=1.0, pixel_m=0.0005)
LENS = Lens("PINHOLE", 400, 300, (420.0, 420.0, 200.0, 150.0))
#: The leaf: a corner, two edges that are at right angles, metres.
CORNER, ACROSS, ALONG = np.array([-0.04, -0.03, 0.03]), np.array([0.08, 0.0, 0.02]), np.array([-0.015, 0.06, 0.06])
LEAF_AREA_M2 = float(np.linalg.norm(np.cross(ACROSS, ALONG)))


def scene(folder: Path) -> Model:
    """Photographs written into a folder, and the model that a perfect structure from motion would find."""
    random = np.random.default_rng(5)
    panel, leaf = _texture(random, 600), _texture(random, 300)
    poses = _poses()
    views = []
    for number, pose in enumerate(poses):
        path = folder / f"{number:02d}.png"
        cv2.imwrite(str(path), _photograph(pose, panel, leaf))
        views.append(View(path.name, path, pose))
    return _model(tuple(views), random)


def _poses() -> list[Pose]:
    target = np.array([0.0, 0.0, 0.04])
    directions = [(0.0, 0.0)] + [
        (np.radians(14 * ring), turn) for ring in (1, 2) for turn in np.arange(6 * ring) * np.pi / (3 * ring)
    ]
    eyes = [np.array([np.sin(t) * np.cos(a), np.sin(t) * np.sin(a), np.cos(t)]) for t, a in directions]
    return [Pose.looking_at(target + 0.3 * eye, target, (0, 1, 0.01)) for eye in eyes]


def _texture(random: np.random.Generator, size: int) -> np.ndarray:
    grain = sum(
        cv2.resize(random.random((size // k, size // k)), (size, size), interpolation=cv2.INTER_CUBIC)
        for k in (3, 6, 15)
    )
    return np.asarray((grain - grain.min()) / np.ptp(grain), dtype=np.float32)  # fmt: skip


def _photograph(pose: Pose, panel: np.ndarray, leaf: np.ndarray) -> np.ndarray:
    """Two samples a pixel in each direction, averaged."""
    fine = 2
    u, v = np.meshgrid((np.arange(LENS.width_px * fine) + 0.5) / fine, (np.arange(LENS.height_px * fine) + 0.5) / fine)
    f, _, cx, cy = LENS.params
    rays = np.stack([(u - cx) / f, (v - cy) / f, np.ones_like(u)], axis=-1) @ pose.rotation.T
    eye = pose.translation_m
    on_panel = eye + rays * (-eye[2] / rays[..., 2])[..., None]
    grey = _look_up(panel, on_panel[..., 0] / 0.5 + 0.5, on_panel[..., 1] / 0.5 + 0.5)
    picture = np.repeat((90 + 150 * grey)[..., None], 3, axis=-1)
    normal = np.cross(ACROSS, ALONG)
    on_leaf = eye + rays * (((CORNER - eye) @ normal) / (rays @ normal))[..., None] - CORNER
    s, t = on_leaf @ ACROSS / (ACROSS @ ACROSS), on_leaf @ ALONG / (ALONG @ ALONG)
    inside = (s > 0) & (s < 1) & (t > 0) & (t < 1)
    green = np.array([60.0, 170.0, 90.0]) * (0.5 + 0.7 * _look_up(leaf, s, t))[..., None]
    picture[inside] = green[inside]
    small = cv2.resize(picture.astype(np.float32), (LENS.width_px, LENS.height_px), interpolation=cv2.INTER_AREA)
    return np.clip(small, 0, 255).astype(np.uint8)


def _look_up(texture: np.ndarray, s: np.ndarray, t: np.ndarray) -> np.ndarray:
    size = texture.shape[0] - 1
    return cv2.remap(texture, (s * size).astype(np.float32), (t * size).astype(np.float32), cv2.INTER_LINEAR)


def _model(views: tuple[View, ...], random: np.random.Generator) -> Model:
    s = random.random((250, 2))
    leaf = CORNER + s[:, :1] * ACROSS + s[:, 1:] * ALONG
    panel = np.column_stack([random.uniform(-0.12, 0.12, (250, 2)), np.zeros(250)])
    panel = panel[np.abs(panel[:, 0]) + np.abs(panel[:, 1]) > 0.13]
    points = np.vstack([leaf, panel])
    rows = []
    for index, view in enumerate(views):
        seen = view.world_from_camera.inverse @ points
        f, _, cx, cy = LENS.params
        u, v = f * seen[:, 0] / seen[:, 2] + cx, f * seen[:, 1] / seen[:, 2] + cy
        rows += [(p, index) for p in np.flatnonzero((u > 0) & (v > 0) & (u < LENS.width_px) & (v < LENS.height_px))]
    return Model(
        lens=LENS,
        views=views,
        points_world_m=points,
        colours=np.full((len(points), 3), 128, np.uint8),
        errors_px=np.full(len(points), 0.3),
        observations=np.array(sorted(rows), dtype=np.int32),
        reprojection_error_px=0.3,
        scale_source=ScaleSource.POSES,
        scale_std=0.001,
        images_given=len(views),
    )


def finished(model: Model) -> Cloud:
    work = dense_cloud(model, OPTIONS)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Cloud]:
    model = scene(tmp_path_factory.mktemp("scene"))
    return model, finished(model)


def leaf_of(model: Model, cloud: Cloud) -> Cloud:
    return cloud.chosen(plant_mask(cloud, model, find_panel(cloud.points_m, model)))


def test_points_lie_on_the_leaf_and_on_the_panel(seen: tuple[Model, Cloud]) -> None:
    _, cloud = seen
    normal = np.cross(ACROSS, ALONG) / LEAF_AREA_M2
    off_leaf_m = np.abs((cloud.points_m - CORNER) @ normal)
    off_panel_m = np.abs(cloud.points_m[:, 2])
    # A pixel is 0.7 mm at 0.3 m; a match to a third of one over an angle of 10 degrees leaves about 1 mm along the
    # line of sight, and several photographs average it.
    assert np.median(np.minimum(off_leaf_m, off_panel_m)) < 0.0004
    assert (np.minimum(off_leaf_m, off_panel_m) < 0.0015).mean() > 0.95


def test_the_leaf_is_told_from_the_panel(seen: tuple[Model, Cloud]) -> None:
    leaf = leaf_of(*seen)
    on_leaf = leaf.points_m - CORNER
    s, t = on_leaf @ ACROSS / (ACROSS @ ACROSS), on_leaf @ ALONG / (ALONG @ ALONG)
    beyond = np.maximum(np.maximum(-s, s - 1) * np.linalg.norm(ACROSS), np.maximum(-t, t - 1) * np.linalg.norm(ALONG))
    assert (beyond < 0.003).mean() > 0.99
    # All of the leaf is there: every patch of a 10 x 10 grid holds points.
    inside = (s > 0) & (s < 1) & (t > 0) & (t < 1)
    cells = set(zip((s[inside] * 10).astype(int), (t[inside] * 10).astype(int), strict=True))
    assert len(cells) == 100


def test_area_and_shape_are_the_leafs(seen: tuple[Model, Cloud]) -> None:
    model, cloud = seen
    panel = find_panel(cloud.points_m, model)
    sheet = thin_sheets(leaf_of(model, cloud), SurfaceOptions())
    traits = measure(model, sheet, leaf_surface(sheet, SurfaceOptions()), SurfaceOptions().spacing_m, panel)
    # The rim is 0.3 m long; half a millimetre of doubt about it is 3 % of this little leaf.
    assert traits.leaf_area_m2 == pytest.approx(LEAF_AREA_M2, rel=0.06)
    assert abs(traits.leaf_area_m2 - LEAF_AREA_M2) < 2 * traits.leaf_area_std_m2
    assert traits.height_m == pytest.approx((CORNER + ACROSS + ALONG)[2], abs=0.004)
    assert traits.projected_area_m2 == pytest.approx(abs(np.cross(ACROSS, ALONG)[2]), rel=0.12)
    assert traits.trusted, traits.untrusted_reason
    # A leaf that nearly all of 19 views see is found whole.
    assert traits.completeness > 0.9


def test_what_few_views_see_makes_the_area_doubtful(seen: tuple[Model, Cloud]) -> None:
    model, cloud = seen
    sheet = thin_sheets(leaf_of(model, cloud), SurfaceOptions())
    surface = leaf_surface(sheet, SurfaceOptions())
    few = replace(model, views=model.views[:3], images_given=3)
    many, doubtful = (measure(one, sheet, surface, SurfaceOptions().spacing_m) for one in (model, few))
    # What three views that nothing hides find is most of what is there; how much is missed is reckoned, and doubtful.
    # It is told beside what was measured, and widens its error, but is no part of it.
    assert doubtful.leaf_area_m2 == many.leaf_area_m2
    assert 0.1 * many.leaf_area_m2 < doubtful.leaf_area_missed_m2 < 0.4 * many.leaf_area_m2
    assert doubtful.leaf_area_std_m2 > 1.3 * many.leaf_area_std_m2
    assert doubtful.completeness < 0.85 < many.completeness


def test_the_same_seed_gives_the_same_points(seen: tuple[Model, Cloud]) -> None:
    model, cloud = seen
    again = finished(model)
    assert np.array_equal(again.points_m, cloud.points_m)


def test_progress_grows_to_the_end(seen: tuple[Model, Cloud]) -> None:
    shares = list(dense_cloud(seen[0], OPTIONS.model_copy(update={"pixel_m": 0.003})))
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(0.95)


def test_every_other_pixel_of_a_pinhole_looks_where_it_looked() -> None:
    fine = Pinhole(101, 80, 90.0, 50.7, 40.2)
    coarse = fine.every(2)
    assert (coarse.width_px, coarse.height_px) == (50, 40)
    points_m = np.array([[0.1, -0.2, 1.0], [-0.3, 0.1, 2.0]])
    # Pixel k of the one is pixel 2 k of the other, counted from 0; their middles lie at + 0.5.
    assert 2 * (coarse.project(points_m) - 0.5) == pytest.approx(fine.project(points_m) - 0.5)
