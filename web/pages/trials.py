"""The trial's page: groups and their harvests, how they compare at each look, how sure that is, and how to be surer."""

import asyncio
from html import escape

from nicegui import ui

from trellis.errors import TrellisError
from web.farm import Farm
from web.pages.frame import frame
from web.trials import ComparisonAnswer, GroupAnswer, Size, TrialAnswer, trial
from web.words import NOTHING, grams

_SIZES: dict[Size, str] = {"fresh_mass_g": "Fresh mass", "leaf_area_cm2": "Leaf area", "height_cm": "Height"}
_SURE = 0.05


def add(farm: Farm) -> None:
    """Serve the page at `/trials`; `?size=` chooses what is compared."""

    @ui.page("/trials")
    async def trials_page(size: str = "fresh_mass_g") -> None:
        frame(farm, "Trials", "/trials")
        chosen: Size = next((one for one in _SIZES if one == size), "fresh_mass_g")
        with ui.element("div").classes("sheet"), ui.element("div").classes("stack"):
            try:
                found = await asyncio.to_thread(trial, farm, chosen)
            except TrellisError as error:
                ui.html(f'<section class="panel"><h2>Trials</h2>{_how(str(error))}</section>', sanitize=False)
                return
            for part in _parts(found):
                ui.html(part, sanitize=False)


def _how(why: str) -> str:
    return (
        f'<p class="empty">{escape(why[:1].upper() + why[1:])}.</p><p class="soft more">Plants of one treatment are a '
        "group; two groups of two plants or more are compared at every look at which most of them were measured.</p>"
    )


def _parts(found: TrialAnswer) -> list[str]:
    choices = "".join(
        f'<a href="/trials?size={size}"{" aria-current=true" if size == found.size else ""}>{name}</a>'
        for size, name in _SIZES.items()
    )
    shown = f'<nav class="choices" aria-label="Compare by">{choices}</nav>'
    parts = (shown, _verdict(found), _groups(found), _comparisons(found), _power(found), _report())
    return [part for part in parts if part]


def _verdict(found: TrialAnswer) -> str:
    if found.refusal is not None or found.p_groups is None:
        why = escape(found.refusal or "nothing to compare yet")
        return (
            f'<section class="panel"><h2>Do they differ?</h2><p class="empty">Not to be told yet: {why}.</p></section>'
        )
    name = _SIZES[found.size].lower()
    differ = found.p_groups < _SURE
    word = f"The groups differ in {name}" if differ else f"No difference in {name} is shown"
    grows = ""
    if found.p_growth is not None:
        changes = "changes from look to look" if found.p_growth < _SURE else "is not shown to change from look to look"
        grows = f" Their difference {changes} (p {_p(found.p_growth)})."
    return (
        f'<section class="panel"><h2>Do they differ?</h2><p><strong>{word}</strong> '
        f"(p {_p(found.p_groups)} that they are alike over {_looks(found)}).{grows}</p></section>"
    )


def _looks(found: TrialAnswer) -> str:
    days = ", ".join(str(day) for day in found.looks_days)
    return f"day {days}" if len(found.looks_days) == 1 else f"days {days}"


def _groups(found: TrialAnswer) -> str:
    head = (
        "<tr><th>Group</th><th class=number>Plants</th><th class=number>Measured</th><th class=number>Harvested</th>"
        "<th class=number>Fresh at harvest</th><th class='number hide-small'>Dry at harvest</th></tr>"
    )
    rows = "".join(_group(one) for one in found.groups)
    return f'<section class="panel"><h2>Groups and harvests</h2>{_table(head, rows)}</section>'


def _group(one: GroupAnswer) -> str:
    known = one.harvested_fresh_std_kg is not None
    std = f' <span class="interval">± {1000 * (one.harvested_fresh_std_kg or 0.0):.1f} g</span>' if known else ""
    return (
        f'<tr><td title="{escape(", ".join(one.plants), quote=True)}">{escape(one.name)}</td>'
        f'<td class="number">{len(one.plants)}</td><td class="number">{one.measured}</td>'
        f'<td class="number">{one.harvested}</td>'
        f'<td class="number">{grams(one.harvested_fresh_kg)}{std}</td>'
        f'<td class="number hide-small">{grams(one.harvested_dry_kg)}</td></tr>'
    )


def _comparisons(found: TrialAnswer) -> str:
    if not found.comparisons:
        return ""
    head = (
        "<tr><th>Age</th><th>Groups</th><th class=number>Second is larger by</th><th class='number hide-small'>p</th>"
        "<th class=number>p, Holm</th></tr>"
    )
    rows = "".join(_comparison(one) for one in found.comparisons)
    note = "Intervals are of 95 %; Holm's correction is over all pairs and looks."
    return (
        f'<section class="panel"><h2>Pairs, look by look</h2>{_table(head, rows)}'
        f'<p class="soft more">{note}</p></section>'
    )


def _comparison(one: ComparisonAnswer) -> str:
    sure = " running" if one.p_holm < _SURE else ""
    return (
        f"<tr><td class=state>{one.age_days} d</td><td>{escape(one.first)}, {escape(one.second)} "
        f'<span class="soft">({one.plants[0]}, {one.plants[1]})</span></td>'
        f'<td class="number">{100 * one.effect:+.0f} % <span class="interval">{100 * one.effect_low:+.0f} to '
        f'{100 * one.effect_high:+.0f} %</span></td><td class="number hide-small">{_p(one.p)}</td>'
        f'<td class="number"><span class="state{sure}">{_p(one.p_holm)}</span></td></tr>'
    )


def _power(found: TrialAnswer) -> str:
    if not found.needed:
        return ""
    rows = "".join(f'<tr><td>{one.percent} %</td><td class="number">{one.plants}</td></tr>' for one in found.needed)
    spread = NOTHING if found.spread_percent is None else f"{found.spread_percent:.0f} %"
    head = "<tr><th>To show a difference of</th><th class=number>Plants a group</th></tr>"
    return (
        f'<section class="panel"><h2>Power: plants of one group differ by {spread}</h2>{_table(head, rows)}'
        '<p class="soft more">In 8 of 10 trials, at a level of 5 %.</p></section>'
    )


def _report() -> str:
    links = (
        ("/api/v1/export/trial.csv", "Table, CSV"),
        ("/api/v1/export/miappe.zip", "MIAPPE 1.2, tables"),
        ("/api/v1/trial", "Results, JSON"),
    )
    shown = "".join(f'<a class="button" href="{path}">{name}</a>' for path, name in links)
    note = "The table is what <code>trellis growth</code> reads."
    return (
        f'<section class="panel"><h2>Report</h2><div class="buttons left">{shown}</div>'
        f'<p class="soft more">{note}</p></section>'
    )


def _table(head: str, rows: str) -> str:
    return f'<div class="scroll"><table>{head}{rows}</table></div>'


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.2g}"
