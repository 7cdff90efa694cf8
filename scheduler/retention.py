"""What the farm's data takes, by tiers, how long the disk lasts, and what may go by age.

Tiers: `photographs`, with the flight recording; `models` (what reconstruction can make again while photographs are
there: clouds, meshes, depth, sparse models); `numbers` (manifest, poses, traits, mass, report), which always stay.
Nothing goes unless the configuration says after how many days.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from scheduler.config import RetentionTable
from scheduler.rows import ENDED, ScanRow
from trellis.errors import InputError
from trellis.folders import DataFolder, ScanFolder
from trellis.manifest import read_manifest, write_manifest

Tier = Literal["photographs", "models", "numbers"]
_TIERS: tuple[Tier, ...] = ("photographs", "models", "numbers")
#: What of a reconstruction stays: small, and what pages and statistics need.
_NUMBERS = frozenset({"traits.json", "mass.json", "stages.json", "images.json", "report.html"})


@dataclass(frozen=True)
class TierSizes:
    """Bytes in each tier, and in all."""

    photographs: int = 0
    models: int = 0
    numbers: int = 0

    @property
    def total(self) -> int:
        return self.photographs + self.models + self.numbers


@dataclass(frozen=True)
class Forecast:
    """`days_left` until the disk is full at this pace, None if it never will be."""

    sizes: TierSizes
    bytes_a_day: float
    days_left: float | None


def tier_of(folder: ScanFolder, path: Path) -> Tier:
    """The tier of a file of a scan."""
    if folder.images in path.parents or path == folder.flight:
        return "photographs"
    if folder.reconstruction in path.parents and path.name not in _NUMBERS:
        return "models"
    return "numbers"


def sizes_of(folder: ScanFolder) -> TierSizes:
    """What a scan's folder takes."""
    sizes = {"photographs": 0, "models": 0, "numbers": 0}
    for path in (path for path in folder.path.rglob("*") if path.is_file()):
        sizes[tier_of(folder, path)] += path.stat().st_size
    return TierSizes(**sizes)


def forecast(
    folder: DataFolder,
    scans: Iterable[ScanRow],
    retention: RetentionTable,
    free_bytes: int,
    now: datetime,
    days: float = 7.0,
) -> Forecast:
    """What is there, what comes a day by the last `days`, and how long `free_bytes` last.

    What retention takes away again is reckoned: a tier that goes after D days grows to D days' worth and no further.
    """
    everything = [(scan, sizes_of(ScanFolder(folder.path / scan.folder))) for scan in scans]
    total = TierSizes(
        *(sum(getattr(size, tier) for _, size in everything) for tier in ("photographs", "models", "numbers"))
    )
    fresh = [(scan, size) for scan, size in everything if now - scan.started_at < timedelta(days=days)]
    first = min((scan.started_at for scan, _ in fresh), default=now)
    span_days = max((now - first) / timedelta(days=1), 1.0)
    daily = {
        tier: sum(getattr(size, tier) for _, size in fresh) / span_days for tier in ("photographs", "models", "numbers")
    }
    a_day = sum(daily.values())
    kept_days = {"photographs": retention.photographs_days, "models": retention.models_days, "numbers": 0}
    room, day = float(free_bytes), 0
    stops = {tier: kept for tier, kept in kept_days.items() if kept}
    while a_day and day < 36_500:
        growth = sum(rate for tier, rate in daily.items() if day < stops.get(tier, 36_500))
        if growth <= 0:
            return Forecast(total, a_day, None)
        if room < growth:
            return Forecast(total, a_day, day + room / growth)
        room, day = room - growth, day + 1
    return Forecast(total, a_day, None)


def prune(
    folder: DataFolder, scans: Iterable[ScanRow], retention: RetentionTable, now: datetime, *, apply: bool
) -> Iterator[tuple[ScanRow, Tier, int]]:
    """What is older than its tier's days, oldest first: each scan, tier and bytes; removed if `apply`.

    A scan that has not ended keeps everything. The manifest says what was removed, before it is.
    """
    for scan in sorted(scans, key=lambda scan: scan.started_at):
        place, age = ScanFolder(folder.path / scan.folder), now - scan.started_at
        for tier, days in (("photographs", retention.photographs_days), ("models", retention.models_days)):
            old = days and age > timedelta(days=days) and scan.state in ENDED
            size = getattr(sizes_of(place), tier) if old else 0
            if size:
                if apply:
                    _remove(place, tier, days)  # type: ignore[arg-type]
                yield scan, tier, size  # type: ignore[misc]


def _remove(place: ScanFolder, tier: Tier, days: int) -> None:
    try:
        manifest = read_manifest(place.manifest)
    except InputError:
        return  # what cannot be read is not touched
    write_manifest(place.manifest, manifest.with_event(f"{tier} removed: older than {days} days ([farm.retention])"))
    for path in [path for path in place.path.rglob("*") if path.is_file() and tier_of(place, path) == tier]:
        path.unlink()
