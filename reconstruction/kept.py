"""What stages hand on to each other as files: numbers in NumPy's format, the rest as JSON; nothing that could run."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from reconstruction.model import LeftOut, Model, PoseResidual, ScaleSource, View
from reconstruction.records import Cloud, Surface
from trellis.geometry import Pose
from trellis.lens import Lens

Record = TypeVar("Record", Cloud, Surface)

_ARRAYS = ("points_world_m", "colours", "errors_px", "observations")
_NUMBERS = ("reprojection_error_px", "scale_std", "images_given", "board_residual_m")


def write_record(path: Path, record: Cloud | Surface) -> None:
    """A cloud or a surface, every digit of it."""
    np.savez(path, **{field.name: getattr(record, field.name) for field in fields(record)})


def read_record(path: Path, kind: type[Record]) -> Record:
    """What `write_record` wrote."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return kind(**{field.name: stored[field.name] for field in fields(kind)})


def write_mask(path: Path, mask: np.ndarray) -> None:
    """True or false for each of many points."""
    np.savez(path, mask=np.packbits(mask), count=len(mask))


def read_mask(path: Path) -> np.ndarray:
    """What `write_mask` wrote."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return np.unpackbits(stored["mask"], count=int(stored["count"])).astype(bool)


def write_model(folder: Path, model: Model) -> None:
    """A sparse model, every digit of it, as `model.npz` and `model.json`."""
    poses = [view.world_from_camera for view in model.views]
    np.savez(
        folder / "model.npz",
        rotations=np.array([pose.rotation for pose in poses]),
        translations_m=np.array([pose.translation_m for pose in poses]),
        **{name: getattr(model, name) for name in _ARRAYS},
    )
    words: dict[str, Any] = {name: getattr(model, name) for name in _NUMBERS}
    words |= {
        "lens": asdict(model.lens),
        "views": [view.name for view in model.views],
        "scale_source": str(model.scale_source),
        "left_out": [asdict(item) for item in model.left_out],
        "residuals": [asdict(item) for item in model.residuals],
        "notes": list(model.notes),
    }
    (folder / "model.json").write_text(json.dumps(words), encoding="utf-8")


def read_model_again(folder: Path, images: Path) -> Model:
    """What `write_model` wrote; the photographs lie in `images`."""
    words = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    with (folder / "model.npz").open("rb") as file, np.load(file, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in (*_ARRAYS, "rotations", "translations_m")}
    places = zip(words["views"], arrays.pop("rotations"), arrays.pop("translations_m"), strict=True)
    lens = words["lens"] | {"params": tuple(words["lens"]["params"])}
    return Model(
        lens=Lens(**lens),
        views=tuple(View(name, images / name, Pose(turn, place)) for name, turn, place in places),
        scale_source=ScaleSource(words["scale_source"]),
        left_out=tuple(LeftOut(**item) for item in words["left_out"]),
        residuals=tuple(PoseResidual(**item) for item in words["residuals"]),
        notes=tuple(words["notes"]),
        **arrays,
        **{name: words[name] for name in _NUMBERS},
    )
