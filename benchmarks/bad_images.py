"""8 of 64 photographs blurred, black, stale or torn: are they named and left out, and is the rest as good as before?

python benchmarks/bad_images.py [--day 24] [--seed 11] [--data FOLDER] [-o FILE]

A plant is rendered (or FOLDER, as `trellis sim render` writes it, is taken), its sparse model made with all photographs
and with eight spoilt: two of each kind, chosen by the seed.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import pycolmap
import typer
from sparse import ours

_KINDS = ("blurred", "black", "stale", "torn")


def main(
    day: Annotated[int, typer.Option(help="Age of the plant.")] = 24,
    seed: Annotated[int, typer.Option(help="Of the farm, and of the choice.")] = 11,
    data: Annotated[Path | None, typer.Option(help="A folder that `trellis sim render` wrote.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/bad_images.json"),
) -> None:
    """Spoil, reconstruct, compare."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        if data is None:
            data = work / "whole"
            command = [sys.executable, "-m", "trellis", "sim", "render", f"p{day}", "--day", str(day)]
            subprocess.run([*command, "--seed", str(seed), "-o", str(data)], check=True)
        spoilt_data = Path(shutil.copytree(data, work / "spoilt"))
        spoilt = spoil(spoilt_data / "images", seed)
        whole, rest = ours(data, work / "w"), ours(spoilt_data, work / "w")
    named = rest["left_out"]
    result: dict[str, Any] = {
        "command": f"python benchmarks/bad_images.py --day {day} --seed {seed}",
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "spoilt": spoilt,
        "named_by_their_kind": sum(named.get(name, "").startswith(kind) for name, kind in spoilt.items()),
        "left_out_although_good": sorted(set(named) - set(spoilt) - set(whole["left_out"])),
        "all_photographs": whole,
        "with_eight_spoilt": rest,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


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
