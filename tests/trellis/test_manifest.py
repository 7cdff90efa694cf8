"""The manifest of a scan survives, whole or not at all."""

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trellis.durable import write_durably
from trellis.errors import InputError, OutOfSpace
from trellis.geometry import Pose
from trellis.manifest import Outcome, PoseRecord, ScanManifest, ViewRecord, read_manifest, write_manifest


def _manifest() -> ScanManifest:
    planned = PoseRecord.of(Pose.from_rotation_vector((0.1, 0, 0), (1, 2, 3)), 0.006, 0.017)
    return ScanManifest(
        scan="s1",
        plant="p01",
        plant_position_m=(0.5, 0.6, 0.0),
        plant_radius_m=0.1,
        plant_height_m=0.1,
        started_at=datetime(2026, 11, 24, tzinfo=UTC),
        views=tuple(ViewRecord(view=i, planned=planned) for i in range(3)),
    )


def test_a_manifest_comes_back(tmp_path: Path) -> None:
    manifest = _manifest().with_event("homed")
    write_manifest(tmp_path / "scan.json", manifest)
    assert read_manifest(tmp_path / "scan.json") == manifest


def test_a_view_is_pending_until_it_is_recorded() -> None:
    manifest = _manifest()
    taken = manifest.views[1].model_copy(update={"outcome": Outcome.TAKEN, "image": "001.jpg"})
    after = manifest.with_view(taken)
    assert [view.view for view in after.taken] == [1]
    assert [view.view for view in after.missing] == [0, 2]
    assert manifest.taken == ()


@pytest.mark.parametrize("content", [b"", b"{", b'{"format": 1}', b'{"forma": 1}'])
def test_a_torn_manifest_is_said_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "scan.json").write_bytes(content)
    with pytest.raises(InputError, match="not a manifest"):
        read_manifest(tmp_path / "scan.json")


def test_a_full_disk_leaves_the_old_file_and_no_rubbish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "scan.json"
    write_durably(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutOfSpace, match="free some disk space"):
        write_durably(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["scan.json"]


def test_bytes_are_synced_before_the_name_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (order.append("fsync"), fsync(descriptor))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (order.append("rename"), replace(self, to))[1])
    write_durably(tmp_path / "file", b"content")
    assert order == ["fsync", "rename", "fsync"]
