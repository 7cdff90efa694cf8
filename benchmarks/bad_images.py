"""8 of 64 photographs blurred, black, stale or torn: are they named and left out, and is the rest as good as before?

python benchmarks/bad_images.py [--days 14,24,38] [--seed 11] [--cultivar butterhead] [DATA ...] [-o FILE]

Plants are rendered (or DATA, folders that `trellis sim render` wrote, are taken), reconstructed with all photographs
and with eight spoilt: two of each kind, chosen by the seed. Figures are those of `benchmarks/plants.py`.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import pycolmap
import typer
from plants import judged

_KINDS = ("blurred", "black", "stale", "torn")


def main(
    data: Annotated[list[Path] | None, typer.Argument(help="Folders that `trellis sim render` wrote, instead.")] = None,
    days: Annotated[str, typer.Option(help="Ages of the plants, separated by commas.")] = "14,24,38",
    seed: Annotated[int, typer.Option(help="Of the farm, and of the choice.")] = 11,
    cultivar: Annotated[str, typer.Option()] = "butterhead",
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/bad_images.json"),
) -> None:
    """Spoil, reconstruct, compare; written after each plant."""
    plants: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for given in data or _rendered(work, days, seed, cultivar):
            plants.append({"set": given.name} | compared(given, work / f"{given.name}-work", seed))
            print(json.dumps(plants[-1], indent=1), flush=True)
            result: dict[str, Any] = {
                "command": f"python benchmarks/bad_images.py --days {days} --seed {seed} --cultivar {cultivar}",
                "date": datetime.now(UTC).date().isoformat(),
                "cores": os.cpu_count(),
                "plants": plants,
            }
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def compared(data: Path, work: Path, seed: int) -> dict[str, Any]:
    """One plant twice: as photographed, and with eight photographs spoilt."""
    whole = Path(shutil.copytree(data, work / "whole", ignore=shutil.ignore_patterns("reconstruction")))
    rest = Path(shutil.copytree(whole, work / "spoilt"))
    spoilt = spoil(rest / "images", seed)
    before, after = judged(whole), judged(rest)
    named, lost = _left_out(rest), _left_out(whole)
    shutil.rmtree(work)
    return {
        "spoilt": spoilt,
        "named": {name: named.get(name, "NOT LEFT OUT") for name in spoilt},
        "named_by_their_kind": sum(named.get(name, "").startswith(kind) for name, kind in spoilt.items()),
        "left_out_although_good": {name: named[name] for name in sorted(set(named) - set(spoilt) - set(lost))},
        "all_photographs": before,
        "with_eight_spoilt": after,
    }


def _left_out(data: Path) -> dict[str, str]:
    rows = json.loads((data / "reconstruction" / "images.json").read_text(encoding="utf-8"))
    return {row["image"]: row["problem"] for row in rows["images"] if not row["placed"]}


def _rendered(work: Path, days: str, seed: int, cultivar: str) -> Iterator[Path]:
    for day in days.split(","):
        data = work / f"day{day}"
        command = [sys.executable, "-m", "trellis", "sim", "render", f"p{day}", "--day", day, "--cultivar", cultivar]
        subprocess.run([*command, "--seed", str(seed), "-o", str(data)], check=True)
        yield data


def spoil(images: Path, seed: int) -> dict[str, str]:
    """Two photographs of each kind, in place; name to kind."""
    random = np.random.default_rng(seed)
    names = sorted(file.name for file in images.iterdir())
    chosen = sorted(random.choice(np.arange(2, len(names)), 2 * len(_KINDS), replace=False).tolist())
    kinds = random.permutation(np.repeat(_KINDS, 2)).tolist()
    for index, kind in zip(chosen, kinds, strict=True):
        _spoil(images, names, index, kind, random)
    return {names[index]: kind for index, kind in zip(chosen, kinds, strict=True)}


def _spoil(images: Path, names: Sequence[str], index: int, kind: str, random: np.random.Generator) -> None:
    file = images / names[index]
    picture = cv2.imread(str(file))
    if kind == "blurred":
        cv2.imwrite(str(file), cv2.GaussianBlur(picture, (0, 0), 3.0))
    elif kind == "black":
        # As a camera with a closed shutter gives it: noise and some hot pixels.
        dark = np.clip(random.normal(1.0, 1.0, picture.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(file), dark)
    elif kind == "stale":
        shutil.copyfile(images / names[index - 1], file)
    else:
        content = file.read_bytes()
        file.write_bytes(content[: int(0.6 * len(content))] + (b"\xff\xd9" if random.random() < 0.5 else b""))


if __name__ == "__main__":
    pycolmap.logging.minloglevel = 2
    typer.run(main)
