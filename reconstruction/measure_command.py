"""`trellis measure`: traits and mass once more, from what a reconstruction left in its folder."""

from pathlib import Path
from typing import Annotated

import pycolmap
import typer
from rich.console import Console

from reconstruction.config import reconstruction_options
from reconstruction.leaves import tell_apart
from reconstruction.panel import find_panel, middle_distance
from reconstruction.rims import without_fringe
from reconstruction.segmentation import white_of
from reconstruction.stored import read_clouds, read_model
from reconstruction.summary import print_summary
from reconstruction.surface import in_unit_of, leaf_surface, thin_sheets
from reconstruction.traits import measure as measure_traits
from reconstruction.weighing import read_scale, weigh
from trellis.durable import write_durably


def measure(
    folder: Annotated[Path, typer.Argument(help="The folder that `trellis reconstruct` wrote.")],
    plant: Annotated[
        tuple[float, float, float] | None, typer.Option(metavar="X Y Z", help="The plant's collar in metres.")
    ] = None,
    age: Annotated[float | None, typer.Option(min=0.0, help="Age of the plant in days.")] = None,
    cultivar: Annotated[str | None, typer.Option(help="Cultivar of the plant.")] = None,
    config: Annotated[Path | None, typer.Option(help="A configuration whose [reconstruction] is used.")] = None,
    mass_model: Annotated[
        str | None,
        typer.Option(help="Instead of the configuration's: a name that comes with Trellis, or a .json file."),
    ] = None,
) -> None:
    """Measure and weigh a plant again from its points, with other options or another mass model; seconds, not minutes.

    Writes `traits.json` and `mass.json` anew; clouds, mesh and report stay as they are.
    """
    options = reconstruction_options(config, mass_model)
    scale = read_scale(options.mass_model)
    pycolmap.logging.minloglevel = pycolmap.logging.FATAL.value
    model, (everything, points) = read_model(folder), read_clouds(folder)
    chosen = in_unit_of(model, options.surface)
    panel = find_panel(everything.points_m, model)
    white = None if panel is None else white_of(everything, panel, middle_distance(model))
    sheet = thin_sheets(points, chosen)
    if white is not None:
        sheet = without_fringe(sheet, white, chosen.spacing_m)
    surface = leaf_surface(sheet, chosen)
    leaves = tell_apart(surface, panel, plant)
    traits = measure_traits(model, sheet, surface, chosen.spacing_m, panel, plant, leaves, white=white)
    mass = weigh(traits, scale, age, cultivar)
    write_durably(folder / "traits.json", (traits.model_dump_json(indent=1) + "\n").encode())
    write_durably(folder / "mass.json", (mass.model_dump_json(indent=1) + "\n").encode())
    print_summary(folder, Console())
