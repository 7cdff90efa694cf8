"""Margin of the tensions and yaw of the carriage over the frame, as a picture."""

from io import BytesIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cdpr.robot import Array
from cdpr.workspace import Workspace
from cdpr.yaw_map import YawMap

_FRAME, _ALLOWED, _FOUND = "#555b66", "#d1495b", "#1b4965"
_STEP_N, _STEP_DEG = 5.0, 2.0


def workspace_picture(
    table: YawMap, allowed: Workspace, found: Workspace | None, home_m: tuple[float, float], title: str
) -> bytes:
    """The picture, PNG.

    Args:
        table: Margins and yaws over the frame.
        allowed: Where the configuration lets the carriage go.
        found: The polygon that was found, if one was.
        home_m: The dock.
        title: Above it all.
    """
    figure = Figure(figsize=(13, 6.2), dpi=100, layout="constrained")
    left, right = figure.subplots(1, 2)
    held = table.margins_n > 0
    _draw(left, table, np.where(held, table.margins_n, np.nan), "viridis", "margin of the tensions (N)", _STEP_N)
    yaws = np.where(held, np.degrees(table.yaws_rad), np.nan)
    _draw(right, table, yaws, "RdBu_r", "yaw at which the carriage hangs (deg)", _STEP_DEG)
    for axes in (left, right):
        pulleys = table.robot.pulleys_m
        axes.plot(*_closed(pulleys), color=_FRAME, lw=1.5)
        axes.plot(*pulleys.T, "o", color=_FRAME, ms=8)
        axes.plot(*_closed(allowed.corners_m), "--", color=_ALLOWED, lw=2, label="workspace as configured")
        if found is not None:
            axes.plot(*_closed(found.corners_m), color=_FOUND, lw=2, label="polygon found")
        axes.plot(*home_m, "k+", ms=12, mew=2, label="home")
        axes.set(aspect="equal", xlabel="x (m)", ylabel="y (m)")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.suptitle(title, fontsize=13)
    out = BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _draw(axes: Axes, table: YawMap, values: Array, colours: str, name: str, step: float) -> None:
    axes.set_facecolor("#e6e6e6")  # where no tensions hold the carriage
    extreme = float(np.nanmax(np.abs(values)))
    low = 0.0 if np.nanmin(values) >= 0 else -extreme
    shown = axes.pcolormesh(table.x_m, table.y_m, values.T, cmap=colours, vmin=low, vmax=extreme, shading="nearest")
    levels = np.arange(np.ceil(low / step), np.floor(extreme / step) + 1) * step
    lines = axes.contour(table.x_m, table.y_m, values.T, levels=levels, colors="black", linewidths=0.6)
    axes.clabel(lines, fontsize=8)
    axes.figure.colorbar(shown, ax=axes, label=name, shrink=0.85)


def _closed(corners: Array) -> Array:
    return np.vstack([corners, corners[:1]]).T
