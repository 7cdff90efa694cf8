"""A disk without room, in the process that the farm runs in: opening files to write, and making folders, fails there.

Python announces both to its audit hooks before they happen, and an error raised there is the one that the caller meets:
`OSError` with `ENOSPC`, as from the system. What libraries write without Python, such as SQLite's pages, goes on.
"""

import errno
import os
import sys
from pathlib import Path

from hardware_sim.faults import Faults

_watched: "tuple[Path, Faults] | None" = None
_installed = False


def watch(folder: Path, faults: Faults) -> None:
    """Let `disk.full` of these faults act on everything below a folder, in place of what was watched before."""
    global _watched, _installed
    _watched = folder.resolve(), faults
    if not _installed:
        # A hook stays as long as the process lives; without anything watched it does nothing.
        sys.addaudithook(_hook)
        _installed = True


def unwatch() -> None:
    """There is room again."""
    global _watched
    _watched = None


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _watched is None or event not in ("open", "os.mkdir"):
        return
    path = arguments[0]
    writes = event == "os.mkdir" or (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR))
    folder, faults = _watched
    if not writes or not faults["disk.full"] or not isinstance(path, str | bytes | os.PathLike):
        return
    if folder in Path(os.path.abspath(os.fsdecode(path))).parents:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fsdecode(path))
