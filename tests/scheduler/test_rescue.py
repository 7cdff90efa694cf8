"""Databases that are damaged, torn, gone, old or newer: rescued or left alone, said loudly, nothing deleted."""

import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scheduler.archive import INDEX, back_up, drill, restore
from scheduler.backups import back_up_database, backups, fault_in, old_backups
from scheduler.rescue import open_or_rescue
from scheduler.store import Store
from trellis.errors import InputError
from trellis.folders import DataFolder

NOW = datetime(2026, 6, 1, 4, 0, tzinfo=UTC)


@pytest.fixture
def lived(farm: Any) -> DataFolder:
    """A farm with two scans, of which a copy knows one, and whose database is closed."""
    for plant in ("p01", "p02"):
        farm.store.request_scan(plant)
        farm.robot().do(farm.store.take_job("scan"))
        if plant == "p01":
            back_up_database(farm.folder, NOW)
    farm.store.close()
    folder: DataFolder = farm.folder
    return folder


def _rescued(folder: DataFolder) -> Store:
    return open_or_rescue(lambda: Store(f"sqlite:///{folder.database}"), folder, NOW)


def _zero_pages(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)


def _cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("damage", [_zero_pages, _cut_in_half, lambda path: path.write_bytes(b"\x00" * 8192)])
def test_a_damaged_database_is_put_aside_and_made_again_from_its_copy_and_the_folders(
    lived: DataFolder, damage: Any
) -> None:
    damage(lived.database)
    broken = lived.database.read_bytes()
    with _rescued(lived) as store:
        assert sorted(scan.plant for scan in store.scans()) == ["p01", "p02"]
        assert {scan.state for scan in store.scans()} == {"done"}
        (told,) = [event for event in store.events() if event.level == "error"]
        assert [job.plant for job in store.jobs(kind="scan")] == ["p01"]  # what the copy knew
    (aside,) = lived.path.glob("trellis.db.damaged-*")
    assert aside.read_bytes() == broken
    assert f"is put aside as {aside.name}" in told.message
    assert "trellis-20260601T040000Z.db" in told.message


def test_a_lost_database_is_made_again_and_that_is_said(lived: DataFolder) -> None:
    lived.database.unlink()
    with _rescued(lived) as store:
        assert len(store.scans()) == 2
        assert any("was gone" in event.message and event.level == "error" for event in store.events())


def test_without_a_sound_copy_the_folders_alone_are_enough_for_the_scans(lived: DataFolder) -> None:
    for copy in backups(lived):
        copy.write_bytes(b"no database")
    lived.database.write_bytes(b"nor is this, whatever it says")
    with _rescued(lived) as store:
        assert len(store.scans()) == 2
        assert store.jobs(kind="scan") == []
        assert any("no sound copy" in event.message for event in store.events())


def test_a_torn_wal_costs_at_most_what_was_not_committed(farm: Any) -> None:
    farm.store.request_scan("p01")
    wal = farm.folder.database.with_name("trellis.db-wal")
    farm.store.request_scan("p02")
    torn = wal.read_bytes()[:-1500]
    whole = {path.name: path.read_bytes() for path in farm.folder.path.glob("trellis.db")}
    farm.store.close()
    farm.folder.database.write_bytes(whole["trellis.db"])
    wal.write_bytes(torn)
    with _rescued(farm.folder) as store:
        assert "p01" in [job.plant for job in store.jobs()]
    assert list(farm.folder.path.glob("*.damaged-*")) == []


def test_a_farm_that_never_ran_is_no_rescue(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    with _rescued(folder) as store:
        assert store.events() == []


def test_a_database_of_a_newer_trellis_is_left_alone(lived: DataFolder) -> None:
    with sqlite3.connect(lived.database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = lived.database.read_bytes()
    with pytest.raises(InputError, match="made by a newer Trellis"):
        _rescued(lived)
    assert lived.database.read_bytes() == before


def test_copies_are_kept_daily_for_a_week_and_weekly_for_a_quarter() -> None:
    names = [Path(f"trellis-{NOW - timedelta(days=day):%Y%m%dT%H%M%SZ}.db") for day in range(120)]
    left = sorted(set(names) - set(old_backups(names, NOW)))
    assert len([name for name in left if name >= names[8]]) == 9
    assert 10 <= len(left) - 9 <= 13


def test_a_copy_is_whole_while_others_write(farm: Any) -> None:
    for number in range(30):
        farm.store.add_event(f"line {number}")
        copy = back_up_database(farm.folder, NOW + timedelta(seconds=number))
        assert fault_in(copy) is None
    with Store(f"sqlite:///{copy}") as store:
        assert len(store.events()) == 30


def test_a_backup_comes_back_file_by_file_and_a_second_one_copies_only_what_is_new(
    lived: DataFolder, tmp_path: Path
) -> None:
    target, place = tmp_path / "usb", DataFolder(tmp_path / "new")
    first = list(back_up(lived, target, NOW))
    assert list(back_up(lived, target, NOW)) == ["trellis.db"]
    assert len(first) == len(list(restore(target, place))) > 12
    for path in lived.plants.rglob("*.jpg"):
        assert (place.path / path.relative_to(lived.path)).read_bytes() == path.read_bytes()
    with Store(f"sqlite:///{place.database}") as store:
        assert len(store.scans()) == 2
    with pytest.raises(InputError, match="is there already"):
        list(restore(target, place))


def test_the_drill_finds_one_turned_bit_in_a_backup(lived: DataFolder, tmp_path: Path) -> None:
    list(back_up(lived, tmp_path / "usb", NOW))
    assert drill(tmp_path / "usb", tmp_path / "good")["photographs"] == 12
    photograph = next((tmp_path / "usb").rglob("003.jpg"))
    content = bytearray(photograph.read_bytes())
    content[0] ^= 1
    photograph.write_bytes(content)
    with pytest.raises(InputError, match=r"003\.jpg is not the file that was backed up"):
        drill(tmp_path / "usb", tmp_path / "bad")


@pytest.mark.parametrize("text", ["", "{}", '{"format": 1, "files": {"../x": {}}}', '{"format": 2, "files": {}}'])
def test_what_is_no_backup_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / INDEX).write_text(text)
    with pytest.raises(InputError, match="no backup of Trellis"):
        list(restore(tmp_path, DataFolder(tmp_path / "new")))
