"""The calibration's page: a wizard that says what is in its way, what was found, the history, and the days' drift."""

import asyncio
from collections.abc import Sequence
from html import escape
from math import degrees
from typing import Any
from urllib.parse import quote

from nicegui import ui

from scan.calibration_report import POSITION_MAX_M, READINGS_MIN, ROTATION_MAX_RAD
from trellis.errors import TrellisError
from web.access import Permission
from web.calibrations import CalibrationAnswer, CalibrationsAnswer, calibrations
from web.farm import Farm
from web.pages.charts import lines_chart
from web.pages.frame import frame
from web.statics import versioned
from web.words import NOTHING, when

_SUMMARY = 4  # of a report's lines so many say how good it is as a whole; the rest are its numbers, one by one
_WORDS = {"calibration": "by the tags", "learned": "from a day's scan", "unreadable": "cannot be read"}


def add(farm: Farm) -> None:
    """Serve the page at `/calibrate`."""

    @ui.page("/calibrate")
    async def calibrate_page() -> None:
        frame(farm, "Calibrate", "/calibrate")
        who = ui.context.client.request.scope["identity"]
        with ui.element("div").classes("sheet"), ui.element("div").classes("stack"):
            ui.html(_wizard(who.may(Permission.DRIVE)), sanitize=False)
            try:
                found = await asyncio.to_thread(calibrations, farm.calibrations)
            except TrellisError as error:
                ui.html(f'<div class="note bad">{escape(str(error))}</div>', sanitize=False)
                return
            _drift(found)
            for part in (_newest(farm, found), _history(farm, found, who.may(Permission.ADMINISTER))):
                ui.html(part, sanitize=False)
        ui.add_body_html(f'<script src="{versioned("calibrate.js")}"></script>')


def _wizard(drives: bool) -> str:
    steps = (
        ("robot", "The robot answers and is not stopped"),
        ("free", "Nobody else drives, and no scan runs"),
        ("dock", "The carriage stands in its dock, the tags are lit and free of leaves"),
    )
    rows = "".join(
        f'<li data-check="{name}"><span class="mark"></span><span>{text}</span></li>' for name, text in steps
    )
    start = (
        '<div class="buttons left"><label>Postures <select id="poses"><option value="25">25, a quick look</option>'
        '<option value="45" selected>45, as usual</option><option value="80">80, thorough</option></select></label>'
        '<button class="button" type="button" id="calibrate" disabled>Calibrate</button></div>'
        if drives
        else '<p class="soft">An operator may start it.</p>'
    )
    passes = (
        f"It passes when {READINGS_MIN} photographs or more show tags and the camera is then known to "
        f"{1000 * POSITION_MAX_M:g} mm and {degrees(ROTATION_MAX_RAD):g}° in 95 of 100 postures; else nothing changes. "
        "It takes some minutes; the robot moves, and parks at the end."
    )
    return (
        '<section class="panel wizard live"><h2>Calibrate the cell from photographs of the tags</h2>'
        f'<ol class="checks">{rows}</ol><p class="soft">{passes}</p>{start}'
        '<p id="how-far" role="status"></p><p class="note bad" id="why-not" role="alert" hidden></p></section>'
    )


def _drift(found: CalibrationsAnswer) -> None:
    known = [one for one in reversed(found.calibrations) if one.made_at is not None]
    with ui.element("section").classes("panel"):
        ui.html("<h2>What is left over, calibration by calibration and day by day</h2>", sanitize=False)
        if len(known) < 2:
            text = "The chart begins with the second calibration, or the first lesson of a scan."
            ui.html(f'<p class="empty">{text}</p>', sanitize=False)
            return
        ui.echart(_left_over(known)).classes("chart")


def _left_over(known: Sequence[CalibrationAnswer]) -> dict[str, Any]:
    lines = {
        "tags, px": [(one.made_at, one.tag_px) for one in known],
        "cables, mm": [(one.made_at, None if one.length_m is None else 1000 * one.length_m) for one in known],
        "joints, °": [(one.made_at, None if one.joint_rad is None else degrees(one.joint_rad)) for one in known],
    }
    return lines_chart(lines)


def _newest(farm: Farm, found: CalibrationsAnswer) -> str:
    current = next((one for one in found.calibrations if one.in_force), None)
    if current is None:
        text = "The cell is taken as configured; no calibration is in force."
        return f'<section class="panel"><h2>In force</h2><p class="empty">{text}</p></section>'
    summary = "".join(f"<li>{escape(line)}</li>" for line in current.report[:_SUMMARY])
    numbers = escape("\n".join(current.report[_SUMMARY:]))
    more = f"<details><summary>Every number</summary><pre>{numbers}</pre></details>" if numbers else ""
    moved = f"<p>Moved most since the one before: {escape('; '.join(current.moved))}.</p>" if current.moved else ""
    problem = f'<div class="note bad">{escape(current.problem)}</div>' if current.problem else ""
    at = when(current.made_at, farm.zone)
    return (
        f'<section class="panel"><h2>In force: {at}, {_WORDS[current.kind]}</h2>{problem}'
        f"<ul>{summary}</ul>{moved}{more}</section>"
    )


def _history(farm: Farm, found: CalibrationsAnswer, administers: bool) -> str:
    head = (
        "<tr><th>Made</th><th class=hide-small>How</th><th class=number>Readings</th><th class=number>Tags</th>"
        "<th class=number>Cables</th><th class='number hide-small'>Joints</th><th class=hide-small>Moved most</th>"
        "<th></th></tr>"
    )
    rows = "".join(_row(farm, one, administers) for one in found.calibrations)
    table = f'<div class="scroll"><table>{head}{rows}</table></div>' if rows else '<p class="empty">None yet.</p>'
    back = (
        '<div class="buttons left"><button class="button" type="button" data-post="/api/v1/calibrations/roll-back" '
        'data-reload="1" data-ask="Put in force what was in force before?">Roll back</button>'
        f"{_choose('none', 'As configured', 'Take the cell as configured, without any calibration?')}</div>"
        '<p class="soft more">Poses are believed by another calibration from the next scan on; drivers and planner '
        "take it up when the daemon next starts. Nothing is deleted.</p>"
        if administers and found.steps
        else ""
    )
    steps = "".join(
        f"<li><time>{when(step.at, farm.zone)}</time><span>{escape(step.name or 'the cell as configured')}: "
        f"{escape(step.why)}</span></li>"
        for step in found.steps[:12]
    )
    listed = f'<h2 style="margin-top:14px">What came into force</h2><ol class="events">{steps}</ol>' if steps else ""
    return f'<section class="panel"><h2>History</h2>{table}{back}{listed}</section>'


def _row(farm: Farm, one: CalibrationAnswer, administers: bool) -> str:
    state = '<span class="state running">in force</span>' if one.in_force else ""
    if not one.in_force and administers and one.kind != "unreadable":
        state = _choose(one.name, "Use", f"Put the calibration {one.name} in force?")
    return (
        f"<tr><td class=state>{when(one.made_at, farm.zone) if one.made_at else escape(one.name)}</td>"
        f'<td class="hide-small">{_WORDS[one.kind]}</td><td class="number">{one.readings}</td>'
        f'<td class="number">{_figure(one.tag_px, 1, "px")}</td>'
        f'<td class="number">{_figure(one.length_m, 1000, "mm")}</td>'
        f'<td class="number hide-small">{_figure(one.joint_rad, degrees(1), "°")}</td>'
        f'<td class="reason hide-small">{escape(one.problem or "; ".join(one.moved[:2]))}</td>'
        f'<td class="number">{state}</td></tr>'
    )


def _choose(name: str, label: str, question: str) -> str:
    return (
        f'<button class="button" type="button" data-post="/api/v1/calibrations/{quote(name)}/choose" data-reload="1" '
        f'data-ask="{escape(question, quote=True)}">{label}</button>'
    )


def _figure(value: float | None, scale: float, unit: str) -> str:
    return NOTHING if value is None else f"{value * scale:.2f} {unit}"
