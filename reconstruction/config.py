"""The section `[reconstruction]`: what a person may choose about the way from photographs to numbers."""

from pydantic import Field

from trellis.config import Section


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


class ReconstructionSection(Section):
    """Everything about reconstruction; an empty table is good for the nominal hydroponic cell and for most folders."""

    sparse: SparseOptions = SparseOptions()
