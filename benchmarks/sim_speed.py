"""How fast the simulated farm is for a whole scan without rendering, and whether it repeats itself.

python benchmarks/sim_speed.py [--seed 3] [--views 64] [--profile] [-o benchmarks/results/sim_speed.json]

The real drivers, cell and capture scan one plant on the farm inside the process; photographs are noise that was drawn
before, so that nothing is rendered, but each goes over HTTP, through the gates and durably to the disk. Twice with the
same seed: what is on the three lines, byte for byte with its time, has to be the same.
"""

import cProfile
import hashlib
import json
import os
import pstats
import socket
import tempfile
import time
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer

from hardware_sim import camera_server, inprocess
from scan.capture import capture
from scan.config import ViewsSection, WallSection
from scan.hardware import CellHardware
from scan.plan import Plan, plan
from scan.sizes import obstacles, one_of
from trellis.config import Configuration, check_tables
from trellis.folders import ScanFolder

_PICTURES = 8


class PreparedNoise:
    """A photographer that hands out prepared pictures, each made different by its number behind the last byte."""

    def __init__(self, *_: Any) -> None:
        random = np.random.default_rng(0)
        noise = random.integers(0, 255, (_PICTURES, 61, 81), dtype=np.uint8)
        large = [cv2.resize(small, (1296, 972), interpolation=cv2.INTER_NEAREST) for small in noise]
        self._jpegs = [cv2.imencode(".jpg", picture)[1].tobytes() for picture in large]

    def jpeg(self, world_from_camera: np.ndarray, frame: int, twist: np.ndarray | None = None) -> bytes:
        comment = f"{frame:06d}".encode()
        # A comment segment behind the two bytes that begin a JPEG.
        return self._jpegs[frame % _PICTURES][:2] + b"\xff\xfe\x00\x08" + comment + self._jpegs[frame % _PICTURES][2:]


def main(
    seed: Annotated[int, typer.Option(help="Of the farm.")] = 3,
    views: Annotated[int, typer.Option(help="Photographs of the scan.")] = 64,
    profile: Annotated[bool, typer.Option(help="Print where the time of the second scan goes.")] = False,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/sim_speed.json"),
) -> None:
    """Scan twice, tell both, and fail when the bytes differ."""
    camera_server.Photographer = PreparedNoise  # type: ignore[assignment, misc]
    with tempfile.TemporaryDirectory() as folder:
        configuration = _configuration(Path(folder), seed, views)
        wall, section = configuration.section(WallSection), configuration.section(ViewsSection)
        wanted, others = one_of(obstacles(wall, date(2026, 11, 24)), "p01")
        begun_s = time.perf_counter()
        the_plan = plan(CellHardware(configuration).cell, wanted, others, section)
        planning_s = time.perf_counter() - begun_s
        runs = [_scan(configuration, the_plan, ScanFolder(Path(folder) / f"s{number}"), profile and number == 1)
                for number in range(2)]  # fmt: skip
    for run in runs:
        print(json.dumps(run))
    result = {
        "command": f"python benchmarks/sim_speed.py --seed {seed} --views {views}",
        "seed": seed,
        "date": date.today().isoformat(),
        "cores": os.cpu_count(),
        "planning_s": round(planning_s, 1),
        "scans": runs,
        "same_bytes": runs[0]["wire_sha256"] == runs[1]["wire_sha256"],
    }
    if not result["same_bytes"]:
        raise SystemExit("the same seed gave other bytes the second time")
    if not profile:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _scan(configuration: Configuration, the_plan: Plan, folder: ScanFolder, profile: bool) -> dict[str, Any]:
    """Connect, home, scan, park; how long it took here and on the farm."""
    inprocess.switch_off()
    digest, lines = hashlib.sha256(), 0

    def heard(line: str) -> None:
        nonlocal lines
        lines += 1
        digest.update(line.encode())

    profiler = cProfile.Profile() if profile else None
    with CellHardware(configuration) as hardware, profiler or nullcontext():
        farm = inprocess.running_farm()
        assert farm is not None
        farm.listen(heard)
        begun_s, farm_begun_s = time.perf_counter(), farm.now_s
        cpu_begun_s = time.process_time()
        hardware.home()
        records = list(capture(hardware, the_plan, folder, scan="s1"))
        hardware.park()
        real_s, farm_s = time.perf_counter() - begun_s, farm.now_s - farm_begun_s
        cpu_s = time.process_time() - cpu_begun_s
    inprocess.switch_off()
    if profiler:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(40)
    taken = sum(record.image is not None for record in records)
    return {"views": len(records), "taken": taken, "farm_s": round(farm_s, 2), "real_s": round(real_s, 2),
            "cpu_s": round(cpu_s, 2), "times_real": round(farm_s / real_s, 1), "wire_lines": lines,
            "wire_sha256": digest.hexdigest()}  # fmt: skip


def _configuration(folder: Path, seed: int, views: int) -> Configuration:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {"seed": seed, "errors": "calibrated", "camera_port": port, "start": "2026-06-01T06:00:00Z"}
    plant = {"name": "p01", "position_m": [0.72, 0.81], "radius_m": 0.09, "height_m": 0.08}
    tables = {
        "cables": {"ports": ["sim://winches/0", "sim://winches/1"], "mass_kg": 3.55},
        "arm": {"port": "sim://servos"},
        "camera": {"url": f"http://127.0.0.1:{port}/snapshot.jpg", "timeout_s": 10},
        "cell": {"clock": "sim", "clock_options": options},
        "wall": {"plants": [plant], "lattice": {}},
        "views": {"count": views, "least": min(views, 8)},
    }
    return check_tables(folder / "farm.toml", tables)


if __name__ == "__main__":
    typer.run(main)
