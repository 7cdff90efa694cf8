"""A database that is damaged or gone: put aside, taken from the newest sound copy, filled in from the folders, told.

Only the daemon does this, with its lock held. Nothing is deleted: what was damaged lies beside, with the time in its
name. A database of a newer Trellis is left alone; that is no damage.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from scheduler.backups import backups, copy_database, fault_in
from scheduler.database import DamagedDatabase
from scheduler.rebuild import rebuild
from scheduler.store import Store
from trellis.folders import DataFolder


def open_or_rescue(open_it: Callable[[], Store], folder: DataFolder, now: datetime) -> Store:
    """Open the farm's SQLite database, after what had to be done for it.

    Args:
        open_it: Opens it.
        folder: The farm's data.
        now: For the name of what is put aside.

    Raises:
        InputError: It cannot be opened for a reason that is no damage.
        OutOfSpace: There is no room.
    """
    lost = not folder.database.exists() and any(folder.plants.glob("*/*/scan.json"))
    if lost:
        return _rescue(open_it, folder, f"the database {folder.database} was gone")
    try:
        return open_it()
    except DamagedDatabase as error:
        aside = put_aside(folder.database, now)
        return _rescue(open_it, folder, f"the database was damaged ({error.why}), and is put aside as {aside.name}")


def put_aside(database: Path, now: datetime) -> Path:
    """Rename a database and what belongs to it, under a name that is free; its new path."""
    stem = f"{database.name}.damaged-{now:%Y%m%dT%H%M%SZ}"
    names = [stem, *(f"{stem}-{number}" for number in range(2, 1000))]
    aside = next(database.with_name(name) for name in names if not database.with_name(name).exists())
    for tail in ("-wal", "-shm", ""):
        part = database.with_name(database.name + tail)
        if part.exists():
            part.rename(aside.with_name(aside.name + tail))
    return aside


def _rescue(open_it: Callable[[], Store], folder: DataFolder, what: str) -> Store:
    copy = next((path for path in backups(folder) if fault_in(path) is None), None)
    if copy is not None:
        copy_database(copy, folder.database)
    store = open_it()
    lines = rebuild(store, folder, every=True)
    source = f"the copy {copy.name}" if copy is not None else "nothing, for there is no sound copy"
    store.add_event(
        f"{what}; a new one was made from {source}, and {len(lines)} rows were put right from the folders. "
        "What was asked for or due since that copy is not known any more: look at `trellis queue` and `trellis agenda`",
        "error",
    )
    for line in lines:
        store.add_event(line, "warning")
    return store
