"""How the sparse model's time grows with the number of photographs: near linear with poses.

python benchmarks/count.py [--counts 16,32,64,128,256] [--seed 11] [--data FOLDER] [-o FILE]

One plant is rendered from as many viewpoints as the largest count (or FOLDER is taken); smaller sets are every n-th of
its photographs. The exponent is the slope of log time over log count; processor time is told beside wall time.
"""

import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import cv2  # noqa: F401  before pycolmap: see reconstruction/__init__.py
import numpy as np
import pycolmap
import typer
from sparse import ours


def main(
    counts: Annotated[str, typer.Option(help="Numbers of photographs, separated by commas.")] = "16,32,64,128,256",
    seed: Annotated[int, typer.Option(help="Of the farm.")] = 11,
    data: Annotated[Path | None, typer.Option(help="A folder that `trellis sim render` wrote.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/count.json"),
) -> None:
    """Time one count after the other."""
    wanted = [int(count) for count in counts.split(",")]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        if data is None:
            data = work / "all"
            command = [
                sys.executable,
                "-m",
                "trellis",
                "sim",
                "render",
                "p24",
                "--day",
                "24",
                "--views",
                str(max(wanted)),
            ]
            subprocess.run([*command, "--seed", str(seed), "-o", str(data)], check=True)
        for count in wanted:
            rows.append({"photographs": count} | ours(_every_nth(data, count, work / f"n{count}"), work / "w"))
            print(json.dumps(rows[-1]), flush=True)
    sizes = np.log([row["photographs"] for row in rows])
    result = {
        "command": f"python benchmarks/count.py --counts {counts} --seed {seed}",
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "exponent": round(float(np.polyfit(sizes, np.log([row["seconds"] for row in rows]), 1)[0]), 2),
        "exponent_of_processor_time": round(
            float(np.polyfit(sizes, np.log([row["processor_seconds"] for row in rows]), 1)[0]), 2
        ),
        "rows": rows,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _every_nth(data: Path, count: int, target: Path) -> Path:
    (target / "images").mkdir(parents=True)
    names = sorted(file.name for file in (data / "images").iterdir())
    for index in np.unique(np.linspace(0, len(names) - 1, count).round().astype(int)):
        (target / "images" / names[index]).symlink_to((data / "images" / names[index]).absolute())
    for beside in ("poses.csv", "camera.toml", "board.toml", "true_poses.csv"):
        (target / beside).symlink_to((data / beside).absolute())
    return target


if __name__ == "__main__":
    pycolmap.logging.minloglevel = 2
    typer.run(main)
