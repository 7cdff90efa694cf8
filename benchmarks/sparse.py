"""Our sparse model beside stock COLMAP (exhaustive pairs, incremental mapping, 4096 features), in the same run.

python benchmarks/sparse.py [IMAGES POSES] [-o benchmarks/results/sparse.json]

Without arguments it takes the photographs of `../shared/data/lettuce_arm` and its arm's targets, and says so where they
are missing.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import cv2  # noqa: F401  before pycolmap: see reconstruction/__init__.py
import numpy as np
import pycolmap
import typer

from reconstruction.config import SparseOptions
from reconstruction.images import read_folder
from reconstruction.sparse import sparse_model
from trellis.pose_file import read_poses

_SHARED = Path(__file__).parents[2] / "shared" / "data" / "lettuce_arm"


def main(
    images: Annotated[Path | None, typer.Argument(help="The photographs.")] = None,
    poses: Annotated[Path | None, typer.Argument(help="Their believed poses.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/sparse.json"),
) -> None:
    """Time both on this machine, one after the other."""
    if images is None and not _SHARED.is_dir():
        print(f"skipped: there is no {_SHARED}; give a folder of photographs and a pose file")
        return
    with tempfile.TemporaryDirectory() as folder:
        if images is None or poses is None:
            images, poses = _SHARED / "images", Path(folder) / "poses.csv"
            targets = str(_SHARED / "configurations.csv")
            subprocess.run([sys.executable, "-m", "trellis", "arm", "poses", targets, "-o", str(poses)], check=True)
        ours = _ours(images, poses, Path(folder) / "ours")
        stock = _stock(images, Path(folder) / "stock")
    result = {
        "command": "python benchmarks/sparse.py",
        "set": images.parent.name,
        "seed": SparseOptions().seed,
        "cores": os.cpu_count(),
        "pycolmap": pycolmap.__version__,
        "ours": ours,
        "stock_colmap": stock,
        "time_ratio": ours["seconds"] / stock["seconds"],
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    json.dump(result, sys.stdout, indent=1)


def _ours(images: Path, poses: Path, work: Path) -> dict[str, Any]:
    start = time.perf_counter()
    believed = {pose.image: pose for pose in read_poses(poses)}
    model = sparse_model(read_folder(images), work, believed, None, SparseOptions())
    seconds = time.perf_counter() - start
    residuals_m = [residual.position_m for residual in model.residuals]
    return {
        "seconds": round(seconds, 1),
        "images_in_each_model": [len(model.views)],
        "points": len(model.points_world_m),
        "reprojection_error_px": round(model.reprojection_error_px, 3),
        "position_residual_median_mm": round(1e3 * float(np.median(residuals_m)), 2),
        "position_residual_max_mm": round(1e3 * max(residuals_m), 2),
    }


def _stock(images: Path, work: Path) -> dict[str, Any]:
    work.mkdir()
    database = work / "database.db"
    extraction, matching = pycolmap.FeatureExtractionOptions(), pycolmap.FeatureMatchingOptions()
    extraction.use_gpu = matching.use_gpu = False
    extraction.sift.max_num_features = 4096
    start = time.perf_counter()
    pycolmap.extract_features(database, images, camera_mode=pycolmap.CameraMode.SINGLE, extraction_options=extraction)
    extracted = time.perf_counter()
    pycolmap.match_exhaustive(database, matching)
    matched = time.perf_counter()
    models = pycolmap.incremental_mapping(database, images, work)
    done = time.perf_counter()
    return {
        "seconds": round(done - start, 1),
        "extraction_s": round(extracted - start, 1),
        "matching_s": round(matched - extracted, 1),
        "mapping_s": round(done - matched, 1),
        "images_in_each_model": sorted((model.num_reg_images() for model in models.values()), reverse=True),
    }


if __name__ == "__main__":
    pycolmap.logging.minloglevel = 2
    typer.run(main)
