"""Leases: whoever does a job renews his; who is heard of no more loses it, and each job ends once."""

import random
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.worker_kill import kill_and_finish, prepare, results
from scheduler.config import WorkersTable
from scheduler.daemon import take_up
from scheduler.reconstructions import Reconstructions, new_owner
from scheduler.rows import ATTEMPTS_MAX, Lease, MeasurementRow
from scheduler.store import PlantRow, ScanRow, Store
from trellis.clock import ManualClock
from trellis.folders import DataFolder
from trellis.records import MassEstimate, Traits

START = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)
TRAITS = {"images_given": 4, "images_registered": 4, "reprojection_error_px": 0.5, "scale_source": "poses",
          "leaf_area_m2": 0.05, "leaf_area_std_m2": 0.004}  # fmt: skip


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'trellis.db'}", clock) as opened:
        opened.sync_plants([PlantRow("p01", (0.7, 0.8, 0.0))])
        (tmp_path / "plants/p01/a").mkdir(parents=True)
        opened.save_scan(ScanRow("a", "p01", "done", START, START, 4, 4, 0, "plants/p01/a"))
        yield opened


def _found(mass_kg: float) -> MeasurementRow:
    mass = MassEstimate.model_validate({"fresh_mass_kg": mass_kg, "model": "area"})
    return MeasurementRow("a", "p01", START, Traits.model_validate(TRAITS), mass, {})


def test_a_lease_that_is_renewed_is_kept_and_one_that_runs_out_is_anybodys(store: Store, clock: ManualClock) -> None:
    asked = store.request_reconstruction("p01", "a")
    first, second = Lease("one:1:1", 60), Lease("two:1:1", 60)
    assert store.take_job("reconstruct", lease=first) is not None
    clock.sleep(50)
    assert store.renew(asked.id, first)
    clock.sleep(50)
    assert store.release_expired() == []
    assert store.take_job("reconstruct", lease=second) is None
    clock.sleep(11)
    assert [job.id for job in store.release_expired()] == [asked.id]
    assert not store.renew(asked.id, first)
    again = store.take_job("reconstruct", lease=second)
    assert again is not None
    assert (again.attempts, again.lease_owner) == (2, "two:1:1")


def test_only_who_holds_the_lease_can_end_the_job_and_write_its_numbers(store: Store, clock: ManualClock) -> None:
    asked = store.request_reconstruction("p01", "a")
    store.take_job("reconstruct", lease=Lease("one:1:1", 60))
    clock.sleep(61)
    store.release_expired()
    store.take_job("reconstruct", lease=Lease("two:1:1", 60))
    assert not store.end_reconstruction(asked.id, "one:1:1", "done", None, _found(9.9))
    assert store.measurement("a") is None
    store.requeue(asked.id, "too late", owner="one:1:1")
    assert store.job(asked.id).state == "running"
    assert store.end_reconstruction(asked.id, "two:1:1", "done", None, _found(0.1))
    assert not store.end_reconstruction(asked.id, "two:1:1", "done", None, _found(0.2))
    found = store.measurement("a")
    assert found is not None
    assert found.mass.fresh_mass_kg == 0.1
    assert sum("reconstruct of p01 done" in event.message for event in store.events()) == 1


def test_a_job_whose_workers_all_vanish_fails_in_the_end(store: Store, clock: ManualClock) -> None:
    asked = store.request_reconstruction("p01", "a")
    for number in range(ATTEMPTS_MAX):
        assert store.take_job("reconstruct", lease=Lease(f"one:1:{number}", 60)) is not None
        clock.sleep(61)
        store.release_expired()
    assert store.job(asked.id).state == "failed"
    assert "heard of no more, 5 times" in (store.job(asked.id).reason or "")


def test_an_attempt_that_got_further_than_any_before_begins_the_count_anew(store: Store) -> None:
    asked = store.request_reconstruction("p01", "a")
    for reached, attempts in ((0.4, 1), (0.4, 2), (0.7, 1)):
        store.take_job("reconstruct")
        store.progress(asked.id, reached, "dense", reached=reached)
        assert store.job(asked.id).attempts == attempts
        store.requeue(asked.id, "killed")


def test_a_worker_that_lost_its_lease_is_ended_and_leaves_no_trace(
    store: Store, tmp_path: Path, clock: ManualClock
) -> None:
    asked = store.request_reconstruction("p01", "a")
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    reconstructions = Reconstructions(
        store, DataFolder(tmp_path), lambda _: sleeper, WorkersTable(lease_s=1), threading.Event()
    )
    mine = reconstructions.take(Lease(new_owner(), 1))
    assert mine is not None
    clock.sleep(2)
    store.release_expired()
    other = store.take_job("reconstruct", lease=Lease("other:1:1", 60))
    assert other is not None
    reconstructions.do(mine)  # ends by itself, long before 600 s
    assert store.job(asked.id).lease_owner == "other:1:1"
    assert store.job(asked.id).state == "running"


def test_a_daemon_that_starts_voids_its_own_leases_and_leaves_those_of_others(store: Store, tmp_path: Path) -> None:
    asked = store.request_reconstruction("p01", "a")
    store.take_job("reconstruct", lease=Lease(new_owner(), 60))
    take_up(store, DataFolder(tmp_path))
    assert store.job(asked.id).state == "queued"
    store.take_job("reconstruct", lease=Lease("elsewhere:1:1", 60))
    take_up(store, DataFolder(tmp_path))
    assert store.job(asked.id).lease_owner == "elsewhere:1:1"


def test_workers_and_their_masters_are_killed_and_every_job_ends_once_with_the_same_result(tmp_path: Path) -> None:
    # A small version of benchmarks/worker_kill.py: its jobs reconstruct, these say the size of the scan's photographs.
    (tmp_path / "source" / "images").mkdir(parents=True)
    (tmp_path / "source" / "images" / "000.jpg").write_bytes(b"x" * 1000)
    folder = prepare(DataFolder(tmp_path / "data"), [tmp_path / "source"] * 3)
    code = (
        "import json, pathlib, sys, time\n"
        "place = pathlib.Path(sys.argv[1]); out = place / 'reconstruction'; out.mkdir(exist_ok=True)\n"
        "time.sleep(0.5); area = (place / 'images' / '000.jpg').stat().st_size / 20000\n"
        f"(out / 'traits.json').write_text(json.dumps({{**{TRAITS!r}, 'leaf_area_m2': area}}))\n"
        "(out / 'mass.json').write_text(json.dumps({'fresh_mass_kg': 2 * area, 'model': 'area'}))\n"
        "(out / 'stages.json').write_text('{}')\n"
    )
    hits = kill_and_finish(
        folder, lambda scan: [sys.executable, "-c", code, str(scan.path)], 6, random.Random(1), at_most_s=0.3
    )
    found = results(folder)
    assert hits.total() >= 2  # how many more depends on the machine
    assert [count for count, _ in found.values()] == [1, 1, 1]
    assert len({digest for _, digest in found.values()}) == 1
    assert "nothing" not in {digest for _, digest in found.values()}
