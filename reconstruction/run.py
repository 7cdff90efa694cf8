"""What the stages of a reconstruction hand on to each other, and what a stage is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reconstruction.artefacts import Output
from reconstruction.images import Folder
from reconstruction.leaves import Leaves
from reconstruction.model import Model
from reconstruction.panel import Panel
from reconstruction.records import Cloud, Surface
from reconstruction.request import Request
from reconstruction.stages import KeptStages
from trellis.board import TagBoard
from trellis.lens import Lens
from trellis.pose_file import CameraPose
from trellis.records import MassEstimate, Traits

#: The share done, and a line for a person.
Progress = Iterator[tuple[float, str]]


@dataclass
class Run:
    """What the stages hand on to each other; a field is there once its stage is done."""

    request: Request
    output: Output
    kept: KeptStages
    seconds: dict[str, float] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
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
    leaves: Leaves | None = None
    traits: Traits | None = None
    mass: MassEstimate | None = None


@dataclass(frozen=True)
class Stage:
    """One stage: its work, and for those that are worth keeping how.

    Args:
        work: Does it.
        key: A digest of everything that it depends on, from the request, the files and the stages before.
        write: Puts into a folder what `read` brings back into the run.
        read: See `write`.
        artefacts: What it adds to the output.
    """

    work: Callable[[Run], Progress]
    key: Callable[[Run], str] | None = None
    write: Callable[[Run, Path], None] | None = None
    read: Callable[[Run, Path], None] | None = None
    artefacts: tuple[str, ...] = ()
