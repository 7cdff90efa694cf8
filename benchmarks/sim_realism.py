"""How near simulated photographs are to real ones, by measurement: SIFT features, their sizes, what neighbours share.

python benchmarks/sim_realism.py [--seeds 7,21] [--day 24] [--cultivar butterhead] [--stations 4] [--every 1] [-o FILE]

Real: ../shared/data/lettuce_arm (126 photographs of one romaine; its six heights a yaw step, 14 mm apart, are the
neighbours). Near: the same camera steps before a simulated plant, at the distance from its leaves that the real ones
have (median depth, from the median shift between neighbours), focused there as the real camera was. Far: at the
distance of a scan, beside real photographs reduced to that many pixels a millimetre and blurred again by what the lens
does to any photograph; between neighbours the same angle and the same shift over the leaf as near. The same code judges
all: OpenCV's SIFT with its defaults, on leaf pixels only (greener than red and blue, at least 6 px inside).
"""

import csv
import io
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

from hardware_sim.dataset import looking
from hardware_sim.optics import Camera
from hardware_sim.photograph import Photographer
from hardware_sim.scene import PlantSpec
from hardware_sim.wall import site_m
from hardware_sim.world import build_world

REAL = Path("../shared/data/lettuce_arm")
#: The arm's steps: heights of one yaw step, yaw steps to the next, and the focal length of an OV5647 at 1296 px.
STEP_M, HEIGHTS, FOCAL_PX = 0.014, 6, 1271.0
#: Edges of the histogram of feature sizes, SIFT's diameter in pixels.
SIZES_PX = (0, 3, 4, 6, 9, 14, 22, 1000)
SCAN_DISTANCE_M = 0.26
#: Half of the strong edges of a real photograph are sharper than 0.75 to 1.2 px (s.d. of the edge), the sharpest 0.45
#: to 0.8; reducing has left about 0.3 px.
LENS_BLUR_PX = 0.7
Picture = NDArray[np.uint8]
Array = np.ndarray


def main(
    seeds: Annotated[str, typer.Option(help="Plants, separated by commas.")] = "7,21",
    day: Annotated[float, typer.Option(help="Their age.")] = 24,
    cultivar: Annotated[str, typer.Option()] = "butterhead",
    stations: Annotated[int, typer.Option(help="Yaw steps to look from, six photographs each.")] = 4,
    every: Annotated[int, typer.Option(help="Of the real photographs only each so many-th yaw step.")] = 1,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/sim_realism.json"),
) -> None:
    """Measure the real photographs and the simulated ones, print both, keep both."""
    if not REAL.is_dir():
        print(f"skipped: the real photographs are not at {REAL}")
        raise SystemExit(0)
    real = list(real_groups())[::every]
    depth_m = leaf_depth_m(real)
    shrink = depth_m / SCAN_DISTANCE_M
    result: dict[str, Any] = {
        "command": f"python benchmarks/sim_realism.py --seeds {seeds} --day {day:g} --cultivar {cultivar}"
        f" --stations {stations} --every {every}",
        "real_leaf_depth_m": round(depth_m, 4),
        "near": {"real": figures(real)},
        "far": {"real, reduced": figures([[reduced(one, shrink) for one in group] for group in real])},
        "bar": "density within 1.5 times the real one's, size histogram and matched share near it",
    }
    for seed in (int(text) for text in seeds.split(",")):
        for name, distance_m in (("near", depth_m), ("far", SCAN_DISTANCE_M)):
            groups = list(simulated_groups(seed, day, cultivar, distance_m, distance_m / depth_m, stations))
            if name == "far":
                # Reduced real photographs are small: the same view of the leaf, so the same number of pixels.
                groups = [[cropped(one, shrink) for one in group] for group in groups]
            result[name][f"seed {seed}"] = figures(groups)
    print(table(result))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def real_groups() -> Iterator[list[Picture]]:
    """Photographs of each yaw step that has all its heights, in order of height."""
    steps: dict[str, list[tuple[float, str]]] = {}
    with (REAL / "configurations.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            steps.setdefault(row["base_yaw_rad"], []).append((float(row["camera_height_m"]), row["image"]))
    for step in steps.values():
        if len(step) == HEIGHTS:
            yield [_read(REAL / "images" / name) for _, name in sorted(step)]


def _read(path: Path) -> Picture:
    picture = cv2.imread(str(path))
    if picture is None:
        raise SystemExit(f"{path} is no picture")
    return np.asarray(picture, np.uint8)


def simulated_groups(
    seed: int, day: float, cultivar: str, distance_m: float, further: float, stations: int
) -> Iterator[list[Picture]]:
    """The arm's steps before a simulated plant: about its axis, 45 deg from the wall's normal, at a distance from it.

    The distance is that of the leaf in the middle of each station's view. So many times `further` than the real camera,
    it moves so many times further and turns back, so that the view moves over the leaf by the arm's step.
    """
    x, y, _ = site_m(4, 2)
    plant = PlantSpec("one", (float(x), float(y), 0.0), day, cultivar, seed)
    camera = Camera(focus_m=distance_m) if further == 1 else Camera()
    photographer = Photographer(build_world(seed), [plant], seed, camera)
    height_m = float(photographer.scene.vertices_m[:, 2].max())
    spread_m = float(np.linalg.norm(photographer.scene.vertices_m[:, :2] - (x, y), axis=1).max())
    frame = 0
    for station in range(stations):
        yaw = np.radians(15 + 360 / stations * station)
        outward = np.array([np.cos(yaw), np.sin(yaw), 1.0]) / np.sqrt(2)
        aim = np.array([x, y, 0]) + np.array([0.45 * spread_m * np.cos(yaw), 0.45 * spread_m * np.sin(yaw), 0])
        aim[2] = 0.6 * height_m
        far = looking(aim + 0.4 * outward, aim)
        away = aim + 0.4 * outward - first_leaf_m(photographer, far) * outward + distance_m * outward
        up, ahead = looking(away, aim)[:3, 1], looking(away, aim)[:3, 2]
        group = []
        for step in range(HEIGHTS):
            on_leaf = (step - (HEIGHTS - 1) / 2) * STEP_M * up
            eye = away + further * on_leaf
            moved = looking(eye, away + distance_m * ahead + on_leaf)
            jpeg = photographer.jpeg(moved, frame)
            frame += 1
            group.append(np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"))[..., ::-1].copy())
        yield group


def first_leaf_m(photographer: Photographer, pose: Array) -> float:
    """Median distance of what the middle of a view looks at."""
    offsets = np.stack(np.meshgrid(np.linspace(-0.1, 0.1, 9), np.linspace(-0.1, 0.1, 9)), -1).reshape(-1, 2)
    local = np.concatenate([offsets, np.ones((len(offsets), 1))], 1)
    rays = np.concatenate([np.broadcast_to(pose[:3, 3], (len(local), 3)), local @ pose[:3, :3].T], 1)
    return float(np.median(photographer.scene.distances_m(rays)))


def leaf_depth_m(groups: list[list[Picture]]) -> float:
    """Median depth of what neighbours both see: the camera's step, times focal length, over the shift in pixels."""
    shifts = []
    for group in groups:
        for one, two in pairwise(group):
            a, b = _matched(one, two)
            shifts.extend(np.linalg.norm(a - b, axis=1))
    return float(FOCAL_PX * STEP_M / np.median(shifts))


def reduced(picture: Picture, share: float) -> Picture:
    """The picture with fewer pixels a millimetre."""
    small = cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), LENS_BLUR_PX), np.uint8)


def cropped(picture: Picture, share: float) -> Picture:
    """The middle of a picture."""
    rows, columns = (round(side * share) for side in picture.shape[:2])
    top, left = (picture.shape[0] - rows) // 2, (picture.shape[1] - columns) // 2
    return picture[top : top + rows, left : left + columns]


def leaf_mask(picture: Picture) -> Picture:
    """255 where there is leaf, well inside."""
    blue, green, red = (channel.astype(int) for channel in cv2.split(cv2.GaussianBlur(picture, (0, 0), 2)))
    green_here = (green > blue + 8) & (green > red - 4) & (green > 30) & (green < 250)
    whole = cv2.morphologyEx(green_here.astype(np.uint8) * 255, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8))
    return np.asarray(cv2.erode(whole, np.ones((13, 13), np.uint8)), np.uint8)


def _features(picture: Picture) -> tuple[Any, Any, float]:
    """Key points on leaf, their descriptors, and megapixels of leaf."""
    mask = leaf_mask(picture)
    points, words = cv2.SIFT_create().detectAndCompute(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), mask)
    return points, words, float((mask > 0).sum()) / 1e6


def _matched(one: Picture, two: Picture) -> tuple[Array, Array]:
    """Places (n, 2) of pairs that pass the ratio test both ways and one fundamental matrix."""
    (points_a, words_a, _), (points_b, words_b, _) = _features(one), _features(two)
    nothing = np.zeros((0, 2)), np.zeros((0, 2))
    if words_a is None or words_b is None or min(len(words_a), len(words_b)) < 8:
        return nothing
    matcher = cv2.BFMatcher(cv2.NORM_L2)
    there, back = matcher.knnMatch(words_a, words_b, 2), matcher.knnMatch(words_b, words_a, 1)
    pairs = [
        (best.queryIdx, best.trainIdx)
        for best, second in there
        if best.distance < 0.8 * second.distance and back[best.trainIdx][0].trainIdx == best.queryIdx
    ]
    if len(pairs) < 8:
        return nothing
    a = np.array([points_a[i].pt for i, _ in pairs])
    b = np.array([points_b[j].pt for _, j in pairs])
    cv2.setRNGSeed(1)
    _, keep = cv2.findFundamentalMat(a, b, cv2.FM_RANSAC, 1.5, 0.999)
    return (a[keep.ravel() > 0], b[keep.ravel() > 0]) if keep is not None else nothing


def figures(groups: list[list[Picture]]) -> dict[str, Any]:
    """What one set of photographs comes to."""
    densities, sizes, shares, sharpness = [], [], [], []
    for group in groups:
        counts = []
        for picture in group:
            points, _, area = _features(picture)
            counts.append(len(points))
            if area > 0.15 * picture.shape[0] * picture.shape[1] / 1e6:
                densities.append(len(points) / area)
                grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
                sharpness.append(float(cv2.Laplacian(grey, cv2.CV_32F)[leaf_mask(picture) > 0].std()))
            sizes.extend(point.size for point in points)
        for k, (one, two) in enumerate(pairwise(group)):
            if min(counts[k], counts[k + 1]) >= 20:
                shares.append(len(_matched(one, two)[0]) / min(counts[k], counts[k + 1]))
    histogram = np.histogram(sizes, SIZES_PX)[0] / max(len(sizes), 1)
    return {
        "photographs": sum(map(len, groups)),
        "features_per_megapixel": [round(float(v)) for v in np.percentile(densities, (50, 5, 95))],
        "size_histogram": [round(float(v), 3) for v in histogram],
        "matched_share": round(float(np.median(shares)), 3),
        "laplacian_std": round(float(np.median(sharpness)), 2),
    }


def table(result: dict[str, Any]) -> str:
    """The result for a person."""
    lines = [f"depth of the real leaves {result['real_leaf_depth_m']} m; sizes in px {SIZES_PX}"]
    for where in ("near", "far"):
        for name, row in result[where].items():
            low, high = row["features_per_megapixel"][1:]
            lines.append(
                f"{where:5}{name:16}{row['features_per_megapixel'][0]:6} features/MP ({low} to {high}), "
                f"sizes {row['size_histogram']}, matched {row['matched_share']}, Laplacian {row['laplacian_std']}"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
