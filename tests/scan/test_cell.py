"""Cables, arm and camera as one robot: the camera is where a hand's drawing puts it."""

import numpy as np
import pytest

from arm.config import ArmSection
from cdpr.config import CablesSection
from scan.cell import Cell, CellPosture
from scan.config import CameraSection, CellSection, MountTable


def nominal(cell: CellSection | None = None) -> Cell:
    return Cell.of_sections(CablesSection(), ArmSection(), CameraSection(), cell or CellSection())


def test_stretched_arm_looks_straight_at_the_wall() -> None:
    cell = nominal()
    camera = cell.world_from_camera(CellPosture(1.0, 0.9, 0.0, (0.0, 0.0, 0.0, 0.0)))
    # Cable plane 0.47 m, foot 0.03 m nearer the wall, arm 0.0803 + 0.107 + 0.107 + 0.0265 m long.
    assert camera.translation_m == pytest.approx([1.0, 0.9, 0.47 - 0.03 - 0.3208], abs=1e-12)
    assert camera.rotation[:, 2] == pytest.approx([0, 0, -1], abs=1e-12)


def test_arm_leant_out_along_its_base_yaw_of_a_carriage_that_hangs_askew() -> None:
    # Shoulder -90 deg: the links lie level, outward along base x turned by base yaw. Base z points at the wall, so a
    # base yaw of 90 deg is world -y; the carriage's 5 deg turn that on.
    cell = nominal()
    camera = cell.world_from_camera(CellPosture(1.0, 0.9, np.radians(5), (np.pi / 2, -np.pi / 2, 0.0, 0.0)))
    outward = np.array([np.sin(np.radians(5)), -np.cos(np.radians(5)), 0.0])
    assert camera.translation_m == pytest.approx(np.array([1.0, 0.9, 0.44 - 0.0803]) + 0.2405 * outward, abs=1e-12)
    assert camera.rotation[:, 2] == pytest.approx(outward, abs=1e-12)


def test_mounted_camera_is_moved_in_the_frame_of_the_last_link() -> None:
    cell = nominal(CellSection(tool_from_camera=MountTable(position_m=(0.0, 0.0, 0.01))))
    posture = cell.posture(0.6, 0.7, (0.3, -0.4, 0.8, 0.5))
    moved = cell.world_from_camera(posture).translation_m - nominal().world_from_camera(posture).translation_m
    assert moved == pytest.approx(0.01 * nominal().world_from_camera(posture).rotation[:, 2], abs=1e-12)


def test_commanded_posture_hangs_at_the_easiest_yaw() -> None:
    cell = nominal()
    assert cell.posture(0.5, 0.8, cell.park.joints_rad).yaw_rad == float(cell.yaw_map.yaw_rad(0.5, 0.8))
    assert cell.park == cell.posture(*CablesSection().home_m, ArmSection().parked_rad)


def test_folded_arm_keeps_its_base_yaw_and_stays_high_over_the_wall() -> None:
    cell = nominal()
    folded = cell.folded(cell.posture(0.5, 0.8, (1.2, 0.1, 0.2, 0.3)))
    assert folded.joints_rad[0] == 1.2
    # The tallest heads are 0.17 m; 0.25 m leaves the camera's body and a hand's breadth between.
    assert cell.arm_points_m(folded)[:, 2].min() > 0.25
    assert cell.world_from_camera(folded).translation_m[2] > 0.25
