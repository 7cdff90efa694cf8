"""A farm of many plants with years of scans and measurements in its database, and no photographs."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine, event

from scheduler.rows import PlantRow
from scheduler.store import Store
from scheduler.tables import jobs, measurements, scans

Place = tuple[float, float, float]


def write_big_farm(folder: Path, plants: int, days: int, seed: int, port: int, refresh_s: float = 1.0) -> Path:
    """Write a configuration and its database: every plant scanned and measured once a day until today.

    Returns:
        The configuration's path.
    """
    columns = round((plants * 2.5) ** 0.5)
    names = [f"p{number:04d}" for number in range(plants)]
    places = [(0.2 + 0.2 * (n % columns), 0.2 + 0.2 * (n // columns), 0.0) for n in range(plants)]
    (folder / "data").mkdir(parents=True, exist_ok=True)
    path = folder / "trellis.toml"
    path.write_text(_configuration(names, places, columns, port, refresh_s))
    url = f"sqlite:///{folder / 'data' / 'trellis.db'}"
    sown = datetime.now(UTC).date() - timedelta(days=40)
    with Store(url) as store:
        store.sync_plants(PlantRow(name, place, "butterhead", sown) for name, place in zip(names, places, strict=True))
    _write_days(url, names, days, random.Random(seed))
    return path


def _configuration(
    names: list[str], places: list[tuple[float, float, float]], columns: int, port: int, s: float
) -> str:
    width_m, height_m = 0.4 + 0.2 * columns, 0.4 + 0.2 * (len(names) // columns + 1)
    head = (
        f'[farm]\nname = "Big farm"\ndata_folder = "data"\n[[farm.schedules]]\nname = "daily"\ndaily_at = "06:00"\n'
        f"[cables]\npulleys_m = [[0, 0], [{width_m}, 0], [{width_m}, {height_m}], [0, {height_m}]]\n"
        f"[web]\nport = {port}\nrefresh_s = {s}\n[wall.lattice]\n"
    )
    rows = (
        f'[[wall.plants]]\nname = "{name}"\nposition_m = [{x:.2f}, {y:.2f}]\ncultivar = "butterhead"\n'
        for name, (x, y, _) in zip(names, places, strict=True)
    )
    return head + "".join(rows)


def _write_days(url: str, names: list[str], days: int, chance: random.Random) -> None:
    """Write the newest weeks plant by plant; what is older are the same weeks, moved back by the database itself."""
    engine = create_engine(url)
    event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"))
    today = datetime.now(UTC).replace(hour=6, minute=0, second=0, microsecond=0)
    today -= timedelta(days=today > datetime.now(UTC))
    with engine.begin() as connection:
        for day in range(min(days, _WEEKS_DAYS) - 1, -1, -1):
            began = today - timedelta(days=day)
            rows = [
                _one(name, began + timedelta(seconds=40 * n), _WEEKS_DAYS - day, chance) for n, name in enumerate(names)
            ]
            for table, part in ((scans, 0), (jobs, 1), (measurements, 2)):
                connection.execute(table.insert(), [row[part] for row in rows])
        for turn in range(1, days // _WEEKS_DAYS + 1):
            for statement in _MOVED_BACK:
                connection.exec_driver_sql(statement.format(turn=turn, back=f"'-{turn * _WEEKS_DAYS} days'"))
    engine.dispose()


_WEEKS_DAYS = 42
_AT = "strftime('%Y-%m-%d %H:%M:%S.000000', {column}, {{back}})"
_BEGAN, _ENDED, _MEASURED = (_AT.format(column=name) for name in ("started_at", "finished_at", "measured_at"))
_MOVED_BACK = (
    f"INSERT INTO scans SELECT id || '-{{turn}}', plant, state, {_BEGAN}, {_ENDED}, views_planned, views_taken, "
    "views_failed, folder || '-{turn}', reason FROM scans WHERE id LIKE '%Z'",
    f"INSERT INTO measurements SELECT scan || '-{{turn}}', plant, {_MEASURED}, traits, mass, stage_seconds "
    "FROM measurements WHERE scan LIKE '%Z'",
)


def _one(name: str, at: datetime, age: int, chance: random.Random) -> tuple[dict, dict, dict]:
    area_m2 = 0.004 * 1.1 ** min(age, 35) * chance.lognormvariate(0, 0.1)
    mass_kg = 0.0143e-3 * (area_m2 * 1e4) ** 1.184
    scan = f"{name}-{at:%Y%m%dT%H%M%SZ}"
    ended = at + timedelta(seconds=38)
    row = {"id": scan, "plant": name, "state": "done", "started_at": at, "finished_at": ended, "views_planned": 64,
           "views_taken": 64, "views_failed": 0, "folder": f"plants/{name}/{scan}", "reason": None}  # fmt: skip
    job = {"kind": "reconstruct", "plant": name, "scan": scan, "state": "done", "created_at": at, "started_at": at,
           "finished_at": ended, "share": 1.0, "attempts": 1}  # fmt: skip
    traits = {"images_given": 64, "images_registered": 64, "reprojection_error_px": 0.6, "scale_source": "poses",
              "leaf_area_m2": area_m2, "leaf_area_std_m2": 0.05 * area_m2, "diameter_m": 0.05 + area_m2,
              "height_m": 0.1, "leaf_count": 14}  # fmt: skip
    mass = {"fresh_mass_kg": mass_kg, "fresh_mass_low_kg": 0.8 * mass_kg, "fresh_mass_high_kg": 1.25 * mass_kg,
            "dry_mass_kg": mass_kg / 20, "dry_mass_low_kg": mass_kg / 25, "dry_mass_high_kg": mass_kg / 16,
            "model": "benchmark"}  # fmt: skip
    found = {"scan": scan, "plant": name, "measured_at": at, "traits": traits, "mass": mass, "stage_seconds": {}}
    return row, job, json.loads(json.dumps(found, default=str)) | {"measured_at": at}
