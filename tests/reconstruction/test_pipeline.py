"""From a request to files."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconstruction.pipeline import STAGES, StageEvent, reconstruct
from reconstruction.request import Request
from trellis.errors import InputError
from trellis.folders import ScanFolder
from trellis.manifest import ScanManifest, write_manifest

OTHER_POSES = "image,x_m,y_m,z_m,qw,qx,qy,qz\n" + "".join(f"b{i},0,0,0,1,0,0,0\n" for i in range(3))


@pytest.fixture
def request_of_small_set(small_set, tmp_path: Path) -> Request:
    return Request(
        small_set.path / "images", tmp_path / "out", small_set.path / "poses.csv", small_set.path / "camera.toml"
    )


def _all(request: Request) -> list[StageEvent]:
    return list(reconstruct(request))


def test_every_stage_begins_at_nothing_ends_at_one_and_is_timed(request_of_small_set: Request) -> None:
    events = _all(request_of_small_set)
    assert tuple(dict.fromkeys(event.stage for event in events)) == STAGES
    for stage in STAGES:
        shares = [event.share for event in events if event.stage == stage]
        assert shares[0] == 0.0
        assert shares[-1] == 1.0
        assert shares == sorted(shares)
        assert shares.count(1.0) == 1
    seconds = json.loads((request_of_small_set.out / "stages.json").read_text())
    assert list(seconds) == list(STAGES)
    assert all(value >= 0 for value in seconds.values())


def test_a_truncated_photograph_is_left_out_and_named(small_set, request_of_small_set: Request, tmp_path: Path) -> None:
    images = tmp_path / "images"
    shutil.copytree(small_set.path / "images", images)
    whole = (images / "004.jpg").read_bytes()
    (images / "004.jpg").write_bytes(whole[: len(whole) // 2])
    events = _all(replace(request_of_small_set, images=images))
    assert any("004.jpg left out: truncated" in event.message for event in events)
    table = json.loads((tmp_path / "out" / "images.json").read_text())
    assert [entry["image"] for entry in table["images"] if not entry["placed"]] == ["004.jpg"]


def test_without_poses_it_works_and_says_that_there_is_no_scale(request_of_small_set: Request) -> None:
    events = _all(replace(request_of_small_set, poses=None))
    assert any("no scale" in event.message for event in events)
    table = json.loads((request_of_small_set.out / "images.json").read_text())
    assert table["scale_source"] == "none"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("poses", "image,x_m\na.jpg,1\n", "a pose file has the columns"),
        (
            "poses",
            "image,x_m,y_m,z_m,qw,qx,qy,qz\n" + "".join(f"b{i},0,0,0,1,0,0,0\n" for i in range(3)),
            "other photo",
        ),
        ("camera", "model = 'PINHOLE'\n", "a camera file has exactly the keys"),
        ("board", "not toml", "cannot read the board file"),
    ],
)
def test_an_unusable_file_is_said_and_nothing_is_written(
    request_of_small_set: Request, tmp_path: Path, name: str, content: str, said: str
) -> None:
    (tmp_path / "given").write_text(content)
    with pytest.raises(InputError, match=said):
        _all(replace(request_of_small_set, **{name: tmp_path / "given"}))
    assert not request_of_small_set.out.exists()


def test_a_failure_keeps_the_result_that_was_there(request_of_small_set: Request, tmp_path: Path) -> None:
    _all(request_of_small_set)
    before = {file: file.stat().st_mtime_ns for file in request_of_small_set.out.rglob("*")}
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no photograph"):
        _all(replace(request_of_small_set, images=tmp_path / "empty"))
    assert {file: file.stat().st_mtime_ns for file in request_of_small_set.out.rglob("*")} == before


def test_closing_early_throws_away_what_was_made(request_of_small_set: Request) -> None:
    events = reconstruct(request_of_small_set)
    assert next(events).stage == STAGES[0]
    events.close()
    assert not request_of_small_set.out.exists()


def _scan(path: Path) -> ScanFolder:
    scan = ScanFolder(path)
    manifest = ScanManifest(
        scan="s",
        plant="p",
        cultivar="Salanova",
        age_days=21.0,
        plant_position_m=(0.34, 0.43, 0.0),
        plant_radius_m=0.1,
        plant_height_m=0.07,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        views=(),
    )
    write_manifest(scan.manifest, manifest)
    return scan


def test_a_scan_brings_everything_that_is_known_of_it(tmp_path: Path) -> None:
    scan = _scan(tmp_path)
    scan.poses.write_text("")
    scan.board.write_text("")
    request = Request.of_folder(tmp_path)
    assert request == Request(
        images=scan.images,
        out=scan.reconstruction,
        poses=scan.poses,
        board=scan.board,
        plant_position_m=(0.34, 0.43, 0.0),
        plant_radius_m=0.1,
        age_days=21.0,
        cultivar="Salanova",
    )


def test_a_plain_folder_of_photographs_gets_its_result_beside_it(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    assert Request.of_folder(tmp_path / "photos") == Request(tmp_path / "photos", tmp_path / "reconstruction")


def test_a_folder_laid_out_like_a_scan_needs_no_manifest(small_set) -> None:
    request = Request.of_folder(small_set.path)
    assert request.images == small_set.path / "images"
    assert request.poses == small_set.path / "poses.csv"
    assert request.board is None
