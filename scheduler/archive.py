"""A copy of the whole farm in another place, and back: every file with its hash, the database in one piece.

`backup.json` names every file with size and sha256. A second backup to the same place copies only what is new: the
files of a scan that has ended do not change.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from scheduler.backups import copy_database, fault_in
from trellis.durable import make_folder, write_durably
from trellis.errors import InputError, OutOfSpace
from trellis.folders import DataFolder

INDEX = "backup.json"
_FORMAT = 1
_CHUNK = 1 << 20


def back_up(folder: DataFolder, target: Path, now: datetime) -> Iterator[str]:
    """Copy the farm to `target`, a line for each file; on the last, `backup.json` is there.

    Raises:
        OutOfSpace: There is no room; what was there before is still usable, `backup.json` is the old one.
        InputError: Something cannot be read or written.
    """
    known = _index(target)["files"] if (target / INDEX).exists() else {}
    make_folder(target)
    files: dict[str, dict[str, Any]] = {}
    if folder.database.exists():
        copy_database(folder.database, target / folder.database.name)
        files[folder.database.name] = _entry(target / folder.database.name)
        yield folder.database.name
    for source in sorted(
        path for path in folder.plants.rglob("*") if path.is_file() and not path.name.endswith(".part")
    ):
        name = source.relative_to(folder.path).as_posix()
        entry = _entry(source)
        if known.get(name) != entry or not (target / name).exists():
            _copy(source, target / name)
            if _entry(target / name) != entry:
                raise InputError(f"{source} changed while it was copied, or {target} does not keep what is written")
            yield name
        files[name] = entry
    index = {"format": _FORMAT, "made_at": now.isoformat(), "files": files}
    write_durably(target / INDEX, json.dumps(index, indent=1).encode())


def restore(source: Path, folder: DataFolder) -> Iterator[str]:
    """Copy a backup into an empty data folder, a line for each file, each compared with its hash.

    Raises:
        InputError: The folder is not empty, or the backup is not whole: the first file that is not as recorded.
    """
    index = _index(source)
    there = [path for path in (folder.database, folder.plants) if path.exists()]
    if there:
        raise InputError(f"{there[0]} is there already; restore into a data folder without plants and database")
    for name, entry in index["files"].items():
        _check(source / name, entry)
        _copy(source / name, folder.path / name)
        _check(folder.path / name, entry)
        yield name


def drill(source: Path, place: Path) -> dict[str, int]:
    """Restore a backup into an empty place and look at everything; counts of what was compared.

    Raises:
        InputError: A file is not as recorded, or the database is not sound.
    """
    folder = DataFolder(place)
    names = list(restore(source, folder))
    if folder.database.exists():
        fault = fault_in(folder.database)
        if fault is not None:
            raise InputError(f"{source / folder.database.name}: the database in the backup is not sound: {fault}")
    photographs = sum(name.endswith(".jpg") for name in names)
    return {"files": len(names), "photographs": photographs, "database": int(folder.database.exists())}


def _index(place: Path) -> dict[str, Any]:
    try:
        index: dict[str, Any] = json.loads((place / INDEX).read_bytes())
        if index["format"] != _FORMAT or not all(_inside(name) for name in index["files"]):
            raise ValueError("not a backup of this format")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{place / INDEX}: no backup of Trellis: {error}; choose a folder that `trellis backup` made"
        ) from error
    return index


def _inside(name: str) -> bool:
    return not Path(name).is_absolute() and ".." not in Path(name).parts


def _entry(path: Path) -> dict[str, Any]:
    try:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    return {"bytes": path.stat().st_size, "sha256": digest.hexdigest()}


def _check(path: Path, entry: dict[str, Any]) -> None:
    if _entry(path) != entry:
        raise InputError(f"{path} is not the file that was backed up; take another backup")


def _copy(source: Path, target: Path) -> None:
    make_folder(target.parent)
    part = target.with_name(f".{target.name}.part")
    try:
        shutil.copyfile(source, part)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        if error.errno in (28, 122):
            raise OutOfSpace(f"no room to copy {source} to {target}; free some disk space") from error
        raise InputError(f"cannot copy {source} to {target}: {error.strerror}") from error
