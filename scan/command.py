"""`trellis plan`: from which postures a plant would be photographed, without moving anything."""

from datetime import datetime
from math import radians
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scan.adapting import adapt, read_mesh
from scan.cell import Cell
from scan.config import ViewsSection, WallSection
from scan.plan import Plan
from scan.plan import plan as plan_views
from scan.plan_file import plan_text
from scan.plan_picture import plan_picture
from scan.sizes import obstacles, one_of
from scan.viewpoints import directions
from trellis.clock import SystemClock
from trellis.config import load_configuration
from trellis.durable import write_durably
from trellis.folders import ScanFolder


def plan(
    plant: Annotated[str, typer.Argument(help="A plant's name, as in [[wall.plants]].")],
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")] = Path("trellis.toml"),
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the plan here, as JSON.")] = None,
    view: Annotated[Path | None, typer.Option("--view", help="Draw the plan here, as PNG.")] = None,
    adapt_to: Annotated[
        Path | None,
        typer.Option("--adapt", help="A reconstructed scan: some views move to what it saw badly."),
    ] = None,
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Plan for the plants' sizes on this day, not today.")
    ] = None,
) -> None:
    """Plan the views of one plant and the drive through them; nothing moves."""
    configuration = load_configuration(config)
    wall, views = configuration.section(WallSection), configuration.section(ViewsSection)
    cell = Cell.of(configuration)
    wanted, others = one_of(obstacles(wall, (on or SystemClock().utc()).date()), plant)
    console = Console()
    wishes = None
    if adapt_to is not None:
        even = directions(views.count, radians(views.tilt_max_deg))
        adapted = adapt(read_mesh(ScanFolder(adapt_to)), even, radians(views.tilt_max_deg))
        wishes = adapted.wishes
        console.print(
            f"{len(adapted.moved)} views moved: by the scan's mesh ten views would see {adapted.after:.0%} of it, "
            f"not {adapted.before:.0%}",
            highlight=False,
        )
    found = plan_views(cell, wanted, others, views, wishes)
    for line in summary(found):
        console.print(line, highlight=False)
    if out is not None:
        write_durably(out, plan_text(found).encode())
        console.print(f"{out}: the plan", highlight=False)
    if view is not None:
        write_durably(view, plan_picture(cell, found, others, views))
        console.print(f"{view}: its picture", highlight=False)


def summary(plan: Plan) -> list[str]:
    """What a person wants to know of a plan, a line each."""
    lines = [
        f"{plan.plant}: planned for {2000 * plan.radius_m:.0f} mm across and {1000 * plan.height_m:.0f} mm high",
        f"{len(plan.stops)} views, about {plan.duration_s:.0f} s from park to park",
    ]
    return lines + [f"view {view.view} dropped: {view.reason}" for view in plan.dropped]
