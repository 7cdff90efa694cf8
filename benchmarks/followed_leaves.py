"""Leaves followed from one day to the next, scored against the simulator's leaves, which keep their number for life.

python -m benchmarks.followed_leaves [--seeds 3,4] [--days 14,22,32] [-o benchmarks/results/followed_leaves.json]

Surfaces are `quick/leaf_surfaces.py`'s: what two of 64 views see of the true leaves, as a noisy cloud, made a surface
again; the second day stands 4 mm and 2 degrees off. Each plant is scored with its leaves told apart by
`reconstruction.leaves`, and with the true ones (what the matching alone does wrong). A found leaf stands for the true
leaf that most of its area is of.

right: pairs whose two leaves stand for one true leaf. followed: of the true leaves that a found leaf stands for on both
days, those that a right pair joins. new_or_lost_wrong: leaves named new or lost whose true leaf is there on both days.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.quick.leaf_surfaces import SeenPlant, seen_plant
from benchmarks.quick.result import write_result
from reconstruction.growth.followed import Followed, follow
from reconstruction.leaves import Leaves, tell_apart
from reconstruction.panel import Panel
from reconstruction.records import Surface
from trellis.geometry import Pose

CULTIVARS = ("butterhead", "looseleaf", "redleaf")
_WALL = Panel(np.array([0.0, 0.0, 1.0]), 0.0)
_COLLAR = np.zeros(3)
_OFF = Pose.from_rotation_vector(np.radians([0.8, -0.6, 1.7]), (0.003, -0.002, 0.002))


def main(
    seeds: Annotated[str, typer.Option(help="Of plants, with commas.")] = "3,4",
    days: Annotated[str, typer.Option(help="First days of the pairs.")] = "14,22,32",
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/followed_leaves.json"),
) -> None:
    """Score one pair of days after the other."""
    rows = []
    for seed in map(int, seeds.split(",")):
        cultivar = CULTIVARS[seed % 3]
        for day in map(float, days.split(",")):
            pair = (seen_plant(seed, day, cultivar), seen_plant(seed, day + 1, cultivar))
            rows.append({"seed": seed, "cultivar": cultivar, "day": day} | scored(*pair))
            print(json.dumps(rows[-1]), flush=True)
    command = f"python -m benchmarks.followed_leaves --seeds {seeds} --days {days}"
    write_result(out, command, {"together": _together(rows), "pairs": rows})


def scored(before: SeenPlant, now: SeenPlant) -> dict[str, Any]:
    """Both ways of telling leaves apart."""
    moved = Surface(np.asarray(_OFF @ now.surface.vertices_m), now.surface.normals, now.surface.colours,
                    now.surface.faces)  # fmt: skip
    found = tell_apart(before.surface, _WALL, _COLLAR), tell_apart(now.surface, _WALL, _COLLAR)
    true = by_truth(before), by_truth(now)
    result: dict[str, Any] = {}
    for name, (first, second) in (("found", found), ("true", true)):
        followed = follow((before.surface, first), (moved, second), _COLLAR)
        result[f"{name}_leaves"] = _figures(followed, before, now, first, second)
    result["turn_deg"] = round(float(np.degrees(followed.turn_rad)), 1)
    return result


def by_truth(plant: SeenPlant) -> Leaves:
    """The true leaves as if told apart, largest first."""
    areas = plant.surface.face_areas_m2
    numbers, index = np.unique(plant.leaf_of_face, return_inverse=True)
    sums = np.bincount(index, areas)
    order = np.argsort(-sums)
    rank = np.empty(len(numbers), np.int32)
    rank[order] = np.arange(len(numbers))
    return Leaves(rank[index], sums[order], np.zeros(len(numbers)))


def _stands_for(plant: SeenPlant, leaves: Leaves) -> list[int]:
    areas = plant.surface.face_areas_m2
    return [
        int(np.bincount(plant.leaf_of_face[leaves.of_face == leaf], areas[leaves.of_face == leaf]).argmax())
        for leaf in range(len(leaves))
    ]


def _figures(followed: Followed, before: SeenPlant, now: SeenPlant, first: Leaves, second: Leaves) -> dict[str, Any]:
    old, new = _stands_for(before, first), _stands_for(now, second)
    right = [pair for pair in followed.pairs if old[pair.before] == new[pair.now]]
    both = set(old) & set(new)
    joined = {old[pair.before] for pair in right}
    named = [new[leaf] for leaf in followed.new] + [old[leaf] for leaf in followed.lost]
    true = {leaf: np.log(now.true_area_m2[leaf] / before.true_area_m2[leaf]) for leaf in both}
    errors = [abs(pair.growth_per_day - true[old[pair.before]]) for pair in right]
    return {
        "leaves": [len(first), len(second)],
        "pairs": len(followed.pairs),
        "right": len(right),
        "there_on_both": len(both),
        "followed": len(joined),
        "named_new_or_lost": len(named),
        "new_or_lost_wrong": sum(leaf in both for leaf in named),
        "growth_error_median": round(float(np.median(errors)), 3) if errors else None,
    }


def _together(rows: list[dict[str, Any]]) -> dict[str, Any]:
    out = {}
    for name in ("found_leaves", "true_leaves"):
        sums = {key: sum(row[name][key] for row in rows) for key in
                ("pairs", "right", "there_on_both", "followed", "named_new_or_lost", "new_or_lost_wrong")}  # fmt: skip
        out[name] = sums | {
            "right_percent": round(100 * sums["right"] / max(sums["pairs"], 1), 1),
            "followed_percent": round(100 * sums["followed"] / max(sums["there_on_both"], 1), 1),
        }
    return out


if __name__ == "__main__":
    typer.run(main)
