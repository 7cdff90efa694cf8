"""From a request to files."""

import json
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from reconstruction.artefacts import PUBLIC
from reconstruction.config import ReconstructionSection
from reconstruction.pipeline import STAGES, StageEvent, reconstruct
from reconstruction.request import Request
from reconstruction.stored import read_clouds, read_model
from reconstruction.summary import print_summary
from reconstruction.words import mass_in_words
from trellis.cli import program
from trellis.errors import InputError
from trellis.folders import ScanFolder
from trellis.manifest import ScanManifest, write_manifest
from trellis.records import MassEstimate, Traits

OTHER_POSES = "image,x_m,y_m,z_m,qw,qx,qy,qz\n" + "".join(f"b{i},0,0,0,1,0,0,0\n" for i in range(3))


@pytest.fixture
def request_of_small_set(small_set, tmp_path: Path) -> Request:
    return Request(
        small_set.path / "images", tmp_path / "out", small_set.path / "poses.csv", small_set.path / "camera.toml"
    )


@dataclass(frozen=True)
class Finished:
    """One complete reconstruction of the small set, shared, for each takes seconds; nobody writes into `out`."""

    out: Path
    events: list[StageEvent]


@pytest.fixture(scope="module")
def finished(small_set, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    out = tmp_path_factory.mktemp("finished") / "out"
    given = small_set.path
    return Finished(out, _all(Request(given / "images", out, given / "poses.csv", given / "camera.toml")))


def _all(request: Request) -> list[StageEvent]:
    return list(reconstruct(request))


def test_every_stage_begins_at_nothing_ends_at_one_and_is_timed(finished: Finished) -> None:
    assert tuple(dict.fromkeys(event.stage for event in finished.events)) == STAGES
    for stage in STAGES:
        shares = [event.share for event in finished.events if event.stage == stage]
        assert shares[0] == 0.0
        assert shares[-1] == 1.0
        assert shares == sorted(shares)
        assert shares.count(1.0) == 1
    seconds = json.loads((finished.out / "stages.json").read_text())
    assert list(seconds) == list(STAGES)
    assert all(value >= 0 for value in seconds.values())


def test_a_dome_of_known_area_is_measured_and_everything_is_written(finished: Finished) -> None:
    out = finished.out
    assert sorted(file.name for file in out.iterdir() if file.name != ".stages") == sorted(PUBLIC)
    traits = Traits.model_validate_json((out / "traits.json").read_text())
    # A paraboloid of revolution, by any handbook's formula; h and R are those of conftest.py. What lies within 3 mm of
    # the panel cannot be told from it: r^2 > 0.9 R^2. A further 4 % is what `leaf_area_std_m2` grants itself.
    h, R = 0.03, 0.04
    whole_m2, told_apart_m2 = (
        np.pi * R**4 / (6 * h**2) * ((1 + 4 * h**2 * share / R**2) ** 1.5 - 1) for share in (1.0, 0.9)
    )
    assert 0.96 * told_apart_m2 < traits.leaf_area_m2 < 1.04 * whole_m2
    assert traits.height_m == pytest.approx(h, rel=0.05)
    assert MassEstimate.model_validate_json((out / "mass.json").read_text()).model == "lettuce-published"


def test_the_report_is_one_page_that_asks_no_other_host(finished: Finished) -> None:
    page = (finished.out / "report.html").read_text()
    assert page.count('src="data:image/') >= 6
    assert "http:" not in page
    assert "https:" not in page
    assert "$" not in page.split("<script>")[0]
    scene = json.loads(page.split('id="scene">')[1].split("</script>")[0])
    assert len(scene["cameras"]) == 10
    assert scene["mesh"]["faceCount"] > 100


def test_the_summary_names_what_a_person_asks_first(finished: Finished) -> None:
    said = StringIO()
    print_summary(finished.out, Console(file=said, width=120))
    for words in ("10 given, 10 placed", "poses", "cm²", "refused: ", "sparse", "report.html"):
        assert words in said.getvalue()


def test_masses_are_said_in_grams_with_their_intervals() -> None:
    mass = MassEstimate(
        fresh_mass_low_kg=0.0182,
        fresh_mass_kg=0.028,
        fresh_mass_high_kg=0.0431,
        dry_mass_low_kg=0.00091,
        dry_mass_kg=0.00139,
        dry_mass_high_kg=0.0021,
    )
    assert mass_in_words(mass) == "fresh 28 g (18 to 43), dry 1.4 g (0.91 to 2.1)"


def test_without_poses_and_with_a_truncated_photograph_it_works_and_says_both(
    small_set, request_of_small_set: Request, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    shutil.copytree(small_set.path / "images", images)
    whole = (images / "004.jpg").read_bytes()
    (images / "004.jpg").write_bytes(whole[: len(whole) // 2])
    events = _all(replace(request_of_small_set, images=images, poses=None))
    assert any("004.jpg left out: truncated" in event.message for event in events)
    assert any("no scale" in event.message for event in events)
    out = request_of_small_set.out
    table = json.loads((out / "images.json").read_text())
    assert table["scale_source"] == "none"
    assert [entry["image"] for entry in table["images"] if not entry["placed"]] == ["004.jpg"]
    assert json.loads((out / "traits.json").read_text())["scale_source"] == "none"
    assert "no scale" in json.loads((out / "mass.json").read_text())["refused_reason"]
    report = (out / "report.html").read_text()
    assert "No scale" in report
    assert "truncated" in report


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("poses", "image,x_m\na.jpg,1\n", "a pose file has the columns"),
        ("poses", OTHER_POSES, "other photo"),
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


def test_a_failure_keeps_the_result_that_was_there(
    finished: Finished, request_of_small_set: Request, tmp_path: Path
) -> None:
    out = request_of_small_set.out
    shutil.copytree(finished.out, out)
    before = {file: file.stat().st_mtime_ns for file in out.rglob("*")}
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no photograph"):
        _all(replace(request_of_small_set, images=tmp_path / "empty"))
    assert {file: file.stat().st_mtime_ns for file in out.rglob("*")} == before


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
        options=ReconstructionSection(keep_stages=False),
    )


def test_a_scan_keeps_its_stages_only_where_that_is_asked_for(tmp_path: Path) -> None:
    _scan(tmp_path)
    asked = ReconstructionSection(keep_stages=True)
    assert [Request.of_folder(tmp_path, options).options.keep_stages for options in (None, asked)] == [False, True]


def test_a_plain_folder_of_photographs_gets_its_result_beside_it(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    assert Request.of_folder(tmp_path / "photos") == Request(tmp_path / "photos", tmp_path / "reconstruction")


def test_a_folder_laid_out_like_a_scan_needs_no_manifest(small_set) -> None:
    request = Request.of_folder(small_set.path)
    assert request.images == small_set.path / "images"
    assert request.poses == small_set.path / "poses.csv"
    assert request.board is None


def test_measuring_again_from_the_files_gives_the_same_figures(finished: Finished, tmp_path: Path) -> None:
    out = Path(shutil.copytree(finished.out, tmp_path / "again"))
    result = CliRunner().invoke(program, ["measure", str(out)])
    assert result.exit_code == 0, result.output
    before, after = (Traits.model_validate_json((p / "traits.json").read_bytes()) for p in (finished.out, out))
    # Files hold single precision: which of two equal points is kept may change.
    assert after.leaf_area_m2 == pytest.approx(before.leaf_area_m2, rel=0.01)
    assert after.completeness == pytest.approx(before.completeness, abs=0.02)
    assert (after.images_given, after.scale_source) == (before.images_given, before.scale_source)


def test_measuring_a_folder_that_is_cut_off_says_so_and_changes_nothing(finished: Finished, tmp_path: Path) -> None:
    out = Path(shutil.copytree(finished.out, tmp_path / "torn"))
    cloud = out / "plant.ply"
    cloud.write_bytes(cloud.read_bytes()[:-100])
    before = (out / "traits.json").read_bytes()
    with pytest.raises(InputError, match=r"plant\.ply: the cloud is cut off"):
        read_clouds(out)
    result = CliRunner().invoke(program, ["measure", str(out)])
    assert isinstance(result.exception, InputError)
    assert (out / "traits.json").read_bytes() == before


def test_measuring_what_is_no_reconstruction_names_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not a finished reconstruction .* sparse/, images.json"):
        read_model(tmp_path)
