"""A lamp out, a plant fallen or missing: what the photographs show, and that the camera's gates let them pass."""

from datetime import UTC, datetime

import cv2
import numpy as np
import pytest

from hardware_sim.camera_server import CameraServer
from hardware_sim.dataset import looking
from hardware_sim.farm import Farm
from hardware_sim.photograph import Photographer
from hardware_sim.scene import LAMPS, PlantSpec, build_scene
from hardware_sim.wall import site_m
from hardware_sim.world import build_world
from scan.cameras import Frame, Gates
from scan.config import CameraSection

SITE = site_m(4, 2)
POSE = looking(SITE + np.array([0.05, -0.08, 0.32]), SITE)


def _photograph(state: str = "standing", lamps: tuple = LAMPS) -> tuple[bytes, np.ndarray]:
    photographer = Photographer(
        build_world(3, "none"), [PlantSpec("p", tuple(SITE), 9, "butterhead", 3, state=state)], 3
    )
    photographer.lamps = lamps
    jpeg = photographer.jpeg(POSE, 0)
    return jpeg, cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def _green(picture: np.ndarray) -> np.ndarray:
    """Rows and columns of the leaves, (n, 2)."""
    blue, green, red = picture.astype(float).transpose(2, 0, 1)
    return np.argwhere((green > 1.25 * red) & (green > 1.25 * blue))


@pytest.fixture(scope="module")
def standing() -> tuple[bytes, np.ndarray]:
    return _photograph()


def test_with_a_lamp_out_it_is_darker_and_the_gates_let_it_pass(standing: tuple[bytes, np.ndarray]) -> None:
    jpeg, picture = _photograph(lamps=LAMPS[1:])
    assert 0.4 < picture.mean() / standing[1].mean() < 0.95
    Gates(CameraSection()).check(Frame(jpeg, datetime(2026, 6, 1, tzinfo=UTC)))


def test_a_missing_plant_leaves_an_empty_place_that_the_gates_let_pass(standing: tuple[bytes, np.ndarray]) -> None:
    jpeg, picture = _photograph("missing")
    assert len(_green(picture)) < 0.05 * len(_green(standing[1]))
    Gates(CameraSection()).check(Frame(jpeg, datetime(2026, 6, 1, tzinfo=UTC)))


def test_a_fallen_plant_hangs_below_its_hole(standing: tuple[bytes, np.ndarray]) -> None:
    _, picture = _photograph("fallen")
    assert len(_green(picture)) > 1000
    assert _green(picture)[:, 0].mean() > _green(standing[1])[:, 0].mean() + 20
    scene = build_scene([PlantSpec("p", tuple(SITE), 9, "butterhead", 3, state="fallen")], 3)
    # Before the wall, and most of it lower than the hole.
    assert scene.vertices_m[:, 2].min() > 0
    assert np.median(scene.vertices_m[:, 1]) < SITE[1]


def test_the_camera_shows_what_the_faults_say() -> None:
    farm = Farm(build_world(3, "none"))
    plants = [PlantSpec(name, tuple(site_m(column, 2)), 9, "butterhead", 3) for name, column in (("a", 2), ("b", 6))]
    server = CameraServer(farm, plants, lambda: datetime(2026, 6, 1, tzinfo=UTC), 0, 1)
    try:
        first = server._the_photographer()
        assert server._the_photographer() is first
        farm.arrange({"lamps.out": 2, "plant.fallen": 1, "plant.missing": 2})
        wrong = server._the_photographer()
        assert list(wrong.lamps) == [LAMPS[0], *LAMPS[2:]]
        assert [plant.state for plant in wrong.plants] == ["fallen", "missing"]
        with pytest.raises(KeyError):
            server.truth("b")
    finally:
        server._server.server_close()
