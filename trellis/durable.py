"""Writing a file so that a power cut leaves the old one or the new one, never half of either."""

import errno
import os
import secrets
from pathlib import Path

from trellis.errors import OutOfSpace

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


def write_durably(path: Path, content: bytes) -> None:
    """Write, fsync, rename over `path`, fsync the folder; on return the bytes survive a power cut.

    Raises:
        OutOfSpace: The disk is full; `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _fsync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno in _NO_ROOM:
            raise OutOfSpace(f"no room to write {path} ({len(content)} bytes); free some disk space") from error
        raise


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
