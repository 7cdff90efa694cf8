"""A small version of benchmarks/disk.py: power cuts with a disk that forgets, and a disk that is full at a step."""

import json
import subprocess
import sys
from pathlib import Path


def test_no_photograph_is_lost_to_a_power_cut_or_a_full_disk(tmp_path: Path) -> None:
    # The benchmark fails by itself if a photograph is lost, or a daemon does not start or end the scan afterwards.
    numbers = ["--states", "6", "--views", "3", "--every", "7", "--fillings", "0", "--where", str(tmp_path)]
    command = [sys.executable, "-m", "benchmarks.disk", *numbers, "-o", str(tmp_path / "disk.json")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert ended.returncode == 0, ended.stderr
    found = json.loads((tmp_path / "disk.json").read_text())
    # Without strace the power cuts cannot be played, and the result says so.
    assert found["power_cut"] == "needs strace" or found["power_cut"]["states"] == 6
    assert found["full_at_each_step"]["steps"] > 4
