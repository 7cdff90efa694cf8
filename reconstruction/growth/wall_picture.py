"""The wall coloured by growth: a disc for each plant at its place, larger where the plant is, with its rate in it."""

from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from reconstruction.growth.findings import Finding

_SMALLEST, _LARGEST = 0.25, 0.48
#: On a colour darker than this, letters are white.
_DARK = 0.4


@dataclass(frozen=True)
class Standing:
    """One plant: where, how large (any unit, the same for all), how fast it grows and how sure that is (1/day)."""

    plant: str
    x_m: float
    y_m: float
    size: float
    rate_per_day: float
    rate_std_per_day: float


def wall_figure(standing: list[Standing], findings: list[Finding], day: int) -> Figure:
    """The wall as seen from the front; plants with a finding of the last day have a ring, grey ones no known rate."""
    places = np.array([(one.x_m, one.y_m) for one in standing])
    pitch = _pitch(places)
    width, height = np.ptp(places, axis=0) + 1.4 * pitch
    scale = min(11 / width, 8 / height)
    figure = Figure(figsize=(scale * width + 1.4, scale * height + 0.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    known = [one.rate_per_day for one in standing if np.isfinite(one.rate_per_day)]
    low, high = (min(known), max(known)) if known else (0.0, 0.1)
    colours = ScalarMappable(Normalize(100 * low, 100 * max(high, low + 0.01)), colormaps["RdYlGn"])
    troubled = {finding.plant: finding for finding in findings if finding.day == day}
    largest = max(one.size for one in standing)
    for one in standing:
        there = np.isfinite(one.rate_per_day)
        radius = pitch * (_SMALLEST + (_LARGEST - _SMALLEST) * np.sqrt(one.size / largest))
        colour = colours.to_rgba(100 * one.rate_per_day) if there else "0.8"
        ring = {"edgecolor": "#b2182b", "linewidth": 2.5} if one.plant in troubled else {"edgecolor": "0.3"}
        axis.add_patch(Circle((one.x_m, one.y_m), radius, facecolor=colour, **ring))
        rate = f"{100 * one.rate_per_day:.0f} ± {164 * one.rate_std_per_day:.0f} %" if there else "?"
        told = f"\n{troubled[one.plant].kind}" if one.plant in troubled else ""
        dark = there and np.dot(colour[:3], (0.3, 0.59, 0.11)) < _DARK
        axis.text(one.x_m, one.y_m, f"{one.plant}\n{rate}{told}", ha="center", va="center", fontsize=8,
                  color="white" if dark else "black")  # fmt: skip
    margin = 0.7 * pitch
    axis.set_xlim(places[:, 0].min() - margin, places[:, 0].max() + margin)
    axis.set_ylim(places[:, 1].min() - margin, places[:, 1].max() + margin)
    axis.set_aspect("equal")
    axis.axis("off")
    axis.set_title(f"growth a day, day {day}; ± holds 90 %", loc="left", fontsize=10)
    figure.colorbar(colours, ax=axis, label="growth, % a day", shrink=0.7)
    return figure


def _pitch(places: np.ndarray) -> float:
    """Distance of the nearest two plants; of a single one, a wall's."""
    if len(places) < 2:
        return 0.19
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    return float(max(apart[np.triu_indices(len(places), 1)].min(), 0.02))
