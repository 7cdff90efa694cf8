"""What must be so of a farm's photographs, whatever happened to its daemon."""

import hashlib
from collections import Counter

from trellis.folders import DataFolder
from trellis.manifest import read_manifest


def taken(folder: DataFolder) -> dict[str, str]:
    """Every photograph that a manifest says was taken, by its path: its hash, from the file itself.

    Raises:
        AssertionError: One is not there, is not what was recorded, or stands in a manifest twice.
    """
    found: dict[str, str] = {}
    for plant in sorted(path.name for path in folder.plants.glob("*")):
        for scan in folder.scans(plant):
            views = read_manifest(scan.manifest).taken
            twice = [view for view, count in Counter(record.view for record in views).items() if count > 1]
            assert not twice, f"{scan.path}: views {twice} are recorded twice"
            for record in views:
                path = scan.images / str(record.image)
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                assert digest == record.sha256, f"{path} is not what was recorded"
                found[str(path.relative_to(folder.path))] = digest
    return found


def lost(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Photographs that were said to be taken and are not any more, or are other ones."""
    return [path for path, digest in before.items() if after.get(path) != digest]


def shutters(folder: DataFolder) -> int:
    """How often the shutter opened."""
    log = folder.path / "shutter.log"
    return len(log.read_bytes().splitlines()) if log.exists() else 0
