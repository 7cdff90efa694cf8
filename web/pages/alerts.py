"""What needs a person now, worst first; each line says where to look."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import escape

from web.answers import PlantAnswer
from web.farm import Farm
from web.pulse import Snapshot
from web.words import link, when

_SHORT_DAYS = 7.0
_RECENTLY = timedelta(days=1)
_NAMED = 4


def alerts_html(farm: Farm, now: Snapshot) -> str:
    """The lines as a list."""
    lines = "".join(f'<li><span class="{level}">{text}</span></li>' for level, text in _alerts(farm, now))
    return f'<ul class="alerts">{lines}</ul>' if lines else '<p class="empty">Nothing.</p>'


def days_left(days: float) -> str:
    """A number of days as one plans with it."""
    return f"{days:.1f} days" if days < 3 else f"{days:,.0f} days" if days < 3650 else "more than 10 years"


def _alerts(farm: Farm, now: Snapshot) -> Iterator[tuple[str, str]]:
    if now.problem:
        yield "error", escape(now.problem)
    if now.disk and now.disk.lacking:
        yield "error", escape(now.disk.lacking)
    elif now.disk and now.disk.days_left is not None and now.disk.days_left < _SHORT_DAYS:
        yield "warning", f"The disk is full in {days_left(now.disk.days_left)}."
    yield from _plants("error", "failed", [plant for plant in now.plants if plant.state == "failed"])
    yield from _plants("warning", "gave no mass", [plant for plant in now.plants if plant.state == "refused"])
    if now.queue and now.queue.held:
        yield "warning", '<a href="/queue">The queue is held</a>; nothing new begins.'
    held = sum(job.held for job in now.queue.jobs) if now.queue else 0
    if held:
        yield "warning", f'<a href="/queue">{held} paused by hand</a>'
    yield from _missed(farm, now)


def _plants(level: str, what: str, plants: list[PlantAnswer]) -> Iterator[tuple[str, str]]:
    if plants:
        named = ", ".join(link(plant.name) for plant in plants[:_NAMED])
        more = f" and {len(plants) - _NAMED:,} more" if len(plants) > _NAMED else ""
        yield level, f"{named}{more} {what}"


def _missed(farm: Farm, now: Snapshot) -> Iterator[tuple[str, str]]:
    since = datetime.now(UTC) - _RECENTLY
    for run in now.runs:
        if run.state in ("missed", "skipped") and run.due_at >= since:
            at = when(run.due_at, farm.zone)
            yield "warning", f'<a href="/calendar">{escape(run.schedule)} of {at}</a> was {run.state}'
