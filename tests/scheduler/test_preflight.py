"""What is looked at before a scan, and how the disk's room is reckoned from what was measured."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from scan.board import lattice_board
from scan.cell_state import Believed, Photograph
from scan.wall_section import LatticeTable
from scheduler.disk import Disk, words
from scheduler.preflight import Preflight, check_arm, tags_expected
from trellis.errors import CameraError, DeviceFault, OutOfSpace
from trellis.geometry import Pose
from trellis.lens import Lens

LENS = Lens("PINHOLE", 1296, 972, (1000.0, 1000.0, 648.0, 486.0))
BOARD = lattice_board(LatticeTable())
# 0.4 m before the wall, looking straight at it: x right, y down, z into the wall.
FACING = Pose.from_rotation_vector(np.array([np.pi, 0.0, 0.0]), (1.0, 1.0, 0.4))
AWAY = Pose.from_rotation_vector(np.zeros(3), (1.0, 1.0, 0.4))


def _servo(**more: Any) -> Any:
    return SimpleNamespace(**({"servo": 3, "joint": "elbow", "temperature_c": 40.0, "errors": ()} | more))


def _drawn() -> bytes:
    """The wall's tags as the facing camera sees them, by a projection of this test's own."""
    picture = np.full((972, 1296), 255, np.uint8)
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, BOARD.family))
    for tag, corners in BOARD.corners_world_m.items():
        x, y = corners[0, :2] - (1.0, 1.0)
        left, top, side = round(648 + 1000 * x / 0.4), round(486 - 1000 * y / 0.4), round(1000 * BOARD.size_m / 0.4)
        if 20 < left < 1276 - side and 20 < top < 952 - side:
            picture[top : top + side, left : left + side] = cv2.aruco.generateImageMarker(dictionary, tag, side)
    return bytes(cv2.imencode(".png", picture)[1])


class _Cell:
    def __init__(self, jpeg: bytes, pose: Pose = FACING, *servos: Any) -> None:
        self._shot = Photograph(jpeg, datetime.now(UTC), Believed.of(pose, 0.006, 0.02))
        self._servos = servos or (_servo(),)

    def state(self) -> Any:
        return SimpleNamespace(health=SimpleNamespace(servos=self._servos))

    def photograph(self) -> Photograph:
        return self._shot


def _grey() -> bytes:
    return bytes(cv2.imencode(".png", np.full((972, 1296), 128, np.uint8))[1])


def test_all_is_well_when_the_tags_that_should_be_in_sight_are_seen() -> None:
    Preflight(_Cell(_drawn()), LENS, BOARD, lambda: None)()


def test_no_tag_where_some_should_be_is_said_with_what_to_check() -> None:
    with pytest.raises(CameraError, match=r"none of the \d+ tags that should be in sight is seen; check the lamps"):
        Preflight(_Cell(_grey()), LENS, BOARD, lambda: None)()


def test_a_camera_that_looks_away_or_a_wall_without_tags_proves_nothing() -> None:
    Preflight(_Cell(_grey(), AWAY), LENS, BOARD, lambda: None)()
    Preflight(_Cell(_grey()), LENS, None, lambda: None)()
    assert tags_expected(_Cell(_grey(), AWAY).photograph(), BOARD, LENS) == 0


def test_a_servo_that_reports_an_error_or_is_hot_is_named() -> None:
    with pytest.raises(DeviceFault, match=r"servo 3 \(elbow\) reports: overload"):
        check_arm(SimpleNamespace(servos=(_servo(errors=("overload",)),)))  # type: ignore[arg-type]
    with pytest.raises(DeviceFault, match="is at 66 degrees Celsius"):
        check_arm(SimpleNamespace(servos=(_servo(temperature_c=66.0),)))  # type: ignore[arg-type]


def test_a_scan_is_reckoned_by_what_the_last_ones_took(farm: Any) -> None:
    for plant in ("p01", "p02"):
        farm.store.request_scan(plant)
        farm.robot().do(farm.store.take_job("scan"))
    folders = [farm.folder.path / scan.folder for scan in farm.store.scans()]
    taken = sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file()) / 2
    disk = Disk(farm.store, farm.folder, 1000, lambda: 1000 + round(2.5 * taken))
    assert disk.room().scan_bytes == pytest.approx(taken, abs=1)
    assert disk.room().scans_left() == 2
    disk.check()
    assert disk.shortage(2) is None
    assert "room for 2 more scans, and 5 are due" in (disk.shortage(5) or "")
    with pytest.raises(OutOfSpace, match="a scan takes"):
        Disk(farm.store, farm.folder, 1000, lambda: 1000).check()


def test_before_anything_was_measured_a_guess_is_used(farm: Any) -> None:
    room = Disk(farm.store, farm.folder, 0, lambda: 10**12).room()
    assert room.scan_bytes == 80_000_000
    assert replace(room, free_bytes=79_000_000).lacking is not None


@pytest.mark.parametrize(
    ("size", "said"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (8e10, "80.0 GB"), (2e12, "2.0 TB")]
)
def test_bytes_are_said_as_a_person_reads_them(size: float, said: str) -> None:
    assert words(size) == said
