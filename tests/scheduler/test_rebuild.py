"""Rows made again from the folders, after a database was lost or fell behind."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from scheduler.rebuild import rebuild
from scheduler.store import Store
from trellis.folders import ScanFolder


def _scan(farm: Any, plant: str = "p01") -> Any:
    farm.store.request_scan(plant)
    job = farm.store.take_job("scan")
    farm.robot().do(job)
    return farm.store.scan(farm.store.job(job.id).scan)


def test_an_empty_database_gets_the_same_rows_back(farm: Any, tmp_path: Path) -> None:
    scans = [_scan(farm), _scan(farm, "p02")]
    with Store(f"sqlite:///{tmp_path / 'new.db'}") as store:
        said = rebuild(store, farm.folder)
        assert sorted(store.scans(), key=lambda row: row.id) == sorted(scans, key=lambda row: row.id)
        assert [plant.active for plant in store.plants(active_only=False)] == [False, False]
        assert len(said) == 2
        assert rebuild(store, farm.folder) == []


def test_a_database_that_fell_behind_follows_the_manifest(farm: Any) -> None:
    scan = _scan(farm)
    farm.store.save_scan(replace(scan, views_taken=2, state="running", finished_at=None))
    rebuild(farm.store, farm.folder)
    assert farm.store.scan(scan.id) == scan


def test_an_interrupted_scan_that_a_job_goes_on_with_is_paused_and_another_is_failed(farm: Any) -> None:
    farm.cell.script = lambda view: farm.cell.stop() if view == 2 else None
    goes_on = _scan(farm)
    farm.cell.frozen.clear()
    given_up = _scan(farm, "p02")
    farm.store.finish_job(farm.store.jobs(plant="p02")[0].id, "cancelled")
    farm.store.save_scan(replace(given_up, state="running"))
    rebuild(farm.store, farm.folder)
    assert (farm.store.scan(goes_on.id).state, farm.store.scan(goes_on.id).views_taken) == ("paused", 2)
    assert farm.store.scan(given_up.id).state == "failed"


def test_a_scan_that_left_nothing_is_failed(farm: Any) -> None:
    scan = _scan(farm)
    ghost = replace(scan, id="ghost", state="running", folder="plants/p01/ghost", finished_at=None)
    farm.store.save_scan(ghost)
    rebuild(farm.store, farm.folder)
    assert (farm.store.scan("ghost").state, farm.store.scan("ghost").reason) == ("failed", "nothing was photographed")


def test_a_torn_or_misplaced_manifest_is_named_and_hurts_nothing_else(farm: Any) -> None:
    torn, moved, good = _scan(farm), _scan(farm), _scan(farm)
    path = ScanFolder(farm.folder.path / torn.folder).manifest
    path.write_bytes(path.read_bytes()[:100])
    folder = farm.folder.path / moved.folder
    folder.rename(folder.with_name("elsewhere"))
    said = rebuild(farm.store, farm.folder, every=True)
    assert any(str(path) in line for line in said)
    assert any("elsewhere" in line and "is not what its folder is called" in line for line in said)
    assert farm.store.scan(good.id) == good
