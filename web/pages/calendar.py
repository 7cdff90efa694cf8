"""What is due, when it is likely to run and what is in its way; what did not happen, and why; run it now."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from html import escape
from urllib.parse import quote

from nicegui import ui

from web.answers import ComingAnswer, RunAnswer
from web.farm import Farm
from web.pages.frame import frame
from web.pages.live import Live
from web.pulse import Pulse, Snapshot
from web.words import NOTHING

Draw = Callable[[Snapshot], str]
_UNDONE = ("missed", "skipped", "failed")
_NAMED = 3


def add(farm: Farm, pulse: Pulse) -> None:
    """Serve the page at `/calendar`."""

    @ui.page("/calendar")
    async def calendar_page() -> None:
        frame(farm, "Calendar", "/calendar")
        with ui.element("div").classes("sheet"):
            parts: list[tuple[str, Draw]] = [("", _coming(farm)), ("", _schedules(farm)), ("", _past(farm))]
            with ui.element("div").classes("stack"):
                await Live(pulse, farm.refresh_s).start(parts)


def _coming(farm: Farm) -> Draw:
    def draw(now: Snapshot) -> str:
        if not now.coming:
            text = "Nothing is due: no schedule is enabled. Add [[farm.schedules]] to the configuration."
            return f'<section class="panel"><h2>Next runs</h2><p class="empty">{text}</p></section>'
        head = (
            "<tr><th>Due</th><th>Schedule</th><th class=number>Plants</th><th class=hide-small>Likely</th>"
            "<th class=hide-small>In its way</th></tr>"
        )
        rows = _by_day(farm, ((turn.due_at, _turn(farm, turn)) for turn in now.coming))
        return f'<section class="panel"><h2>Next runs</h2>{_table(head, rows)}</section>'

    return draw


def _turn(farm: Farm, turn: ComingAnswer) -> str:
    likely = f"{_time(farm, turn.begins_at)} to {_time(farm, turn.ends_at)}" if turn.begins_at else "does not run"
    conflicts = "<br>".join(escape(line) for line in turn.conflicts)
    below = f'<div class="only-small">{likely}{"<br>" if conflicts else ""}{conflicts}</div>'
    return (
        f"<tr><td class=state>{_time(farm, turn.due_at)}</td><td>{escape(turn.schedule)}{below}</td>"
        f'<td class="number">{len(turn.plants):,}</td><td class="state hide-small">{likely}</td>'
        f'<td class="reason warning hide-small">{conflicts}</td></tr>'
    )


def _schedules(farm: Farm) -> Draw:
    """Each schedule with a way to run it now; a button that cannot be pressed says why."""

    def draw(now: Snapshot) -> str:
        if not farm.schedules:
            return ""
        rows = "".join(
            f"<tr><td>{escape(one.name)}</td><td>{escape(one.cron or one.rrule or _daily(one.daily_at, one.days))}"
            f"{'' if one.enabled else ' <span class=soft>(not enabled)</span>'}</td>"
            f'<td class="number">{_run_now(one.name, _number(farm, one.plants))}</td></tr>'
            for one in farm.schedules
        )
        return f'<section class="panel"><h2>Schedules</h2>{_table("", rows)}</section>'

    return draw


def _daily(at: str, days: tuple[str, ...]) -> str:
    return f"{at} on {', '.join(days)}" if days else f"{at} every day"


def _number(farm: Farm, plants: object) -> int:
    return len(farm.plants) if plants == "all" else len(plants) if isinstance(plants, tuple) else 0


def _run_now(schedule: str, plants: int) -> str:
    if not plants:
        why = "It names no plant that hangs on the wall"
        return f'<button class="button" type="button" disabled title="{why}">Run now</button>'
    return (
        f'<button class="button" type="button" data-post="/api/v1/schedules/{quote(schedule)}/run" '
        f'data-ask="Scan {plants:,} {"plant" if plants == 1 else "plants"} now, after what is in the queue?" '
        f'data-done="{escape(schedule, quote=True)} is in the queue">Run now</button>'
    )


def _past(farm: Farm) -> Draw:
    def draw(now: Snapshot) -> str:
        past = [run for run in now.runs if run.state != "due"]
        if not past:
            return '<section class="panel"><h2>What became of past runs</h2><p class="empty">None yet.</p></section>'
        head = (
            "<tr><th>Due</th><th>Schedule</th><th>State</th><th>Plants</th><th class=hide-small>Why</th><th></th></tr>"
        )
        rows = _by_day(farm, ((run.due_at, _run(farm, run)) for run in past))
        return f'<section class="panel"><h2>What became of past runs</h2>{_table(head, rows)}</section>'

    return draw


def _run(farm: Farm, run: RunAnswer) -> str:
    names = ", ".join(escape(name) for name in run.plants[:_NAMED])
    more = f" and {len(run.plants) - _NAMED:,} more" if len(run.plants) > _NAMED else ""
    reason = escape(run.reason or "")
    again = ""
    if run.state in _UNDONE:
        at = quote(run.due_at.isoformat())
        again = (
            f'<button class="button" type="button" '
            f'data-post="/api/v1/schedules/{quote(run.schedule)}/run?due_at={at}" '
            f'data-done="{len(run.plants):,} in the queue">Run it now</button>'
        )
    return (
        f"<tr><td class=state>{_time(farm, run.due_at)}</td><td>{escape(run.schedule)}"
        f'<div class="only-small">{reason}</div></td>'
        f'<td><span class="state {run.state}">{run.state}</span></td><td>{names}{more}</td>'
        f'<td class="reason hide-small">{reason}</td><td class="number">{again}</td></tr>'
    )


def _by_day(farm: Farm, rows: Iterable[tuple[datetime, str]]) -> str:
    """Rows with a line before each new day."""
    shown, day = [], None
    for at, row in rows:
        local: date = at.astimezone(farm.zone).date()
        if local != day:
            shown.append(f'<tr class="day"><th colspan="6">{local:%A, %d %B}</th></tr>')
        day = local
        shown.append(row)
    return "".join(shown)


def _table(head: str, rows: str) -> str:
    return f'<div class="scroll"><table>{head}{rows}</table></div>'


def _time(farm: Farm, at: datetime | None) -> str:
    return NOTHING if at is None else f"{at.astimezone(farm.zone):%H:%M}"
