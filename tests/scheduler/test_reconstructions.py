"""Reconstruction jobs, done by scripts that stand in for `trellis reconstruct`, which takes minutes."""

import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scan.wall_section import PlantTable, WallSection
from scheduler.around import neighbour_options
from scheduler.config import WorkersTable
from scheduler.reconstructions import Reconstructions, reconstruct_command, share_of
from scheduler.rows import ATTEMPTS_MAX
from scheduler.store import JobRow, PlantRow, ScanRow, Store
from trellis.folders import DataFolder, ScanFolder

START = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)

GOOD = """
import json, pathlib, sys
out = pathlib.Path(sys.argv[1]) / "reconstruction"
out.mkdir(exist_ok=True)
print(json.dumps({"stage": "sparse", "share": 0.5, "seconds": 3.0, "message": "half"}), flush=True)
print("not a progress line")
(out / "traits.json").write_text(json.dumps({"images_given": 64, "images_registered": 62, "reprojection_error_px": 0.5,
    "scale_source": "poses", "leaf_area_m2": 0.051, "leaf_area_std_m2": 0.004}))
(out / "mass.json").write_text(json.dumps({"fresh_mass_kg": 0.11, "model": "area"}))
(out / "stages.json").write_text(json.dumps({"sparse": 30.5, "dense": 41}))
"""


@pytest.fixture
def store(tmp_path: Path):
    with Store(f"sqlite:///{tmp_path / 'trellis.db'}") as opened:
        opened.sync_plants([PlantRow("p01", (0.7, 0.8, 0.0))])
        (tmp_path / "plants/p01/a").mkdir(parents=True)
        opened.save_scan(ScanRow("a", "p01", "done", START, START, 64, 64, 0, "plants/p01/a"))
        yield opened


def _do(store: Store, tmp_path: Path, code: str, **limits: float) -> JobRow:
    asked = store.request_reconstruction("p01", "a")
    job = store.take_job("reconstruct")
    assert job is not None

    def command(folder: ScanFolder) -> list[str]:
        return [sys.executable, "-c", code, str(folder.path)]

    table = WorkersTable.model_validate({"retries": 1, **limits})
    Reconstructions(store, DataFolder(tmp_path), command, table, threading.Event()).do(job)
    return store.job(asked.id)


def test_a_good_reconstruction_becomes_a_measurement_of_the_scans_time(store: Store, tmp_path: Path) -> None:
    job = _do(store, tmp_path, GOOD)
    assert (job.state, job.reason, job.share, job.stage) == ("done", None, 1.0, "sparse")
    found = store.measurement("a")
    assert found is not None
    assert (found.measured_at, found.traits.leaf_area_m2, found.mass.fresh_mass_kg) == (START, 0.051, 0.11)
    assert found.stage_seconds == {"sparse": 30.5, "dense": 41.0}


def test_a_refusal_fails_the_job_with_its_line_and_is_not_tried_again(store: Store, tmp_path: Path) -> None:
    code = (
        f"import sys; open({str(tmp_path / 'tries')!r}, 'a').write('x'); "
        "print('error: two photographs are too few', file=sys.stderr); sys.exit(2)"
    )
    job = _do(store, tmp_path, code)
    assert (job.state, job.reason) == ("failed", "two photographs are too few")
    assert (tmp_path / "tries").read_text() == "x"
    assert store.measurement("a") is None


def test_a_death_is_tried_again_and_then_said(store: Store, tmp_path: Path) -> None:
    code = f"open({str(tmp_path / 'tries')!r}, 'a').write('x'); raise MemoryError('too much')"
    job = _do(store, tmp_path, code)
    assert (job.state, job.reason) == ("failed", "the worker failed: MemoryError: too much")
    assert (tmp_path / "tries").read_text() == "xx"
    assert any("trying again" in event.message for event in store.events())


def test_a_worker_that_leaves_no_numbers_fails_and_stores_none(store: Store, tmp_path: Path) -> None:
    job = _do(store, tmp_path, "pass")
    assert job.state == "failed"
    assert "traits.json: the reconstruction left no such file" in (job.reason or "")
    assert store.measurement("a") is None


def test_a_refused_mass_is_done_with_the_reason_beside_it(store: Store, tmp_path: Path) -> None:
    job = _do(
        store, tmp_path, GOOD.replace('{"fresh_mass_kg": 0.11, "model": "area"}', '{"refused_reason": "no scale"}')
    )
    assert (job.state, job.reason) == ("done", "no scale")


def test_a_job_that_never_ends_is_given_up(store: Store, tmp_path: Path) -> None:
    asked = store.request_reconstruction("p01", "a")
    for _ in range(ATTEMPTS_MAX):
        store.take_job("reconstruct")
        store.requeue(asked.id, "the daemon ended while it ran")
    job = _do(store, tmp_path, GOOD)
    assert (job.id, job.state, job.reason) == (asked.id, "failed", "was begun 5 times and never ended")


def test_cancelling_ends_the_worker_and_ending_the_daemon_puts_the_job_back(store: Store, tmp_path: Path) -> None:
    ending = threading.Event()
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    reconstructions = Reconstructions(store, DataFolder(tmp_path), lambda _: sleeper, WorkersTable(), ending)
    asked = store.request_reconstruction("p01", "a")
    job = store.take_job("reconstruct")
    assert job is not None
    reconstructions.cancel(job.id)
    reconstructions.do(job)
    assert (store.job(asked.id).state, store.job(asked.id).reason) == ("cancelled", "cancelled on request")
    again = store.request_reconstruction("p01", "a")
    ending.set()
    taken = store.take_job("reconstruct")
    assert taken is not None
    reconstructions.do(taken)
    assert (store.job(again.id).state, store.job(again.id).reason) == ("queued", "the daemon was asked to end")


def test_a_progress_line_is_a_share_of_the_whole() -> None:
    assert share_of('{"stage": "images", "share": 0.0, "seconds": 0.0, "message": ""}') == ("images", 0.0)
    stage, share = share_of('{"stage": "report", "share": 1.0, "seconds": 2.0, "message": ""}') or ("", 0.0)
    assert (stage, share) == ("report", 1.0)
    assert share_of("hello") is None
    assert share_of("[1]") is None
    assert share_of('{"stage": "dance", "share": 0.5}') is None


def test_neighbours_within_reach_are_told_and_the_plant_itself_is_not() -> None:
    places = ((1.1, 0.81, 0.0), (1.1, 1.0, 0.0), (0.91, 0.81, 0.0), (2.0, 0.81, 0.0))
    wall = WallSection(plants=tuple(PlantTable(name=f"p{n}", position_m=place) for n, place in enumerate(places)))
    assert neighbour_options(wall, places[0]) == ["--neighbours", "1.1000,1.0000,0.0000;0.9100,0.8100,0.0000"]
    assert neighbour_options(wall, places[3]) == []


def test_the_command_is_the_one_that_the_house_has(tmp_path: Path) -> None:
    command = reconstruct_command(Path("farm.toml"))(ScanFolder(tmp_path))
    assert command[1:] == [
        "-m", "trellis", "reconstruct", str(tmp_path), "--config", "farm.toml", "--progress", "json",
    ]  # fmt: skip
