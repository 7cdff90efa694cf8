"""What runs now, what waits and what is over, with the seconds of each stage, and a way to cancel."""

from collections.abc import Callable
from html import escape

from nicegui import ui

from web.answers import JobAnswer
from web.farm import Farm
from web.pages.frame import frame
from web.pages.live import Live
from web.pages.stages import stages_html
from web.pages.wall import job_html
from web.pulse import Pulse, Snapshot
from web.words import duration, job_name, link, when

_SHOWN = 30
Draw = Callable[[Snapshot], str]


def add(farm: Farm, pulse: Pulse) -> None:
    """Serve the page at `/jobs`."""

    @ui.page("/jobs")
    async def jobs_page() -> None:
        frame(farm, "Jobs", "/jobs")
        with ui.element("div").classes("sheet"):
            live = Live(pulse, farm.refresh_s)
            with ui.element("div").classes("stack"):
                await live.start([("", _now(farm)), ("", _ended(farm)), ("", _stages)])


def _now(farm: Farm) -> Draw:
    def draw(now: Snapshot) -> str:
        problem = f'<div class="note bad">{escape(now.problem)}</div>' if now.problem else ""
        running = "".join(job_html(job, f"<p>{_cancel(job)}</p>") for job in now.jobs if job.state == "running")
        waiting = "".join(_waiting(farm, job) for job in reversed(now.jobs) if job.state in ("queued", "paused"))
        shown = running + waiting or '<p class="empty">Nothing runs and nothing waits.</p>'
        return f'{problem}<section class="panel live"><h2>Now</h2>{shown}</section>'

    return draw


def _waiting(farm: Farm, job: JobAnswer) -> str:
    reason = f'<div class="state {job.state}">{escape(job.reason)}</div>' if job.reason else ""
    since = f'<span class="soft">{job.state}, asked for {when(job.created_at, farm.zone)}</span>'
    return (
        f'<div class="job waits"><div class="line"><span>{_name(job)}<br>{since}</span>'
        f"<span>{_cancel(job)}</span></div>{reason}</div>"
    )


def _cancel(job: JobAnswer) -> str:
    what = escape(job_name(job), quote=True)
    kept = " Photographs that were taken stay." if job.kind == "scan" and job.state != "queued" else ""
    return (
        f'<button class="button" type="button" data-post="/api/v1/jobs/{job.id}/cancel" '
        f'data-ask="Cancel: {what}?{kept}" data-done="Cancelling: {what}">Cancel</button>'
    )


def _ended(farm: Farm) -> Draw:
    def draw(now: Snapshot) -> str:
        ended = [job for job in now.jobs if job.finished_at is not None]
        if not ended:
            text = "No job has ended yet. Ask for a scan on a plant's page or with <code>trellis scan PLANT</code>."
            return f'<section class="panel"><h2>Ended</h2><p class="empty">{text}</p></section>'
        head = (
            "<tr><th>Job</th><th>State</th><th class=number>Ran for</th>"
            "<th class=hide-small>Ended</th><th class=hide-small>Remarks</th></tr>"
        )
        rows = "".join(_row(farm, job) for job in ended[:_SHOWN])
        return f'<section class="panel"><h2>Ended</h2><div class="scroll"><table>{head}{rows}</table></div></section>'

    return draw


def _row(farm: Farm, job: JobAnswer) -> str:
    again = f'<span class="soft"> (attempt {job.attempts})</span>' if job.attempts > 1 else ""
    reason = escape(job.reason or "")
    below = f'<div class="only-small">{reason}</div>' if reason else ""
    return (
        f'<tr><td>{_name(job)}{again}{below}</td><td><span class="state {job.state}">{job.state}</span></td>'
        f'<td class="number">{duration(job.run_s)}</td>'
        f'<td class="state hide-small">{when(job.finished_at, farm.zone)}</td>'
        f'<td class="reason hide-small">{reason}</td></tr>'
    )


def _name(job: JobAnswer) -> str:
    return escape(job_name(job)).replace(escape(job.plant), link(job.plant))


def _stages(now: Snapshot) -> str:
    measured = sorted(
        (plant.measurement for plant in now.plants if plant.measurement and plant.measurement.stages_s),
        key=lambda one: one.measured_at,
        reverse=True,
    )
    if not measured:
        return ""
    parts = "".join(
        f'<div class="job"><div class="line"><span>{link(one.plant)}</span>'
        f"<span>{duration(sum(one.stages_s.values()))}</span></div>{stages_html(one.stages_s)}</div>"
        for one in measured[:12]
    )
    return f'<section class="panel"><h2>Latest reconstruction of each plant, by stage</h2>{parts}</section>'
