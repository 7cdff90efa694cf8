"""Writing a file so that a power cut leaves the old one or the new one, never half of either."""

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from trellis.errors import InputError, OutOfSpace

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


def write_durably(path: Path, content: bytes) -> None:
    """Write, fsync, rename over `path`, fsync the folder; on return the bytes survive a power cut.

    Raises:
        OutOfSpace: The disk is full; `path` is as it was.
        InputError: Nothing can be written there for another reason; `path` is as it was.
    """
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _fsync_folder(path.parent)
    except OSError as error:
        _remove(temporary)
        if error.errno in _NO_ROOM:
            raise OutOfSpace(f"no room to write {path} ({len(content)} bytes); free some disk space") from error
        raise _not_writable(path, error) from error


def make_folder(path: Path) -> None:
    """Make a folder and those above it where they are missing; on return they survive a power cut.

    Raises:
        OutOfSpace: The disk is full.
        InputError: It cannot be made: something on the way is a file, or may not be written.
    """
    try:
        missing = [one for one in (path, *path.parents) if not one.exists()]
        path.mkdir(parents=True, exist_ok=True)
        for made in reversed(missing):
            _fsync_folder(made.parent)  # the new folder's name is in there
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise OutOfSpace(f"no room to make the folder {path}; free some disk space") from error
        raise _not_writable(path, error) from error


def _not_writable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"cannot write {path}: {error.strerror}; check the folder and who may write there, or name another"
    )


def _remove(path: Path) -> None:
    with suppress(OSError):  # the first error is the one to tell
        path.unlink(missing_ok=True)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
