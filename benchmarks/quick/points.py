"""The steps by which something is written down, each with a name, and a death at one of them.

A step is a call that reaches for the disk: a file opened, flushed or renamed, a folder flushed, a transaction
committed. Each is a point before and a point after it. The daemon's own code knows nothing of this.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy.engine import Connection

from benchmarks.quick.farm import QuickCell, run_until_idle
from scheduler.store import Store
from trellis import durable
from trellis.folders import DataFolder


@contextmanager
def watched(reached: Callable[[str], None]) -> Iterator[None]:
    """Call `reached(name)` before and after each step of the robot's thread."""
    real_open, real_replace, real_fsync = Path.open, Path.replace, os.fsync
    real_commit = Connection._commit_impl

    def robot() -> bool:
        return threading.current_thread().name.startswith("jobs_0")

    def around(name: str, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        if not robot():
            return call(*arguments, **options)
        reached(f"before {name}")
        result = call(*arguments, **options)
        reached(f"after {name}")
        return result

    def opened(path: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if mode != "wb":
            return real_open(path, mode, *arguments, **options)
        return around(f"{_kind(path)} opened", real_open, path, mode, *arguments, **options)

    def replaced(path: Path, target: Path) -> Any:
        return around(f"{_kind(target)} renamed", real_replace, path, target)

    def flushed(descriptor: int) -> None:
        where = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        around(f"{_kind(where)} flushed", real_fsync, descriptor)

    def committed(connection: Connection) -> None:
        around("rows committed", real_commit, connection)

    with (
        patch.object(Path, "open", opened),
        patch.object(Path, "replace", replaced),
        patch.object(durable.os, "fsync", flushed),
        patch.object(Connection, "_commit_impl", committed),
    ):
        yield


def count_points(folder: DataFolder, views: int) -> list[str]:
    """The names of all steps of one scan, in order."""
    names: list[str] = []
    _ask(folder)
    with watched(names.append):
        run_until_idle(folder, QuickCell(folder, views))
    return names


def die_at(folder: DataFolder, views: int, number: int) -> None:
    """Run the daemon until it reaches a step, and kill it there."""
    left = [number]

    def reached(_: str) -> None:
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    with watched(reached):
        run_until_idle(folder, QuickCell(folder, views))


def _ask(folder: DataFolder) -> None:
    with Store(f"sqlite:///{folder.database}") as store:
        store.request_scan("p01")


def _kind(path: Path) -> str:
    name = path.name.removeprefix(".").split(".part")[0]
    if path.is_dir():
        return "folder of photographs" if path.name == "images" else "folder of the scan"
    if ".jpg" in name:
        return "photograph"
    return name.split(".")[0] + "." + name.split(".")[1] if name.count(".") > 1 else name
