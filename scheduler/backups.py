"""Copies of the database, made while it is used, checked before they count, kept by age; inside the data folder.

They help against a damaged database, not against a lost disk: that is what `trellis backup` is for.
"""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trellis.durable import make_folder
from trellis.errors import InputError, OutOfSpace
from trellis.folders import DataFolder

#: Every copy of a week is kept, and one a week of the quarter before.
_DAILY, _WEEKLY = timedelta(days=8), timedelta(days=92)
_STAMP = "%Y%m%dT%H%M%SZ"


def backups_folder(folder: DataFolder) -> Path:
    """Where the copies lie."""
    return folder.path / "backups"


def backups(folder: DataFolder) -> list[Path]:
    """The copies, newest first."""
    return sorted(backups_folder(folder).glob("trellis-*.db"), reverse=True)


def back_up_database(folder: DataFolder, now: datetime) -> Path:
    """Copy the farm's SQLite database as it is at this moment; on return the copy is whole, checked and on the disk.

    Raises:
        OutOfSpace: There is no room for it.
        InputError: The database cannot be read, or the copy is not sound.
    """
    make_folder(backups_folder(folder))
    target = backups_folder(folder) / f"trellis-{now.astimezone(UTC):{_STAMP}}.db"
    copy_database(folder.database, target)
    return target


def copy_database(source: Path, target: Path) -> None:
    """Copy an SQLite database that others may be writing to. Raises as `back_up_database`."""
    part = target.with_suffix(".part")
    part.unlink(missing_ok=True)
    try:
        reading = f"file:{source}?mode=ro"
        with closing(sqlite3.connect(reading, uri=True, timeout=15)) as old, closing(sqlite3.connect(part)) as new:
            old.backup(new)
            new.execute("PRAGMA journal_mode=DELETE")
        fault = fault_in(part)
        if fault is not None:
            raise InputError(f"the copy of {source} is not sound: {fault}; check the disk")
        _flush(part)
        part.replace(target)
        _flush(target.parent)
    except (sqlite3.Error, OSError) as error:
        part.unlink(missing_ok=True)
        if "full" in str(error) or "No space" in str(error):
            raise OutOfSpace(f"no room to copy the database to {target}; free some disk space") from error
        raise InputError(f"cannot copy the database {source} to {target}: {error}") from error


def fault_in(database: Path) -> str | None:
    """What is wrong with an SQLite file, looked at whole, or None."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)")]
            found += [f"a row of {row[0]} refers to none" for row in connection.execute("PRAGMA foreign_key_check")][:3]
    except sqlite3.Error as error:
        return str(error)
    return None if found == ["ok"] else "; ".join(line for line in found if line != "ok")


def old_backups(found: Sequence[Path], now: datetime) -> list[Path]:
    """Those that need not be kept: older than a week and not the first of their week, or older than a quarter."""
    old, weeks = [], set()
    for path in sorted(found):
        made = datetime.strptime(path.stem.removeprefix("trellis-"), _STAMP).replace(tzinfo=UTC)
        age, week = now - made, made.isocalendar()[:2]
        if age > _WEEKLY or (age > _DAILY and week in weeks):
            old.append(path)
        weeks.add(week)
    return old


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
