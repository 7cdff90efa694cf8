"""How much the farm writes, from what it has written, and whether the disk has room for it."""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from scheduler.rows import ScanRow
from scheduler.store import Store
from trellis.errors import OutOfSpace
from trellis.folders import DataFolder, ScanFolder

#: Before anything was measured: 64 photographs of 0.3 MB and a model of 60 MB.
GUESS_BYTES = 80_000_000
_NEWEST = 20


@dataclass(frozen=True)
class Room:
    """Bytes: `free` on the disk, what one scan with its model takes, and what is to be left free."""

    free_bytes: int
    scan_bytes: int
    keep_bytes: int

    @property
    def lacking(self) -> str | None:
        """Why there is no room for one more scan, or None."""
        if self.free_bytes >= self.keep_bytes + self.scan_bytes:
            return None
        return (
            f"the disk has {words(self.free_bytes)} free; a scan takes {words(self.scan_bytes)}, and "
            f"{words(self.keep_bytes)} are to stay free; free some, `trellis disk` says what takes it"
        )

    def scans_left(self) -> int:
        """How many more scans the disk takes."""
        return max(self.free_bytes - self.keep_bytes, 0) // max(self.scan_bytes, 1)


class Disk:
    """The disk below the data folder.

    Args:
        store: Says which scans were made last.
        folder: The farm's data.
        keep_bytes: What is to stay free.
        free_bytes: Asked for the bytes that are free; of the data folder's disk, if not given.
    """

    def __init__(
        self, store: Store, folder: DataFolder, keep_bytes: int, free_bytes: Callable[[], int] | None = None
    ) -> None:
        self._store, self._folder, self._keep_bytes = store, folder, keep_bytes
        self._free_bytes = free_bytes or (lambda: shutil.disk_usage(folder.path).free)
        self._measured: dict[str, int] = {}

    def room(self) -> Room:
        """As it is now; each scan's folder is measured once, after it ended."""
        newest = [scan for scan in self._store.scans(limit=_NEWEST) if scan.state == "done"]
        sizes = list(self._sizes(newest))
        return Room(self._free_bytes(), round(mean(sizes)) if sizes else GUESS_BYTES, self._keep_bytes)

    def check(self) -> None:
        """Raises `OutOfSpace` if there is no room for one more scan."""
        lacking = self.room().lacking
        if lacking is not None:
            raise OutOfSpace(lacking)

    def shortage(self, scans_to_come: int) -> str | None:
        """A warning if the disk will not take all the scans that are due today and tomorrow, or None."""
        room = self.room()
        if room.scans_left() >= scans_to_come:
            return None
        return (
            f"the disk has room for {room.scans_left()} more scans, and {scans_to_come} are due until tomorrow night; "
            f"free some, `trellis disk` says what takes it"
        )

    def _sizes(self, scans: Iterable[ScanRow]) -> Iterable[int]:
        for scan in scans:
            folder = ScanFolder(self._folder.path / scan.folder)
            if scan.id not in self._measured and (folder.reconstruction / "stages.json").exists():
                self._measured[scan.id] = size_bytes(folder.path)
            size = self._measured.get(scan.id) or size_bytes(folder.path)
            if size:
                yield size


def size_bytes(folder: Path) -> int:
    """What the files below a folder take."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def words(size: float) -> str:
    """Bytes as a person reads them."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if size >= 100 or unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
