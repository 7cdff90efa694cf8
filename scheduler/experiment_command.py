"""`trellis experiment`: a whole trial on the simulated farm through the real stack, and the published tables again."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scheduler.experiment.farm_day import SizeOfTrial
from scheduler.experiment.trial import Order, remaining, run


def experiment(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the trial; one that was broken off goes on.")],
    plants: Annotated[int, typer.Option(help="Plants harvested in both runs together; even.")] = 48,
    size: Annotated[
        SizeOfTrial, typer.Option(help="`full`: 64 views, as published; `small`: 28, coarse, for trying out.")
    ] = SizeOfTrial.FULL,
    seed: Annotated[int, typer.Option(help="Of plants, sites, farm and noise.")] = 1,
) -> None:
    """Grow two runs of lettuce, harvest twice a week, scan, reconstruct and weigh each plant, and write the tables.

    Every plant has a folder of its own; what is done is not done again. Forty-eight plants take about four hours of two
    cores. Writes report.html, results.json, plants.csv, dry.png and fresh.png.
    """
    order, folder = Order(plants, seed, size), out.absolute()
    console = Console(soft_wrap=True, highlight=False)
    done, every = remaining(order, folder)
    if done:
        console.print(f"{done} of {every} plants are done already", markup=False)
    for step in run(order, folder):
        console.print(f"[{step.done}/{step.plants}] {step.line}", markup=False)
