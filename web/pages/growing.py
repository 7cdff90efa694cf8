"""How a plant is likely to grow, and how it looked day by day: forecast to a target, contact strip, leaves."""

import asyncio
from html import escape

from nicegui import ui

from trellis.errors import TrellisError
from web.answers import PlantDetailAnswer
from web.farm import Farm
from web.forecasts import ForecastAnswer, forecast_of
from web.pages.charts import forecast_chart
from web.through_days import LeafAnswer, leaves_of
from web.words import NOTHING, grams, interval_g

_AHEAD_DAYS = 21
_GRAMS_MAX = 5000.0


async def forecast_panel(farm: Farm, plant: PlantDetailAnswer, target_g: float | None) -> None:
    """The chart of the forecast and when the target is reached; a plant that cannot be told of says why."""
    target_kg = target_g / 1000 if target_g is not None and 0 < target_g <= _GRAMS_MAX else None
    with ui.element("section").classes("panel"):
        ui.html(f"<h2>Forecast</h2>{_asking(plant.name, target_g)}", sanitize=False)
        try:
            said = await asyncio.to_thread(forecast_of, farm, plant.name, target_kg, _AHEAD_DAYS)
        except TrellisError as error:
            ui.html(f'<p class="empty">{_sentence(str(error))}</p>', sanitize=False)
            return
        ui.html(f'<p role="status">{_answer(farm, said)}</p>', sanitize=False)
        ui.echart(forecast_chart(said, plant.measurements)).classes("chart")


async def days_panel(farm: Farm, plant: PlantDetailAnswer, *, leaves: bool) -> None:
    """The strip of days, and on request the leaves, which take some seconds to be followed."""
    with ui.element("section").classes("panel wide"):
        name = escape(plant.name, quote=True)
        strip = (
            f'<img class="strip" src="/api/v1/plants/{name}/strip.png" loading="lazy" '
            f'alt="{name} on each of its last days, seen straight from the front">'
            if any(scan.views_taken for scan in plant.scans)
            else '<p class="empty">None yet.</p>'
        )
        ui.html(f"<h2>Day by day</h2>{strip}", sanitize=False)
        if not leaves:
            ui.html(f'<p class="more"><a href="/plant/{name}?leaves=1">Follow its leaves</a></p>', sanitize=False)
            return
        try:
            found = await asyncio.to_thread(leaves_of, farm, plant.name)
        except TrellisError as error:
            ui.html(f'<p class="empty">{_sentence(str(error))}</p>', sanitize=False)
            return
        ui.html(_leaves_table(found), sanitize=False)


def _sentence(line: str) -> str:
    return escape(line[:1].upper() + line[1:] + ".")


def _asking(name: str, target_g: float | None) -> str:
    value = "" if target_g is None else f"{target_g:g}"
    return (
        f'<form class="entry" method="get" action="/plant/{escape(name, quote=True)}"><label class="grams">Target, g'
        f'<input name="target" type="number" min="1" max="{_GRAMS_MAX:.0f}" step="any" value="{value}" '
        'inputmode="decimal"></label><button class="button">When?</button></form>'
    )


def _answer(farm: Farm, said: ForecastAnswer) -> str:
    ahead = [point for point in said.course if point.ahead]
    tomorrow = ahead[0] if ahead else None
    words = ""
    if tomorrow is not None:
        words = f"Next day {grams(tomorrow.mass_kg)} ({interval_g(tomorrow.low_kg, tomorrow.high_kg)}). "
    if said.target_kg is not None:
        words += _when(farm, said)
    return f'{words}<span class="soft">From {said.plants} plants of its kind; 9 of 10 stay within the band.</span>'


def _when(farm: Farm, said: ForecastAnswer) -> str:
    target = grams(said.target_kg)
    if said.reached:
        return f"It has reached {target}. "
    if said.ready_at is None:
        return f"It is not likely to reach {target} within {said.horizon_days} days. "
    low, middle, high = (
        f"{at.astimezone(farm.zone):%d %b}" if at else f"more than {said.horizon_days} days"
        for at in (said.ready_low_at, said.ready_at, said.ready_high_at)
    )
    return f"<strong>{target} on {middle}</strong> (between {low} and {high}). "


def _leaves_table(rows: list[LeafAnswer]) -> str:
    """A leaf a row, a day a column, areas in square centimetres."""
    days = sorted({row.day for row in rows})
    by_leaf: dict[int, dict[float, LeafAnswer]] = {}
    for row in rows:
        by_leaf.setdefault(row.leaf, {})[row.day] = row
    head = "".join(f'<th class="number">day {day:g}</th>' for day in days)
    lines = "".join(
        f"<tr><th scope=row>{leaf}</th>{''.join(_leaf_cell(own.get(day)) for day in days)}</tr>"
        for leaf, own in sorted(by_leaf.items())
    )
    note = "One side of what was seen of each leaf, cm²; leaves are paired from day to day by direction and size."
    return (
        f'<div class="scroll leaves"><table><tr><th>Leaf</th>{head}</tr>{lines}</table></div><p class="soft">{note}</p>'
    )


def _leaf_cell(row: LeafAnswer | None) -> str:
    if row is None:
        return f'<td class="number">{NOTHING}</td>'
    area = "" if row.area_m2 is None else f"{row.area_m2 * 1e4:.1f}"
    return f'<td class="number">{area} <span class="interval">{row.fate}</span></td>'
