"""A disk that is full when something is to be written: at one step of a scan, three times, and then no more."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from sqlalchemy.exc import OperationalError

from benchmarks.quick.farm import QuickCell, run_until_idle
from benchmarks.quick.points import watched
from scheduler.store import Store
from trellis.folders import DataFolder

_TIMES = 3


def full_steps(folder: DataFolder, views: int) -> list[str]:
    """The names of the steps that can find the disk full."""
    names: list[str] = []
    with Store(f"sqlite:///{folder.database}") as store:
        store.request_scan("p01")
    with watched(lambda name: names.append(name) if _writes(name) else None):
        run_until_idle(folder, QuickCell(folder, views))
    return names


def full_at(folder: DataFolder, views: int, number: int) -> None:
    """Run the daemon to the end of its queue; the disk is full at step `number`, and at the next two; -1: never."""
    left = [number, _TIMES if number >= 0 else 0]

    def reached(name: str) -> None:
        if not _writes(name):
            return
        left[0] -= 1
        if left[0] < 0 < left[1]:
            left[1] -= 1
            if "rows" in name:
                raise OperationalError("COMMIT", None, sqlite3.OperationalError("database or disk is full"))
            raise OSError(errno.ENOSPC, "No space left on device")

    with watched(reached), _impatient():
        run_until_idle(folder, QuickCell(folder, views), free_bytes=lambda: 10**12)


def _writes(name: str) -> bool:
    return name.startswith("before") and not name.endswith("renamed")


@contextmanager
def _impatient() -> Iterator[None]:
    with patch("scheduler.daemon._ROOM_PATIENCE_S", 0.1), patch("scheduler.room._AGAIN_S", 0.05):
        yield
