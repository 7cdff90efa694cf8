"""`trellis sim`: the simulated farm."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from hardware_sim.dataset import Order, write_dataset
from trellis.errors import InputError

app = typer.Typer(help="The simulated farm.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The simulated farm."""


@app.command()
def render(
    plant: Annotated[str, typer.Argument(help="A name for the plant.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write the data set to.")],
    day: Annotated[float, typer.Option(help="Days since sowing, 5 to 60.")] = 24.0,
    cultivar: Annotated[str, typer.Option(help="butterhead or looseleaf.")] = "butterhead",
    views: Annotated[int, typer.Option(min=1, max=1000, help="Photographs to take.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="The farm's seed: another seed, another plant.")] = 7,
    neighbours: Annotated[bool, typer.Option("--neighbours/--alone", help="With the eight plants around it.")] = False,
) -> None:
    """Photograph one simulated plant all around and write a data set with its truth."""
    if (out / "truth.json").exists():
        raise InputError(f"{out} holds a data set already; choose another folder or remove it")
    order = Order(plant, day, cultivar, views, seed, neighbours)
    console = Console(stderr=True)
    for _ in track(write_dataset(order, out), "photographing", total=views, console=console):
        pass
    Console().print(f"{out}: {views} photographs of {plant}, poses, lens, tags and truth", highlight=False)
