"""From a sparse model to a dense cloud."""

from collections.abc import Generator

from reconstruction.config import DenseOptions
from reconstruction.depth import depth_maps
from reconstruction.fusion import fuse
from reconstruction.model import Model
from reconstruction.records import Cloud

__all__ = ["Cloud", "dense_cloud"]


def dense_cloud(model: Model, options: DenseOptions) -> Generator[float, None, Cloud]:
    """A dense cloud in the model's frame; yields the share that is done.

    How the method was chosen stands in docs/decisions/0006.
    """
    search = depth_maps(model, options)
    while True:
        try:
            yield 0.95 * next(search)
        except StopIteration as end:
            return fuse(model, end.value, options)
