"""Gaps are what a ruler would say between the arm and plants, wall and carriage."""

import numpy as np
import pytest

from scan.cell import Cell
from scan.clearance import Obstacle, gaps

FAR = Obstacle("far", (0.4, 0.4, 0.0), 0.05, 0.05)


def test_stretched_arm_stands_as_far_from_the_wall_as_its_links_leave(cell: Cell) -> None:
    near = gaps(cell, 1.0, 1.0, np.zeros(4), [FAR])
    # Foot at 0.44 m, arm 0.3208 m long, camera's body 0.03 m round.
    assert near.wall == pytest.approx(0.44 - 0.3208 - 0.03, abs=1e-9)


def test_plant_right_under_the_camera_is_measured_from_its_top(cell: Cell) -> None:
    place = cell.world_from_camera(cell.posture(1.0, 1.0, np.zeros(4))).translation_m
    plant = Obstacle("p", (place[0], place[1], 0.0), 0.1, 0.06)
    assert gaps(cell, 1.0, 1.0, np.zeros(4), [FAR, plant]).plants == pytest.approx(place[2] - 0.06 - 0.03, abs=1e-6)
    inside = Obstacle("p", (place[0], place[1], 0.0), 0.1, 0.15)
    assert gaps(cell, 1.0, 1.0, np.zeros(4), [inside]).plants < 0


def test_gap_to_a_plant_beside_the_arm_is_the_densely_sampled_one(cell: Cell) -> None:
    plant = Obstacle("p", (1.0, 1.0, 0.0), 0.13, 0.11)
    azimuth = np.linspace(0, 2 * np.pi, 120)[:, None]
    ring = np.stack([np.cos(azimuth), np.sin(azimuth)], axis=-1)
    flank = np.concatenate(
        [0.13 * ring + np.zeros((12, 1)), np.ones((120, 12, 1)) * np.linspace(0, 0.11, 12)[:, None]], 2
    )
    top = np.concatenate([ring * np.linspace(0, 0.13, 14)[:, None], np.full((120, 14, 1), 0.11)], axis=2)
    shell = np.concatenate([flank.reshape(-1, 3), top.reshape(-1, 3)]) + np.array([1.0, 1.0, 0.0])
    rng = np.random.default_rng(8)
    checked = 0
    for _ in range(300):
        joints = rng.uniform((-2.5, -1.2, -1.5, -1.5), (2.5, 1.2, 1.5, 1.5))
        x, y = rng.uniform(0.7, 1.3, 2)
        told = float(gaps(cell, x, y, joints, [plant]).plants)
        if not 0 < told < 0.06:
            continue
        points = cell.arm_points_m(cell.posture(x, y, joints))
        share = np.linspace(0, 1, 40)[:, None]
        links = [(points[k] + share * (points[k + 1] - points[k]), 0.03 if k == 3 else 0.025) for k in (1, 2, 3)]
        exact = min(float(np.linalg.norm(link[:, None] - shell, axis=-1).min()) - radius for link, radius in links)
        checked += 1
        # Balls stand up to 15 mm apart and points of the shell 10 mm; where links meet there is one ball.
        assert told == pytest.approx(exact, abs=0.006)
    assert checked > 10


def test_arm_bent_back_into_its_carriage_is_seen(cell: Cell) -> None:
    assert gaps(cell, 1.0, 1.0, np.radians([0, -100, 130, 60]), [FAR]).own > 0.005
    # Shoulder and elbow both lean out and back: the wrist comes down on the carriage's face.
    assert gaps(cell, 1.0, 1.0, np.radians([0, -100, -60, 0]), [FAR]).own < 0
    # Elbow and wrist folded to the utmost put the camera on the upper arm.
    assert gaps(cell, 1.0, 1.0, np.radians([0, 0, 137, 96]), [FAR]).own < 0.005


def test_clear_asks_for_the_clearance_to_plants_and_wall(cell: Cell) -> None:
    near = gaps(cell, 1.0, 1.0, np.zeros(4), [FAR])
    assert near.clear(0.08)
    assert not near.clear(0.10)
