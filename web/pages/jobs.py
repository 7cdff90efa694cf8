"""What runs now, what waits and what is over, with the seconds of each stage, and a way to cancel."""

from collections.abc import Callable
from html import escape

from nicegui import ui

from web.answers import JobAnswer
from web.farm import Farm
from web.pages.frame import frame
from web.pages.live import Live
from web.pages.stages import stages_html
from web.pages.wall import running
from web.pulse import Pulse, Snapshot
from web.words import doing, duration, job_name, link, when

_SHOWN = 30


def add(farm: Farm, pulse: Pulse) -> None:
    """Serve the page at `/jobs`."""

    @ui.page("/jobs")
    async def jobs_page() -> None:
        frame(farm, "Jobs", "/jobs")
        with ui.element("div").classes("sheet"):
            live = Live(pulse, farm.refresh_s)
            with ui.element("div").classes("stack"):
                await live.start([("", lambda now: _now(now)), ("", _table(farm)), ("", lambda now: _stages(now))])


def _now(now: Snapshot) -> str:
    problem = f'<div class="note bad">{escape(now.problem)}</div>' if now.problem else ""
    return f'{problem}<section class="panel live"><h2>Now</h2>{running(now.jobs)}</section>'


def _table(farm: Farm) -> Callable[[Snapshot], str]:
    def draw(now: Snapshot) -> str:
        if not now.jobs:
            text = "No job yet. Ask for a scan on a plant's page or with <code>trellis scan PLANT</code>."
            return f'<section class="panel"><h2>Jobs</h2><p class="empty">{text}</p></section>'
        head = (
            "<tr><th>Job</th><th>State</th><th>Progress</th><th class=number>Ran for</th>"
            "<th>Asked for</th><th></th></tr>"
        )
        rows = "".join(_row(farm, job) for job in now.jobs[:_SHOWN])
        return f'<section class="panel"><h2>Jobs</h2><div class="scroll"><table>{head}{rows}</table></div></section>'

    return draw


def _row(farm: Farm, job: JobAnswer) -> str:
    name = escape(job_name(job)).replace(escape(job.plant), link(job.plant))
    told = doing(job) if job.state in ("running", "paused") else ""
    reason = escape(job.reason or told or "")
    progress = f"{job.share * 100:.0f} %" if job.state in ("running", "paused") else ""
    again = f'<span class="soft"> (attempt {job.attempts})</span>' if job.attempts > 1 else ""
    return (
        f'<tr><td>{name}{again}</td><td><span class="state {job.state}">{job.state}</span></td>'
        f'<td class="reason">{progress} {reason}</td><td class="number">{duration(job.run_s)}</td>'
        f"<td class=state>{when(job.created_at, farm.zone)}</td><td class=number>{_cancel(job)}</td></tr>"
    )


def _cancel(job: JobAnswer) -> str:
    if job.state not in ("queued", "running", "paused"):
        return ""
    what = escape(job_name(job), quote=True)
    kept = " Photographs that were taken stay." if job.kind == "scan" and job.state == "running" else ""
    return (
        f'<button class="button" type="button" data-post="/api/v1/jobs/{job.id}/cancel" '
        f'data-ask="Cancel: {what}?{kept}" data-done="Cancelling: {what}">Cancel</button>'
    )


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
