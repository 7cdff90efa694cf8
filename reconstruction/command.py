"""`trellis reconstruct`: a folder of photographs becomes models, traits and mass."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Annotated

import pycolmap
import typer
from rich.console import Console

from reconstruction.config import reconstruction_options
from reconstruction.many import each_of
from reconstruction.pipeline import STAGES, StageEvent
from reconstruction.pipeline import reconstruct as run_stages
from reconstruction.progress import follow
from reconstruction.request import Request
from reconstruction.summary import print_summary
from reconstruction.weighing import read_scale
from trellis.errors import InputError, ReconstructionFailed


class ProgressStyle(StrEnum):
    """How `--progress` shows what is going on."""

    AUTO = "auto"
    JSON = "json"
    NONE = "none"


def reconstruct(
    images: Annotated[
        list[Path],
        typer.Argument(help="A folder of photographs, or the folder of a scan; of several, each is one plant."),
    ],
    poses: Annotated[Path | None, typer.Option(help="Believed camera poses, CSV; without, no scale.")] = None,
    camera: Annotated[Path | None, typer.Option(help="The lens, TOML.")] = None,
    board: Annotated[Path | None, typer.Option(help="Fiducial tags at known places, TOML.")] = None,
    plant: Annotated[
        tuple[float, float, float] | None, typer.Option(metavar="X Y Z", help="The plant's collar in metres.")
    ] = None,
    radius: Annotated[
        float | None, typer.Option(min=0.001, help="How far the plant may reach from there, in metres.")
    ] = None,
    neighbours: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,Z;...", help="Collars of the plants around it in metres; where leaves touch they keep theirs."
        ),
    ] = None,
    age: Annotated[float | None, typer.Option(min=0.0, help="Age of the plant in days.")] = None,
    cultivar: Annotated[str | None, typer.Option(help="Cultivar of the plant.")] = None,
    yesterday: Annotated[
        Path | None,
        typer.Option(help="`traits.json` of an earlier day; a plant that cannot have grown from it is not weighed."),
    ] = None,
    days: Annotated[float, typer.Option(min=0.01, help="Days between that one and this.")] = 1.0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder for the results, or for those of several [default: `reconstruction` nearby].",
        ),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="How many of several folders at a time.")] = 1,
    config: Annotated[Path | None, typer.Option(help="A configuration whose [reconstruction] is used.")] = None,
    mass_model: Annotated[
        str | None,
        typer.Option(help="Instead of the configuration's: a name that comes with Trellis, or a .json file."),
    ] = None,
    progress: Annotated[
        ProgressStyle, typer.Option(help="Bars or lines, one JSON object a line, or nothing.")
    ] = ProgressStyle.AUTO,
) -> None:
    """Reconstruct a plant from photographs: model, cloud, mesh, traits, mass and a report.

    A run that was killed goes on where it was when it is started again with the same options; a changed option does
    again only what depends on it. Without poses and without a board lengths have no unit and nothing is weighed.
    """
    if len(images) > 1:
        told = {"--camera": camera, "--board": board, "--age": age, "--cultivar": cultivar, "--config": config}
        told["--mass-model"] = mass_model
        if any(value is not None for value in (poses, plant, radius, neighbours, yesterday)):
            raise InputError(
                "--poses, --plant, --radius, --neighbours and --yesterday are of one plant; for several folders put "
                "poses.csv, or "
                "scan.json, beside each one's photographs"
            )
        _many(images, [str(item) for pair in told.items() if pair[1] is not None for item in pair], out, jobs)
        return
    options = reconstruction_options(config, mass_model)
    read_scale(options.mass_model)  # a model that cannot be used is told now, not after minutes of work
    given = {
        "poses": poses,
        "camera": camera,
        "board": board,
        "plant_position_m": plant,
        "plant_radius_m": radius,
        "neighbours_m": _collars(neighbours),
        "age_days": age,
        "cultivar": cultivar,
        "yesterday": yesterday,
        "out": out,
    }
    request = replace(
        Request.of_folder(images[0], options),
        days_since=days,
        **{key: value for key, value in given.items() if value is not None},
    )
    pycolmap.logging.minloglevel = pycolmap.logging.FATAL.value
    with closing(run_stages(request)) as events:
        _SHOW[progress](events)
    if progress is not ProgressStyle.JSON:
        print_summary(request.out, Console())


def _collars(text: str | None) -> tuple[tuple[float, float, float], ...] | None:
    if text is None:
        return None
    try:
        places = [tuple(map(float, place.split(","))) for place in text.split(";")]
    except ValueError as error:
        raise InputError(f"--neighbours is {text!r}; it must be X,Y,Z in metres, several with ; between") from error
    if any(len(place) != 3 or not all(map(isfinite, place)) for place in places):
        raise InputError(f"--neighbours is {text!r}; each place needs three finite numbers, X,Y,Z")
    return tuple((x, y, z) for x, y, z in places)


def _many(folders: list[Path], options: list[str], out: Path | None, jobs: int) -> None:
    failed = 0
    for ended in each_of(folders, options, out, jobs):
        failed += ended.problem is not None
        typer.echo(f"{ended.folder}: {ended.problem or 'done'}", err=ended.problem is not None)
    if failed:
        raise ReconstructionFailed(f"{failed} of {len(folders)} folders failed; the reasons stand above")


def _as_json(events: Iterator[StageEvent]) -> None:
    for event in events:
        typer.echo(event.as_json())


def _silently(events: Iterator[StageEvent]) -> None:
    for _ in events:
        pass


def _for_a_person(events: Iterator[StageEvent]) -> None:
    follow(events, STAGES, Console())


_SHOW: dict[ProgressStyle, Callable[[Iterator[StageEvent]], None]] = {
    ProgressStyle.AUTO: _for_a_person,
    ProgressStyle.JSON: _as_json,
    ProgressStyle.NONE: _silently,
}
