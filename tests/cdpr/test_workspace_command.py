"""The polygon that is found, the map, and what is told of one place."""

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from cdpr.command import app
from cdpr.config import CablesSection
from cdpr.margin_polygon import margin_polygon
from cdpr.tension import easiest_yaw_rad, margin_n
from cdpr.yaw_map import YawMap, tabulate
from trellis.errors import InputError

ROBOT = CablesSection().robot()


@pytest.fixture(scope="module")
def table() -> YawMap:
    return tabulate(ROBOT, (0.14, 2.06), (0.14, 1.86), 0.05)


@pytest.mark.parametrize("least_n", [1.0, 10.0])
def test_the_polygon_holds_the_margin_and_little_else_does(table: YawMap, least_n: float) -> None:
    space = margin_polygon(table, least_n)
    x, y = np.meshgrid(table.x_m, table.y_m, indexing="ij")
    inside, held = space.holds(x, y), table.margins_n >= least_n
    # Between the table's entries, 50 mm apart here, margins bend by some tenths of a newton.
    assert (table.margins_n[inside] > least_n - 0.5).all()
    assert (held & ~inside).sum() < 0.08 * held.sum()
    assert len(space.corners_m) < 40
    for place in space.corners_m:
        assert margin_n(ROBOT, (*place, easiest_yaw_rad(ROBOT, *place))) > least_n - 1.0


def test_a_margin_that_no_place_has_is_refused_with_the_greatest(table: YawMap) -> None:
    with pytest.raises(InputError, match="the greatest is 6"):
        margin_polygon(table, 100.0)


def test_the_command_tells_a_polygon_that_the_configuration_takes(tmp_path) -> None:  # type: ignore[no-untyped-def]
    coarse, map_at = ["--pitch-m", "0.1"], str(tmp_path / "map.png")
    told = CliRunner().invoke(app, ["workspace", "--robot", "klaus", "--margin-n", "8", *coarse, "-o", map_at])
    assert told.exit_code == 0, told.output
    assert "margin at home 39.5 N" in told.output
    lines = [line for line in told.output.splitlines() if line.startswith("workspace_")]
    robot = (tmp_path / "robot.toml").resolve()
    preset = "[cables]\nhome_m = [1.42, 1.12]\npulleys_m = [[2.815, 0.0], [2.845, 2.239], [0.033, 2.225], [0.0, 0.0]]\n"
    robot.write_text(preset + "\n".join(lines) + "\n", encoding="utf-8")
    again = CliRunner().invoke(app, ["workspace", "--robot", str(robot), *coarse])
    assert again.exit_code == 0, again.output
    assert "the polygon (" in again.output
    picture = cv2.imread(map_at)
    assert picture is not None
    assert picture.shape[1] > 1000


def test_one_place_is_told_as_published() -> None:
    told = CliRunner().invoke(app, ["at", "1.45", "1.12", "--robot", "klaus", "--yaw-deg", "0"], env={"COLUMNS": "120"})
    assert told.exit_code == 0, told.output
    # FACTS of the field: lengths and tensions of the first robot there.
    for figure in ("1.678929", "1.701677", "1.710363", "1.745672", "46.50", "49.15", "51.70", "42.30"):
        assert figure in told.output


@pytest.mark.parametrize(
    ("polygon", "why"),
    [
        (((0.3, 0.3), (1.9, 0.3), (1.1, 0.8)), "home_m"),
        (((0.1, 0.3), (1.9, 0.3), (1.1, 1.6)), "must lie between"),
        (((0.3, 0.3), (1.9, 0.3)), "three corners"),
    ],
)
def test_a_polygon_that_cannot_be_meant_is_refused(polygon: tuple[tuple[float, float], ...], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        CablesSection(workspace_m=polygon)


def test_the_section_gives_wheels_and_drums_their_numbers() -> None:
    section = CablesSection(pulley_radius_m=0.02, drum_buildup_m=1e-6)
    robot = section.robot()
    np.testing.assert_allclose(robot.pulley_entries_rad, [0, 0, np.pi, np.pi])
    assert robot.pulley_turns.tolist() == [-1, 1, -1, 1]
    drums = section.drums((1.0, 0.94, 1.0, 1.0))
    np.testing.assert_allclose(drums.radii_m, 0.0127 * np.array([1.0, 0.94, 1.0, 1.0]))
    np.testing.assert_allclose(drums.turns(drums.paid_m(np.full(4, 10.0))), 10.0)
