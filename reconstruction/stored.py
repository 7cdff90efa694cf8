"""A finished reconstruction read back from its folder, so that a later stage can be done again by itself."""

import json
from pathlib import Path

import numpy as np
import pycolmap
from pydantic import ValidationError

from reconstruction.colmap_io import lens_of, points_of, views_of
from reconstruction.model import Model, ScaleSource
from reconstruction.model_files import read_cloud_ply
from reconstruction.records import Cloud
from trellis.errors import InputError, reason_of
from trellis.records import Traits


def read_model(folder: Path) -> Model:
    """The sparse model of a reconstruction's folder.

    Residuals of poses and notes are not stored and stay empty; the photographs are not looked for.

    Raises:
        InputError: `sparse/` or `images.json` is missing or damaged.
    """
    try:
        found = pycolmap.Reconstruction(folder / "sparse")
        table = json.loads((folder / "images.json").read_bytes())
        views = views_of(found, folder)
        points, colours, errors_px, observations = points_of(found, views)
        return Model(
            lens=lens_of(found),
            views=views,
            points_world_m=points,
            colours=colours,
            errors_px=errors_px,
            observations=observations,
            reprojection_error_px=float(table["reprojection_error_px"]),
            scale_source=ScaleSource(table["scale_source"]),
            scale_std=float("nan") if table["scale_std"] is None else float(table["scale_std"]),
            images_given=len(table["images"]),
            board_residual_m=table["board_residual_m"],
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        # COLMAP and Python say where in their own code; what a person can do is look at the file.
        raise InputError(
            f"{folder}: not a finished reconstruction (sparse/ or images.json is missing or damaged); it needs "
            "sparse/, images.json, cloud.ply and plant.ply: run `trellis reconstruct` again"
        ) from error


def read_clouds(folder: Path) -> tuple[Cloud, Cloud]:
    """Everything (`cloud.ply`) and the plant (`plant.ply`).

    Raises:
        InputError: A file is missing or not one that Trellis wrote.
    """
    everything, plant = (read_cloud_ply(folder / name) for name in ("cloud.ply", "plant.ply"))
    if not np.isfinite(plant.points_m).all():
        raise InputError(f"{folder / 'plant.ply'}: its points are not finite numbers; run `trellis reconstruct` again")
    return everything, plant


def read_traits(path: Path) -> Traits:
    """A `traits.json`.

    Raises:
        InputError: The file is missing or holds no traits.
    """
    try:
        return Traits.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot read the traits: {reason_of(error)}") from error
    except ValidationError as error:
        raise InputError(f"{path}: not the traits.json of a reconstruction: {error.errors()[0]['msg']}") from error
