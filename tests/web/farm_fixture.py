"""A farm filled with what a fortnight leaves behind: scans, synthetic photographs, meshes, measurements, a failure.

Used by the tests of the room and by `docs/make_dashboard_pictures.py`. Nothing here is a measurement of a plant.
"""

import hashlib
import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from scheduler.rows import MeasurementRow, PlantRow, ScanRow
from scheduler.store import Store
from tests.web.drawn_plants import photograph, rosette_glb
from trellis.clock import ManualClock
from trellis.durable import write_durably
from trellis.folders import DataFolder, ScanFolder
from trellis.geometry import Pose
from trellis.manifest import Outcome, PoseRecord, ScanManifest, ViewRecord, write_manifest
from trellis.records import MassEstimate, Traits

VIEWS = 64
PLANTS = {"p01": (0.72, 0.81, 0.0), "p02": (1.48, 1.00, 0.0), "p03": (1.10, 1.38, 0.0), "p04": (1.86, 0.62, 0.0)}
STAGES_S = {"images": 1.2, "sparse": 24.0, "dense": 41.5, "plant": 2.1, "surface": 9.7, "traits": 3.2, "report": 4.4}
REFUSED = "leaf area 2100 cm² lies above what the model was fitted on (1800 cm²)"
FAILED = "the camera gave no usable photograph in 3 attempts: mean grey 2 is below brightness_min 15; is a lamp out?"
Size = tuple[int, int]

CONFIG = """
[farm]
name = "Test farm"
data_folder = "data"

[[farm.schedules]]
name = "daily"
daily_at = "06:00"

[camera]
url = "http://127.0.0.1:{camera_port}/snapshot.jpg"

[web]
port = {port}
refresh_s = 0.5

[wall.lattice]
"""
_PLANT = '\n[[wall.plants]]\nname = "{name}"\nposition_m = [{x}, {y}]\ncultivar = "butterhead"\nsown = "2026-10-20"\n'


def write_config(folder: Path, port: int = 8700, camera_port: int = 8701) -> Path:
    """A configuration of four plants, its data beside it."""
    path = folder / "trellis.toml"
    plants = "".join(_PLANT.format(name=name, x=x, y=y) for name, (x, y, _) in PLANTS.items())
    path.write_text(CONFIG.format(port=port, camera_port=camera_port) + plants)
    return path


def fill(folder: Path, *, now: datetime, days: int = 12, views: int = VIEWS, size: Size = (648, 486)) -> None:
    """Fill a data folder: p01 and p02 measured daily, p03 refused, p04 failed, a scan of p01 running.

    Args:
        folder: The data folder.
        now: When the running scan has got to two thirds.
        days: How many days back it began.
        views: Viewpoints of each scan.
        size: Width and height of the photographs, px.
    """
    data = DataFolder(folder)
    clock = ManualClock(now - timedelta(days=days))
    with Store(f"sqlite:///{data.database}", clock) as store:
        store.sync_plants(
            PlantRow(name, position, "butterhead", date(2026, 10, 20)) for name, position in PLANTS.items()
        )
        for day in range(days):
            for index, name in enumerate(("p01", "p02")):
                at = now - timedelta(days=days - day, minutes=40 - 15 * index)
                _full_scan(store, data, clock, name, at, day, views, size if day >= days - 2 else None)
        _refused_scan(store, data, clock, now - timedelta(hours=3), views, size)
        _failed_scan(store, data, clock, now - timedelta(hours=2), views, size)
        _running_scan(store, data, clock, now, views, size)


def _full_scan(
    store: Store,
    data: DataFolder,
    clock: ManualClock,
    plant: str,
    at: datetime,
    day: int,
    views: int,
    size: Size | None,
) -> str:
    """A scan that went well, and its measurement; without a size its photographs are not written."""
    _sleep_until(clock, at)
    job = store.request_scan(plant)
    store.take_job("scan")
    failed = (17,) if day % 5 == 4 else ()
    folder = _write_scan(data, plant, at, views, views, size, failed)
    until, taken = at + timedelta(minutes=6), views - len(failed)
    store.save_scan(_row(data, folder, plant, at, until, "done", taken, len(failed), views))
    _sleep_until(clock, until)
    store.finish_job(job.id, "done")
    work = store.request_reconstruction(plant, folder.path.name)
    store.take_job("reconstruct")
    grown = (0.35 if plant == "p01" else 1.0) * 0.03 * math.exp(0.16 * day)
    traits, mass = traits_of(grown, views - len(failed)), mass_of(grown)
    store.save_measurement(MeasurementRow(folder.path.name, plant, at, traits, mass, STAGES_S))
    write_artefacts(folder, traits, mass, grown)
    _sleep_until(clock, at + timedelta(minutes=8))
    store.finish_job(work.id, "done")
    return folder.path.name


def _refused_scan(store: Store, data: DataFolder, clock: ManualClock, at: datetime, views: int, size: Size) -> None:
    _sleep_until(clock, at)
    folder = _write_scan(data, "p03", at, views, views, size)
    store.save_scan(_row(data, folder, "p03", at, at + timedelta(minutes=6), "done", views, 0, views))
    traits = traits_of(0.21, views)
    refused = MassEstimate(model="area-power-1", refused_reason=REFUSED)
    store.save_measurement(MeasurementRow(folder.path.name, "p03", at, traits, refused, STAGES_S))
    write_artefacts(folder, traits, refused, 0.21)


def _failed_scan(store: Store, data: DataFolder, clock: ManualClock, at: datetime, views: int, size: Size) -> None:
    _sleep_until(clock, at)
    job = store.request_scan("p04")
    store.take_job("scan")
    folder = _write_scan(data, "p04", at, views, 5, size, (3, 4))
    store.save_scan(_row(data, folder, "p04", at, at + timedelta(minutes=1), "failed", 3, 2, views, FAILED))
    store.progress(job.id, 0.05, "photographing", scan=folder.path.name)
    store.finish_job(job.id, "failed", FAILED)


def _running_scan(store: Store, data: DataFolder, clock: ManualClock, now: datetime, views: int, size: Size) -> None:
    at = now - timedelta(minutes=4)
    _sleep_until(clock, at)
    job = store.request_scan("p01")
    store.take_job("scan")
    taken = views * 2 // 3
    folder = _write_scan(data, "p01", at, views, taken, size)
    store.save_scan(_row(data, folder, "p01", at, None, "running", taken, 0, views))
    _sleep_until(clock, now)
    store.progress(job.id, taken / views, "photographing", scan=folder.path.name)
    store.request_scan("p02")
    for name in ("p03", "p04"):
        store.record_turn("daily", name, now - timedelta(hours=9), "missed", "no daemon ran when it was due")


def _sleep_until(clock: ManualClock, at: datetime) -> None:
    clock.sleep((at - clock.utc()).total_seconds())


def _row(
    data: DataFolder,
    folder: ScanFolder,
    plant: str,
    at: datetime,
    until: datetime | None,
    state: str,
    taken: int,
    failed: int,
    views: int,
    reason: str | None = None,
) -> ScanRow:
    place = folder.path.relative_to(data.path).as_posix()
    return ScanRow(folder.path.name, plant, state, at, until, views, taken, failed, place, reason)  # type: ignore[arg-type]


def _write_scan(
    data: DataFolder,
    plant: str,
    at: datetime,
    views: int,
    done: int,
    size: Size | None,
    failed: tuple[int, ...] = (),
) -> ScanFolder:
    """A manifest whose first `done` views are over, and their photographs."""
    folder = data.scan(plant, f"{plant}-{at:%Y%m%dT%H%M%SZ}")
    records = []
    for view in range(views):
        pose = PoseRecord.of(view_pose(PLANTS[plant], view, views), 0.006, 0.017)
        if view >= done:
            records.append(ViewRecord(view=view, planned=pose))
        elif view in failed:
            reason = "mean grey 2 is below brightness_min 15"
            records.append(ViewRecord(view=view, planned=pose, outcome=Outcome.FAILED, attempts=3, reason=reason))
        else:
            jpeg = photograph(plant, view, views, size) if size else b""
            if jpeg:
                write_fast(folder.image(view), jpeg)
            records.append(
                ViewRecord(
                    view=view,
                    planned=pose,
                    believed=pose,
                    outcome=Outcome.TAKEN,
                    attempts=1,
                    image=folder.image(view).name,
                    sha256=hashlib.sha256(jpeg).hexdigest(),
                    bytes=len(jpeg),
                    taken_at=at + timedelta(seconds=5 * view),
                )
            )
    manifest = ScanManifest(
        scan=folder.path.name,
        plant=plant,
        cultivar="butterhead",
        plant_position_m=PLANTS[plant],
        plant_radius_m=0.12,
        plant_height_m=0.1,
        started_at=at.astimezone(UTC),
        views=tuple(records),
    )
    folder.path.mkdir(parents=True, exist_ok=True)
    write_manifest(folder.manifest, manifest)
    return folder


def write_fast(path: Path, content: bytes) -> None:
    """A file without the fsync that a real photograph gets."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def view_pose(plant_m: tuple[float, float, float], view: int, views: int) -> Pose:
    """A camera on a hemisphere over the plant, looking at it, driven as a spiral from the pole to 62 degrees."""
    tilt = math.radians(62) * math.sqrt((view + 0.5) / views)
    around = view * math.pi * (3 - math.sqrt(5))
    away = np.array([math.sin(tilt) * math.cos(around), math.sin(tilt) * math.sin(around), math.cos(tilt)])
    return Pose.looking_at(np.asarray(plant_m) + 0.3 * away, plant_m, (0.0, 1.0, 0.2))


def traits_of(area_m2: float, images: int) -> Traits:
    """Traits that belong together, by the laws of the field (D = 4.97 LA^.211, H = 1.45 LA^.294, cm)."""
    area_cm2 = area_m2 * 1e4
    return Traits(
        images_given=images,
        images_registered=images,
        reprojection_error_px=0.62,
        scale_source="poses and board",
        leaf_area_m2=area_m2,
        leaf_area_std_m2=0.05 * area_m2,
        leaf_area_cloud_m2=area_m2 * 0.97,
        height_m=0.0145 * area_cm2**0.294,
        diameter_m=0.0497 * area_cm2**0.211,
        completeness=0.86,
    )


def mass_of(area_m2: float) -> MassEstimate:
    """Masses by the law FW = 0.0143 LA^1.184, DW = 0.00222 LA^1.035 (g, cm2)."""
    fresh_kg, dry_kg = 0.0143e-3 * (area_m2 * 1e4) ** 1.184, 0.00222e-3 * (area_m2 * 1e4) ** 1.035
    spread = math.exp(1.645 * 0.15)
    return MassEstimate(
        fresh_mass_kg=fresh_kg,
        fresh_mass_low_kg=fresh_kg / spread,
        fresh_mass_high_kg=fresh_kg * spread,
        dry_mass_kg=dry_kg,
        dry_mass_low_kg=dry_kg / spread,
        dry_mass_high_kg=dry_kg * spread,
        model="area-power-1",
    )


def write_artefacts(folder: ScanFolder, traits: Traits, mass: MassEstimate, area_m2: float) -> None:
    """What reconstruction would leave: a mesh, a report, traits and mass."""
    out = folder.reconstruction
    out.mkdir(parents=True, exist_ok=True)
    plant = folder.path.parent.name
    (out / "mesh.glb").write_bytes(rosette_glb(PLANTS[plant], traits.diameter_m or 0.2, traits.height_m or 0.1))
    (out / "traits.json").write_text(traits.model_dump_json())
    (out / "mass.json").write_text(mass.model_dump_json())
    (out / "report.html").write_text(f"<!doctype html><title>{plant}</title><h1>Report of {plant}</h1>")
    write_durably(out / "cloud.ply", b"ply\nformat ascii 1.0\nelement vertex 0\nend_header\n")
