"""Tables to take away, as CSV: measurements, and weighings beside the traits that were measured nearest to them."""

import csv
import io
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import timedelta

from scheduler.rows import MeasurementRow
from scheduler.rows_people import WeighingRow
from web.farm import Farm

_NEAR = timedelta(days=2)
_MEASURED = (
    "plant", "cultivar", "scan", "measured_at", "trusted", "leaf_area_m2", "leaf_area_std_m2", "volume_m3", "height_m",
    "diameter_m", "projected_area_m2", "leaf_count", "completeness", "fresh_mass_kg", "fresh_mass_low_kg",
    "fresh_mass_high_kg", "dry_mass_kg", "dry_mass_low_kg", "dry_mass_high_kg", "model", "reason",
)  # fmt: skip
#: As `reconstruction.mass_fit.table` reads them.
_FIT = (
    "plant", "harvest", "cultivar", "leaf_area_cm2", "leaf_area_std_cm2", "volume_cm3", "projected_area_cm2",
    "height_cm", "diameter_cm", "completeness", "age_days", "fresh_mass_g", "dry_mass_g",
)  # fmt: skip


def measurement_table(farm: Farm, rows: Iterable[MeasurementRow]) -> str:
    """One line a measurement, SI units in the names."""
    cultivars = {plant.name: plant.cultivar for plant in farm.store.plants(active_only=False)}
    return _text(_MEASURED, (_measured(row, cultivars.get(row.plant)) for row in rows))


def fit_table(farm: Farm) -> str:
    """One line a weighing of a plant that was measured within two days of it; the others have nothing to fit."""
    plants = {plant.name: plant for plant in farm.store.plants(active_only=False)}
    lines, known = [], {}
    for weighing in farm.store.weighings():
        if weighing.plant not in known:
            known[weighing.plant] = sorted(farm.store.measurements(weighing.plant), key=lambda row: row.measured_at)
        near = _nearest(weighing, known[weighing.plant])
        plant = plants.get(weighing.plant)
        if near is not None and plant is not None and near.traits.trusted:
            age = None if plant.sown is None else (weighing.weighed_at.date() - plant.sown).days
            lines.append(_fitted(weighing, near, plant.cultivar, age))
    return _text(_FIT, lines)


def _nearest(weighing: WeighingRow, rows: Sequence[MeasurementRow]) -> MeasurementRow | None:
    at = bisect_left(rows, weighing.weighed_at, key=lambda row: row.measured_at)
    around = rows[max(0, at - 1) : at + 1]
    near = min(around, key=lambda row: abs(row.measured_at - weighing.weighed_at), default=None)
    return near if near is not None and abs(near.measured_at - weighing.weighed_at) <= _NEAR else None


def _measured(row: MeasurementRow, cultivar: str | None) -> dict[str, object]:
    values = row.traits.model_dump() | row.mass.model_dump()
    values |= {"plant": row.plant, "cultivar": cultivar, "scan": row.scan, "measured_at": row.measured_at.isoformat()}
    return values | {"reason": row.mass.refused_reason or row.traits.untrusted_reason}


def _fitted(weighing: WeighingRow, near: MeasurementRow, cultivar: str | None, age: int | None) -> dict[str, object]:
    traits = near.traits
    return {
        "plant": weighing.plant,
        "harvest": f"{weighing.weighed_at:%Y-%m-%d}",
        "cultivar": cultivar,
        "leaf_area_cm2": _scaled(traits.leaf_area_m2, 1e4),
        "leaf_area_std_cm2": _scaled(traits.leaf_area_std_m2, 1e4),
        "volume_cm3": _scaled(traits.volume_m3, 1e6),
        "projected_area_cm2": _scaled(traits.projected_area_m2, 1e4),
        "height_cm": _scaled(traits.height_m, 100),
        "diameter_cm": _scaled(traits.diameter_m, 100),
        "completeness": traits.completeness,
        "age_days": age if age and age > 0 else None,
        "fresh_mass_g": _scaled(weighing.fresh_mass_kg, 1000),
        "dry_mass_g": _scaled(weighing.dry_mass_kg, 1000),
    }


def _scaled(value: float | None, scale: float) -> float | None:
    return None if value is None or value <= 0 else float(f"{value * scale:.6g}")


def _text(columns: Sequence[str], rows: Iterable[dict[str, object]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows({key: safe(value) for key, value in row.items()} for row in rows)
    return out.getvalue()


def safe(value: object) -> object:
    """A text that a spreadsheet would run as a formula is told to be text (OWASP, CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
