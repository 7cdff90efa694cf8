"""Every scan of a plant in a table: what came of it, and why."""

from html import escape

from web.answers import MeasurementAnswer, PlantDetailAnswer, ScanAnswer
from web.farm import Farm
from web.words import NOTHING, duration, grams, square_cm, when


def scans_table(farm: Farm, plant: PlantDetailAnswer, shown: ScanAnswer | None) -> str:
    """The table, newest first; the scan that is shown has no link."""
    if not plant.scans:
        return ""
    measured = {one.scan: one for one in plant.measurements}
    head = (
        "<tr><th>Scan</th><th>State</th><th class=number>Took</th><th class=number>Photographs</th>"
        "<th class=number>Leaf area</th><th class=number>Fresh mass</th><th>Remarks</th></tr>"
    )
    rows = "".join(_scan_row(farm, plant, scan, measured.get(scan.id), shown) for scan in plant.scans[:60])
    return f'<section class="panel"><h2>Scans</h2><div class="scroll"><table>{head}{rows}</table></div></section>'


def _scan_row(
    farm: Farm, plant: PlantDetailAnswer, scan: ScanAnswer, one: MeasurementAnswer | None, shown: ScanAnswer | None
) -> str:
    name = when(scan.started_at, farm.zone)
    address = f"/plant/{escape(plant.name, quote=True)}?scan={escape(scan.id, quote=True)}"
    title = name if shown and shown.id == scan.id else f'<a href="{address}">{name}</a>'
    took = (scan.finished_at - scan.started_at).total_seconds() if scan.finished_at else None
    remarks = scan.reason or (one and (one.mass.refused_reason or one.traits.untrusted_reason)) or ""
    return (
        f'<tr><td class=state>{title}</td><td><span class="state {scan.state}">{scan.state}</span></td>'
        f'<td class="number">{duration(took)}</td><td class="number">{scan.views_taken}/{scan.views_planned}</td>'
        f'<td class="number">{square_cm(one.traits.leaf_area_m2) if one else NOTHING}</td>'
        f'<td class="number">{grams(one.mass.fresh_mass_kg) if one else NOTHING}</td>'
        f'<td class="reason">{escape(remarks)}</td></tr>'
    )
