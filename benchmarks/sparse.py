"""Our sparse model beside stock COLMAP (exhaustive pairs, incremental mapping, 4096 features), in the same run.

python benchmarks/sparse.py [--days 14,24,38] [--seed 11] [--real/--no-real] [DATA ...] [-o FILE]

Simulated plants (`trellis sim render`, poses off by 6 mm and 1 degree) are compared with their true cameras after a
similarity; DATA are further folders of that layout. The photographs of `../shared/data/lettuce_arm` have no truth but
their arm's targets; where they are missing that is said.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import cv2  # noqa: F401  before pycolmap: see reconstruction/__init__.py
import numpy as np
import pycolmap
import typer

from reconstruction.colmap_io import views_of
from reconstruction.config import SparseOptions
from reconstruction.images import read_folder
from reconstruction.model import View
from reconstruction.sparse import sparse_model
from trellis.board import read_board
from trellis.lens import read_lens
from trellis.pose_file import read_poses

_SHARED = Path(__file__).parents[2] / "shared" / "data" / "lettuce_arm"
Array = np.ndarray


def main(
    data: Annotated[list[Path] | None, typer.Argument(help="More folders that `trellis sim render` wrote.")] = None,
    days: Annotated[
        str, typer.Option(help="Ages of simulated plants, separated by commas; may be empty.")
    ] = "14,24,38",
    seed: Annotated[int, typer.Option(help="Of the farm.")] = 11,
    real: Annotated[bool, typer.Option(help="Also the real photographs.")] = True,
    stock: Annotated[bool, typer.Option(help="Also stock COLMAP.")] = True,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/sparse.json"),
) -> None:
    """Time both on this machine, one after the other."""
    result: dict[str, Any] = {
        "command": f"python benchmarks/sparse.py --days {days} --seed {seed}",
        "date": datetime.now(UTC).date().isoformat(),
        "seed": seed,
        "cores": os.cpu_count(),
        "pycolmap": pycolmap.__version__,
        "sets": [],
    }
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for given in (*_real(work, real), *_rendered(work, days, seed), *(data or ())):
            result["sets"].append(compared(given, work, stock))
            print(json.dumps(result["sets"][-1], indent=1), flush=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def compared(data: Path, work: Path, stock: bool) -> dict[str, Any]:
    """Figures of one folder: `images/`, `poses.csv`, and the other files of a rendered set where they are."""
    found: dict[str, Any] = {
        "set": data.name,
        "load_before": round(os.getloadavg()[0], 1),
        "ours": ours(data, work / "w"),
    }
    if stock:
        found["stock_colmap"] = stock_colmap(data, work / "stock")
        found["time_ratio"] = round(found["ours"]["seconds"] / found["stock_colmap"]["seconds"], 3)
    return found


def ours(data: Path, work: Path) -> dict[str, Any]:
    """Our sparse model, timed."""
    start, start_cpu = time.perf_counter(), time.process_time()
    believed = {pose.image: pose for pose in read_poses(data / "poses.csv")}
    lens = read_lens(data / "camera.toml") if (data / "camera.toml").exists() else None
    board = read_board(data / "board.toml") if (data / "board.toml").exists() else None
    model = sparse_model(read_folder(data / "images"), work, believed, lens, SparseOptions(), board)
    seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    residuals_m = [residual.position_m for residual in model.residuals]
    return {
        "seconds": round(seconds, 1),
        "processor_seconds": round(cpu, 1),
        "images_in_each_model": [len(model.views)],
        "points": len(model.points_world_m),
        "reprojection_error_px": round(model.reprojection_error_px, 3),
        "off_believed_median_mm": round(1e3 * float(np.median(residuals_m)), 2),
        "off_believed_max_mm": round(1e3 * max(residuals_m), 2),
        "left_out": {item.name: item.reason for item in model.left_out},
    } | onto_truth(model.views, data, metric=True)


def stock_colmap(data: Path, work: Path) -> dict[str, Any]:
    """Stock COLMAP, timed in its parts."""
    work.mkdir(exist_ok=True)
    images, database = data / "images", work / f"{data.name}.db"
    extraction, matching = pycolmap.FeatureExtractionOptions(), pycolmap.FeatureMatchingOptions()
    extraction.use_gpu = matching.use_gpu = False
    extraction.sift.max_num_features = 4096
    mode = pycolmap.CameraMode.SINGLE
    start, start_cpu = time.perf_counter(), time.process_time()
    pycolmap.extract_features(database, images, camera_mode=mode, extraction_options=extraction)
    extracted = time.perf_counter()
    pycolmap.match_exhaustive(database, matching)
    matched = time.perf_counter()
    models = pycolmap.incremental_mapping(database, images, work)
    done = time.perf_counter()
    largest = max(models.values(), key=lambda model: model.num_reg_images())
    return {
        "seconds": round(done - start, 1),
        "processor_seconds": round(time.process_time() - start_cpu, 1),
        "extraction_s": round(extracted - start, 1),
        "matching_s": round(matched - extracted, 1),
        "mapping_s": round(done - matched, 1),
        "images_in_each_model": sorted((model.num_reg_images() for model in models.values()), reverse=True),
    } | onto_truth(views_of(largest, images), data, metric=False)


def onto_truth(views: tuple[View, ...], data: Path, *, metric: bool) -> dict[str, Any]:
    """What is left of each centre after the similarity that brings them onto the true ones; and our scale's error.

    Centres that are over 5 mm off are counted, and have no say in the similarity.
    """
    if not (data / "true_poses.csv").exists():
        return {}
    true = {pose.image: pose.world_from_camera.translation_m for pose in read_poses(data / "true_poses.csv")}
    found = np.array([view.world_from_camera.translation_m for view in views])
    wanted = np.array([true[view.name] for view in views])
    inside = np.ones(len(found), bool)
    for _ in range(5):
        scale, left_m = _similarity(found, wanted, inside)
        inside = left_m < max(0.005, 2 * float(np.median(left_m)))
    figures: dict[str, Any] = {
        "centres_median_mm": round(1e3 * float(np.median(left_m[inside])), 4),
        "centres_max_mm": round(1e3 * float(left_m[inside].max()), 3),
        "centres_over_5_mm": int((~inside).sum()),
    }
    if metric:
        figures["scale_error_percent"] = round(100 * (scale - 1), 4)
        figures["in_the_world_median_mm"] = round(1e3 * float(np.median(np.linalg.norm(found - wanted, axis=1))), 3)
    return figures


def _similarity(found: Array, wanted: Array, use: Array) -> tuple[float, Array]:
    middle, target = found[use].mean(axis=0), wanted[use].mean(axis=0)
    left, sizes, right = np.linalg.svd((wanted[use] - target).T @ (found[use] - middle))
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = left @ np.diag(signs) @ right
    scale = float((sizes * signs).sum() / ((found[use] - middle) ** 2).sum())
    return scale, np.linalg.norm(scale * (found - middle) @ rotation.T + target - wanted, axis=1)


def _rendered(work: Path, days: str, seed: int) -> Iterator[Path]:
    for day in filter(None, days.split(",")):
        data = work / f"day{day}"
        trellis = [sys.executable, "-m", "trellis", "sim", "render", f"p{day}"]
        subprocess.run([*trellis, "--day", day, "--seed", str(seed), "-o", str(data)], check=True)
        yield data


def _real(work: Path, wanted: bool) -> Iterator[Path]:
    if not wanted:
        return
    if not _SHARED.is_dir():
        print(f"skipped: there is no {_SHARED}")
        return
    data = work / "lettuce_arm"
    data.mkdir()
    (data / "images").symlink_to(_SHARED / "images")
    targets = str(_SHARED / "configurations.csv")
    command = [sys.executable, "-m", "trellis", "arm", "poses", targets, "-o", str(data / "poses.csv")]
    subprocess.run(command, check=True)
    yield data


if __name__ == "__main__":
    pycolmap.logging.minloglevel = 2
    typer.run(main)
