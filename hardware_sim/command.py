"""`trellis sim`: the simulated farm."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from hardware_sim.dataset import Order, write_dataset
from hardware_sim.dataset_batch import orders, write_many
from hardware_sim.farm import Farm
from hardware_sim.lettuce_kinds import CULTIVARS, STANDARD, check_growable
from hardware_sim.optics import camera_from_words
from hardware_sim.realtime import RealTimeServer, plants_on_wall
from hardware_sim.strip import DAYS, write_strip, write_wall
from hardware_sim.world import build_world
from trellis.durable import make_folder
from trellis.errors import InputError

Settings = Annotated[
    list[str] | None,
    typer.Option("--camera", help="A setting of the camera, such as exposure_drift=0.1; may be given several times."),
]

app = typer.Typer(invoke_without_command=True, add_completion=False)


@app.callback()
def serve(
    context: typer.Context,
    plants: Annotated[int, typer.Option(min=1, max=54, help="How many plants stand on the wall.")] = 2,
    day: Annotated[float, typer.Option(help="Days since they were sown, 5 to 60.")] = 24.0,
    cultivar: Annotated[str, typer.Option(help="butterhead, looseleaf or redleaf.")] = "butterhead",
    treatment: Annotated[str, typer.Option(help="How it is grown: standard, nitrogen-3, ph-7.0 ...")] = STANDARD,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another farm and other plants.")] = 1,
    errors: Annotated[str, typer.Option(help="What the builder left: none, calibrated or builder.")] = "calibrated",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the camera; 0 takes a free one.")] = 8701,
    links: Annotated[Path | None, typer.Option(help="A folder for links to the serial ports.")] = None,
    camera: Settings = None,
) -> None:
    """Run a simulated farm in real time: its serial ports as pseudo-terminals, its camera over HTTP, until Ctrl-C."""
    if context.invoked_subcommand is None:
        if links is not None:
            make_folder(links)  # before anything is opened
        on_wall = plants_on_wall(plants, day, cultivar, seed, treatment)
        lens = camera_from_words(camera or ())
        with RealTimeServer(Farm(build_world(seed, errors)), on_wall, seed, port, links, lens) as server:
            for line in server.describe():
                Console().print(line, highlight=False, soft_wrap=True)
            server.wait()


@app.command()
def render(
    plant: Annotated[str, typer.Argument(help="A name for the plant.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write the data set to.")],
    day: Annotated[float, typer.Option(help="Days since sowing, 5 to 60.")] = 24.0,
    cultivar: Annotated[str, typer.Option(help="butterhead, looseleaf or redleaf.")] = "butterhead",
    treatment: Annotated[str, typer.Option(help="How it is grown: standard, nitrogen-3, ph-7.0 ...")] = STANDARD,
    views: Annotated[int, typer.Option(min=1, max=1000, help="Photographs to take.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="The farm's seed: another seed, another plant.")] = 7,
    neighbours: Annotated[bool, typer.Option("--neighbours/--alone", help="With the eight plants around it.")] = False,
    camera: Settings = None,
    gutters: Annotated[bool, typer.Option("--gutters/--flat", help="White gutters across the panel.")] = False,
    count: Annotated[int, typer.Option(min=1, help="Plants: seeds from --seed on, a folder PLANT-SEED each.")] = 1,
    jobs: Annotated[int, typer.Option(min=1, help="Plants that are photographed at the same time.")] = 1,
) -> None:
    """Photograph simulated plants all around and write a data set of each with its truth; what is there is kept."""
    order = Order(plant, day, cultivar, views, seed, neighbours, camera_from_words(camera or ()), treatment, gutters)
    if count > 1:
        wanted = orders(order, count)
        make_folder(out)
        for _ in track(write_many(wanted, out, jobs), "plants", total=count, console=Console(stderr=True)):
            pass
        Console().print(f"{out}: {count} data sets of {views} photographs each", highlight=False)
        return
    if (out / "truth.json").exists():
        raise InputError(f"{out} holds a data set already; choose another folder or remove it")
    make_folder(out)
    console = Console(stderr=True)
    for _ in track(write_dataset(order, out), "photographing", total=views, console=console):
        pass
    Console().print(f"{out}: {views} photographs of {plant}, poses, lens, tags and truth", highlight=False)


@app.command()
def strip(
    out: Annotated[Path, typer.Option("--out", "-o", help="The JPEG to write.")],
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other plants.")] = 7,
) -> None:
    """Picture one simulated plant of each cultivar over seven weeks, side by side."""
    make_folder(out.parent)
    total = len(CULTIVARS) * len(DAYS)
    for _ in track(write_strip(out, tuple(CULTIVARS), seed), "growing", total=total, console=Console(stderr=True)):
        pass
    Console().print(f"{out}: {', '.join(CULTIVARS)} on days {', '.join(map(str, DAYS))}", highlight=False)


@app.command()
def wall(
    out: Annotated[Path, typer.Option("--out", "-o", help="The JPEG to write.")],
    day: Annotated[float, typer.Option(help="Days since sowing, 5 to 60.")] = 31.0,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other plants.")] = 7,
) -> None:
    """Picture a wall of 54 simulated plants: three columns of each cultivar."""
    check_growable(day, "butterhead")
    make_folder(out.parent)
    write_wall(out, day, seed)
    Console().print(f"{out}: 54 plants on day {day:g}; from the left {', '.join(CULTIVARS)}", highlight=False)
