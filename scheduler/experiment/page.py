"""The page of the trial: tables beside the published ones, figures, what is missing; one file, no address in it."""

import base64
from html import escape
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reconstruction.mass_fit.paper import regression
from scheduler.experiment.plant_day import PlantDay
from scheduler.experiment.results import CHAIN, METHODS, PUBLISHED

_SCHEDULE_COLOURS = {"standard": "#1b7837", "ph-7.0": "#b35806"}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .7rem;border-bottom:1px solid #ddd;"
    "text-align:right}td:first-child,th:first-child{text-align:left}img{max-width:100%}"
)


def page(found: dict[str, Any], dry_png: bytes, command: str) -> str:
    """HTML of the whole result; `dry_png` is `scatter_figure` of dry mass."""
    parts = [
        f"<h1>A trial of {found['plants']} simulated lettuces</h1>",
        f"<p>{found['measured']} were measured from photographs. Command: <code>{escape(command)}</code>; "
        f"{found['hours']:.1f} hours of scanning and reconstruction. Masses are the simulated balance's; everything "
        "else is from photographs. In brackets: as published (Chen et al. 2023, real plants).</p>",
        "<h2>Linear regressions</h2>",
        *(_regressions(mass, found) for mass in ("dry", "fresh")),
        _image(dry_png, "Dry mass against each trait"),
        "<h2>Occlusion coefficients</h2>",
        _occlusion(found),
        "<h2>p-values</h2>",
        _p_values(found),
        "<h2>Where the chain loses</h2>",
        _chain(found),
        "<h2>The law of trellis mass</h2>",
        _law(found),
        "<h2>What is missing</h2>",
        _problems(found),
    ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Trial</title><style>{_STYLE}</style>'
        + "\n".join(parts)
        + "</html>\n"
    )


def scatter_figure(rows: list[PlantDay], mass: str) -> Figure:
    """Mass against the trait of each method, with the line through all plants."""
    names = list(METHODS)
    figure = Figure(figsize=(11, 6.6), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    y = np.array([1e3 * (row.dry_mass_kg if mass == "dry" else row.fresh_mass_kg) for row in rows])
    for axis, name in zip(figure.subplots(2, 3).ravel(), names, strict=True):
        title, value = METHODS[name]
        x = np.array([value(row) for row in rows])
        for schedule, colour in _SCHEDULE_COLOURS.items():
            own = np.array([row.schedule == schedule for row in rows])
            axis.plot(x[own], y[own], "o", color=colour, markersize=4, alpha=0.8, label=schedule)
        line = regression(x, y)
        if np.isfinite(line.r2):
            ends = np.array([np.nanmin(x), np.nanmax(x)])
            axis.plot(ends, line.intercept_g + line.slope * ends, color="0.4", linewidth=1)
            axis.set_title(f"{title}\nR² {line.r2:.3f}, mean error {line.mae_g:.2f} g", fontsize=9, loc="left")
        else:
            axis.set_title(f"{title}\ntoo few plants", fontsize=9, loc="left")
        axis.set_ylabel(f"{mass} mass, g", fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    figure.axes[0].legend(frameon=False, fontsize=8)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as a PNG."""
    content = BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def _regressions(mass: str, found: dict[str, Any]) -> str:
    lines = [("method", "plants", "R²", "mean error g", "R² left out", "mean error left out", "MAPE left out")]
    for name, (title, _) in METHODS.items():
        one = found["regressions"][mass][name]
        published = PUBLISHED.get(name, {}).get(mass)
        r2, mae = (f" ({value:.3f})" for value in published) if published else ("", "")
        lines.append((title, str(one["plants"]), _number(one["r2"]) + r2, _number(one["mae_g"]) + mae,
                      _number(one["left_out_r2"]), _number(one["left_out_mae_g"]),
                      _number(one["left_out_mape_percent"], 1, " %")))  # fmt: skip
    return f"<h3>{mass.capitalize()} mass</h3>" + _table(lines)


def _occlusion(found: dict[str, Any]) -> str:
    lines = [("k a gram of trait = a (1 - exp(-k mass)); lower is better", "fresh", "dry")]
    for name, (title, _) in METHODS.items():
        cells = []
        for mass in ("fresh", "dry"):
            published = PUBLISHED.get(name, {}).get(f"k_{mass}")
            own = _number(found["occlusion_per_gram"][mass].get(name))
            cells.append(own + (f" ({published:.3f})" if published else ""))
        if name != "age":
            lines.append((title, *cells))
    return _table(lines)


def _p_values(found: dict[str, Any]) -> str:
    questions = found["p_values"]
    names = list(next(iter(questions.values())))
    lines = [("by", *questions)]
    lines += [(name, *(_small(question[name]) for question in questions.values())) for name in names]
    return _table(lines)


def _chain(found: dict[str, Any]) -> str:
    lines = [("each plant left out", "line R²", "mean error g", "power law R²", "mean error g")]
    for name, (title, _) in CHAIN.items():
        one = found["chain"]["dry"][name]
        lines.append((title, *(_number(one[key]) for key in ("line_r2", "line_mae_g", "power_r2", "power_mae_g"))))
    errors = "; ".join(f"{name} {_number(value, 1)} %" for name, value in found["area_error_percent"].items())
    return f"<p>Dry mass. Areas: {escape(errors)}.</p>" + _table(lines)


def _law(found: dict[str, Any]) -> str:
    shipped = found["shipped_law"]
    said = f"<p>The law that comes with Trellis weighed {shipped['plants']} plants"
    if shipped["plants"]:
        said += (
            f": fresh MAPE {_number(shipped['mape_percent'], 1)} %, its 90 % intervals hold "
            f"{_number(shipped['interval_holds_percent'], 0)} %"
        )
    if isinstance(found["law"], str):
        return f"{said}.</p><p>No law of its own: {escape(found['law'])}.</p>"
    lines = [("each plant left out", "R²", "mean error g", "MAPE", "90 % holds", "R² within age")]
    for mass, evaluated in found["law"]["masses"].items():
        for name in ("process", "age alone"):
            if name not in evaluated["models"]:
                continue
            one = evaluated["models"][name]["plant"]["all"]
            lines.append((f"{mass}, {name}", _number(one["r2"]), _number(one["mae_g"]),
                          _number(one["mape_percent"], 1, " %"),
                          _number(one.get("interval_holds_percent"), 0, " %"),
                          _number(one.get("r2_within_age"))))  # fmt: skip
    return f"{said}.</p>" + _table(lines)


def _problems(found: dict[str, Any]) -> str:
    both = dict.fromkeys(found["not_scanned"], "no scan") | found["problems"]
    both |= {f"{plant}, over the canopy": why for plant, why in found["canopy_problems"].items()}
    if not both:
        return "<p>Nothing: every plant was measured in every way.</p>"
    return "<ul>" + "".join(f"<li>{escape(plant)}: {escape(why)}</li>" for plant, why in both.items()) + "</ul>"


def _table(lines: list[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in lines[0])
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>" for line in lines[1:])
    return f"<table><tr>{head}</tr>{body}</table>"


def _image(content: bytes, text: str) -> str:
    return f'<img alt="{escape(text)}" src="data:image/png;base64,{base64.b64encode(content).decode()}">'


def _number(value: float | None, digits: int = 3, unit: str = "") -> str:
    return "" if value is None else f"{value:.{digits}f}{unit}"


def _small(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"
