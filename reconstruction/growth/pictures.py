"""Growth curves with their bands, one small panel a batch and size; a finding is a mark where it was made."""

from io import BytesIO

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reconstruction.growth.findings import Finding
from reconstruction.growth.looks import Looks
from reconstruction.growth.state_space import Smoothed

_BAND = 1.6449
_WORDS = {"fresh_mass_g": "fresh mass, g", "leaf_area_cm2": "leaf area, cm²", "height_cm": "height, cm"}
#: A panel with more plants than this draws bands only for those with a finding, or nothing could be told apart.
_MANY = 8


def growth_figure(panels: list[tuple[str, Looks, Smoothed, list[Finding]]], target: float | None, size: str) -> Figure:
    """A panel for each batch and size; the target is a line in the panels of its size."""
    columns = min(2, len(panels))
    lines = -(-len(panels) // columns)
    figure = Figure(figsize=(6.6 * columns, 4.4 * lines), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for axis, (batch, seen, smoothed, findings) in zip(axes, panels, strict=False):
        _panel(axis, seen, smoothed, findings)
        axis.set_title(f"{batch}: {_WORDS[seen.size.name]}" if batch else _WORDS[seen.size.name], loc="left")
        if target is not None and seen.size.name == size:
            axis.axhline(target, color="0.35", linestyle="--", linewidth=1)
            axis.annotate("target", (seen.days[-1], target), xytext=(0, 3), textcoords="offset points", ha="right")
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    return figure


def picture(figure: Figure, kind: str) -> bytes:
    """The figure as `png` or `svg`."""
    content = BytesIO()
    figure.savefig(content, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return content.getvalue()


def _panel(axis, seen: Looks, smoothed: Smoothed, findings: list[Finding]) -> None:
    colours = ["#1b7837", "#2166ac", "#b2182b", "#762a83", "#b35806", "#01665e", "#c51b7d", "#4d4d4d"]
    troubled = {finding.plant for finding in findings}
    few = len(seen.plants) <= _MANY
    coloured = [plant for plant in seen.plants if few or plant in troubled][:_MANY]
    middle, half = np.exp(smoothed.log_size), np.exp(_BAND * smoothed.log_size_std)
    for row, plant in enumerate(seen.plants):
        known = seen.seen[row]
        if not known.any():
            continue
        first, last = np.flatnonzero(known)[[0, -1]]
        there = slice(first, last + 1)
        days = seen.days[there]
        if plant not in coloured:
            axis.plot(days, middle[row, there], color="0.72", linewidth=0.9, zorder=1)
            continue
        colour = colours[coloured.index(plant)]
        axis.fill_between(
            days, (middle / half)[row, there], (middle * half)[row, there], color=colour, alpha=0.16, linewidth=0
        )
        axis.plot(days, middle[row, there], color=colour, linewidth=1.6, label=plant)
        axis.plot(seen.time_days[row, known], np.exp(seen.log_size[row, known]), ".", color=colour, markersize=4)
        for finding in (one for one in findings if one.plant == plant):
            index = min(max(int(np.searchsorted(seen.days, finding.day)), first), last)
            axis.plot(
                finding.day, middle[row, index], "v", color=colour, markeredgecolor="black", markersize=8, zorder=4
            )
            axis.annotate(
                finding.kind, (finding.day, middle[row, index]), xytext=(6, -12), textcoords="offset points", fontsize=8
            )
    if len(coloured) < len(seen.plants):
        axis.plot([], [], color="0.72", label="others")
    axis.set_xlabel("day")
    axis.set_ylim(bottom=0)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(color="0.92")
    axis.legend(frameon=False, fontsize=8, loc="upper left")
