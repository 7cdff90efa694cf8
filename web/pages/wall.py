"""The first page: the wall, what runs now, the latest photograph, what comes next, what happened."""

from collections.abc import Callable
from html import escape

from nicegui import ui

from web.answers import JobAnswer, PlantAnswer
from web.farm import Farm
from web.pages.drawing import legend, wall_svg
from web.pages.frame import frame
from web.pages.live import Live
from web.pulse import Pulse, Snapshot
from web.words import (
    NOTHING,
    days,
    doing,
    duration,
    grams,
    interval_g,
    job_name,
    link,
    square_cm,
    state_word,
    when,
)

_SILENT_S = 60.0  # a stage of reconstruction may work that long without a word
Draw = Callable[[Snapshot], str]


def add(farm: Farm, pulse: Pulse) -> None:
    """Serve the page at `/`."""

    @ui.page("/")
    async def wall_page() -> None:
        frame(farm, "Wall", "/")
        with ui.element("div").classes("sheet"):
            live = Live(pulse, farm.refresh_s)
            with ui.element("div").classes("wall-page"):
                await live.start([("stack", _left(farm)), ("stack", _right(farm))])


def _left(farm: Farm) -> Draw:
    def draw(now: Snapshot) -> str:
        problem = f'<div class="note bad">{escape(now.problem)}</div>' if now.problem else ""
        if not now.plants:
            nothing = "No plant hangs on the wall yet. Add one to [[wall.plants]] in the configuration."
            return f'{problem}<section class="panel"><p class="empty">{nothing}</p></section>'
        drawing = wall_svg(farm, now.plants, now.robot) + legend(now.plants, now.robot)
        return f'{problem}<section class="panel">{drawing}</section>{_table(farm, now)}'

    return draw


def _right(farm: Farm) -> Draw:
    def draw(now: Snapshot) -> str:
        return (
            f'<section class="panel live now"><h2>Now</h2>{running(now.jobs)}</section>'
            f"{_latest(farm, now)}"
            f'<section class="panel"><h2>Schedule</h2>{_runs(farm, now)}</section>'
            f'<section class="panel"><h2>Events</h2>{_events(farm, now)}</section>'
        )

    return draw


def running(jobs: tuple[JobAnswer, ...]) -> str:
    """What is under way, with its progress, and how much waits."""
    active = [job for job in jobs if job.state == "running"]
    waiting = [job for job in jobs if job.state in ("queued", "paused")]
    if not active and not waiting:
        return '<p class="empty">Nothing runs.</p>'
    lines = "".join(job_html(job) for job in active)
    more = f'<p class="soft more">{len(waiting)} waiting: <a href="/jobs">see the jobs</a></p>'
    return lines + (more if waiting else "")


def job_html(job: JobAnswer, action: str = "") -> str:
    """A job that runs: its progress, what it does now, and what can be done about it."""
    width = max(0.0, min(1.0, job.share)) * 100
    silent = ""
    if job.silent_s is not None and job.silent_s > _SILENT_S:
        silent = f'<div class="state paused">No sign of life for {duration(job.silent_s)}</div>'
    return (
        f'<div class="job"><div class="line"><span>{job_name(job).replace(job.plant, link(job.plant))}</span>'
        f"<span>{width:.0f} %</span></div>"
        f'<span class="progress" role="progressbar" aria-valuenow="{width:.0f}" aria-label="{escape(job_name(job))}">'
        f'<i style="width:{width:.1f}%"></i></span>'
        f'<div class="line soft"><span>{escape(doing(job))}</span><span>{duration(job.run_s)}</span></div>'
        f"{silent}{action}</div>"
    )


def _latest(farm: Farm, now: Snapshot) -> str:
    if now.newest is None or now.latest is None:
        return '<section class="panel newest"><h2>Latest photograph</h2><p class="empty">None taken yet.</p></section>'
    plant, scan, view = now.newest.plant, now.newest.scan, now.latest
    base = f"/api/v1/scans/{escape(scan, quote=True)}/views/{view.view}/photograph.jpg?v={(view.sha256 or '')[:16]}"
    text = f"{link(plant)}, viewpoint {view.view}, {when(view.taken_at, farm.zone)}"
    title = escape(f"{plant}, viewpoint {view.view}", quote=True)
    return (
        f'<section class="panel newest"><h2>Latest photograph</h2><figure class="latest">'
        f'<a class="shot" href="{base}" title="{title}"><img src="{base}" alt="{title}"></a>'
        f"<figcaption>{text}</figcaption></figure></section>"
    )


def _runs(farm: Farm, now: Snapshot) -> str:
    if not now.runs:
        return '<p class="empty">No schedule. Add [[farm.schedules]] to the configuration, or scan by hand.</p>'
    rows = "".join(
        f"<li><time>{when(run.due_at, farm.zone)}</time><span>{escape(run.schedule)} "
        f'<span class="state {run.state}">{run.state}</span>, {_count(len(run.plants))}'
        f"{': ' + escape(run.reason) if run.reason else ''}</span></li>"
        for run in now.runs[:6]
    )
    return f'<ol class="events">{rows}</ol>'


def _count(plants: int) -> str:
    return "1 plant" if plants == 1 else f"{plants} plants"


def _events(farm: Farm, now: Snapshot) -> str:
    if not now.events:
        return '<p class="empty">Nothing has happened yet.</p>'
    rows = "".join(
        f'<li><time>{when(event.at, farm.zone)}</time><span class="{event.level}">{escape(event.message)}</span></li>'
        for event in now.events[:10]
    )
    return f'<ol class="events">{rows}</ol>'


def _table(farm: Farm, now: Snapshot) -> str:
    head = (
        "<tr><th>Plant</th><th>State</th><th class=hide-small>Cultivar</th><th class='number hide-small'>Age</th>"
        "<th class=number>Fresh mass</th><th class='number hide-small'>Dry mass</th><th class=number>Leaf area</th>"
        "<th class='number hide-small'>Photographs</th><th class=hide-small>Last scan</th></tr>"
    )
    rows = "".join(_row(farm, plant) for plant in now.plants)
    table = f'<div class="scroll"><table>{head}{rows}</table></div>'
    return f'<section class="panel plants"><h2>Plants</h2>{table}</section>'


def _row(farm: Farm, plant: PlantAnswer) -> str:
    measured, scan = plant.measurement, plant.last_scan
    mass = measured.mass if measured else None
    fresh = (
        (grams(mass.fresh_mass_kg), interval_g(mass.fresh_mass_low_kg, mass.fresh_mass_high_kg)) if mass else ("", "")
    )
    dry = (grams(mass.dry_mass_kg), interval_g(mass.dry_mass_low_kg, mass.dry_mass_high_kg)) if mass else ("", "")
    area = square_cm(measured.traits.leaf_area_m2) if measured else NOTHING
    shots = f"{scan.views_taken}/{scan.views_planned}" if scan else NOTHING
    title = f' title="{escape(plant.reason, quote=True)}"' if plant.reason else ""
    return (
        f"<tr><td>{link(plant.name)}</td><td{title}>{state_word(plant)}</td>"
        f'<td class="hide-small">{escape(plant.cultivar or NOTHING)}</td>'
        f'<td class="number hide-small">{days(plant.age_days) or NOTHING}</td>'
        f'<td class="number">{_with(fresh)}</td><td class="number hide-small">{_with(dry)}</td>'
        f'<td class="number">{area}</td><td class="number hide-small">{shots}</td>'
        f'<td class="state hide-small">{when(scan.started_at, farm.zone) if scan else NOTHING}</td></tr>'
    )


def _with(value: tuple[str, str]) -> str:
    number, interval = value
    return f'{number or NOTHING} <span class="interval">{interval}</span>'
