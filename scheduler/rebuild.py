"""Rows about scans and measurements, made from the folders: those are the truth, and the database follows.

Run whenever the daemon starts, so that a database that was lost, or is older than the folders, is filled in.
"""

from collections.abc import Iterator
from datetime import datetime

from scheduler.results import read_measurement
from scheduler.rows import ENDED, PlantRow, ScanRow, ScanState
from scheduler.store import Store
from trellis.errors import InputError
from trellis.folders import DataFolder, ScanFolder
from trellis.manifest import Outcome, ScanManifest, read_manifest

_NEVER_ENDED = "it was interrupted, and nothing goes on with it"


def scan_row(manifest: ScanManifest, folder: str, state: ScanState, reason: str | None = None) -> ScanRow:
    """The row of a scan as its manifest tells it."""
    failed = sum(view.outcome is Outcome.FAILED for view in manifest.views)
    return ScanRow(
        manifest.scan,
        manifest.plant,
        state,
        manifest.started_at,
        manifest.finished_at,
        len(manifest.views),
        len(manifest.taken),
        failed,
        folder,
        reason,
    )


def folder_of(folder: DataFolder, scan: ScanFolder) -> str:
    """A scan's folder as rows hold it: relative to the data folder."""
    return scan.path.relative_to(folder.path).as_posix()


def rebuild(store: Store, folder: DataFolder, *, every: bool = False) -> list[str]:
    """Make rows follow the folders.

    Args:
        store: The rows.
        folder: The farm's data.
        every: Also read the folders of scans whose rows say that they have ended.

    Returns:
        A line for a person for each thing that was put right, and for each folder that cannot be read.
    """
    said = list(_follow_folders(store, folder, every))
    open_scans = _scans_of_open_jobs(store)
    for row in store.scans(limit=1_000_000):
        unfinished = row.state in ("running", "paused") and row.id not in open_scans
        if unfinished and not ScanFolder(folder.path / row.folder).manifest.exists():
            store.save_scan(_ended(row, "nothing was photographed"))
            said.append(f"scan {row.id} had begun and left nothing: marked as failed")
    return said


def _follow_folders(store: Store, folder: DataFolder, every: bool) -> Iterator[str]:
    open_scans = _scans_of_open_jobs(store)
    known = {row.id: row for row in store.scans(limit=1_000_000)}
    measured = store.measured_scans()
    plants = sorted(path.name for path in folder.plants.glob("*") if path.is_dir())
    for scan in (scan for plant in plants for scan in folder.scans(plant)):
        row = known.get(scan.path.name)
        if row is not None and row.state in ENDED and not every:
            # Nothing of it changes any more: a farm of years starts as quickly as a new one.
            if row.id not in measured and (scan.reconstruction / "traits.json").exists():
                yield from _measure(store, scan, row.id, row.plant, row.started_at)
            continue
        try:
            manifest = _manifest_in_its_place(scan)
        except InputError as error:
            yield str(error)
            continue
        row = _row(manifest, folder_of(folder, scan), known.get(manifest.scan), manifest.scan in open_scans)
        if row != known.get(row.id):
            store.remember_plant(_plant(manifest))
            store.save_scan(row)
            yield f"scan {row.id}: row made to follow its folder ({row.views_taken} photographs, {row.state})"
        if row.id not in measured and (scan.reconstruction / "traits.json").exists():
            yield from _measure(store, scan, row.id, row.plant, row.started_at)


def _scans_of_open_jobs(store: Store) -> set[str]:
    waiting = store.jobs(states=["queued", "running", "paused"], kind="scan", limit=100_000)
    return {job.scan for job in waiting if job.scan is not None}


def _manifest_in_its_place(scan: ScanFolder) -> ScanManifest:
    manifest = read_manifest(scan.manifest)
    if (manifest.plant, manifest.scan) != (scan.path.parent.name, scan.path.name):
        raise InputError(
            f"{scan.manifest}: speaks of scan {manifest.scan} of {manifest.plant}, which is not what its folder is "
            f"called; it is left out until one of the two is renamed"
        )
    return manifest


def _row(manifest: ScanManifest, folder: str, known: ScanRow | None, goes_on: bool) -> ScanRow:
    if goes_on:
        reason = known.reason if known is not None else None
        return scan_row(manifest, folder, "paused", reason)
    if known is not None and known.state in ("done", "failed", "cancelled"):
        return scan_row(manifest, folder, known.state, known.reason)
    if manifest.finished_at is not None:
        return scan_row(manifest, folder, "done")
    return scan_row(manifest, folder, "failed", _NEVER_ENDED)


def _measure(store: Store, scan: ScanFolder, scan_id: str, plant: str, at: datetime) -> Iterator[str]:
    try:
        store.save_measurement(read_measurement(scan, scan_id, plant, at))
        yield f"scan {scan_id}: its measurement was read from its folder"
    except InputError as error:
        yield str(error)


def _plant(manifest: ScanManifest) -> PlantRow:
    """A plant that the wall may no longer name."""
    return PlantRow(manifest.plant, manifest.plant_position_m, manifest.cultivar, active=False)


def _ended(row: ScanRow, reason: str) -> ScanRow:
    values = vars(row) | {"state": "failed", "reason": reason, "finished_at": row.started_at}
    return ScanRow(**values)
