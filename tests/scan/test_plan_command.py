"""`trellis plan` says what it found, and writes the plan and its picture."""

from pathlib import Path

import cv2
import pytest
import typer
from typer.testing import CliRunner

from scan.command import plan
from scan.plan_file import read_plan
from trellis.errors import InputError

CONFIGURATION = """
[[wall.plants]]
name = "p01"
position_m = [0.72, 0.81]
sown = 2026-05-01
[views]
count = 12
least = 8
"""


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    path = tmp_path / "trellis.toml"
    path.write_text(CONFIGURATION)
    return path


def run(*arguments: str) -> str:
    app = typer.Typer()
    app.command()(plan)
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_plan_command_writes_plan_and_picture(configuration: Path, tmp_path: Path) -> None:
    out, view = tmp_path / "plan.json", tmp_path / "plan.png"
    said = run("p01", "-c", str(configuration), "--on", "2026-05-22", "-o", str(out), "--view", str(view))
    # Age 21 days: mean of the cultivars 19.1 cm, times exp(0.14).
    assert "planned for 220 mm across" in said
    assert "12 views" in said
    assert len(read_plan(out).stops) == 12
    picture = cv2.imread(str(view))
    assert picture.shape[0] > 800
    assert picture.std() > 10  # something is drawn


def test_plan_command_names_the_plants_there_are(configuration: Path) -> None:
    with pytest.raises(InputError, match="no plant 'p9'"):
        run("p9", "-c", str(configuration))
