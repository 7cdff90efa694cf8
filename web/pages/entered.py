"""On a plant's page: weighings and notes, entered here; and tables to take away."""

from html import escape

from scheduler.rows_people import NoteRow, WeighingRow
from web.farm import Farm
from web.pages.forms import field, form, remove_button
from web.words import grams, when


def entered_html(farm: Farm, plant: str, weighings: list[WeighingRow], notes: list[NoteRow]) -> str:
    """Both panels of one plant."""
    base = f"/api/v1/plants/{escape(plant, quote=True)}"
    fields = (
        field("Fresh mass, g", "fresh_mass_kg", "grams")
        + field("Dry mass, g", "dry_mass_kg", "grams")
        + field("Harvested", "harvested", "flag")
    )
    weighed = "".join(
        f"<tr><td>{when(row.weighed_at, farm.zone)}</td><td class=number>{grams(row.fresh_mass_kg)}</td>"
        f"<td class=number>{grams(row.dry_mass_kg)}</td><td>{'harvested' if row.harvested else ''}</td>"
        f"<td>{escape(row.entered_by)}</td><td>{_take_back(row)}</td></tr>"
        for row in weighings
    )
    table = (
        '<div class="scroll"><table><tr><th>Weighed</th><th class=number>Fresh</th><th class=number>Dry</th><th></th>'
        f"<th>By</th><th></th></tr>{weighed}</table></div>"
        if weighings
        else '<p class="empty">Not weighed yet. Weighings beside measurements are what mass models are fitted to.</p>'
    )
    written = "".join(
        f"<li><time>{when(row.at, farm.zone)}</time><span>{escape(row.text)} "
        f'<span class="soft">{escape(row.entered_by)}</span></span></li>'
        for row in notes
    )
    return (
        '<section class="panel"><h2>Weighings</h2>'
        f"{form(base + '/weighings', fields, 'Enter', needs='enter', done='Entered')}{table}"
        f'<p class="more"><a href="/api/v1/export/measurements.csv?plant={escape(plant, quote=True)}">'
        "Measurements as CSV</a> · "
        '<a href="/api/v1/export/weighings.csv">All weighings as the table of trellis mass fit</a></p></section>'
        '<section class="panel"><h2>Notes</h2>'
        f"{form(base + '/notes', field('Note', 'text', required=True), 'Write', needs='enter')}"
        f'<ol class="events">{written}</ol></section>'
    )


def _take_back(row: WeighingRow) -> str:
    question = f"Take back the weighing of {grams(row.fresh_mass_kg)} fresh, {grams(row.dry_mass_kg)} dry?"
    return remove_button(f"/api/v1/weighings/{row.id}", question, "Take back")
