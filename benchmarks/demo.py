"""The whole way in one figure: `trellis demo --once`, from nothing to its table.

python benchmarks/demo.py [-o benchmarks/results/demo.json]

Two plants are scanned from 64 viewpoints each by the real drivers on the simulated farm, reconstructed and weighed; the
table with the simulator's truth beside each figure is kept as it is printed.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer


def main(out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/demo.json")) -> None:
    """Run it, and keep how long it took and what it said."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "trellis", "demo", "--once", "--data", folder]
        start = time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        seconds = time.perf_counter() - start
    lines = done.stdout.replace(folder, "DATA").splitlines()
    print("\n".join(lines))
    if done.returncode:
        raise SystemExit(done.returncode)
    table = next(number for number, line in enumerate(lines) if line.startswith("Estimated"))
    result = {
        "command": "python benchmarks/demo.py",
        "cores": os.cpu_count(),
        "seconds": round(seconds, 1),
        "table": lines[table:],
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
