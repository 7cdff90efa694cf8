"""The stages themselves, from photographs to a report: what each reads in the run, adds to it, and writes.

A stage is a generator over `Run` that yields the share done with a line for a person. The long ones say by what they
are kept (`reconstruction/stages.py`), and how a later run takes them up.
"""

import json
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from pydantic import BaseModel

from reconstruction.cuda import cuda_cloud
from reconstruction.dense import dense_cloud
from reconstruction.image_table import image_table
from reconstruction.images import read_folder
from reconstruction.kept import read_mask, read_model_again, read_record, write_mask, write_model, write_record
from reconstruction.leaves import tell_apart
from reconstruction.model_files import write_cloud_ply, write_mesh_glb, write_mesh_ply
from reconstruction.nerfstudio import transforms_json
from reconstruction.panel import find_panel, middle_distance
from reconstruction.records import Cloud, Surface, coarser
from reconstruction.report import ReportContent, report_html
from reconstruction.request import Request
from reconstruction.rims import without_fringe
from reconstruction.run import Progress, Run, Stage
from reconstruction.segmentation import plant_mask, white_of
from reconstruction.sparse import sparse_model
from reconstruction.stages import digest, digest_of_files
from reconstruction.stored import read_traits
from reconstruction.surface import in_unit_of, leaf_surface, thin_sheets
from reconstruction.traits import Earlier, measure
from reconstruction.weighing import read_scale, weigh
from reconstruction.words import interval, leaf_area
from trellis.board import read_board
from trellis.errors import ReconstructionFailed
from trellis.lens import read_lens
from trellis.pose_file import read_poses

#: `cloud.ply` has one point in a cube of the middle distance from camera to plant over this: about a millimetre.
_PUBLIC_FINENESS = 300

Result = TypeVar("Result")


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
    transforms = transforms_json(run.model, run.request.images, run.output.out)
    run.output.path("transforms.json").write_text(transforms, encoding="utf-8")
    scale = f"scale from {run.model.scale_source}" if run.model.metric else "no scale: no poses and no board given"
    yield 1.0, f"{len(run.model.views)} of {run.model.images_given} photographs placed; {scale}"


def _dense(run: Run) -> Progress:
    """Points on everything that was seen."""
    options = run.request.options.dense
    if options.method == "cuda":
        with TemporaryDirectory(dir=run.output.work) as work:
            run.cloud = cuda_cloud(run.output.path("sparse"), run.folder.path, Path(work), options)
    else:
        run.cloud = yield from _shares(dense_cloud(run.model, options))
    if len(run.cloud) == 0:
        raise ReconstructionFailed(
            "no surface was found on which photographs agree; are they sharp, and do they overlap?"
        )
    write_cloud_ply(run.output.path("cloud.ply"), coarser(run.cloud, middle_distance(run.model) / _PUBLIC_FINENESS))
    yield 1.0, f"{len(run.cloud)} points"


def _plant(run: Run) -> Progress:
    """Which points are this plant's."""
    request = run.request
    run.panel = find_panel(run.cloud.points_m, run.model)
    yield 0.3, ""
    place, radius_m = request.plant_position_m, request.plant_radius_m
    run.plant = plant_mask(run.cloud, run.model, run.panel, place, radius_m, request.neighbours_m)
    if not run.plant.any():
        raise ReconstructionFailed("no plant was found: nothing coloured stands before the panel where it should")
    write_cloud_ply(run.output.path("plant.ply"), run.cloud.chosen(run.plant))
    yield 1.0, f"{int(run.plant.sum())} points are the plant's"


def _surface(run: Run) -> Progress:
    """Its leaves as an open, one-sided surface."""
    options = in_unit_of(run.model, run.request.options.surface)
    run.sheet = thin_sheets(run.cloud.chosen(run.plant), options)
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
    collar_m = run.request.plant_position_m
    run.leaves = tell_apart(run.surface, run.panel, collar_m)
    white = None if run.panel is None else white_of(run.cloud, run.panel, middle_distance(run.model))
    run.traits = measure(
        run.model, run.sheet, run.surface, spacing_m, run.panel, collar_m, run.leaves, _earlier(run.request), white
    )
    _write_json(run, "traits.json", run.traits)
    yield 1.0, f"{leaf_area(run.traits)}, {len(run.leaves)} leaves"


def _earlier(request: Request) -> Earlier | None:
    return None if request.yesterday is None else Earlier(read_traits(request.yesterday), request.days_since)


def _mass(run: Run) -> Progress:
    """What it weighs, or why that cannot be said."""
    request = run.request
    run.mass = weigh(run.traits, read_scale(request.options.mass_model), request.age_days, request.cultivar)
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
        leaves=run.leaves,
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


def _key_of_sparse(run: Run) -> str:
    request = run.request
    images = [request.images / name for name in run.folder.names]
    left_out = json.dumps([asdict(item) for item in run.folder.left_out])
    beside = digest_of_files([request.poses, request.camera, request.board])
    return digest(digest_of_files(images), left_out, beside, request.options.sparse.model_dump_json())


def _key_of_dense(run: Run) -> str:
    return digest(run.keys["sparse"], run.request.options.dense.model_dump_json())


def _key_of_plant(run: Run) -> str:
    request = run.request
    where = (request.plant_position_m, request.plant_radius_m, request.neighbours_m)
    return digest(run.keys["dense"], *map(repr, where))


def _key_of_surface(run: Run) -> str:
    return digest(run.keys["plant"], run.request.options.surface.model_dump_json())


def _write_sparse(run: Run, folder: Path) -> None:
    write_model(folder, run.model)


def _read_sparse(run: Run, folder: Path) -> None:
    run.model = read_model_again(folder, run.request.images)


def _write_dense(run: Run, folder: Path) -> None:
    write_record(folder / "cloud.npz", run.cloud)


def _read_dense(run: Run, folder: Path) -> None:
    run.cloud = read_record(folder / "cloud.npz", Cloud)


def _write_plant(run: Run, folder: Path) -> None:
    write_mask(folder / "plant.npz", run.plant)


def _read_plant(run: Run, folder: Path) -> None:
    run.plant = read_mask(folder / "plant.npz")
    run.panel = find_panel(run.cloud.points_m, run.model)


def _write_surface(run: Run, folder: Path) -> None:
    write_record(folder / "sheet.npz", run.sheet)
    write_record(folder / "surface.npz", run.surface)


def _read_surface(run: Run, folder: Path) -> None:
    run.sheet = read_record(folder / "sheet.npz", Cloud)
    run.surface = read_record(folder / "surface.npz", Surface)


STAGES: dict[str, Stage] = {
    "images": Stage(_images),
    "sparse": Stage(_sparse, _key_of_sparse, _write_sparse, _read_sparse, ("sparse", "images.json", "transforms.json")),
    "dense": Stage(_dense, _key_of_dense, _write_dense, _read_dense, ("cloud.ply",)),
    "plant": Stage(_plant, _key_of_plant, _write_plant, _read_plant, ("plant.ply",)),
    "surface": Stage(_surface, _key_of_surface, _write_surface, _read_surface, ("mesh.ply", "mesh.glb")),
    "traits": Stage(_traits),
    "mass": Stage(_mass),
    "report": Stage(_report),
}
