"""A plan as a picture: the drive over the wall, the directions it sees the plant from, and the arm from the side."""

from io import BytesIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse, Rectangle
from matplotlib.projections.polar import PolarAxes

from scan.cell import Array, Cell
from scan.clearance import Obstacle
from scan.plan import Plan
from scan.viewpoints import directions
from scan.views_section import ViewsSection

_LEAF, _LEAF_EDGE, _ROBOT, _WISH = "#b9d8a5", "#5d8f3c", "#8a8f98", "#c9ccd1"
_ORDER = "viridis"


def plan_picture(cell: Cell, plan: Plan, others: tuple[Obstacle, ...], views: ViewsSection) -> bytes:
    """The picture of a plan, PNG."""
    figure = Figure(figsize=(15, 8.2), dpi=110, layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(1.4, 1), height_ratios=(1.1, 1))
    wall, side = figure.add_subplot(grid[:, 0]), figure.add_subplot(grid[1, 1])
    cap = figure.add_subplot(grid[0, 1], projection="polar")
    assert isinstance(cap, PolarAxes)
    _draw_wall(wall, cell, plan, others)
    _draw_directions(cap, plan, views)
    _draw_side(side, cell, plan)
    figure.suptitle(_headline(plan), fontsize=14, fontweight="bold")
    out = BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _headline(plan: Plan) -> str:
    lost = f", {len(plan.dropped)} dropped" if plan.dropped else ""
    minutes, seconds = divmod(round(plan.duration_s), 60)
    return f"{plan.plant}: {len(plan.stops)} views{lost}, about {minutes} min {seconds} s from park to park"


def _middle_m(plan: Plan) -> Array:
    x, y, z = plan.position_m
    return np.array([x, y, z + plan.height_m / 2])


def _cameras_m(plan: Plan) -> Array:
    return np.array([stop.world_from_camera.translation_m for stop in plan.stops])


def _draw_wall(axes: Axes, cell: Cell, plan: Plan, others: tuple[Obstacle, ...]) -> None:
    """The wall from the front: plants, carriage's way, cameras."""
    (left, right), (low, high) = cell.workspace.x_m, cell.workspace.y_m
    axes.add_patch(Rectangle((left, low), right - left, high - low, fill=False, ls="--", ec=_ROBOT, lw=1))
    axes.annotate("where the carriage may go", (left, high), (4, 4), textcoords="offset points", color=_ROBOT, size=9)
    pulleys = cell.robot.pulleys_m
    axes.plot(*np.vstack([pulleys, pulleys[:1]]).T, color=_ROBOT, lw=2)
    axes.plot(*pulleys.T, "o", color=_ROBOT, ms=7)
    for other in others:
        axes.add_patch(Circle(other.position_m[:2], other.radius_m, fc="#e6efdf", ec=_LEAF_EDGE, lw=0.6))
        axes.annotate(other.name, other.position_m[:2], ha="center", va="center", size=8, color=_LEAF_EDGE)
    axes.add_patch(Circle(plan.position_m[:2], plan.radius_m, fc=_LEAF, ec=_LEAF_EDGE))
    carriage = np.array([(stop.posture.x_m, stop.posture.y_m) for stop in plan.stops])
    park = (cell.park.x_m, cell.park.y_m)
    passed = np.vstack([park, carriage, park])
    axes.add_collection(
        LineCollection(
            list(np.stack([passed[:-1], passed[1:]], axis=1)), array=np.arange(len(passed) - 1.0), cmap=_ORDER, lw=1.4
        )
    )
    axes.plot(*park, "s", color="black", ms=8, mfc="white")
    axes.annotate("park", park, (8, 6), textcoords="offset points", size=10)
    cameras = _cameras_m(plan)[:, :2]
    axes.add_collection(LineCollection(list(np.stack([carriage, cameras], axis=1)), colors=_ROBOT, lw=0.5, alpha=0.6))
    dots = axes.scatter(
        cameras[:, 0], cameras[:, 1], c=np.arange(len(cameras)), cmap=_ORDER, s=26, zorder=3, ec="white", lw=0.4
    )
    colours = axes.figure.colorbar(dots, ax=axes, shrink=0.6, pad=0.01)
    colours.set_label("order of photographs")
    axes.set(title="The wall from the front: carriage (line) and camera (dots)", xlabel="x (m)", ylabel="y (m)")
    axes.set_aspect("equal")
    axes.margins(0.03)


def _draw_directions(axes: PolarAxes, plan: Plan, views: ViewsSection) -> None:
    """From where the plant is seen: tilt outward, azimuth around; circles are what was wished for."""
    wished = directions(views.count, np.radians(views.tilt_max_deg))
    axes.scatter(
        [wish.azimuth_rad for wish in wished],
        [np.degrees(wish.tilt_rad) for wish in wished],
        s=90,
        fc="none",
        ec=_WISH,
        label="wished",
    )
    lines = _cameras_m(plan) - _middle_m(plan)
    tilts = np.degrees(np.arccos(lines[:, 2] / np.linalg.norm(lines, axis=1)))
    axes.scatter(np.arctan2(lines[:, 1], lines[:, 0]), tilts, c=np.arange(len(lines)), cmap=_ORDER, s=22, label="had")
    lost = [wished[view.view] for view in plan.dropped]
    if lost:
        axes.scatter(
            [wish.azimuth_rad for wish in lost],
            [np.degrees(wish.tilt_rad) for wish in lost],
            marker="x",
            color="#c0392b",
            label="dropped",
        )
    axes.set_rlim(0, 80)
    axes.set_rticks([20, 40, 60, 80], labels=["20°", "40°", "60°", "80°"], size=8, color=_ROBOT)
    axes.set_rlabel_position(101)
    axes.tick_params(axis="x", labelsize=8, labelcolor=_ROBOT)
    axes.grid(lw=0.5)
    axes.set_title("Directions of view: tilt from the wall's normal")
    axes.legend(loc="upper left", bbox_to_anchor=(1.08, 1.0), frameon=False)


def _draw_side(axes: Axes, cell: Cell, plan: Plan) -> None:
    """The arm in the plane through the plant's axis and each camera, to the camera's side."""
    middle = _middle_m(plan)
    axes.add_patch(
        Ellipse((0, plan.position_m[2]), 2 * plan.radius_m, 2 * plan.height_m, fc=_LEAF, ec=_LEAF_EDGE, zorder=0)
    )
    axes.axhspan(-0.03, 0, color="#d7d2c8", zorder=1)
    for stop in plan.stops:
        line = stop.world_from_camera.translation_m - middle
        level = float(np.hypot(line[0], line[1]))
        side = np.array([line[0], line[1], 0.0]) / level if level > 1e-6 else np.array([1.0, 0.0, 0.0])
        arm = np.column_stack(
            [(cell.arm_points_m(stop.posture) - middle) @ side, cell.arm_points_m(stop.posture)[:, 2]]
        )
        axes.plot(*arm.T, color=_ROBOT, lw=0.9, alpha=0.5)
        axes.plot(*arm[-1], "o", color="#30506e", ms=3.5)
    axes.axhline(cell.plane_z_m, color=_ROBOT, ls="--", lw=1)
    axes.annotate("cable plane", (0.99, cell.plane_z_m), (0, 3), xycoords=("axes fraction", "data"),
                  textcoords="offset points", ha="right", size=9, color=_ROBOT)  # fmt: skip
    axes.set(title="The arm from the side", xlabel="from the plant's axis (m)", ylabel="from the wall (m)")
    axes.set_ylim(-0.03, cell.plane_z_m + 0.06)
    axes.set_aspect("equal")
