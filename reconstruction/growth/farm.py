"""A farm's own folders as the table of growth: every scan a row, its traits and mass, and how yellow its leaves are."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import open3d as o3d
from numpy.typing import NDArray
from pydantic import ValidationError

from reconstruction.growth.leaf_lives import leaf_lives, read_mesh
from trellis.errors import InputError
from trellis.folders import DataFolder, ScanFolder
from trellis.manifest import ScanManifest, read_manifest
from trellis.records import MassEstimate, Traits

#: Hue of yellow leaf in degrees, and the least saturation and value of a colour that has a hue: between the brown and
#: red of anthocyanin and the green of chlorophyll.
_YELLOW_DEG, _LEAST_SATURATION, _LEAST_VALUE = (38.0, 62.0), 0.35, 0.25


@dataclass(frozen=True)
class Seen:
    """One scan: its folder, its manifest, and the row of the table that it makes."""

    folder: ScanFolder
    scan: ScanManifest
    row: dict


def scans_of(data: Path) -> list[Seen]:
    """Every scan with a known age below a farm's data folder, by plant and time.

    A scan that was not reconstructed or is not trusted makes no row; one that found no leaf at all makes an empty one,
    a plant that was looked for in vain.

    Raises:
        InputError: There is no scan, or none with an age.
    """
    folder = DataFolder(data)
    plants = sorted(path.name for path in folder.plants.iterdir()) if folder.plants.is_dir() else []
    found = [seen for plant in plants for seen in _of_plant(folder, plant)]
    if not found:
        raise InputError(
            f"{data}: no scan of a plant of known age in plants/; give `sown` to the plants of [wall], or name a table"
        )
    return found


def leaves_text(scans: list[Seen]) -> str:
    """`leaves.csv`: every leaf of every plant on every scan that has a mesh, with its number for life."""
    lines = ["plant,leaf,day,area_cm2,growth_per_day,fate"]
    for plant in dict.fromkeys(one.scan.plant for one in scans):
        own = [one for one in scans if one.scan.plant == plant and _mesh(one).is_file()]
        if not own:
            continue
        days = ((float(one.row["day"]), read_mesh(_mesh(one))) for one in own)
        for row in leaf_lives(days, own[-1].scan.plant_position_m):
            area, growth = (
                f"{value:.4g}" if np.isfinite(value) else "" for value in (1e4 * row.area_m2, row.growth_per_day)
            )
            lines.append(f"{plant},{row.leaf},{row.day:g},{area},{growth},{row.fate}")
    return "\n".join(lines) + "\n"


def _mesh(seen: Seen) -> Path:
    return seen.folder.reconstruction / "mesh.ply"


def yellow_share(mesh: Path) -> float:
    """Share of the area of a plant's mesh that is yellow, 0 to 1; NaN where there is no mesh.

    Colours are as photographed: light and white balance move the figure, so it is only compared with a plant's own
    past and with its batch.
    """
    if not mesh.is_file():
        return float("nan")
    read = o3d.io.read_triangle_mesh(str(mesh))
    corners, faces = np.asarray(read.vertices), np.asarray(read.triangles)
    if len(faces) == 0 or not read.has_vertex_colors():
        return float("nan")
    a, b, c = (corners[faces[:, k]] for k in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    yellow = is_yellow(np.asarray(read.vertex_colors)).astype(float)
    return float((areas * yellow[faces].mean(axis=1)).sum() / areas.sum())


def is_yellow(colours: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which colours (n, 3), RGB from 0 to 1, are those of yellow leaf."""
    hsv = cv2.cvtColor(colours.astype(np.float32)[None], cv2.COLOR_RGB2HSV)[0]
    low, high = _YELLOW_DEG
    hue = (hsv[:, 0] >= low) & (hsv[:, 0] <= high)
    return np.asarray(hue & (hsv[:, 1] >= _LEAST_SATURATION) & (hsv[:, 2] >= _LEAST_VALUE))


def _of_plant(data: DataFolder, plant: str) -> Iterator[Seen]:
    for folder in data.scans(plant):
        scan = read_manifest(folder.manifest)
        if scan.age_days is None or not scan.taken:
            continue
        measured = _measured(folder)
        if measured is None:
            continue
        row = {
            "plant": scan.plant,
            "cultivar": scan.cultivar or "",
            "day": float(scan.age_days),
            "x_m": scan.plant_position_m[0],
            "y_m": scan.plant_position_m[1],
            "yellow_share": float("nan"),
        }
        yield Seen(folder, scan, row | measured)


def _measured(folder: ScanFolder) -> dict[str, float] | None:
    """What reconstruction said, as columns; None where it was not done or is not trusted."""
    try:
        traits = Traits.model_validate_json((folder.reconstruction / "traits.json").read_bytes())
        mass = MassEstimate.model_validate_json((folder.reconstruction / "mass.json").read_bytes())
    except OSError:
        return None
    except ValidationError as error:
        raise InputError(f"{folder.reconstruction}: not what `trellis reconstruct` writes; run it again") from error
    if traits.scale_source != "none" and traits.leaf_area_m2 == 0:
        return {}
    if not traits.trusted or traits.scale_source == "none":
        return None
    # The stated standard deviations are left out: most of them is what leaves hide every day alike, not what a
    # measurement errs from one day to the next.
    found = {"leaf_area_cm2": 1e4 * traits.leaf_area_m2}
    if traits.height_m is not None:
        found["height_cm"] = 100 * traits.height_m
    if mass.fresh_mass_kg is not None:
        found["fresh_mass_g"] = 1e3 * mass.fresh_mass_kg
    found["yellow_share"] = yellow_share(folder.reconstruction / "mesh.ply")
    return {name: value for name, value in found.items() if name == "yellow_share" or value > 0}
