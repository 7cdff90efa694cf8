"""The first page: the wall, what runs now, the latest photograph, what comes next, what happened."""

from collections.abc import Callable
from html import escape

from nicegui import ui

from scheduler.disk import words
from web.answers import ComingAnswer, JobAnswer, PlantAnswer, QueueAnswer
from web.farm import Farm
from web.pages.alerts import alerts_html, days_left
from web.pages.colours import CHOICES, colouring, percent_a_day
from web.pages.drawing import choices_html, legend, robot_svg, wall_svg
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

_ROWS = 60
_URGENT = ("failed", "scanning", "reconstructing", "refused", "queued")
_SILENT_S = 60.0  # a stage of reconstruction may work that long without a word
Draw = Callable[[Snapshot], str]


def add(farm: Farm, pulse: Pulse) -> None:
    """Serve the page at `/`; `?colour=` chooses what colours tell, `?all=1` lists every plant."""

    @ui.page("/")
    async def wall_page(colour: str = "mass", all: bool = False) -> None:
        frame(farm, "Wall", "/")
        chosen = colour if colour in CHOICES else "mass"
        with ui.element("div").classes("sheet"), ui.element("div").classes("wall-page"):
            with ui.element("div").classes("stack"):
                with ui.element("section").classes("panel drawing"):
                    ui.html(choices_html(chosen), sanitize=False)
                    with ui.element("div").classes("layers"):
                        layers = [("layer", _plants_layer(farm, chosen)), ("layer over", _robot_layer(farm))]
                        await Live(pulse, farm.refresh_s).start(layers)
                    await Live(pulse, farm.refresh_s).start([("", _legend(chosen))])
                await Live(pulse, farm.refresh_s).start([("", _table(farm, all))])
            await Live(pulse, farm.refresh_s).start([("stack", _right(farm))])


def _plants_layer(farm: Farm, chosen: str) -> Draw:
    def draw(now: Snapshot) -> str:
        if not now.plants:
            nothing = "No plant hangs on the wall yet. Add one to [[wall.plants]] in the configuration."
            return f'<p class="empty">{nothing}</p>'
        return wall_svg(farm, now.plants, colouring(chosen, now.plants))

    return draw


def _robot_layer(farm: Farm) -> Draw:
    return lambda now: robot_svg(farm, now.plants, now.robot) if now.plants else ""


def _legend(chosen: str) -> Draw:
    return lambda now: legend(colouring(chosen, now.plants), now.robot) if now.plants else ""


def _right(farm: Farm) -> Draw:
    def draw(now: Snapshot) -> str:
        return (
            f'<section class="panel alerts"><h2>Needs you</h2>{alerts_html(farm, now)}</section>'
            f'<section class="panel live now"><h2>Now</h2>{running(now.jobs, now.queue)}</section>'
            f"{_latest(farm, now)}"
            f'<section class="panel"><h2>Next runs</h2>{_next_runs(farm, now)}</section>'
            f'<section class="panel"><h2>Disk</h2>{_disk(now)}</section>'
            f'<section class="panel"><h2>Events</h2>{_events(farm, now)}</section>'
        )

    return draw


def running(jobs: tuple[JobAnswer, ...], queue: QueueAnswer | None = None) -> str:
    """What is under way, with its progress, and how much waits."""
    active = [job for job in jobs if job.state == "running"]
    waiting = sum(job.state in ("queued", "paused") for job in jobs)
    if queue is not None:  # it counts all scans; the jobs are only the newest
        waiting = max(waiting, queue.total - sum(job.kind == "scan" for job in active))
    if not active and not waiting:
        return '<p class="empty">Nothing runs.</p>'
    lines = "".join(job_html(job) for job in active)
    more = f'<p class="soft more">{waiting:,} waiting: <a href="/queue">see the queue</a></p>'
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
    over = sum(one.outcome != "pending" for one in now.newest.views)
    text = f"{link(plant)}, viewpoint {view.view}, {when(view.taken_at, farm.zone)}"
    title = escape(f"{plant}, viewpoint {view.view}", quote=True)
    return (
        f'<section class="panel newest"><h2>Latest photograph: {over}/{len(now.newest.views)}</h2>'
        f'<figure class="latest"><a class="shot" href="{base}" title="{title}"><img src="{base}" alt="{title}"></a>'
        f"<figcaption>{text}</figcaption></figure></section>"
    )


def _next_runs(farm: Farm, now: Snapshot) -> str:
    if not farm.schedules:
        return '<p class="empty">No schedule. Add [[farm.schedules]] to the configuration, or scan by hand.</p>'
    rows = "".join(
        f"<li><time>{when(turn.due_at, farm.zone)}</time><span>{escape(turn.schedule)}, {count(len(turn.plants))}"
        f"{_hindrance(turn)}</span></li>"
        for turn in now.coming[:4]
    )
    shown = f'<ol class="events">{rows}</ol>' if rows else '<p class="empty">No schedule is enabled.</p>'
    return f'{shown}<p class="soft more"><a href="/calendar">Calendar</a></p>'


def _hindrance(turn: ComingAnswer) -> str:
    return f'<br><span class="warning">{escape(turn.conflicts[0])}</span>' if turn.conflicts else ""


def _disk(now: Snapshot) -> str:
    disk = now.disk
    if disk is None:
        return '<p class="empty">Not read yet.</p>'
    left = (
        f"<strong>{days_left(disk.days_left)}</strong> at {_figure(disk.scans_a_day)} scans a day"
        if disk.days_left is not None
        else f"<strong>{disk.scans_left:,} scans</strong>; no schedule says how long that lasts"
    )
    return (
        f"<p>Room for {left}.</p>"
        f'<p class="soft more">{words(disk.free_bytes)} free, a scan takes {words(disk.scan_bytes)}.</p>'
    )


def _figure(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def count(plants: int) -> str:
    """So many plants."""
    return "1 plant" if plants == 1 else f"{plants:,} plants"


def _events(farm: Farm, now: Snapshot) -> str:
    if not now.events:
        return '<p class="empty">Nothing has happened yet.</p>'
    rows = "".join(
        f'<li><time>{when(event.at, farm.zone)}</time><span class="{event.level}">{escape(event.message)}</span></li>'
        for event in now.events[:10]
    )
    return f'<ol class="events">{rows}</ol>'


def _table(farm: Farm, every: bool) -> Draw:
    """All plants; of very many those first that need somebody, unless every one is asked for."""

    def draw(now: Snapshot) -> str:
        head = (
            "<tr><th>Plant</th><th>State</th><th class=hide-small>Cultivar</th><th class='number hide-small'>Age</th>"
            "<th class=number>Fresh mass</th><th class='number hide-small'>Growth</th><th class=number>Leaf area</th>"
            "<th class='number hide-small'>Photographs</th><th class=hide-small>Last scan</th></tr>"
        )
        total = len(now.plants)
        some = total > _ROWS and not every
        shown = sorted(now.plants, key=_urgency)[:_ROWS] if some else now.plants
        more = f'<p class="soft more">{_ROWS} of {total:,}. <a href="/?all=true">List all</a></p>' if some else ""
        table = f'<div class="scroll"><table>{head}{"".join(_row(farm, plant) for plant in shown)}</table></div>{more}'
        return f'<section class="panel plants"><h2>Plants</h2>{table}</section>' if total else ""

    return draw


def _urgency(plant: PlantAnswer) -> int:
    return _URGENT.index(plant.state) if plant.state in _URGENT else len(_URGENT)


def _row(farm: Farm, plant: PlantAnswer) -> str:
    measured, scan = plant.measurement, plant.last_scan
    mass = measured.mass if measured else None
    fresh = (
        (grams(mass.fresh_mass_kg), interval_g(mass.fresh_mass_low_kg, mass.fresh_mass_high_kg)) if mass else ("", "")
    )
    growth = percent_a_day(plant.growth_per_day) if plant.growth_per_day is not None else NOTHING
    area = square_cm(measured.traits.leaf_area_m2) if measured else NOTHING
    shots = f"{scan.views_taken}/{scan.views_planned}" if scan else NOTHING
    title = f' title="{escape(plant.reason, quote=True)}"' if plant.reason else ""
    return (
        f"<tr><td>{link(plant.name)}</td><td{title}>{state_word(plant)}</td>"
        f'<td class="hide-small">{escape(plant.cultivar or NOTHING)}</td>'
        f'<td class="number hide-small">{days(plant.age_days) or NOTHING}</td>'
        f'<td class="number">{_with(fresh)}</td><td class="number hide-small">{growth}</td>'
        f'<td class="number">{area}</td><td class="number hide-small">{shots}</td>'
        f'<td class="state hide-small">{when(scan.started_at, farm.zone) if scan else NOTHING}</td></tr>'
    )


def _with(value: tuple[str, str]) -> str:
    number, interval = value
    return f'{number or NOTHING} <span class="interval">{interval}</span>'
