"""A plant's history as ECharts options: a value over time with its 90 % interval as a band."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from web.answers import MeasurementAnswer
from web.forecasts import ForecastAnswer

_GREY, _GRID = "#87908b", "rgba(135,144,139,.25)"
_FRESH, _DRY, _AREA = "#2f8f5b", "#b07d2b", "#5a7fa8"


def history(measurements: Sequence[MeasurementAnswer]) -> dict[str, Any]:
    """Fresh mass (left axis, g), dry mass (right axis, g), each with its interval; refused masses leave a gap.

    Args:
        measurements: Of one plant, in any order.
    """
    ordered = sorted(measurements, key=lambda one: one.measured_at)
    fresh = [(one, one.mass.fresh_mass_kg, one.mass.fresh_mass_low_kg, one.mass.fresh_mass_high_kg) for one in ordered]
    dry = [(one, one.mass.dry_mass_kg, one.mass.dry_mass_low_kg, one.mass.dry_mass_high_kg) for one in ordered]
    return _options(
        [_axis("fresh mass, g"), _axis("dry mass, g", right=True)],
        [*_with_band("Fresh mass", fresh, _FRESH, 0, 1000.0), *_with_band("Dry mass", dry, _DRY, 1, 1000.0)],
        ["Fresh mass", "Dry mass"],
    )


def area_history(measurements: Sequence[MeasurementAnswer]) -> dict[str, Any]:
    """Leaf area over time (cm2), with a band of 1.645 standard deviations either side, which is 90 %."""
    ordered = sorted(measurements, key=lambda one: one.measured_at)
    rows = []
    for one in ordered:
        area_m2, half_m2 = one.traits.leaf_area_m2, 1.645 * one.traits.leaf_area_std_m2
        rows.append((one, area_m2, max(0.0, area_m2 - half_m2), area_m2 + half_m2))
    return _options([_axis("leaf area, cm²")], _with_band("Leaf area", rows, _AREA, 0, 1e4), [])


def forecast_chart(said: ForecastAnswer, measurements: Sequence[MeasurementAnswer]) -> dict[str, Any]:
    """Fresh mass smoothed and carried on, with its 90 % band; what was measured as dots; the target as a line."""
    rows = [(_Moment(one.at), one.mass_kg, one.low_kg, one.high_kg) for one in said.course]
    series = _with_band("Fresh mass", rows, _FRESH, 0, 1000.0)
    line = series[-1]
    line["symbol"] = "none"
    now = next((one.at for one in said.course if one.ahead), None)
    marks: list[dict[str, Any]] = []
    if said.target_kg is not None:
        marks.append(
            {
                "yAxis": round(1000 * said.target_kg, 1),
                "label": {"formatter": "target", "color": _GREY, "position": "insideStartTop"},
            }
        )
    if now is not None:
        marks.append({"xAxis": now.timestamp() * 1000, "label": {"formatter": "forecast", "color": _GREY}})
    line["markLine"] = {"silent": True, "symbol": "none", "data": marks, "lineStyle": {"color": _GREY}}
    dots = [[one.measured_at.timestamp() * 1000, _scaled(one.mass.fresh_mass_kg, 1000.0)] for one in measurements]
    series.append({"name": "Measured", "type": "scatter", "data": dots, "symbolSize": 6,
                   "itemStyle": {"color": _FRESH}})  # fmt: skip
    return _options([_axis("fresh mass, g")], series, ["Fresh mass", "Measured"])


def lines_chart(lines: Mapping[str, Sequence[tuple[datetime | None, float | None]]]) -> dict[str, Any]:
    """Values over time, one line each on one axis; names carry the units."""
    colours = (_FRESH, _DRY, _AREA)
    series = [
        {"name": name, "type": "line", "symbol": "circle", "symbolSize": 6, "lineStyle": {"color": colour, "width": 2},
         "itemStyle": {"color": colour},
         "data": [[at.timestamp() * 1000, _scaled(value, 1.0)] for at, value in points if at is not None]}
        for (name, points), colour in zip(lines.items(), colours, strict=False)
    ]  # fmt: skip
    return _options([_axis("")], series, list(lines))


@dataclass(frozen=True)
class _Moment:
    """A time in the place of a measurement's."""

    measured_at: datetime


def _with_band(name: str, rows: list[Any], colour: str, axis: int, scale: float) -> list[dict[str, Any]]:
    """The line, and two invisible ones stacked whose difference is filled."""
    stack = f"{name} interval"
    times = [one.measured_at.timestamp() * 1000 for one, *_ in rows]
    value = [[at, _scaled(row[1], scale)] for at, row in zip(times, rows, strict=True)]
    low = [[at, _scaled(row[2], scale)] for at, row in zip(times, rows, strict=True)]
    width = [[at, _gap(row[2], row[3], scale)] for at, row in zip(times, rows, strict=True)]
    unseen = {"type": "line", "stack": stack, "yAxisIndex": axis, "symbol": "none", "lineStyle": {"opacity": 0},
              "silent": True, "tooltip": {"show": False}, "itemStyle": {"opacity": 0}}  # fmt: skip
    band = {"color": colour, "opacity": 0.18}
    return [
        unseen | {"name": f"{name} low", "data": low},
        unseen | {"name": f"{name} width", "data": width, "areaStyle": band},
        {"name": name, "type": "line", "yAxisIndex": axis, "data": value, "symbol": "circle", "symbolSize": 6,
         "lineStyle": {"color": colour, "width": 2}, "itemStyle": {"color": colour}},
    ]  # fmt: skip


def _scaled(value: float | None, scale: float) -> float | None:
    return None if value is None else round(value * scale, 3)


def _gap(low: float | None, high: float | None, scale: float) -> float | None:
    return None if low is None or high is None else round((high - low) * scale, 3)


def _axis(name: str, *, right: bool = False) -> dict[str, Any]:
    return {
        "type": "value",
        "name": name,
        "min": 0,
        "position": "right" if right else "left",
        "nameTextStyle": {"color": _GREY, "align": "right" if right else "left"},
        "axisLabel": {"color": _GREY},
        "splitLine": {"show": not right, "lineStyle": {"color": _GRID}},
    }


def _options(axes: list[dict[str, Any]], series: list[dict[str, Any]], names: list[str]) -> dict[str, Any]:
    return {
        "animation": False,
        "textStyle": {"fontFamily": "Roboto, system-ui, sans-serif"},
        "grid": {"left": 8, "right": 12, "top": 44, "bottom": 6, "containLabel": True},
        "legend": {
            "data": names,
            "top": 0,
            "left": "center",
            "textStyle": {"color": _GREY},
            "icon": "circle",
            "itemHeight": 8,
        },
        "tooltip": {"trigger": "axis", "confine": True},
        "xAxis": {
            "type": "time",
            "axisLabel": {"color": _GREY, "hideOverlap": True},
            "axisLine": {"lineStyle": {"color": _GREY}},
        },
        "yAxis": axes,
        "series": series,
    }
