"""A plant through its days: the strip of its straightest photographs, and its leaves, each followed for life."""

from math import isfinite
from typing import Literal

from reconstruction.growth.leaf_lives import LeafDay, leaf_lives, read_mesh
from reconstruction.growth.pictures import picture
from reconstruction.growth.strip import Day, strip_figure
from scheduler.rows import ScanRow
from trellis.errors import InputError
from web import reading
from web.answers import Answer
from web.api.errors import NotThere
from web.farm import Farm

#: So many of the newest scans: a strip of two lines, and as many meshes as are followed in some seconds.
_STRIP_MAX, _LEAVES_MAX = 14, 10


class LeafAnswer(Answer):
    """A leaf on a day (of age; without a sowing date counted from the first scan): one side's area as it was seen.

    `fate` is `new` on its first day, unless that is the first that was looked at, and `lost` on the day when it was
    missed first, which has no area.
    """

    leaf: int
    day: float
    area_m2: float | None
    growth_per_day: float | None
    fate: Literal["", "new", "lost"]


def strip_of(farm: Farm, name: str) -> bytes:
    """The strip as PNG, made again when a scan came.

    Raises:
        InputError: There is no such plant.
        NotThere: It has no scan yet.
    """
    scans = [scan for scan in _scans(farm, name, _STRIP_MAX) if reading.folder_of(farm, scan).manifest.exists()]
    if not scans:
        raise NotThere(f"there is no photograph of {name} yet")
    known = farm.remembered.get(f"strip {name}")
    if known is None or known[0] != scans[0]:
        days = [_day(farm, scan, scans[-1]) for scan in reversed(scans)]
        known = farm.remembered[f"strip {name}"] = scans[0], picture(strip_figure(name, days), "png")
    return bytes(known[1])


def leaves_of(farm: Farm, name: str) -> list[LeafAnswer]:
    """The leaves of the newest meshes, oldest day first, made again when a scan was reconstructed.

    Raises:
        InputError: There is no such plant.
        NotThere: It has no mesh yet.
    """
    scans = _scans(farm, name, 4 * _LEAVES_MAX)
    meshed = [scan for scan in scans if (reading.folder_of(farm, scan).reconstruction / "mesh.ply").exists()]
    if not meshed:
        raise NotThere(f"there is no mesh of {name} yet")
    used = meshed[:_LEAVES_MAX]
    known = farm.remembered.get(f"leaves {name}")
    if known is None or known[0] != used:
        known = farm.remembered[f"leaves {name}"] = used, _followed(farm, used)
    return list(known[1])


def _followed(farm: Farm, scans: list[ScanRow]) -> list[LeafAnswer]:
    oldest = scans[-1]
    collar = reading.manifest_of(reading.folder_of(farm, scans[0])).plant_position_m
    days = (
        (_age(farm, scan, oldest), read_mesh(reading.folder_of(farm, scan).reconstruction / "mesh.ply"))
        for scan in reversed(scans)
    )
    return [_leaf(row) for row in leaf_lives(days, collar)]


def _leaf(row: LeafDay) -> LeafAnswer:
    return LeafAnswer(
        leaf=row.leaf,
        day=round(row.day, 2),
        area_m2=_finite(row.area_m2),
        growth_per_day=_finite(row.growth_per_day),
        fate=row.fate,  # type: ignore[arg-type]
    )


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _scans(farm: Farm, name: str, most: int) -> list[ScanRow]:
    return [scan for scan in farm.store.scans(farm.store.plant(name).name, limit=most) if scan.views_taken]


def _day(farm: Farm, scan: ScanRow, oldest: ScanRow) -> Day:
    found = farm.store.measurement(scan.id)
    mass_kg = found.mass.fresh_mass_kg if found else None
    note = f"{1000 * mass_kg:.0f} g" if mass_kg else ""
    return Day(reading.folder_of(farm, scan), round(_age(farm, scan, oldest)), note)


def _age(farm: Farm, scan: ScanRow, oldest: ScanRow) -> float:
    try:
        age = reading.manifest_of(reading.folder_of(farm, scan)).age_days
    except InputError:
        age = None
    return float(age) if age is not None else (scan.started_at - oldest.started_at).total_seconds() / 86400
