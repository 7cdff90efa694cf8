"""The output folder: results are made in a hidden folder inside it, and moved into place when all of them are there."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trellis.errors import AlreadyRunning, InputError, OutOfSpace

#: Everything that a finished reconstruction may hold. What an older run left and a newer did not make is removed.
PUBLIC = (
    "sparse",
    "images.json",
    "transforms.json",
    "found_poses.csv",
    "cloud.ply",
    "plant.ply",
    "mesh.ply",
    "mesh.glb",
    "traits.json",
    "mass.json",
    "stages.json",
    "report.html",
)

_UNFINISHED, _REPLACED, _STAGES = ".unfinished", ".replaced", ".stages"

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}

#: COLMAP says in its own words that a disk is full; with less than this left it is believed to mean that.
_FULL_BELOW_BYTES = 4 << 20


@dataclass(frozen=True)
class Output:
    """Where a reconstruction writes while it is being made.

    Args:
        out: The folder that a person named.
        unfinished: A hidden folder inside it that is thrown away unless `publish` is called.
    """

    out: Path
    unfinished: Path

    @property
    def work(self) -> Path:
        """For what nobody needs afterwards."""
        return self.unfinished / "work"

    @property
    def stages(self) -> Path:
        """For finished stages, which a later run may take up."""
        return self.out / _STAGES

    def path(self, name: str) -> Path:
        """Where to write the artefact of this name.

        Raises:
            ValueError: It is not one of `PUBLIC`.
        """
        if name not in PUBLIC:
            raise ValueError(f"{name!r} is not an artefact; known are {', '.join(PUBLIC)}")
        return self.unfinished / name

    def publish(self) -> None:
        """Bring the artefacts to the disk, then move them over those of an earlier run.

        Each one is replaced at once; a power cut in between leaves some new and some old, never half of one.
        """
        made = [name for name in PUBLIC if (self.unfinished / name).exists()]
        for name in made:
            _bring_to_disk(self.unfinished / name)
        replaced = self.unfinished / _REPLACED
        replaced.mkdir()
        for name in PUBLIC:
            if (self.out / name).exists() and (name not in made or (self.out / name).is_dir()):
                (self.out / name).rename(replaced / name)
            if name in made:
                (self.unfinished / name).replace(self.out / name)
        _fsync(self.out)


@contextmanager
def open_output(out: Path) -> Iterator[Output]:
    """Own an output folder until the end of the block; whatever was not published by then is gone.

    Raises:
        InputError: The folder cannot be made or written.
        AlreadyRunning: Another reconstruction is writing there.
    """
    was_there = out.exists()
    unfinished = out / _UNFINISHED
    try:
        out.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(out, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _not_writable(out, error) from error
    try:
        _lock(descriptor, out)
        try:
            _start_afresh(unfinished)
            yield Output(out, unfinished)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
            if not was_there and not any(out.iterdir()):
                out.rmdir()
    finally:
        os.close(descriptor)


@contextmanager
def room_for(out: Path) -> Iterator[None]:
    """Say in one line that a disk is full, whoever found out.

    Raises:
        OutOfSpace: Something could not be written inside the block because the disk that holds `out` is full.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        full = error.errno in _NO_ROOM if isinstance(error, OSError) else _free_bytes(out) < _FULL_BELOW_BYTES
        if not full:
            raise
        raise OutOfSpace(
            f"{out}: no room for the results; a reconstruction needs about 200 MB while it runs: free some disk space "
            "or name another folder with --out"
        ) from error


def _free_bytes(out: Path) -> int:
    there = next((folder for folder in (out, *out.absolute().parents) if folder.exists()), Path("/"))
    return shutil.disk_usage(there).free


def _start_afresh(unfinished: Path) -> None:
    """An empty folder; what a killed run left there goes."""
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
    except OSError as error:
        raise _not_writable(unfinished.parent, error) from error


def _not_writable(out: Path, error: OSError) -> InputError:
    return InputError(f"{out}: cannot write results there: {error.strerror}; choose another folder")


def _lock(descriptor: int, out: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise AlreadyRunning(
            f"{out}: another reconstruction is writing there; wait, or choose another folder"
        ) from error


def _bring_to_disk(path: Path) -> None:
    for inside in path.iterdir() if path.is_dir() else ():
        _bring_to_disk(inside)
    _fsync(path)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
