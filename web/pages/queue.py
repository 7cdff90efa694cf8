"""What runs, what waits and in which order, what is over; pause, resume, cancel, retry, first and last."""

from collections.abc import Callable
from html import escape

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from nicegui import ui

from web.answers import JobAnswer, QueuedAnswer
from web.farm import Farm
from web.pages.frame import frame
from web.pages.live import Live
from web.pages.stages import stages_html
from web.pages.wall import job_html
from web.pulse import Pulse, Snapshot
from web.words import duration, job_name, link, when

_SHOWN = 30
_WAITS = ("queued", "paused")
Draw = Callable[[Snapshot], str]


def add(farm: Farm, pulse: Pulse, app: FastAPI) -> None:
    """Serve the page at `/queue`; its old address leads there."""

    @app.get("/jobs", include_in_schema=False)
    def old_address() -> RedirectResponse:
        return RedirectResponse("/queue")

    @ui.page("/queue")
    async def queue_page() -> None:
        frame(farm, "Queue", "/queue")
        with ui.element("div").classes("sheet"):
            live = Live(pulse, farm.refresh_s)
            with ui.element("div").classes("stack"):
                await live.start([("", _now(farm)), ("", _ended(farm)), ("", _stages)])


def _now(farm: Farm) -> Draw:
    def draw(now: Snapshot) -> str:
        problem = f'<div class="note bad">{escape(now.problem)}</div>' if now.problem else ""
        runs = "".join(job_html(job, f"<p>{_buttons(job, False)}</p>") for job in now.jobs if job.state == "running")
        shown = runs or '<p class="empty">Nothing runs.</p>'
        models = "".join(
            _waiting(farm, job) for job in reversed(now.jobs) if job.kind == "reconstruct" and job.state in _WAITS
        )
        waiting = f'<section class="panel"><h2>Reconstructions that wait</h2>{models}</section>' if models else ""
        return (
            f'<div class="stack">{problem}<section class="panel live"><h2>Now</h2>{shown}</section>'
            f"{_scans(farm, now)}{waiting}</div>"
        )

    return draw


def _scans(farm: Farm, now: Snapshot) -> str:
    """The robot's queue in its order, and what can be done with each."""
    queue = now.queue
    waiting = [job for job in queue.jobs if job.state != "running"] if queue else []
    held = bool(queue and queue.held)
    word, text = ("resume", "Let the queue go on") if held else ("pause", "Hold the queue")
    button = f'<button class="button" type="button" data-post="/api/v1/queue/{word}">{text}</button>'
    note = '<div class="note">The queue is held: nothing new begins.</div>' if held else ""
    rows = "".join(_waiting(farm, job, job) for job in waiting)
    more = ""
    if queue and queue.total > len(queue.jobs):
        more = f'<p class="soft more">and {queue.total - len(queue.jobs):,} more</p>'
    ends = f", likely done {when(queue.ends_at, farm.zone)}" if queue and queue.ends_at and waiting else ""
    return (
        f'<section class="panel"><div class="title"><h2>Scans that wait, in their order{ends}</h2>'
        f'<span class="actions">{button}</span></div>{note}'
        f"{rows or '<p class=empty>None.</p>'}{more}</section>"
    )


def _waiting(farm: Farm, job: JobAnswer, queued: QueuedAnswer | None = None) -> str:
    reason = f'<div class="state {job.state}">{escape(job.reason)}</div>' if job.reason else ""
    asked = f"asked for {when(job.created_at, farm.zone)}"
    likely = f", likely {_likely(farm, queued)}" if queued else ""
    since = f'<span class="soft">{job.state}, {asked}{likely}</span>'
    return (
        f'<div class="job waits"><div class="line"><span>{_name(job)}<br>{since}</span>'
        f"<span>{_buttons(job, bool(queued and queued.held))}</span></div>{reason}</div>"
    )


def _likely(farm: Farm, job: QueuedAnswer) -> str:
    if job.begins_at is None or job.ends_at is None:
        return "never: it is longer than the farm's hours"
    return f"{when(job.begins_at, farm.zone)} to {job.ends_at.astimezone(farm.zone):%H:%M}"


def _buttons(job: JobAnswer, held: bool) -> str:
    """What a person may ask of a job that is not over."""
    waits = job.state in _WAITS
    order = _button(job, "first", "First") + _button(job, "last", "Last") if waits and job.kind == "scan" else ""
    pause = _button(job, "resume", "Resume") if held else _button(job, "pause", "Pause")
    if job.kind == "reconstruct" and not waits:
        pause = ""
    return f'<span class="buttons">{order}{pause}{_cancel(job)}</span>'


def _button(job: JobAnswer, word: str, text: str) -> str:
    label = escape(f"{text}: {job_name(job)}", quote=True)
    return (
        f'<button class="button" type="button" aria-label="{label}" '
        f'data-post="/api/v1/jobs/{job.id}/{word}">{text}</button>'
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
            "<th class=hide-small>Ended</th><th class=hide-small>Remarks</th><th></th></tr>"
        )
        rows = "".join(_row(farm, job) for job in ended[:_SHOWN])
        return f'<section class="panel"><h2>Ended</h2><div class="scroll"><table>{head}{rows}</table></div></section>'

    return draw


def _row(farm: Farm, job: JobAnswer) -> str:
    again = f'<span class="soft"> (attempt {job.attempts})</span>' if job.attempts > 1 else ""
    reason = escape(job.reason or "")
    retry = _button(job, "retry", "Retry") if job.state in ("failed", "cancelled") else ""
    below = f'<div class="only-small">{reason}</div>' if reason else ""
    return (
        f'<tr><td>{_name(job)}{again}{below}</td><td><span class="state {job.state}">{job.state}</span></td>'
        f'<td class="number">{duration(job.run_s)}</td>'
        f'<td class="state hide-small">{when(job.finished_at, farm.zone)}</td>'
        f'<td class="reason hide-small">{reason}</td><td class="number">{retry}</td></tr>'
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
