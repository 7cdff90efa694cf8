"""Reconstructions of simulated plants against their truth: places, cloud, area, time; stock COLMAP beside them.

python benchmarks/plants.py [--seed 11] [--days 14,24,38] [--cultivar butterhead] [--mixed 10] [--stock] [-o FILE]

With `--mixed N` N plants of random age (day 12 to 40), cultivar and farm are drawn by the seed instead, for the bias.
Plants that stand in FILE already are not done again, so a run that was broken off goes on.

Renders each plant (`trellis sim render`), runs the whole pipeline on it and compares with the truth that lies beside
the photographs. The cloud is judged after the similarity that brings our cameras onto the true ones. Cloud: `mesh.ply`,
sampled evenly; truth: the leaf surface that at least two views see within 75 deg of its normal. Distances are to the
surface, not to samples of it.
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
import open3d as o3d
import pycolmap
import typer
from scipy.spatial import ConvexHull

from reconstruction.pipeline import reconstruct
from reconstruction.request import Request
from trellis.pose_file import read_poses

_NEAR_M = 0.001
_SAMPLES = 200_000
Array = np.ndarray


def main(
    seed: Annotated[int, typer.Option(help="Of the farm.")] = 11,
    days: Annotated[str, typer.Option(help="Ages of the plants, separated by commas.")] = "14,24,38",
    cultivar: Annotated[str, typer.Option()] = "butterhead",
    mixed: Annotated[int, typer.Option(help="So many plants of random age, cultivar and farm instead.")] = 0,
    stock: Annotated[bool, typer.Option(help="Also time stock COLMAP's sparse model.")] = False,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/plants.json"),
) -> None:
    """Render, reconstruct and judge one plant after the other."""
    chosen = f"--mixed {mixed}" if mixed else f"--days {days} --cultivar {cultivar}"
    command = f"python benchmarks/plants.py --seed {seed} {chosen}"
    if mixed:
        wanted = _drawn(seed, mixed)
    else:
        wanted = [{"day": float(day), "cultivar": cultivar, "farm": seed} for day in days.split(",")]
    before = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else {}
    plants = before["plants"] if before.get("command") == command else []
    for plant in wanted:
        if any(plant.items() <= known.items() for known in plants):
            continue
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "plant"
            trellis = [sys.executable, "-m", "trellis", "sim", "render", "plant", "--day", str(plant["day"])]
            farm = ["--cultivar", str(plant["cultivar"]), "--seed", str(plant["farm"])]
            subprocess.run([*trellis, *farm, "-o", str(data)], check=True)
            plants.append(plant | judged(data) | ({"stock_colmap": _stock(data)} if stock else {}))
        print(json.dumps(plants[-1], indent=1), flush=True)
        result = {
            "command": command,
            "cores": os.cpu_count(),
            "pycolmap": pycolmap.__version__,
            "summary": _summary(plants),
            "plants": plants,
        }
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _drawn(seed: int, count: int) -> list[dict[str, Any]]:
    random = np.random.default_rng(seed)
    kinds = ("butterhead", "looseleaf", "redleaf")
    return [
        {"day": round(random.uniform(12, 40), 1), "cultivar": kinds[k % 3], "farm": 100 * seed + k}
        for k in range(count)
    ]


def _summary(plants: list[dict[str, Any]]) -> dict[str, Any]:
    """Bias and spread of the area, and whether standard deviations are true: mean squares of normalised errors."""
    area = np.array([plant["area_error_percent"] for plant in plants])
    found = {"area": [plant["area_error_in_std"] for plant in plants]}
    found |= {name: [plant["shape"][name]["in_std"] for plant in plants] for name in plants[0]["shape"]}
    return {
        "plants": len(plants),
        "area_bias_percent": round(float(area.mean()), 2),
        "area_spread_percent": round(float(area.std()), 2),
        "f_score_lowest": min(plant["f_score"] for plant in plants),
        "centres_median_mm": round(float(np.median([plant["centres_median_mm"] for plant in plants])), 3),
        "mean_square_error_in_std": {name: round(float(np.square(values).mean()), 2) for name, values in found.items()},
        "fresh_mass_inside": sum(bool(plant["fresh_mass_inside"]) for plant in plants),
        "dry_mass_inside": sum(bool(plant["dry_mass_inside"]) for plant in plants),
    }


def judged(data: Path) -> dict[str, Any]:
    """Figures of one data set, reconstructed into `reconstruction/` inside it."""
    truth = json.loads((data / "truth.json").read_text(encoding="utf-8"))
    request = Request.of_folder(data)
    start = time.perf_counter()
    for _ in reconstruct(request):
        pass
    seconds = time.perf_counter() - start
    traits = json.loads((request.out / "traits.json").read_text(encoding="utf-8"))
    mass = json.loads((request.out / "mass.json").read_text(encoding="utf-8"))
    rotation, scale, shift, centres_m = _onto_truth(request.out / "sparse", data / "true_poses.csv")
    mesh = o3d.io.read_triangle_mesh(str(request.out / "mesh.ply"))
    found = scale * _sampled(np.asarray(mesh.vertices), np.asarray(mesh.triangles)) @ rotation.T + shift
    surface = o3d.io.read_triangle_mesh(str(data / "truth_surface.ply"))
    corners, faces = np.asarray(surface.vertices), np.asarray(surface.triangles)
    well = np.load(data / "truth_seen.npy") >= 2
    precision = float((_distance_m(found, corners, faces) < _NEAR_M).mean())
    ours = scale * np.asarray(mesh.vertices) @ rotation.T + shift
    near = _distance_m(_sampled(corners, faces[well]), ours, np.asarray(mesh.triangles)) < _NEAR_M
    recall = float(near.mean())
    well_m2 = truth["well_seen_area_m2"]
    return {
        "day": truth["day"],
        "leaves": truth["leaves"],
        "images": f"{traits['images_registered']}/{traits['images_given']}",
        "centres_median_mm": round(1e3 * float(np.median(centres_m)), 3),
        "scale_error_percent": round(100 * (scale - 1), 3),
        "precision": round(precision, 3),
        "recall": round(recall, 3),
        "f_score": round(2 * precision * recall / (precision + recall), 3),
        "area_cm2": round(1e4 * traits["leaf_area_m2"], 1),
        "well_seen_area_cm2": round(1e4 * well_m2, 1),
        "true_area_cm2": round(1e4 * truth["leaf_area_m2"], 1),
        "area_error_percent": round(100 * (traits["leaf_area_m2"] / well_m2 - 1), 1),
        "area_error_in_std": round((traits["leaf_area_m2"] - well_m2) / traits["leaf_area_std_m2"], 2),
        "with_missed_error_percent": round(
            100 * ((traits["leaf_area_m2"] + traits["leaf_area_missed_m2"]) / well_m2 - 1), 1
        ),
        "shape": _shape_errors(traits, corners, faces),
        "fresh_mass_inside": _inside(mass, "fresh", truth),
        "dry_mass_inside": _inside(mass, "dry", truth),
        "seconds": round(seconds, 1),
        "stages_s": json.loads((request.out / "stages.json").read_text(encoding="utf-8")),
    }


def _shape_errors(traits: dict[str, Any], corners: Array, faces: Array) -> dict[str, dict[str, float]]:
    """What the plant's size and outline are off by, in percent and in the standard deviations that are reported.

    Truth: the true mesh, with nothing hidden; the panel is the plane z = 0 of the simulated farm. The shadow is that of
    so many points that every square of half a millimetre under a leaf holds several.
    """
    flat = np.concatenate([_sampled(corners, faces, seed)[:, :2] for seed in range(20)])
    turns = np.linspace(0, np.pi, 180, endpoint=False)
    widths = np.ptp(corners[:, :2] @ np.stack([np.cos(turns), np.sin(turns)]), axis=0)
    shadow = len(np.unique(np.floor(flat / 0.0005).astype(np.int64), axis=0)) * 0.0005**2
    truth = {
        "height": corners[:, 2].max(),
        "diameter": widths.mean(),
        "projected_area": shadow,
        "volume": ConvexHull(corners).volume,
        "compactness": shadow / ConvexHull(corners[:, :2]).volume,
    }
    unit = {"height": "_m", "diameter": "_m", "projected_area": "_m2", "volume": "_m3", "compactness": ""}
    rows = {}
    for name, true in truth.items():
        value, std = traits[name + unit[name]], traits[f"{name}_std{unit[name]}"]
        rows[name] = {"percent": round(100 * (value / true - 1), 1), "in_std": round((value - true) / std, 2)}
    return rows


def _inside(mass: dict[str, Any], kind: str, truth: dict[str, Any]) -> bool | None:
    low, high = mass[f"{kind}_mass_low_kg"], mass[f"{kind}_mass_high_kg"]
    return None if low is None else bool(low <= truth[f"{kind}_mass_kg"] <= high)


def _distance_m(points: Array, corners: Array, faces: Array) -> Array:
    """From each point to the nearest place on the triangles."""
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(corners.astype(np.float32), faces.astype(np.uint32))
    return np.asarray(scene.compute_distance(points.astype(np.float32)).numpy())


def _sampled(corners: Array, faces: Array, seed: int = 0) -> Array:
    """Points spread evenly over triangles."""
    random = np.random.default_rng(seed)
    a, b, c = (corners[faces[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    pick = random.choice(len(faces), _SAMPLES, p=area / area.sum())
    s, t = np.sqrt(random.random(_SAMPLES))[:, None], random.random(_SAMPLES)[:, None]
    return (1 - s) * a[pick] + s * (1 - t) * b[pick] + s * t * c[pick]


def _onto_truth(sparse: Path, true_poses: Path) -> tuple[Array, float, Array, Array]:
    """Rotation, scale, shift from our frame to the true one by camera centres, and what is left of each (m)."""
    true = {pose.image: pose.world_from_camera.translation_m for pose in read_poses(true_poses)}
    model = pycolmap.Reconstruction(sparse)
    images = [image for image in model.images.values() if image.has_pose and image.name in true]
    ours = np.array([image.projection_center() for image in images])
    theirs = np.array([true[image.name] for image in images])
    middle, target = ours.mean(axis=0), theirs.mean(axis=0)
    u, s, vt = np.linalg.svd((theirs - target).T @ (ours - middle))
    flip = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ flip @ vt
    scale = float((s * np.diag(flip)).sum() / ((ours - middle) ** 2).sum())
    shift = target - scale * rotation @ middle
    left = np.linalg.norm(scale * ours @ rotation.T + shift - theirs, axis=1)
    return rotation, scale, shift, left


def _stock(data: Path) -> dict[str, Any]:
    """Stock COLMAP: 4096 features, exhaustive pairs, incremental mapping."""
    with tempfile.TemporaryDirectory() as folder:
        work, images = Path(folder), data / "images"
        extraction, matching = pycolmap.FeatureExtractionOptions(), pycolmap.FeatureMatchingOptions()
        extraction.use_gpu = matching.use_gpu = False
        extraction.sift.max_num_features = 4096
        start = time.perf_counter()
        database = work / "database.db"
        mode = pycolmap.CameraMode.SINGLE
        pycolmap.extract_features(database, images, camera_mode=mode, extraction_options=extraction)
        pycolmap.match_exhaustive(database, matching)
        models = pycolmap.incremental_mapping(database, images, work)
        seconds = time.perf_counter() - start
        largest = max(models.values(), key=lambda model: model.num_reg_images())
        (work / "best").mkdir()
        largest.write_binary(work / "best")
        left = _onto_truth(work / "best", data / "true_poses.csv")[3]
    return {
        "seconds": round(seconds, 1),
        "images_in_each_model": sorted((model.num_reg_images() for model in models.values()), reverse=True),
        "centres_median_mm": round(1e3 * float(np.median(left)), 3),
    }


if __name__ == "__main__":
    pycolmap.logging.minloglevel = 2
    typer.run(main)
