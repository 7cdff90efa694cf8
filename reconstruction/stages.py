"""Stages kept on the disk by what they were made from, so that a run that was killed goes on where it was.

A stage's folder holds its results and, written last, its key: a digest of everything that the results depend on, the
code included. A folder whose key is another is as good as none.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.resources import files
from pathlib import Path

_KEY = "key"

#: Other libraries whose versions change results.
_LIBRARIES = ("pycolmap", "opencv-contrib-python-headless", "open3d", "numpy", "scipy", "numba")


@dataclass(frozen=True)
class KeptStages:
    """The folder in which stages are kept."""

    folder: Path

    def find(self, stage: str, key: str) -> Path | None:
        """Where a stage that was made from the same is kept, or None."""
        kept = self.folder / stage
        try:
            return kept if (kept / _KEY).read_text(encoding="ascii") == key else None
        except (OSError, UnicodeDecodeError):
            return None

    def keep(self, stage: str, key: str, fill: Callable[[Path], None]) -> None:
        """Keep a stage in place of what was kept of it: whole, or not at all.

        Args:
            stage: Its name.
            key: Of what it was made from.
            fill: Writes the results into the folder it is given.
        """
        kept, part = self.folder / stage, self.folder / f"{stage}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        fill(part)
        with (part / _KEY).open("w", encoding="ascii") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        shutil.rmtree(kept, ignore_errors=True)
        part.rename(kept)

    def forget(self) -> None:
        """Keep nothing."""
        shutil.rmtree(self.folder, ignore_errors=True)


def digest(*parts: str) -> str:
    """One key of several."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def digest_of_files(paths: Iterable[Path | None]) -> str:
    """Of names and contents; None is a file that is not there."""
    found = hashlib.sha256()
    for path in paths:
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path is not None else "-"
        found.update(f"{path.name if path else '-'} {content}\n".encode())
    return found.hexdigest()


@cache
def digest_of_code() -> str:
    """Of this room's own files and the libraries it computes with: after an upgrade everything is done again."""
    sources = sorted((file for file in files("reconstruction").iterdir() if file.name.endswith((".py", ".html"))),
                     key=lambda file: file.name)  # fmt: skip
    ours = [hashlib.sha256(file.read_bytes()).hexdigest() for file in sources]
    return digest(*ours, *(f"{name} {_version(name)}" for name in _LIBRARIES))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "none"


def copy_tree(source: Path, target: Path) -> None:
    """A file or a folder once more. Not a link: a person who edits a result in place must not change what is kept."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copyfile(source, target)
