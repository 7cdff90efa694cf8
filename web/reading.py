"""From rows and folders to answers: what is known about plants, scans, jobs, runs and events.

Every function reads and changes nothing. A name or number from outside is looked up in the store; no path is ever made
from it.
"""

import os
from datetime import UTC, date, datetime, time
from functools import lru_cache
from pathlib import Path

from scheduler.rows import EventRow, JobRow, JobState, MeasurementRow, PlantRow, ScanRow
from trellis.folders import ScanFolder
from trellis.manifest import ScanManifest, ViewRecord, read_manifest
from web.answers import (
    EventAnswer,
    JobAnswer,
    MeasurementAnswer,
    PlantAnswer,
    PlantDetailAnswer,
    PlantState,
    ScanAnswer,
    ViewAnswer,
    ViewsAnswer,
)
from web.farm import Farm
from web.growth import rate_per_day

#: What can be fetched under a scan, and the file under its `reconstruction/` that is it.
ARTEFACTS = ("mesh.glb", "mesh.ply", "plant.ply", "cloud.ply", "report.html", "traits.json", "mass.json")
_OPEN: tuple[JobState, ...] = ("queued", "running", "paused")
_OPEN_MAX = 10_000
Ended = tuple[JobState, str | None]


def plants(farm: Farm) -> list[PlantAnswer]:
    """Every plant that hangs on the wall, by name, with the latest about it; read anew when anything has changed."""
    return list(farm.held.get("plants", lambda: _plants(farm)))


def _plants(farm: Farm) -> list[PlantAnswer]:
    rows = _wall_rows(farm)
    measured = farm.store.latest_measurements()
    last_scans = farm.store.latest_scans()
    open_jobs: dict[str, list[JobRow]] = {}
    for job in farm.store.jobs(states=_OPEN, limit=_OPEN_MAX):
        open_jobs.setdefault(job.plant, []).append(job)
    ended = farm.store.latest_ended()
    rates = farm.growth.rates_per_day(measured)
    return [
        _plant(
            farm,
            row,
            measured.get(name),
            last_scans.get(name),
            open_jobs.get(name, []),
            ended.get(name),
            rates.get(name),
        )
        for name, row in sorted(rows.items())
        if row.active
    ]


def plant(farm: Farm, name: str) -> PlantDetailAnswer:
    """One plant with all its scans and measurements, newest first; read anew when anything has changed.

    Raises:
        InputError: There is none of that name.
    """
    return farm.held.get(("plant", name), lambda: _detail(farm, name))


def _detail(farm: Farm, name: str) -> PlantDetailAnswer:
    row = _wall_rows(farm).get(name) or farm.store.plant(name)
    scans = farm.store.scans(name)
    measured = farm.store.measurements(name)
    jobs = farm.store.jobs(plant=name)
    open_jobs = [job for job in jobs if job.state in _OPEN]
    ended = next(((job.state, job.reason) for job in jobs if job.state in ("done", "failed")), None)
    rate = rate_per_day(measured)
    short = _plant(farm, row, next(iter(measured), None), next(iter(scans), None), open_jobs, ended, rate)
    return PlantDetailAnswer(
        **dict(short),
        scans=tuple(scan_answer(farm, scan) for scan in scans),
        measurements=tuple(_measurement(one) for one in measured),
    )


def views(farm: Farm, scan_id: str) -> ViewsAnswer:
    """The viewpoints of a scan as its manifest tells them.

    Raises:
        InputError: There is no such scan, or its manifest cannot be read.
    """
    manifest = manifest_of(folder_of(farm, farm.store.scan(scan_id)))
    return ViewsAnswer(
        scan=scan_id,
        plant=manifest.plant,
        plant_position_m=manifest.plant_position_m,
        plant_radius_m=manifest.plant_radius_m,
        views=tuple(_view(record) for record in sorted(manifest.views, key=lambda record: record.view)),
    )


def jobs(farm: Farm, limit: int = 100, *, only_open: bool = False) -> list[JobAnswer]:
    """Jobs, newest first."""
    return [job_answer(farm, row) for row in farm.store.jobs(states=_OPEN if only_open else None, limit=limit)]


def events(farm: Farm, limit: int = 50) -> list[EventAnswer]:
    """What happened, newest first."""
    return [_event(row) for row in farm.store.events(limit)]


def scan_answer(farm: Farm, row: ScanRow) -> ScanAnswer:
    """A scan and the artefacts that lie beside it now."""
    values = {key: value for key, value in vars(row).items() if key != "folder"}
    return ScanAnswer(**values, artefacts=_artefacts(f"{farm.folder.path}/{row.folder}/reconstruction"))


def _artefacts(folder: str) -> tuple[str, ...]:
    """What lies in a folder of results; looked into anew only when something came or went, which changes its time."""
    try:
        changed_ns = os.stat(folder).st_mtime_ns
    except OSError:
        return ()
    return _listed(folder, changed_ns)


@lru_cache(maxsize=8192)
def _listed(folder: str, _changed_ns: int) -> tuple[str, ...]:
    return tuple(name for name in ARTEFACTS if os.path.isfile(f"{folder}/{name}"))


def job_answer(farm: Farm, row: JobRow) -> JobAnswer:
    """A job, with how long it has run and how long it has been silent."""
    now = datetime.now(UTC)
    running = row.state == "running"
    until = row.finished_at or (now if running else row.heartbeat_at)
    scan = farm.store.scan(row.scan) if row.kind == "scan" and row.scan and not row.ended else None
    return JobAnswer(
        **{key: getattr(row, key) for key in JobAnswer.model_fields if hasattr(row, key)},
        run_s=_between(row.started_at, until),
        silent_s=_between(row.heartbeat_at, now) if running else None,
        views_taken=scan.views_taken if scan else None,
        views_planned=scan.views_planned if scan else None,
    )


def _between(start: datetime | None, end: datetime | None) -> float | None:
    return max(0.0, (end - start).total_seconds()) if start and end else None


def folder_of(farm: Farm, scan: ScanRow) -> ScanFolder:
    """Where a scan lies."""
    return ScanFolder(farm.folder.path / scan.folder)


def manifest_of(folder: ScanFolder) -> ScanManifest:
    """The manifest of a scan, read anew only when its file has changed.

    Raises:
        InputError: It is missing or cannot be read.
    """
    try:
        state = folder.manifest.stat()
    except OSError:
        return read_manifest(folder.manifest)
    return _manifest(folder.manifest, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=128)
def _manifest(path: Path, _changed_ns: int, _size: int) -> ScanManifest:
    return read_manifest(path)


def _wall_rows(farm: Farm) -> dict[str, PlantRow]:
    """Plants by name: as the store knows them, and those of the configuration that no daemon has put there yet."""
    known = {row.name: row for row in farm.store.plants(active_only=False)}
    for table in farm.plants:
        known.setdefault(table.name, PlantRow(table.name, table.position_m, table.cultivar, table.sown))
    return known


def _plant(
    farm: Farm,
    row: PlantRow,
    measured: MeasurementRow | None,
    scan: ScanRow | None,
    open_jobs: list[JobRow],
    ended: Ended | None,
    growth_per_day: float | None,
) -> PlantAnswer:
    state, reason = _state(measured, scan, open_jobs, ended)
    return PlantAnswer(
        name=row.name,
        on_wall=row.active,
        cultivar=row.cultivar,
        position_m=row.position_m,
        age_days=_age_days(row.sown, farm),
        state=state,
        reason=reason,
        measurement=None if measured is None else _measurement(measured),
        growth_per_day=growth_per_day,
        last_scan=None if scan is None else scan_answer(farm, scan),
    )


def _state(
    measured: MeasurementRow | None, scan: ScanRow | None, open_jobs: list[JobRow], ended: Ended | None
) -> tuple[PlantState, str | None]:
    """What a plant is doing, else how its last work ended; a measurement is never shown as newer than a failure."""
    running = next((job for job in open_jobs if job.state == "running"), None)
    if running is not None:
        return ("scanning" if running.kind == "scan" else "reconstructing"), running.reason
    if open_jobs:
        return "queued", open_jobs[0].reason
    if ended is not None and ended[0] == "failed":
        return "failed", ended[1]
    if scan is not None and scan.state == "failed":
        return "failed", scan.reason
    if measured is None:
        return "never scanned", None
    refused = measured.mass.refused_reason or measured.traits.untrusted_reason
    return ("refused", refused) if refused or not measured.traits.trusted else ("measured", None)


def _age_days(sown: date | None, farm: Farm) -> float | None:
    if sown is None:
        return None
    start = datetime.combine(sown, time(), tzinfo=farm.zone)
    return (datetime.now(UTC) - start).total_seconds() / 86400


def _measurement(row: MeasurementRow) -> MeasurementAnswer:
    return MeasurementAnswer(
        scan=row.scan,
        plant=row.plant,
        measured_at=row.measured_at,
        traits=row.traits,
        mass=row.mass,
        stages_s=row.stage_seconds,
    )


def _view(record: ViewRecord) -> ViewAnswer:
    pose = record.believed or record.planned
    return ViewAnswer(
        view=record.view,
        outcome=record.outcome.value,
        attempts=record.attempts,
        taken_at=record.taken_at,
        reason=record.reason,
        position_m=pose.position_m,
        quaternion_wxyz=pose.quaternion_wxyz,
        bytes=record.bytes,
        sha256=record.sha256,
    )


def _event(row: EventRow) -> EventAnswer:
    return EventAnswer(**{key: getattr(row, key) for key in EventAnswer.model_fields})
