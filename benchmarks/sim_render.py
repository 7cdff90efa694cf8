"""Seconds that one simulated photograph takes, by its parts, and a whole data set: on this machine, default quality.

python benchmarks/sim_render.py [--seed 7] [--day 38] [--views 12] [-o FILE]

A photograph of a grown head with its eight neighbours, ring by ring as a data set has them. Each part is timed alone
and the median kept; the bar is 1.0 s for 1296 x 972 on two cores.
"""

import io
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image

from hardware_sim.dataset import Order, plants_of, ring_views
from hardware_sim.lens_blur import defocus, smear
from hardware_sim.optics import gains
from hardware_sim.photograph import Photographer, develop
from hardware_sim.render import render
from hardware_sim.wall import site_m
from hardware_sim.world import build_world

_MOVING = np.array([0.02, 0.01, 0.0, 0.05, 0.05, 0.02])


def main(
    seed: Annotated[int, typer.Option()] = 7,
    day: Annotated[float, typer.Option(help="Age of the plants.")] = 38,
    views: Annotated[int, typer.Option(help="Photographs to time.")] = 12,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/sim_render.json"),
) -> None:
    """Time scene, light and photographs, print and keep them."""
    order = Order("one", day, "butterhead", views, seed, True)
    photographer = Photographer(build_world(seed), plants_of(order), seed)
    setup = {"scene_s": timed(lambda: photographer.scene)[0], "light_s": timed(lambda: photographer.light)[0]}
    poses = ring_views(site_m(4, 2) + np.array([0, 0, 0.05]), views, np.random.default_rng(seed))
    photographer.jpeg(poses[0], 0, _MOVING)  # compiles
    rows = [parts(photographer, pose, frame) for frame, pose in enumerate(poses)]
    result: dict[str, Any] = {
        "command": f"python benchmarks/sim_render.py --seed {seed} --day {day:g} --views {views}",
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        **{key: round(value, 2) for key, value in setup.items()},
        "photograph_median_s": {key: round(float(np.median([row[key] for row in rows])), 3) for key in rows[0]},
        "photograph_slowest_s": round(max(row["whole"] for row in rows), 3),
    }
    print(json.dumps(result, indent=1))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what came of it."""
    start = time.perf_counter()
    made = work()
    return time.perf_counter() - start, made


def parts(photographer: Photographer, pose: np.ndarray, frame: int) -> dict[str, float]:
    """Seconds of each part of one photograph, and of the whole."""
    lens, camera = photographer.world.lens, photographer.camera
    traced_s, (radiance, nearness) = timed(lambda: render(photographer.scene, photographer.light, lens, pose))
    defocused_s, blurred = timed(lambda: defocus(radiance, nearness, lens, camera))
    smeared_s, moved = timed(lambda: smear(blurred, nearness, lens, _MOVING, camera.exposure_s))
    random = np.random.default_rng(frame)
    developed_s, picture = timed(lambda: develop(moved, camera, gains(camera, 1, frame), random))
    packed_s, _ = timed(lambda: Image.fromarray(picture).save(io.BytesIO(), "JPEG", quality=camera.jpeg_quality))
    whole_s, _ = timed(lambda: photographer.jpeg(pose, frame, _MOVING))
    return {
        "rays_and_shading": traced_s,
        "defocus": defocused_s,
        "smear": smeared_s,
        "noise_and_curve": developed_s,
        "jpeg": packed_s,
        "whole": whole_s,
    }


if __name__ == "__main__":
    typer.run(main)
