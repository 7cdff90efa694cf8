"""A small trial from planting to its page, killed on the way and taken up again: minutes of simulated stack."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def _start(out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "trellis", "experiment", "--plants", "4", "--size", "small", "-o", str(out)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def test_a_small_trial_that_is_killed_goes_on_and_ends_with_its_tables(tmp_path: Path) -> None:
    first = _start(tmp_path)
    while first.poll() is None and not list(tmp_path.rglob("measured.json")):
        time.sleep(1)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    (done,) = tmp_path.rglob("measured.json")
    before = done.stat().st_mtime_ns
    second = _start(tmp_path)
    said, _ = second.communicate()
    assert second.returncode == 0, said
    assert done.stat().st_mtime_ns == before
    found = json.loads((tmp_path / "results.json").read_text())
    assert found["plants"] == 4
    # Twenty-eight coarse views measure plants of day 18; a grown head among neighbours may be refused.
    assert found["measured"] >= 2
    assert (tmp_path / "report.html").stat().st_size > 20_000
