"""A farm, opened: its store with the plants of the wall, and the lock that makes a daemon the only one."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from scan.config import WallSection
from scheduler.rows import PlantRow
from scheduler.store import Store, store_url
from trellis.config import Configuration
from trellis.errors import AlreadyRunning, InputError
from trellis.folders import DataFolder


def open_store(configuration: Configuration) -> Store:
    """The farm's store, its plants those of `[wall]`.

    Raises:
        InputError: The database cannot be used.
    """
    store = Store(store_url(configuration))
    wall = configuration.section(WallSection).plants
    rows = [PlantRow(plant.name, plant.position_m, plant.cultivar, plant.sown) for plant in wall]
    if store.plants() != sorted(rows, key=lambda row: row.name):
        store.sync_plants(rows)
    return store


@contextmanager
def only_daemon(folder: DataFolder) -> Iterator[None]:
    """Be the only daemon on a data folder until the end of the block.

    Raises:
        AlreadyRunning: Another one is; its process id is named.
        InputError: The folder cannot be written.
    """
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder.daemon_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise InputError(f"{folder.path}: cannot write there: {error.strerror}; check [farm] data_folder") from error
    try:
        _lock(descriptor, folder)
        with suppress(OSError):  # a full disk; the lock holds all the same, the number is only for a message
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)  # which also lets go of the lock; the file stays, so that no two processes lock two files


def _lock(descriptor: int, folder: DataFolder) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        pid = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
        raise AlreadyRunning(
            f"a daemon already runs on {folder.path} (process {pid}); stop it first, or choose another data folder"
        ) from error
