"""From a request to files: the stages of a reconstruction, one after the other, each timed and reported.

A stage is a generator over `Run`: it reads what earlier stages left there, adds its own result, writes its artefact,
and yields the share done with a line for a person.
"""

import json
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from reconstruction.artefacts import Output, open_output
from reconstruction.dense import dense_cloud
from reconstruction.image_table import image_table
from reconstruction.images import Folder, read_folder
from reconstruction.mass import predict, read_mass_model
from reconstruction.model import Model
from reconstruction.model_files import write_cloud_ply, write_mesh_glb, write_mesh_ply
from reconstruction.panel import Panel, find_panel, middle_distance
from reconstruction.records import Cloud, Surface
from reconstruction.report import ReportContent, report_html
from reconstruction.request import Request
from reconstruction.rims import without_fringe
from reconstruction.segmentation import plant_mask, white_of
from reconstruction.sparse import sparse_model
from reconstruction.surface import in_unit_of, leaf_surface, thin_sheets
from reconstruction.traits import measure
from reconstruction.words import interval, leaf_area
from trellis.board import TagBoard, read_board
from trellis.clock import Clock, SystemClock
from trellis.errors import ReconstructionFailed
from trellis.lens import Lens, read_lens
from trellis.pose_file import CameraPose, read_poses
from trellis.records import MassEstimate, Traits


@dataclass(frozen=True)
class StageEvent:
    """How far a reconstruction is.

    Args:
        stage: One of `STAGES`.
        share: Of this stage, 0 to 1; exactly 1 once, when it is done.
        seconds: Since this stage began.
        message: A line for a person; may be empty.
    """

    stage: str
    share: float
    seconds: float
    message: str = ""

    def as_json(self) -> str:
        """One line, without its end."""
        return json.dumps(asdict(self))


@dataclass
class Run:
    """What the stages hand on to each other; a field is there once its stage is done."""

    request: Request
    output: Output
    seconds: dict[str, float] = field(default_factory=dict)
    poses: dict[str, CameraPose] = field(default_factory=dict)
    lens: Lens | None = None
    board: TagBoard | None = None
    folder: Folder | None = None
    model: Model | None = None
    cloud: Cloud | None = None
    panel: Panel | None = None
    plant: NDArray[np.bool_] | None = None
    sheet: Cloud | None = None
    surface: Surface | None = None
    traits: Traits | None = None
    mass: MassEstimate | None = None


Progress = Iterator[tuple[float, str]]
Result = TypeVar("Result")


def reconstruct(request: Request, clock: Clock | None = None) -> Iterator[StageEvent]:
    """Do all stages, and put the result in place at the end of the last; until then `request.out` stays as it was.

    Closing the iterator early throws away what was made so far.

    Args:
        request: What to do.
        clock: Times the stages; the machine's own if None.

    Raises:
        InputError: A file or folder that the request names cannot be used.
        ReconstructionFailed: The photographs give no model to trust; the message says why.
        AlreadyRunning: Another reconstruction is writing to the same folder.
    """
    clock = clock or SystemClock()
    with open_output(request.out) as output:
        run = Run(request, output)
        for name, stage in _STAGES.items():
            yield from _timed(name, stage, run, clock)


def _timed(name: str, stage: Callable[[Run], Progress], run: Run, clock: Clock) -> Iterator[StageEvent]:
    start_s = clock.monotonic_s()
    message = ""
    yield StageEvent(name, 0.0, 0.0)
    for share, message in stage(run):
        yield StageEvent(name, min(share, 0.99), clock.monotonic_s() - start_s, message)
    run.seconds[name] = clock.monotonic_s() - start_s
    if name == STAGES[-1]:
        _finish(run)
    yield StageEvent(name, 1.0, run.seconds[name], message)


def _finish(run: Run) -> None:
    seconds = {name: round(value, 2) for name, value in run.seconds.items()}
    run.output.path("stages.json").write_text(json.dumps(seconds, indent=1) + "\n", encoding="utf-8")
    run.output.publish()


def _images(run: Run) -> Progress:
    """Read everything that a person gave, so that a mistake is said before anything long begins."""
    request = run.request
    run.poses = {pose.image: pose for pose in read_poses(request.poses)} if request.poses else {}
    run.lens = read_lens(request.camera) if request.camera else None
    run.board = read_board(request.board) if request.board else None
    run.folder = read_folder(request.images)
    left_out = "".join(f"; {item.name} left out: {item.reason}" for item in run.folder.left_out)
    yield 1.0, f"{len(run.folder.names)} photographs of {run.folder.width_px}x{run.folder.height_px}{left_out}"


def _sparse(run: Run) -> Progress:
    """Where every photograph was taken from."""
    work = run.output.work / "colmap"
    yield 0.0, "comparing photographs"
    run.model = sparse_model(run.folder, work, run.poses, run.lens, run.request.options.sparse, run.board)
    (work / "sparse").rename(run.output.path("sparse"))
    table = json.dumps(image_table(run.model), indent=1, allow_nan=False)
    run.output.path("images.json").write_text(table + "\n", encoding="utf-8")
    scale = f"scale from {run.model.scale_source}" if run.model.metric else "no scale: no poses and no board given"
    yield 1.0, f"{len(run.model.views)} of {run.model.images_given} photographs placed; {scale}"


def _dense(run: Run) -> Progress:
    """Points on everything that was seen."""
    search = dense_cloud(run.model, run.request.options.dense)
    run.cloud = yield from _shares(search)
    if len(run.cloud) == 0:
        raise ReconstructionFailed(
            "no surface was found on which photographs agree; are they sharp, and do they overlap?"
        )
    write_cloud_ply(run.output.path("cloud.ply"), run.cloud)
    yield 1.0, f"{len(run.cloud)} points"


def _plant(run: Run) -> Progress:
    """Which points are this plant's."""
    request = run.request
    run.panel = find_panel(run.cloud.points_m, run.model)
    yield 0.3, ""
    run.plant = plant_mask(run.cloud, run.model, run.panel, request.plant_position_m, request.plant_radius_m)
    if not run.plant.any():
        raise ReconstructionFailed("no plant was found: nothing coloured stands before the panel where it should")
    write_cloud_ply(run.output.path("plant.ply"), run.cloud.chosen(run.plant))
    yield 1.0, f"{int(run.plant.sum())} points are the plant's"


def _surface(run: Run) -> Progress:
    """Its leaves as an open, one-sided surface."""
    options = in_unit_of(run.model, run.request.options.surface)
    run.sheet = thin_sheets(run.cloud.chosen(run.plant), options)
    if run.panel is not None:
        white = white_of(run.cloud, run.panel, middle_distance(run.model))
        run.sheet = without_fringe(run.sheet, white, options.spacing_m)
    yield 0.7, ""
    run.surface = leaf_surface(run.sheet, options)
    if len(run.surface.faces) == 0:
        raise ReconstructionFailed("the plant's points make no surface: too few photographs agree on them")
    write_mesh_ply(run.output.path("mesh.ply"), run.surface)
    write_mesh_glb(run.output.path("mesh.glb"), run.surface)
    yield 1.0, f"{len(run.surface.faces)} triangles"


def _traits(run: Run) -> Progress:
    """Its numbers."""
    spacing_m = in_unit_of(run.model, run.request.options.surface).spacing_m
    run.traits = measure(run.model, run.sheet, run.surface, spacing_m, run.panel, run.request.plant_position_m)
    _write_json(run, "traits.json", run.traits)
    yield 1.0, leaf_area(run.traits)


def _mass(run: Run) -> Progress:
    """What it weighs, or why that cannot be said."""
    request = run.request
    run.mass = predict(run.traits, read_mass_model(request.options.mass_model), request.age_days, request.cultivar)
    _write_json(run, "mass.json", run.mass)
    said = interval(run.mass.fresh_mass_low_kg, run.mass.fresh_mass_kg, run.mass.fresh_mass_high_kg)
    yield 1.0, f"not weighed: {run.mass.refused_reason}" if run.mass.refused_reason else f"fresh {said}"


def _report(run: Run) -> Progress:
    """One page for a person."""
    yield 0.0, "pictures"
    content = ReportContent(
        title=_title(run.request),
        folder=run.folder,
        model=run.model,
        cloud=run.cloud,
        plant=run.plant,
        surface=run.surface,
        traits=run.traits,
        mass=run.mass,
        seconds=run.seconds,
    )
    run.output.path("report.html").write_text(report_html(content), encoding="utf-8")
    yield 1.0, str(run.output.out / "report.html")


def _title(request: Request) -> str:
    """The folder's name, or that of the folder above where it is only called `images`."""
    images = request.images.absolute()
    return images.parent.name if images.name == "images" else images.name


def _write_json(run: Run, name: str, value: BaseModel) -> None:
    run.output.path(name).write_text(value.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _shares(work: Generator[float, None, Result]) -> Generator[tuple[float, str], None, Result]:
    """The shares that a long computation yields, as a stage's progress, and its result."""
    while True:
        try:
            yield next(work), ""
        except StopIteration as end:
            return end.value


_STAGES: dict[str, Callable[[Run], Progress]] = {
    "images": _images,
    "sparse": _sparse,
    "dense": _dense,
    "plant": _plant,
    "surface": _surface,
    "traits": _traits,
    "mass": _mass,
    "report": _report,
}

STAGES = tuple(_STAGES)
