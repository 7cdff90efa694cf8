"""The store: what is asked for, what becomes of it, and databases that cannot be used."""

import multiprocessing
import sqlite3
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from scheduler.store import MeasurementRow, PlantRow, ScanRow, Store
from scheduler.tables import metadata
from trellis.clock import ManualClock
from trellis.errors import InputError
from trellis.records import MassEstimate, Traits

START = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)
WALL = (PlantRow("p01", (0.72, 0.81, 0.0), "butterhead", date(2026, 4, 1)), PlantRow("p02", (1.48, 1.0, 0.0)))
TRAITS = Traits(
    images_given=64,
    images_registered=63,
    reprojection_error_px=0.6,
    scale_source="poses",
    leaf_area_m2=0.05,
    leaf_area_std_m2=0.004,
)
MASS = MassEstimate(fresh_mass_kg=0.1, fresh_mass_low_kg=0.08, fresh_mass_high_kg=0.13, model="first")


def _url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'trellis.db'}"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock):
    with Store(_url(tmp_path), clock) as opened:
        opened.sync_plants(WALL)
        yield opened


def _scan(name: str, at: datetime, plant: str = "p01") -> ScanRow:
    return ScanRow(name, plant, "done", at, at, 64, 63, 1, f"plants/{plant}/{name}")


def test_plants_come_back_as_they_were_given(store: Store) -> None:
    assert tuple(store.plants()) == WALL


def test_a_plant_that_left_the_wall_stays_known_but_cannot_be_scanned(store: Store) -> None:
    store.sync_plants(WALL[:1])
    assert [plant.name for plant in store.plants()] == ["p01"]
    assert store.plant("p02").active is False
    with pytest.raises(InputError, match="no plant 'p02' on the wall"):
        store.request_scan("p02")


def test_a_misspelt_plant_is_told_the_nearest_name(store: Store) -> None:
    with pytest.raises(InputError, match="no plant 'po1' on the wall; did you mean 'p01'"):
        store.request_scan("po1")


def test_jobs_are_taken_in_the_order_they_were_asked_for(store: Store) -> None:
    asked = [store.request_scan("p02"), store.request_scan("p01")]
    taken = [store.take_job("scan"), store.take_job("scan")]
    assert [job.id for job in taken if job] == [job.id for job in asked]
    assert store.take_job("scan") is None


def test_asking_twice_before_it_begins_is_one_job_and_after_it_began_is_two(store: Store) -> None:
    first = store.request_scan("p01")
    assert store.request_scan("p01").id == first.id
    store.take_job("scan")
    assert store.request_scan("p01").id != first.id


def test_a_queued_job_is_cancelled_at_once_and_a_running_one_by_a_command(store: Store) -> None:
    running, queued = store.request_scan("p01"), store.request_scan("p02")
    store.take_job("scan")
    assert store.cancel(queued.id).state == "cancelled"
    assert store.cancel(running.id).state == "running"
    store.cancel(running.id)
    assert [(command.what, command.job) for command in store.pending_commands()] == [("cancel", running.id)]
    store.finish_job(running.id, "cancelled", "cancelled on request")
    assert store.pending_commands() == []
    assert store.cancel(running.id).state == "cancelled"


def test_an_unknown_job_is_said_so(store: Store) -> None:
    with pytest.raises(InputError, match="no job 99"):
        store.cancel(99)


def test_a_job_goes_back_to_its_old_place_and_counts_its_attempts(store: Store, clock: ManualClock) -> None:
    first, second = store.request_scan("p01"), store.request_scan("p02")
    store.take_job("scan")
    clock.sleep(60)
    store.requeue(first.id, "the daemon ended while it ran")
    again = store.take_job("scan")
    assert again is not None
    assert (again.id, again.attempts, again.started_at) == (first.id, 2, START)
    assert store.job(second.id).state == "queued"


def test_paused_jobs_go_on_together(store: Store) -> None:
    job = store.request_scan("p01")
    store.take_job("scan")
    store.pause(job.id, "stopped by hand")
    assert store.take_job("scan") is None
    assert [row.id for row in store.resume_paused()] == [job.id]
    assert store.job(job.id).state == "queued"


def test_progress_is_a_sign_of_life_and_stays_within_its_bounds(store: Store, clock: ManualClock) -> None:
    job = store.request_scan("p01")
    store.take_job("scan")
    clock.sleep(5)
    store.progress(job.id, 1.7, "photographs", pid=321)
    seen = store.job(job.id)
    assert (seen.share, seen.stage, seen.worker_pid) == (1.0, "photographs", 321)
    assert seen.heartbeat_at == START + timedelta(seconds=5)


def test_late_progress_does_not_revive_a_job_that_ended(store: Store) -> None:
    job = store.request_scan("p01")
    store.take_job("scan")
    store.finish_job(job.id, "failed", "the camera gave no photograph")
    store.progress(job.id, 0.5, "photographs")
    ended = store.job(job.id)
    assert (ended.state, ended.share, ended.reason) == ("failed", 0.0, "the camera gave no photograph")


def test_times_in_other_zones_come_back_in_utc_and_naive_ones_are_refused(store: Store) -> None:
    berlin = timezone(timedelta(hours=2))
    store.save_scan(_scan("a", datetime(2026, 5, 1, 8, 0, tzinfo=berlin)))
    started = store.scan("a").started_at
    assert started == datetime(2026, 5, 1, 6, 0, tzinfo=UTC)
    assert started.tzinfo is UTC
    with pytest.raises(Exception, match="needs a time zone"):
        store.save_scan(_scan("b", datetime(2026, 5, 1, 8, 0)))


def test_scans_come_newest_first_and_are_overwritten_by_name(store: Store) -> None:
    store.save_scan(_scan("a", START))
    store.save_scan(_scan("b", START + timedelta(days=1)))
    store.save_scan(_scan("c", START, "p02"))
    store.save_scan(_scan("a", START))
    assert [scan.id for scan in store.scans("p01")] == ["b", "a"]
    assert len(store.scans()) == 3


def test_a_scan_of_no_plant_is_refused(store: Store) -> None:
    with pytest.raises(InputError, match="FOREIGN KEY"):
        store.save_scan(_scan("a", START, "weed"))


def test_the_latest_measurement_of_each_plant_is_found(store: Store) -> None:
    for day, name in enumerate(("a", "b")):
        at = START + timedelta(days=day)
        store.save_scan(_scan(name, at))
        store.save_measurement(MeasurementRow(name, "p01", at, TRAITS, MASS, {"sparse": 30.5}))
    latest = store.latest_measurements()
    assert list(latest) == ["p01"]
    assert latest["p01"] == MeasurementRow("b", "p01", START + timedelta(days=1), TRAITS, MASS, {"sparse": 30.5})
    assert [row.scan for row in store.measurements("p01")] == ["b", "a"]
    assert store.measurement("c") is None


def test_a_turn_is_written_down_once_and_ends_with_its_job(store: Store) -> None:
    turn = store.record_turn("daily", "p01", START, "started")
    assert turn is not None
    assert store.record_turn("daily", "p01", START, "started") is None
    assert len(store.jobs()) == 1
    assert turn.job is not None
    store.take_job("scan")
    store.finish_job(turn.job, "failed", "no port")
    (ended,) = store.occurrences()
    assert (ended.state, ended.reason, ended.due_at) == ("failed", "no port", START)


def test_a_missed_turn_has_its_reason_and_a_notice(store: Store) -> None:
    store.record_turn("daily", "p01", START, "missed", "nothing ran between then and now")
    (turn,) = store.occurrences(plant="p01")
    assert (turn.state, turn.reason, turn.job) == ("missed", "nothing ran between then and now", None)
    assert "due at 2026-05-01 04:00 UTC was missed" in store.events()[0].message


def test_events_come_newest_first_and_from_a_number_on(store: Store) -> None:
    for word in ("one", "two", "three"):
        store.add_event(word)
    newest = store.events(2)
    assert [event.message for event in newest] == ["three", "two"]
    assert [event.message for event in store.events(after_id=newest[1].id)] == ["three"]


def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    with Store(_url(tmp_path)) as first:
        first.sync_plants(WALL)
        asked = first.request_scan("p01")
    with Store(_url(tmp_path)) as second:
        assert second.job(asked.id).plant == "p01"


def test_the_database_is_set_to_survive_a_power_cut(store: Store) -> None:
    with store._engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}  # 2 is FULL


def test_migrations_make_exactly_the_tables_that_the_code_uses(store: Store, tmp_path: Path) -> None:
    engine = create_engine(_url(tmp_path))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def _ask_often(url: str, count: int) -> None:
    with Store(url) as store:
        store.sync_plants(WALL)
        for _ in range(count):
            store.add_event("hello")


def test_several_processes_may_open_and_write_a_new_database_at_once(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_ask_often, args=(_url(tmp_path), 20)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with Store(_url(tmp_path)) as store:
        assert len(store.events(1000)) == 60


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "trellis.db"
    path.write_bytes(b"this is not a database, it is a letter to the grower" * 100)
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"trellis\.db is damaged: .*nothing was changed"):
        Store(_url(tmp_path))
    assert path.read_bytes() == before


def test_a_database_with_a_torn_page_is_refused_and_left_alone(tmp_path: Path) -> None:
    with Store(_url(tmp_path)) as store:
        for _ in range(200):
            store.add_event("a line that fills pages " * 10)
    path = tmp_path / "trellis.db"
    content = bytearray(path.read_bytes())
    content[4096 * 20 : 4096 * 30] = b"\xaa" * 4096 * 10
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        Store(_url(tmp_path))
    assert path.read_bytes() == bytes(content)


def test_a_database_of_a_newer_trellis_is_refused(tmp_path: Path) -> None:
    Store(_url(tmp_path)).close()
    connection = sqlite3.connect(tmp_path / "trellis.db")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(InputError, match=r"made by a newer Trellis \(schema 9999.*Upgrade Trellis"):
        Store(_url(tmp_path))


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "trellis.db")
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.commit()
    connection.close()
    with pytest.raises(InputError, match="holds tables of something else"):
        Store(_url(tmp_path))


@pytest.mark.parametrize("url", ["nonsense", "oracle9://x", "sqlite:////proc/nowhere/trellis.db"])
def test_a_url_that_cannot_be_used_is_one_line(url: str) -> None:
    with pytest.raises(InputError) as caught:
        Store(url)
    assert "\n" not in str(caught.value)
