"""Leaves told apart on reconstructed simulated plants, against the leaves that were drawn.

python benchmarks/leaves.py DATA ... [-o FILE]

Each DATA is a folder that `trellis sim render` wrote, reconstructed into `reconstruction/` inside it (`trellis
reconstruct DATA`, or `benchmarks/plants.py` with its folder kept). A true leaf is a connected piece of
`truth_surface.ply`; a found face belongs to the true leaf whose surface is nearest. Score: symmetric best Dice by area
(Minervini and others, 2016), the smaller of both directions, over true leaves of at least 1 % of the largest.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import cv2  # noqa: F401  before open3d and pycolmap: see reconstruction/__init__.py
import numpy as np
import open3d as o3d
import typer
from scipy.spatial import cKDTree

from reconstruction.leaves import tell_apart
from reconstruction.panel import Panel
from reconstruction.records import Surface

Array = np.ndarray
_WALL = Panel(np.array([0.0, 0.0, 1.0]), 0.0)


def main(
    data: Annotated[list[Path], typer.Argument(help="Reconstructed folders.")],
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/leaves.json"),
) -> None:
    """Score one plant after the other."""
    result = {
        "command": "python benchmarks/leaves.py DATA ...",
        "date": datetime.now(UTC).date().isoformat(),
        "plants": [scored(folder) for folder in data],
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def scored(data: Path) -> dict[str, Any]:
    """Figures of one plant."""
    truth = json.loads((data / "truth.json").read_text(encoding="utf-8"))
    surface, _ = _read(data / "reconstruction" / "mesh.ply")
    drawn, leaf_of = _read(data / "truth_surface.ply")
    middles = surface.vertices_m[surface.faces].mean(axis=1)
    nearest = cKDTree(drawn.vertices_m[drawn.faces].mean(axis=1)).query(middles)[1]
    leaves = tell_apart(surface, _WALL, truth["position_m"])
    return {
        "set": data.name,
        "leaves_true": truth["leaves"],
        "leaves_found": len(leaves),
        "symmetric_best_dice": round(best_dice(leaves.of_face, leaf_of[nearest], surface.face_areas_m2), 3),
        "area_of_no_leaf_percent": round(
            100 * float(surface.face_areas_m2[leaves.of_face < 0].sum() / surface.face_areas_m2.sum()), 1
        ),
    }


def best_dice(found: Array, true: Array, areas: Array) -> float:
    """The smaller of: mean over found leaves of their best Dice with a true one, and the other way round."""
    inside = found >= 0
    both = np.zeros((found.max() + 1, true.max() + 1))
    np.add.at(both, (found[inside], true[inside]), areas[inside])
    of_found, of_true = both.sum(axis=1), np.bincount(true, areas, both.shape[1])
    dice = 2 * both / (of_found[:, None] + of_true[None] + 1e-18)
    real = of_true > 0.01 * of_true.max()
    return float(min(dice.max(axis=1).mean(), dice.max(axis=0)[real].mean()))


def _read(file: Path) -> tuple[Surface, Array]:
    """A mesh, and which connected piece each face belongs to."""
    mesh = o3d.io.read_triangle_mesh(str(file))
    corners = np.asarray(mesh.vertices)
    pieces = np.asarray(mesh.cluster_connected_triangles()[0])
    faces = np.asarray(mesh.triangles).astype(np.int32)
    return Surface(corners, np.zeros_like(corners), np.zeros(corners.shape, np.uint8), faces), pieces


if __name__ == "__main__":
    typer.run(main)
