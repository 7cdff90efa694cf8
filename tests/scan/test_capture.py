"""A scan keeps what it has, whatever breaks it off, and goes on where it was. The cell here is scripted."""

import dataclasses
import errno
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from scan.capture import capture
from scan.cell import CellPosture
from scan.cell_state import Believed, Photograph
from scan.config import LatticeTable, LensTable
from scan.plan import DroppedView, Plan, PlannedView
from trellis.board import TagBoard, read_board
from trellis.clock import ManualClock
from trellis.errors import (
    CameraError,
    DeviceError,
    DeviceFault,
    InputError,
    OutOfSpace,
    Stopped,
    TrellisError,
    Unreachable,
)
from trellis.folders import ScanFolder
from trellis.geometry import Pose
from trellis.lens import read_lens
from trellis.manifest import DevicesRecord, Outcome, ScanManifest, ViewRecord, read_manifest
from trellis.pose_file import read_poses

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
#: Driving order; the numbers name the photographs.
ORDER = (2, 0, 3, 1)


def _pose(view: int) -> Pose:
    return Pose.looking_at((0.7 + 0.05 * view, 0.8, 0.3), (0.7, 0.8, 0.0), (0, 1, 0))


def _posture(view: int, shoulder_rad: float = 0.3) -> CellPosture:
    return CellPosture(0.7 + 0.05 * view, 0.8, 0.0, (0.1 * view, shoulder_rad, 0.0, 0.0))


def _plan(order: tuple[int, ...] = ORDER, plant: str = "p01") -> Plan:
    stops = tuple(PlannedView(view, _pose(view), _posture(view), (_posture(view, 0.9),)) for view in order)
    return Plan(plant, (0.7, 0.8, 0.0), 0.1, 0.09, stops, (DroppedView(4, "behind a neighbour"),), 60.0)


@dataclass
class ScriptedCell:
    """Goes where it is sent at once. `script(what, view)` is called before each drive and photograph, and may raise."""

    attempts: int = 3
    script: Callable[[str, float], None] = lambda what, place: None
    cell: Any = field(default_factory=lambda: SimpleNamespace(lens=LensTable().value()))
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    log: list[tuple[str, CellPosture]] = field(default_factory=list)
    at: CellPosture | None = None
    taken: int = 0

    def go(self, posture: CellPosture) -> None:
        self._move("go", posture)

    def approach(self, posture: CellPosture) -> None:
        self._move("approach", posture)

    def photograph(self) -> Photograph:
        assert self.at is not None
        self.script("photograph", self.view)
        self.taken += 1
        pose = Pose.from_rotation_vector((0, 0, 0.001), (0.001, 0, 0)) @ _pose(self.view)
        jpeg = f"photograph {self.view}, the {self.taken}th".encode()
        return Photograph(jpeg, self.clock.utc(), Believed.of(pose, 0.006, 0.017))

    @property
    def standing(self) -> CellPosture | None:
        return self.at

    @property
    def view(self) -> int:
        assert self.at is not None
        return round((self.at.x_m - 0.7) / 0.05)

    def _move(self, how: str, posture: CellPosture) -> None:
        self.log.append((how, posture))
        self.at = posture
        self.script(how, self.view)
        self.clock.sleep(2.0)


def _capture(cell: ScriptedCell, folder: ScanFolder, plan: Plan | None = None, **more: Any) -> list[ViewRecord]:
    return list(capture(cell, plan or _plan(), folder, scan="s1", cultivar="butterhead", age_days=21.0, **more))


def _raise_at(view: int, what: str, error: TrellisError, times: int = 99) -> Callable[[str, float], None]:
    left = iter(range(times))

    def script(kind: str, at: float) -> None:
        if kind == what and at == view and next(left, None) is not None:
            raise error

    return script


def _check_whole(folder: ScanFolder) -> ScanManifest:
    """Every view is taken, its photograph is the one recorded, and the files beside it agree."""
    manifest = read_manifest(folder.manifest)
    assert manifest.finished_at is not None
    assert [view.outcome for view in manifest.views] == [Outcome.TAKEN] * len(ORDER)
    for view in manifest.views:
        content = folder.image(view.view).read_bytes()
        assert content.startswith(f"photograph {view.view},".encode())
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (view.sha256, view.bytes)
    assert {pose.image for pose in read_poses(folder.poses)} == {f"{view:03d}.jpg" for view in ORDER}
    assert not list(folder.path.rglob("*.part"))
    return manifest


def test_every_view_is_driven_to_photographed_and_recorded(tmp_path: Path) -> None:
    folder, cell = ScanFolder(tmp_path / "s1"), ScriptedCell()
    corners = np.array([(0, 0.04, 0), (0.04, 0.04, 0), (0.04, 0, 0), (0, 0, 0)])
    records = _capture(cell, folder, board=TagBoard(LatticeTable().family, 0.04, {7: corners}))
    assert [record.view for record in records] == list(ORDER)
    manifest = _check_whole(folder)
    assert (manifest.plant, manifest.cultivar, manifest.age_days) == ("p01", "butterhead", 21.0)
    assert manifest.events == ("view 4 was not planned: behind a neighbour",)
    assert read_lens(folder.camera) == LensTable().value()
    assert read_board(folder.board).corners_world_m.keys() == {7}


def test_the_believed_pose_goes_into_the_pose_file_not_the_planned_one(tmp_path: Path) -> None:
    folder = ScanFolder(tmp_path / "s1")
    _capture(ScriptedCell(), folder)
    pose = next(pose for pose in read_poses(folder.poses) if pose.image == "003.jpg")
    away_m, _ = pose.world_from_camera.distance_to(_pose(3))
    # The scripted cell is 1 mm and 1 mrad off, and 1 mrad is another 1.2 mm at 1.2 m from the origin.
    assert away_m == pytest.approx(0.0015, abs=0.0015)
    assert away_m > 1e-4
    assert (pose.position_std_m, pose.rotation_std_rad) == (0.006, 0.017)


def test_the_manifest_is_there_before_the_first_view(tmp_path: Path) -> None:
    folder, seen = ScanFolder(tmp_path / "s1"), []

    def script(what: str, view: float) -> None:
        seen.append(len(read_manifest(folder.manifest).missing))

    _capture(ScriptedCell(script=script), folder)
    assert seen[0] == len(ORDER)


def test_a_view_counts_only_when_the_manifest_on_the_disk_says_so(tmp_path: Path) -> None:
    folder = ScanFolder(tmp_path / "s1")
    for number, record in enumerate(capture(ScriptedCell(), _plan(), folder, scan="s1"), start=1):
        taken = read_manifest(folder.manifest).taken
        assert len(taken) == number
        assert record in taken


def test_the_first_stop_is_approached_folded_and_the_others_by_the_planned_way(tmp_path: Path) -> None:
    cell = ScriptedCell()
    _capture(cell, ScanFolder(tmp_path / "s1"))
    expected = [("approach", _posture(2))]
    for view in ORDER[1:]:
        expected += [("go", _posture(view, 0.9)), ("go", _posture(view))]
    assert cell.log == expected


@pytest.mark.parametrize("kind", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()], ids=["disk full", "killed"])
def test_broken_off_at_any_write_it_goes_on_and_ends_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: BaseException
) -> None:
    fsync, finished, broken_at = os.fsync, False, 0
    while not finished:
        broken_at += 1
        folder, calls = ScanFolder(tmp_path / f"at-{broken_at}"), iter(range(1, 1000))

        def breaking(descriptor: int, calls: Any = calls, at: int = broken_at) -> None:
            if next(calls) == at:
                raise kind
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", breaking)
        try:
            _capture(ScriptedCell(), folder)
            finished = True
        except (OutOfSpace, KeyboardInterrupt):
            taken = read_manifest(folder.manifest).taken if folder.manifest.exists() else ()
        monkeypatch.setattr(os, "fsync", fsync)
        if not finished:
            cell = ScriptedCell()
            _capture(cell, folder)
            _check_whole(folder)
            # What was recorded is not taken again.
            assert cell.taken == len(ORDER) - len(taken)
    # Manifest, four photographs each with the manifest after it, and three files: twelve writes, two fsyncs each; and
    # one for each of the two folders that are made.
    assert broken_at == 2 * (1 + 4 * 2 + 3) + 2 + 1


def test_half_written_files_are_removed_and_told(tmp_path: Path) -> None:
    folder = ScanFolder(tmp_path / "s1")
    with pytest.raises(Stopped):
        _capture(ScriptedCell(script=_raise_at(0, "go", Stopped("stopped"))), folder)
    (folder.images / ".000.jpg.ab12.part").write_bytes(b"half")
    _capture(ScriptedCell(), folder)
    assert any(".000.jpg.ab12.part" in event for event in _check_whole(folder).events)


def test_a_stop_leaves_the_view_missing_and_the_scan_goes_on_from_the_folded_arm(tmp_path: Path) -> None:
    folder = ScanFolder(tmp_path / "s1")
    with pytest.raises(Stopped):
        _capture(ScriptedCell(script=_raise_at(3, "photograph", Stopped("stopped"))), folder)
    manifest = read_manifest(folder.manifest)
    assert [view.view for view in manifest.taken] == [2, 0]
    assert manifest.finished_at is None
    cell = ScriptedCell()
    records = _capture(cell, folder)
    assert [record.view for record in records] == [3, 1]
    assert [how for how, _ in cell.log] == ["approach", "go", "go"]
    _check_whole(folder)


def test_a_refused_photograph_is_tried_again_where_the_cell_stands(tmp_path: Path) -> None:
    cell = ScriptedCell(script=_raise_at(0, "photograph", CameraError("torn"), times=2))
    records = _capture(cell, ScanFolder(tmp_path / "s1"))
    assert {record.view: record.attempts for record in records} == {2: 1, 0: 3, 3: 1, 1: 1}
    assert [how for how, _ in cell.log].count("approach") == 1


def test_a_view_without_a_photograph_fails_with_its_reason_and_the_scan_goes_on(tmp_path: Path) -> None:
    folder = ScanFolder(tmp_path / "s1")
    records = _capture(ScriptedCell(script=_raise_at(0, "photograph", CameraError("too dark: 3"))), folder)
    assert [record.outcome for record in records].count(Outcome.TAKEN) == 3
    failed = records[1]
    assert (failed.outcome, failed.attempts, failed.reason) == (Outcome.FAILED, 3, "too dark: 3")
    assert failed.image is None
    assert "000.jpg" not in {pose.image for pose in read_poses(folder.poses)}
    assert read_manifest(folder.manifest).finished_at is not None


def test_a_drive_that_does_not_arrive_is_tried_again_from_the_folded_arm(tmp_path: Path) -> None:
    cell = ScriptedCell(script=_raise_at(0, "go", DeviceError("12 mm off"), times=1))
    records = _capture(cell, ScanFolder(tmp_path / "s1"))
    assert [record.outcome for record in records] == [Outcome.TAKEN] * 4
    assert [how for how, _ in cell.log] == ["approach", "go", "approach", "go", "go", "go", "go"]


def test_an_unreachable_view_is_not_tried_again(tmp_path: Path) -> None:
    cell = ScriptedCell(script=_raise_at(0, "go", Unreachable("outside")))
    records = _capture(cell, ScanFolder(tmp_path / "s1"))
    assert (records[1].outcome, records[1].attempts, records[1].reason) == (Outcome.FAILED, 1, "outside")
    assert records[2].outcome is Outcome.TAKEN


def test_a_fault_of_a_device_ends_the_scan_and_loses_nothing(tmp_path: Path) -> None:
    folder = ScanFolder(tmp_path / "s1")
    with pytest.raises(DeviceFault):
        _capture(ScriptedCell(script=_raise_at(3, "go", DeviceFault("overheat"))), folder)
    assert [view.view for view in read_manifest(folder.manifest).missing] == [3, 1]
    _capture(ScriptedCell(), folder)
    _check_whole(folder)


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"other"), lambda path: path.unlink()])
def test_a_photograph_that_is_not_the_recorded_one_is_taken_again(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    folder = ScanFolder(tmp_path / "s1")
    with pytest.raises(Stopped):
        _capture(ScriptedCell(script=_raise_at(1, "go", Stopped("stopped"))), folder)
    damage(folder.image(0))
    records = _capture(ScriptedCell(), folder)
    assert [record.view for record in records] == [0, 1]
    assert any("view 0 is to be taken again" in event for event in _check_whole(folder).events)


def test_a_finished_scan_is_left_as_it_is(tmp_path: Path) -> None:
    folder, cell = ScanFolder(tmp_path / "s1"), ScriptedCell()
    _capture(cell, folder)
    before, moves = folder.manifest.read_bytes(), len(cell.log)
    assert _capture(cell, folder) == []
    assert folder.manifest.read_bytes() == before
    assert len(cell.log) == moves


def test_a_view_that_a_new_plan_no_longer_has_is_failed_with_its_reason(tmp_path: Path) -> None:
    folder = ScanFolder(tmp_path / "s1")
    with pytest.raises(Stopped):
        _capture(ScriptedCell(script=_raise_at(3, "go", Stopped("stopped"))), folder)
    _capture(ScriptedCell(), folder, _plan((2, 0, 1)))
    views = {view.view: view for view in read_manifest(folder.manifest).views}
    assert (views[3].outcome, views[3].reason) == (Outcome.FAILED, "is not in the plan any more")
    assert views[1].outcome is Outcome.TAKEN


def test_a_folder_of_another_scan_is_refused(tmp_path: Path) -> None:
    folder = ScanFolder(tmp_path / "s1")
    _capture(ScriptedCell(), folder)
    with pytest.raises(InputError, match="holds scan 's1' of 'p01', not 's1' of 'p02'"):
        _capture(ScriptedCell(), folder, _plan(plant="p02"))


def test_pose_covariance_and_what_the_devices_said_are_stamped_with_each_photograph(tmp_path: Path) -> None:
    folder = ScanFolder(tmp_path / "s1")
    said = DevicesRecord(turns=(1, 2, 3, 4), tensions_n=(5, 6, 7, 8), joints_rad=(0, 0, 0, 1), carriage=(1, 1, 0))

    class Stamping(ScriptedCell):
        def photograph(self) -> Photograph:
            taken = super().photograph()
            return Photograph(taken.jpeg, taken.taken_at, taken.believed, said)

    _capture(Stamping(), folder)
    for view in read_manifest(folder.manifest).taken:
        assert view.devices == said
        assert view.believed is not None
        expected = np.diag([0.006**2] * 3 + [0.017**2] * 3)
        assert np.array(view.believed.covariance) == pytest.approx(expected)


def test_a_plan_that_begins_where_the_cell_stands_needs_no_folding(tmp_path: Path) -> None:
    cell, planned = ScriptedCell(), _plan()
    here = planned.stops[-1].posture
    cell.at = here
    _capture(cell, ScanFolder(tmp_path / "s1"), dataclasses.replace(planned, start=here))
    assert {how for how, _ in cell.log} == {"go"}
    elsewhere = ScriptedCell()
    _capture(elsewhere, ScanFolder(tmp_path / "s2"), dataclasses.replace(planned, start=here))
    assert elsewhere.log[0][0] == "approach"
