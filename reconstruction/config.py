"""The section `[reconstruction]`: what a person may choose about the way from photographs to numbers."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from trellis.config import Section, load_configuration


class SparseOptions(Section):
    """From photographs to camera poses and sparse points.

    `features` is the most SIFT features kept in an image, `neighbours` how many others each image is compared with
    when poses are believed, `seed` makes a run repeatable, `threads` is how many to use (0: as many as the machine
    has).
    """

    features: int = Field(default=3000, ge=200, le=20000)
    neighbours: int = Field(default=12, ge=2, le=200)
    seed: int = Field(default=0, ge=0)
    threads: int = Field(default=0, ge=0)


class DenseOptions(Section):
    """From camera poses to a dense cloud.

    `method` is `cpu`, or `cuda` for COLMAP's own PatchMatch on an NVIDIA GPU (the extra `cuda`), which takes
    `scale_max` and `views` of what follows. `pixel_m` is how large a pixel of the depth maps may be on the plant;
    with it the photographs are made smaller, to at most `scale_max` and at least a fifth of their width. Where the
    model has no metres they are made smaller by `scale_max`, and more where there are more than 64. `partners` is
    how many other photographs each is compared with, and a point counts when at least `views` agree on it. `seed`
    makes a run repeatable.
    """

    method: Literal["cpu", "cuda"] = "cpu"
    pixel_m: float = Field(default=0.00045, gt=0, lt=0.1)
    scale_max: float = Field(default=0.5, ge=0.2, le=1.0)
    partners: int = Field(default=5, ge=2, le=20)
    views: int = Field(default=3, ge=2, le=20)
    seed: int = Field(default=0, ge=0)


class SurfaceOptions(Section):
    """From a plant's points to its surface.

    Corners of the surface are `spacing_m` apart; points follow their neighbours within `reach_m` in so many `passes`,
    and one with fewer than `least` of them, or less than `support` times as sure as those around it, is dropped. A gap
    counts as a hole when no circle of radius `hole_m` closes it, and a loose piece of fewer than `crumb` triangles is
    none of the plant's.
    """

    spacing_m: float = Field(default=0.001, gt=0, lt=0.1)
    reach_m: float = Field(default=0.0025, gt=0, lt=0.1)
    passes: int = Field(default=2, ge=0, le=10)
    least: int = Field(default=5, ge=1, le=500)
    support: float = Field(default=0.1, ge=0, le=1)
    hole_m: float = Field(default=0.0022, gt=0, lt=0.1)
    crumb: int = Field(default=30, ge=1)


class ReconstructionSection(Section):
    """Everything about reconstruction; an empty table is good for the nominal hydroponic cell and for most folders.

    `mass_model` is the name of a model that comes with Trellis, or a file that ends in `.json`: of that format, or what
    `trellis mass fit --leaf-area` wrote (docs/mass.md).
    Finished stages are kept in `.stages` inside the output folder, so that a run that was killed goes on where it was;
    with `keep_stages` they stay there after the end, and a changed option does again only what depends on it. They take
    two to three times the room of the photographs.
    """

    sparse: SparseOptions = SparseOptions()
    dense: DenseOptions = DenseOptions()
    surface: SurfaceOptions = SurfaceOptions()
    mass_model: str = "lettuce-published"
    keep_stages: bool = True


def reconstruction_options(config: Path | None, mass_model: str | None = None) -> ReconstructionSection:
    """`[reconstruction]` of a configuration file, or the defaults; `mass_model` comes before what it says.

    A model's file that the configuration names is looked for from the configuration's own folder.
    """
    if config is None:
        options = ReconstructionSection()
    else:
        configuration = load_configuration(config)
        options = configuration.section(ReconstructionSection)
        if options.mass_model.endswith(".json"):
            options = options.model_copy(update={"mass_model": str(configuration.resolve(options.mass_model))})
    return options if mass_model is None else options.model_copy(update={"mass_model": mass_model})
