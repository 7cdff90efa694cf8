"""Writing down what becomes of a scan: its row, its job and its folder's manifest, kept in step."""

from dataclasses import replace
from datetime import datetime

from scheduler.rebuild import folder_of, scan_row
from scheduler.rows import ENDING, JobRow, ScanRow, ScanState
from scheduler.store import Store
from trellis.clock import Clock
from trellis.folders import DataFolder, ScanFolder
from trellis.manifest import Outcome, read_manifest, write_manifest

_SKIPPED = "skipped by hand"


class ScanBook:
    """The rows and manifests of scans.

    Args:
        store: Where rows go.
        folder: The farm's data.
        clock: Names scans by the time.
        reconstruct: Whether a scan that ends well is to be reconstructed.
    """

    def __init__(self, store: Store, folder: DataFolder, clock: Clock, reconstruct: bool) -> None:
        self._store, self._folder, self._clock, self._reconstruct = store, folder, clock, reconstruct

    def begin(self, job: JobRow, planned: int) -> ScanRow:
        """The row of the scan that this job does: its old one, or a new one."""
        if job.scan is not None:
            scan = self.refreshed(self._store.scan(job.scan), "running", None)
        else:
            now = self._clock.utc()
            name = self._free_name(job.plant, now)
            folder = folder_of(self._folder, self._folder.scan(job.plant, name))
            scan = ScanRow(name, job.plant, "running", now, None, planned, 0, 0, folder)
        self._store.begin_scan(job.id, scan)
        return scan

    def follow(self, job: JobRow, scan: ScanRow) -> ScanRow:
        """After a view: rows as the manifest stands now."""
        scan = self.refreshed(scan, "running", None)
        done = scan.views_taken + scan.views_failed
        self._store.progress_scan(job.id, scan, done / max(scan.views_planned, 1), "photographs")
        return scan

    def end(self, job: JobRow, scan: ScanRow | None, state: ScanState, reason: str | None) -> None:
        """The job is over, and its scan, if it has one."""
        if scan is None and job.scan is not None:
            scan = self._store.scan(job.scan)
        if scan is None:
            self._store.finish_job(job.id, "failed" if state == "failed" else "cancelled", reason)
            return
        scan = self.refreshed(scan, state, reason)
        if scan.finished_at is None:
            scan = replace(scan, finished_at=self._clock.utc())
        self._store.end_scan(job.id, scan, reconstruct=self._reconstruct and state == "done")

    def pause(self, job: JobRow, scan: ScanRow | None, reason: str, *, held: bool = False) -> None:
        """Set the job aside until its reason is over; or, if held, until a person lets it go on."""
        if scan is not None:
            self._store.save_scan(self.refreshed(scan, "paused", reason))
        self._store.pause(job.id, reason, held=held)

    def put_back(self, job: JobRow, scan: ScanRow | None, reason: str = ENDING) -> None:
        """Back into the queue, in its old place; the attempt does not count."""
        if scan is not None:
            self._store.save_scan(self.refreshed(scan, "paused", reason))
        self._store.requeue(job.id, reason, counts=False)

    def skip(self, scan: ScanRow, views: set[int]) -> None:
        """Give up views that are still missing; whoever photographs must read the manifest again."""
        folder = self.folder_of(scan)
        manifest = read_manifest(folder.manifest)
        for view in manifest.missing:
            if view.view in views:
                manifest = manifest.with_view(view.model_copy(update={"outcome": Outcome.FAILED, "reason": _SKIPPED}))
        write_manifest(folder.manifest, manifest)

    def refreshed(self, scan: ScanRow, state: ScanState, reason: str | None) -> ScanRow:
        """The scan's row as its manifest tells it now; as it was while there is no manifest."""
        folder = self.folder_of(scan)
        if not folder.manifest.exists():
            return replace(scan, state=state, reason=reason)
        return scan_row(read_manifest(folder.manifest), scan.folder, state, reason)

    def folder_of(self, scan: ScanRow) -> ScanFolder:
        return ScanFolder(self._folder.path / scan.folder)

    def _free_name(self, plant: str, now: datetime) -> str:
        name = f"{now:%Y%m%dT%H%M%SZ}-{plant}"
        tries = [name, *(f"{name}-{number}" for number in range(2, 100))]
        return next(one for one in tries if not self._folder.scan(plant, one).path.exists())
