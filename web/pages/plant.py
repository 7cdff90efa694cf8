"""A plant's page: what it weighs and how sure that is, how it grew, how it looks, and what went wrong."""

import asyncio
from collections import Counter
from collections.abc import Callable
from html import escape

from nicegui import ui

from scheduler.rows_people import NoteRow, WeighingRow
from trellis.errors import InputError, TrellisError
from web import reading
from web.answers import MeasurementAnswer, PlantDetailAnswer, ScanAnswer, ViewsAnswer
from web.farm import Farm
from web.pages.charts import area_history, history
from web.pages.entered import entered_html
from web.pages.frame import frame
from web.pages.growing import days_panel, forecast_panel
from web.pages.live import Live
from web.pages.models import models
from web.pages.photographs import shots_html, sky_svg
from web.pages.scans import scans_table
from web.pages.stages import stages_html
from web.pages.wall import running
from web.pulse import Pulse, Snapshot
from web.words import cm, days, grams, interval_g, square_cm, when

Draw = Callable[[Snapshot], str]
_NEW_TAB = " target=_blank rel=noopener"


def add(farm: Farm, pulse: Pulse) -> None:
    """Serve the page at `/plant/NAME`.

    `?scan=ID` shows another scan than the latest, `?target=` is a mass in grams to tell the day of, `?leaves=1` follows
    its leaves.
    """

    @ui.page("/plant/{name}")
    async def plant_page(name: str, scan: str | None = None, target: str | None = None, leaves: bool = False) -> None:
        frame(farm, name, "/plant")
        try:
            plant = await asyncio.to_thread(reading.plant, farm, name)
        except TrellisError as error:
            with ui.element("div").classes("sheet"):
                _html(f'<div class="note bad">{escape(str(error))}</div><a href="/">Back to the wall</a>')
            return
        shown, found, problem = await asyncio.to_thread(_shown_scan, farm, plant, scan)
        with ui.element("div").classes("sheet"):
            await _page(farm, pulse, plant, shown, found, problem, _number(target), leaves=leaves)


def _number(text: str | None) -> float | None:
    """What a form sent; an empty or odd field is none."""
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _shown_scan(
    farm: Farm, plant: PlantDetailAnswer, wanted: str | None
) -> tuple[ScanAnswer | None, ViewsAnswer | None, str | None]:
    """The scan to show, its viewpoints, and why they cannot be shown."""
    shown = next((scan for scan in plant.scans if wanted in (None, scan.id)), None)
    if shown is None:
        return None, None, f"there is no scan {wanted!r} of {plant.name}" if wanted else None
    try:
        return shown, reading.views(farm, shown.id), None
    except InputError as error:
        return shown, None, str(error)


async def _page(
    farm: Farm,
    pulse: Pulse,
    plant: PlantDetailAnswer,
    shown: ScanAnswer | None,
    found: ViewsAnswer | None,
    problem: str | None,
    target_g: float | None,
    *,
    leaves: bool,
) -> None:
    measured = next((one for one in plant.measurements if shown and one.scan == shown.id), None)
    _html(_title(farm, plant))
    await Live(pulse, farm.refresh_s).start([("", _notes(plant, shown, measured, problem))])
    _html(_figures(farm, measured or plant.measurement, shown))
    with ui.element("div").classes("plant-page"):
        with ui.element("div").classes("stack"):
            _charts(plant)
            await forecast_panel(farm, plant, target_g)
        _mesh(farm, plant, shown, measured)
        await Live(pulse, farm.refresh_s).start([("wide", _photographs(farm, shown, found))])
        weighings, notes = await asyncio.to_thread(_written, farm, plant.name)
        _html(entered_html(farm, plant.name, weighings, notes), "wide entered")
        await days_panel(farm, plant, leaves=leaves)
        _html(scans_table(farm, plant, shown), "wide")


def _written(farm: Farm, name: str) -> tuple[list[WeighingRow], list[NoteRow]]:
    return farm.store.weighings(name), farm.store.notes_about(name)


def _html(content: str, kind: str = "") -> None:
    ui.html(content, sanitize=False).classes(kind)


def _title(farm: Farm, plant: PlantDetailAnswer) -> str:
    known = [plant.cultivar, f"{days(plant.age_days)} old" if plant.age_days is not None else None]
    x, y, _ = plant.position_m
    known.append(f"at {x:.2f}, {y:.2f} m" if plant.on_wall else "no longer on the wall")
    told = ", ".join(escape(text) for text in known if text)
    scan = (
        f'<button class="button" type="button" data-post="/api/v1/plants/{escape(plant.name, quote=True)}/scans" '
        f'data-done="A scan of {escape(plant.name, quote=True)} is queued">Scan now</button>'
        if plant.on_wall
        else ""
    )
    return (
        f'<div class="title"><h1>{escape(plant.name)}</h1><span class="soft">{told}</span>'
        f'<span class="actions">{scan}</span></div>'
    )


def _notes(
    plant: PlantDetailAnswer, shown: ScanAnswer | None, measured: MeasurementAnswer | None, problem: str | None
) -> Draw:
    """What stands above the figures: what runs on this plant now, and every reason to doubt what follows."""
    doubts = _doubts(shown, measured, problem)
    fixed = "".join(_note(line, bad) for line, bad in doubts)

    def draw(now: Snapshot) -> str:
        here = next((one for one in now.plants if one.name == plant.name), plant)
        jobs = tuple(job for job in now.jobs if job.plant == plant.name)
        busy = any(job.state in ("running", "queued", "paused") for job in jobs)
        live = f'<section class="panel live" style="margin-bottom:12px">{running(jobs)}</section>' if busy else ""
        told = any(here.reason in line for line, _ in doubts) if here.reason else True
        failed = (
            _note(f"The last work on it failed: {here.reason}", True) if here.state == "failed" and not told else ""
        )
        newer = here.last_scan is not None and (not plant.scans or here.last_scan.id != plant.scans[0].id)
        fresh = here.measurement is not None and here.measurement.scan not in {one.scan for one in plant.measurements}
        reload = '<p><a href="">There is something newer: show it.</a></p>' if newer or fresh else ""
        return live + failed + reload + fixed

    return draw


def _doubts(
    shown: ScanAnswer | None, measured: MeasurementAnswer | None, problem: str | None
) -> list[tuple[str, bool]]:
    lines: list[tuple[str, bool]] = [(problem, True)] if problem else []
    if shown is not None and shown.reason:
        lines.append((f"This scan {shown.state}: {shown.reason}", shown.state == "failed"))
    if measured is not None:
        if measured.mass.refused_reason:
            lines.append((f"No mass is given: {measured.mass.refused_reason}", False))
        if not measured.traits.trusted:
            lines.append(
                (f"The traits are not trusted: {measured.traits.untrusted_reason or 'no reason given'}", False)
            )
    return lines


def _note(line: str, bad: bool) -> str:
    return f'<div class="note{" bad" if bad else ""}">{escape(line)}</div>'


def _figures(farm: Farm, measured: MeasurementAnswer | None, shown: ScanAnswer | None) -> str:
    if measured is None:
        text = "Nothing has been measured on this plant yet."
        return f'<section class="panel" style="margin-bottom:12px"><p class="empty">{text}</p></section>'
    mass, traits = measured.mass, measured.traits
    age = f"on {when(measured.measured_at, farm.zone)}"
    older = " (an earlier scan)" if shown and shown.id != measured.scan else ""
    entries = [
        ("Fresh mass", grams(mass.fresh_mass_kg), interval_g(mass.fresh_mass_low_kg, mass.fresh_mass_high_kg)),
        ("Dry mass", grams(mass.dry_mass_kg), interval_g(mass.dry_mass_low_kg, mass.dry_mass_high_kg)),
        ("Leaf area, one side", square_cm(traits.leaf_area_m2), f"± {square_cm(1.645 * traits.leaf_area_std_m2)}"),
        ("Diameter", cm(traits.diameter_m), ""),
        ("Height", cm(traits.height_m), ""),
        ("Images in the model", f"{traits.images_registered}<small> of {traits.images_given}</small>",
         f"{traits.reprojection_error_px:.2f} px"),
    ]  # fmt: skip
    cells = "".join(
        f'<div><dt>{name}</dt><dd>{value}<span class="interval">{interval}</span></dd></div>'
        for name, value, interval in entries
    )
    return (
        f'<dl class="figures">{cells}</dl><p class="soft" style="margin-bottom:14px">Measured {age}{older}. '
        f"Ranges hold the true value in 9 of 10 cases. Scale from {escape(traits.scale_source)}.</p>"
    )


def _charts(plant: PlantDetailAnswer) -> None:
    with ui.element("section").classes("panel"):
        _html("<h2>History</h2>")
        if not plant.measurements:
            _html('<p class="empty">The chart begins with the first measurement.</p>')
            return
        if len(plant.measurements) < 2:
            _html('<p class="empty">One measurement so far; the chart begins with the second.</p>')
            return
        if any(one.mass.fresh_mass_kg is not None for one in plant.measurements):
            ui.echart(history(plant.measurements)).classes("chart")
        ui.echart(area_history(plant.measurements)).classes("chart")


def _mesh(farm: Farm, plant: PlantDetailAnswer, shown: ScanAnswer | None, measured: MeasurementAnswer | None) -> None:
    with ui.element("section").classes("panel"):
        _html("<h2>Model</h2>")
        models(farm, plant, shown)
        if shown is not None:
            _html(_made(shown, measured))


def _made(shown: ScanAnswer, measured: MeasurementAnswer | None) -> str:
    base = f"/api/v1/scans/{escape(shown.id, quote=True)}"
    names = {"report.html": "Report", "mesh.glb": "Mesh (glb)", "mesh.ply": "Mesh (ply)", "plant.ply": "Plant's cloud",
             "cloud.ply": "Whole cloud", "traits.json": "Traits", "mass.json": "Mass"}  # fmt: skip
    links = " ".join(
        f'<a class="button" href="{base}/{name}"{_NEW_TAB if name == "report.html" else ""}>{text}</a>'
        for name, text in names.items()
        if name in shown.artefacts
    )
    stages = stages_html(measured.stages_s) if measured else ""
    return f'<div style="display:flex;flex-wrap:wrap;gap:8px;margin:12px 0">{links}</div>{stages}'


def _photographs(farm: Farm, shown: ScanAnswer | None, found: ViewsAnswer | None) -> Draw:
    """The photographs of a scan; while it runs they are drawn as they come."""

    def draw(now: Snapshot) -> str:
        views = now.newest if shown and now.newest and now.newest.scan == shown.id else found
        if shown is None or views is None:
            return '<section class="panel"><h2>Photographs</h2><p class="empty">None of this plant yet.</p></section>'
        counts = Counter(view.outcome for view in views.views)
        failed = f", {counts['failed']} failed" if counts["failed"] else ""
        head = f"Photographs of {when(shown.started_at, farm.zone)}: {counts['taken']} of {len(views.views)}{failed}"
        sky = f"<div><h2>Directions of view</h2>{sky_svg(views)}</div>"
        return f'<section class="panel"><h2>{head}</h2><div class="beside">{shots_html(views)}{sky}</div></section>'

    return draw
