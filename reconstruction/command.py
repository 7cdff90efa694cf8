"""`trellis reconstruct`: a folder of photographs becomes models, traits and mass."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pycolmap
import typer
from rich.console import Console

from reconstruction.config import ReconstructionSection
from reconstruction.pipeline import STAGES, StageEvent
from reconstruction.pipeline import reconstruct as run_stages
from reconstruction.progress import follow
from reconstruction.request import Request
from reconstruction.summary import print_summary
from trellis.config import load_configuration


class ProgressStyle(StrEnum):
    """How `--progress` shows what is going on."""

    AUTO = "auto"
    JSON = "json"
    NONE = "none"


def reconstruct(
    images: Annotated[Path, typer.Argument(help="A folder of photographs, or the folder of a scan.")],
    poses: Annotated[Path | None, typer.Option(help="Believed camera poses, CSV; without, no scale.")] = None,
    camera: Annotated[Path | None, typer.Option(help="The lens, TOML.")] = None,
    board: Annotated[Path | None, typer.Option(help="Fiducial tags at known places, TOML.")] = None,
    plant: Annotated[
        tuple[float, float, float] | None, typer.Option(metavar="X Y Z", help="The plant's collar in metres.")
    ] = None,
    radius: Annotated[
        float | None, typer.Option(min=0.001, help="How far the plant may reach from there, in metres.")
    ] = None,
    age: Annotated[float | None, typer.Option(min=0.0, help="Age of the plant in days.")] = None,
    cultivar: Annotated[str | None, typer.Option(help="Cultivar of the plant.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the results [default: `reconstruction` nearby].")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A configuration whose [reconstruction] is used.")] = None,
    progress: Annotated[
        ProgressStyle, typer.Option(help="Bars or lines, one JSON object a line, or nothing.")
    ] = ProgressStyle.AUTO,
) -> None:
    """Reconstruct a plant from photographs: model, cloud, mesh, traits, mass and a report."""
    options = load_configuration(config).section(ReconstructionSection) if config else ReconstructionSection()
    given = {
        "poses": poses,
        "camera": camera,
        "board": board,
        "plant_position_m": plant,
        "plant_radius_m": radius,
        "age_days": age,
        "cultivar": cultivar,
        "out": out,
    }
    request = replace(
        Request.of_folder(images, options), **{key: value for key, value in given.items() if value is not None}
    )
    pycolmap.logging.minloglevel = pycolmap.logging.FATAL.value
    with closing(run_stages(request)) as events:
        _SHOW[progress](events)
    if progress is not ProgressStyle.JSON:
        print_summary(request.out, Console())


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
