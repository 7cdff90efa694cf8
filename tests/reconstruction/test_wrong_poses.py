"""Believed poses that the photographs contradict are recognised for what they are."""

from pathlib import Path

import numpy as np

from reconstruction.alignment import residuals
from reconstruction.model import View
from reconstruction.wrong_poses import notes_on
from trellis.geometry import Pose
from trellis.pose_file import CameraPose

NAMES = [f"{index:03d}.jpg" for index in range(24)]


def _set() -> tuple[tuple[View, ...], dict[str, CameraPose]]:
    random = np.random.default_rng(2)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    poses = [Pose.looking_at((0.3 * np.cos(a), 0.3 * np.sin(a), 0.2), (0, 0, 0.05), (0, 0, 1)) for a in angles]
    views = tuple(View(name, Path(name), pose) for name, pose in zip(NAMES, poses, strict=True))
    believed = {
        name: CameraPose(name, Pose(pose.rotation, pose.translation_m + random.normal(0, 0.003, 3)), 0.006, 0.02)
        for name, pose in zip(NAMES, poses, strict=True)
    }
    return views, believed


def _notes(views: tuple[View, ...], believed: dict[str, CameraPose]) -> tuple[str, ...]:
    return notes_on(residuals(views, believed), views, believed)


def test_nothing_is_said_where_all_are_right() -> None:
    assert _notes(*_set()) == ()


def test_a_slip_is_said_with_how_far() -> None:
    views, believed = _set()
    for name in NAMES[18:]:
        pose = believed[name].world_from_camera
        believed[name] = CameraPose(
            name, Pose(pose.rotation, pose.translation_m + np.array([0.04, -0.02, 0])), 0.006, 0.02
        )
    (line,) = _notes(views, believed)
    assert line.startswith("the poses of 018.jpg to 023.jpg are all off by about (-")
    x, y, z = (float(part) for part in line.split("(")[1].split(")")[0].split(","))
    # The middle of six, each good to 3 mm.
    assert np.abs(np.array([x, y, z]) - (-40, 20, 0)).max() < 4


def test_exchanged_rows_are_said_to_be_exchanged() -> None:
    views, believed = _set()
    for a, b in (("003.jpg", "011.jpg"), ("007.jpg", "020.jpg")):
        first, second = believed[a].world_from_camera, believed[b].world_from_camera
        believed[a], believed[b] = CameraPose(a, second, 0.006, 0.02), CameraPose(b, first, 0.006, 0.02)
    (line,) = _notes(views, believed)
    assert line.startswith("the poses of 003.jpg, 007.jpg, 011.jpg, 020.jpg are exchanged")


def test_single_mistakes_are_named() -> None:
    views, believed = _set()
    for name, away in (("005.jpg", (0.1, 0, 0)), ("015.jpg", (0, -0.08, 0.02))):
        pose = believed[name].world_from_camera
        believed[name] = CameraPose(name, Pose(pose.rotation, pose.translation_m + away), 0.006, 0.02)
    assert _notes(views, believed) == ("2 of 24 believed poses are wrong and were not used: 005.jpg, 015.jpg",)


def test_a_photograph_that_was_left_out_in_the_end_is_passed_over() -> None:
    views, believed = _set()
    pose = believed["005.jpg"].world_from_camera
    believed["005.jpg"] = CameraPose("005.jpg", Pose(pose.rotation, pose.translation_m + 0.1), 0.006, 0.02)
    off = residuals(views, believed)
    assert notes_on(off, [view for view in views if view.name != "005.jpg"], believed) == ()
