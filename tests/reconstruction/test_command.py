"""`trellis reconstruct` as a person meets it."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from reconstruction.pipeline import STAGES, StageEvent
from reconstruction.progress import follow


def _trellis(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    code = "from trellis.cli import main; main()"
    call = [sys.executable, "-c", code, "reconstruct", *map(str, arguments)]
    return subprocess.run(call, capture_output=True, text=True, check=False)


def test_progress_json_is_one_event_a_line(small_set, tmp_path: Path) -> None:
    done = _trellis(small_set.path, "-o", tmp_path / "out", "--progress", "json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert set(events[0]) == {"stage", "share", "seconds", "message"}
    assert list(dict.fromkeys(event["stage"] for event in events)) == list(STAGES)


def test_where_nobody_looks_at_bars_each_stage_is_a_plain_line() -> None:
    said = StringIO()
    events = [
        StageEvent("images", 0.0, 0.0),
        StageEvent("images", 0.5, 1.0, "half"),
        StageEvent("images", 1.0, 2.0, "64"),
    ]
    follow(iter(events), ("images",), Console(file=said))
    assert said.getvalue() == "images       2.0 s  64\n"


def test_in_a_terminal_each_stage_is_a_bar_with_its_last_word() -> None:
    said = StringIO()
    events = [StageEvent("images", 0.0, 0.0), StageEvent("images", 1.0, 2.0, "64 photographs")]
    follow(iter(events), ("images", "sparse"), Console(file=said, force_terminal=True, width=100))
    assert "64 photographs" in said.getvalue()
    assert "sparse" not in said.getvalue()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{there}/nowhere"], "there is no such folder"),
        (["{there}/empty"], "no photograph in it"),
        (["{there}/two"], "2 usable photographs, at least 3"),
        (["{set}", "--poses", "{there}/none.csv"], "cannot read the pose file"),
        (["{set}", "--camera", "{there}/none.toml"], "cannot read the camera file"),
        (["{set}", "--board", "{there}/none.toml"], "cannot read the board file"),
        (["{set}", "-o", "{there}/file/out"], "cannot write results there"),
    ],
)
def test_bad_input_gets_one_line_and_status_2_and_leaves_nothing(
    small_set, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "two").mkdir()
    for name in small_set.names[:2]:
        (tmp_path / "two" / name).symlink_to(small_set.path / "images" / name)
    (tmp_path / "file").write_text("")
    before = sorted(tmp_path.rglob("*"))
    filled = [item.format(there=tmp_path, set=small_set.path / "images") for item in arguments]
    failed = _trellis(*(["-o", str(tmp_path / "out")] if "-o" not in filled else []), *filled)
    assert failed.returncode == 2
    assert failed.stderr.count("\n") == 1
    assert said in failed.stderr
    assert sorted(tmp_path.rglob("*")) == before
