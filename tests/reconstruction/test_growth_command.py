"""`trellis growth` on made-up tables and on a farm's folders: files, refusals, pictures with something in them."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import open3d as o3d
import pytest
import typer
from typer.testing import CliRunner

from reconstruction.growth.farm import is_yellow, scans_of, yellow_share
from reconstruction.growth.strip import cut_out
from reconstruction.growth.table import read_batches
from reconstruction.growth_command import growth
from trellis.durable import write_durably
from trellis.errors import InputError
from trellis.folders import DataFolder
from trellis.geometry import Pose
from trellis.lens import Lens, lens_text
from trellis.manifest import Outcome, PoseRecord, ScanManifest, ViewRecord, read_manifest, write_manifest
from trellis.records import MassEstimate, Traits

DAYS = range(10, 31)
_APP = typer.Typer()
_APP.command()(growth)


def _mass_g(day: int) -> float:
    """Expolinear: c 9 g/day, r 0.25 /day, tb 18 days."""
    return float(9 / 0.25 * np.log1p(np.exp(0.25 * (day - 18))))


def _table(path: Path) -> Path:
    """Eight plants, four of them with a fifth less from the first day on; noise of 4 %."""
    chance = np.random.default_rng(2)
    lines = ["plant,day,treatment,fresh_mass_g,fresh_mass_std_g,x_m,y_m"]
    for plant in range(8):
        level = (0.7 if plant >= 4 else 1.0) * np.exp(0.06 * chance.standard_normal())
        for day in DAYS:
            mass = level * _mass_g(day) * np.exp(0.04 * chance.standard_normal())
            kind = "poor" if plant >= 4 else "full"
            lines.append(f"p{plant},{day},{kind},{mass:.3f},{0.04 * mass:.3f},{0.3 + 0.19 * plant},0.4")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(_APP, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_writes_curves_forecast_trial_and_pictures(tmp_path: Path) -> None:
    said = _run(_table(tmp_path / "t.csv"), "-o", tmp_path / "out", "--target", "150")
    rows = _rows(tmp_path / "out" / "growth.csv")
    assert len(rows) == 8 * len(DAYS)
    assert all(float(r["smoothed_low"]) < float(r["smoothed"]) < float(r["smoothed_high"]) for r in rows)
    forecasts = {row["plant"]: row for row in _rows(tmp_path / "out" / "forecast.csv")}
    # W = 150 at z = ln(exp(150 / 36) - 1) = 4.151: day 34.6 for a plant of the formula's size.
    assert float(forecasts["p1"]["day_low"]) < 34.6 < float(forecasts["p1"]["day_high"])
    trial = json.loads((tmp_path / "out" / "trial.json").read_text())
    assert trial["p_groups"] < 0.01
    last = trial["comparisons"][-1]
    # Levels differ by 6 %: a difference of two means of four has a s.d. of 0.06 * 0.7 / sqrt(2) = 0.03; three of them.
    assert last["effect"] == pytest.approx(-0.3, abs=0.1)
    assert last["effect_low"] < last["effect"] < last["effect_high"] < 0
    assert "8 plants in 2 batches" in said
    for name in ("growth.png", "wall.png"):
        picture = cv2.imread(str(tmp_path / "out" / name))
        assert picture.std() > 10, name  # a blank page has 0


def test_a_size_of_zero_days_or_an_unknown_column_is_refused(tmp_path: Path) -> None:
    for text, said in (
        ("plant,day,mas_g\na,1,2\n", "unknown column 'mas_g'"),
        ("plant,day,fresh_mass_g\na,1,-2\n", "it must be finite and above zero"),
        ("plant,day\na,1\n", "no column of a size"),
        ("plant,fresh_mass_g\na,1\n", "the column 'day' is missing"),
        ("plant,day,fresh_mass_g\n", "no measurement"),
        ("plant,day,fresh_mass_g\na,1,2\na,900,2\n", "at most 400 days"),
    ):
        (tmp_path / "t.csv").write_text(text)
        with pytest.raises(InputError, match=said):
            growth(tmp_path / "t.csv", tmp_path / "out", None, None, 10.0, None)


def test_two_looks_on_one_day_are_one_weighted_by_their_errors(tmp_path: Path) -> None:
    lines = "plant,day,fresh_mass_g,fresh_mass_std_g\na,1,10,1\na,1.2,20,4\n"
    (tmp_path / "t.csv").write_text(lines)
    (batch,) = read_batches(tmp_path / "t.csv", 0.1)
    # Relative errors of 0.1 and 0.2: weights 4 to 1 on the logarithms.
    assert np.exp(batch.sizes["fresh_mass_g"].log_size[0, 0]) == pytest.approx(10 ** (4 / 5) * 20 ** (1 / 5))
    assert batch.sizes["fresh_mass_g"].log_std[0, 0] == pytest.approx((100 + 25) ** -0.5)


def test_one_size_that_is_lacking_does_not_make_a_plant_missing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("plant,day,fresh_mass_g,leaf_area_cm2\na,1,2,50\na,2,,60\na,3,,\n")
    (batch,) = read_batches(tmp_path / "t.csv", 0.1)
    np.testing.assert_array_equal(batch.sizes["fresh_mass_g"].absent[0], [False, False, True])


def _farm(path: Path) -> DataFolder:
    """One plant on three days: a green square on white whose upper left quarter is red, photographed from straight in
    front and from aside; the mesh is half yellow on the last day."""
    data = DataFolder(path)
    lens = Lens("PINHOLE", 400, 300, (300.0, 300.0, 200.0, 150.0))
    collar = (0.5, 0.6, 0.0)
    for day in (20, 21, 22):
        folder = data.scan("p1", f"d{day}")
        # From 0.3 m a metre is 1000 px; the camera stands 20 mm right of the plant, which is then 20 px left in it.
        front = Pose.looking_at((0.52, 0.6, 0.3), (0.52, 0.6, 0.0), (0, 1, 0))
        aside = Pose.looking_at((0.9, 0.6, 0.3), collar, (0, 1, 0))
        views = []
        for number, pose in enumerate((aside, front)):
            picture = np.full((300, 400, 3), 255, np.uint8)
            if number == 1:
                picture[100:200, 130:230] = (0, 120, 0)
                picture[100:150, 130:180] = (0, 0, 200)
            write_durably(folder.image(number), cv2.imencode(".png", picture)[1].tobytes())
            record = PoseRecord.of(pose, 0.006, 0.02)
            views.append(ViewRecord(view=number, planned=record, believed=record, outcome=Outcome.TAKEN,
                                    image=folder.image(number).name))  # fmt: skip
        write_manifest(
            folder.manifest,
            ScanManifest(scan=f"d{day}", plant="p1", age_days=day, plant_position_m=collar, plant_radius_m=0.08,
                         plant_height_m=0.1, started_at="2026-01-01T00:00:00Z", views=tuple(views)),
        )  # fmt: skip
        write_durably(folder.camera, lens_text(lens).encode())
        traits = Traits(images_given=2, images_registered=2, reprojection_error_px=0.5, scale_source="poses",
                        leaf_area_m2=0.05 * 1.1 ** (day - 20), leaf_area_std_m2=0.002)  # fmt: skip
        write_durably(folder.reconstruction / "traits.json", traits.model_dump_json().encode())
        mass = MassEstimate(fresh_mass_kg=0.02, fresh_mass_low_kg=0.01, fresh_mass_high_kg=0.03, model="m")
        write_durably(folder.reconstruction / "mass.json", mass.model_dump_json().encode())
    return data


def _leaf_mesh(path: Path, scale: float) -> None:
    """One flat green leaf, 10 to 80 mm from the collar at a scale of 1."""
    along, across = np.meshgrid(np.linspace(0.01, 0.08, 25), np.linspace(-0.02, 0.02, 15), indexing="ij")
    points = np.stack([0.5 + scale * along, 0.6 + scale * across, 0.02 + 0.3 * scale * along], axis=-1).reshape(-1, 3)
    index = np.arange(25 * 15).reshape(25, 15)
    a, b, c, d = index[:-1, :-1].ravel(), index[1:, :-1].ravel(), index[1:, 1:].ravel(), index[:-1, 1:].ravel()
    faces = np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])
    mesh = o3d.geometry.TriangleMesh(o3d.utility.Vector3dVector(points), o3d.utility.Vector3iVector(faces))
    mesh.vertex_colors = o3d.utility.Vector3dVector(np.tile([0.2, 0.5, 0.15], (len(points), 1)))
    o3d.io.write_triangle_mesh(str(path), mesh)


def test_the_leaf_of_a_farms_plant_is_followed_over_its_scans(tmp_path: Path) -> None:
    for number, folder in enumerate(_farm(tmp_path).scans("p1")):
        _leaf_mesh(folder.reconstruction / "mesh.ply", 1.05**number)
    _run(tmp_path, "-o", tmp_path / "out")
    rows = _rows(tmp_path / "out" / "leaves.csv")
    assert [(row["plant"], row["leaf"], row["day"], row["fate"]) for row in rows] == [
        ("p1", "0", "20", ""), ("p1", "0", "21", ""), ("p1", "0", "22", ""),
    ]  # fmt: skip
    # Lengths grow by 5 % a day, areas by twice that in the logarithm.
    assert [float(row["growth_per_day"]) for row in rows[1:]] == pytest.approx([2 * np.log(1.05)] * 2, rel=0.01)


def test_a_farms_folders_are_a_table(tmp_path: Path) -> None:
    _farm(tmp_path)
    rows = [seen.row for seen in scans_of(tmp_path)]
    assert [row["day"] for row in rows] == [20, 21, 22]
    assert rows[1]["leaf_area_cm2"] == pytest.approx(550)
    assert rows[0]["fresh_mass_g"] == pytest.approx(20)
    _run(tmp_path, "-o", tmp_path / "out")
    assert {"growth.csv", "wall.png", "strip-p1.png", "leaves.csv"} <= {
        path.name for path in (tmp_path / "out").iterdir()
    }


def test_a_farm_without_known_ages_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give `sown`"):
        scans_of(tmp_path)


def test_the_strip_shows_the_straightest_photograph_around_the_collar_upright(tmp_path: Path) -> None:
    folder = _farm(tmp_path).scans("p1")[0]
    cut = cut_out(folder, read_manifest(folder.manifest), 0.2)
    assert cut is not None
    side = len(cut)
    # 0.2 m wide: the square of 0.1 m fills the middle half; red is the quarter up and left.
    assert tuple(cut[side // 2 + 20, side // 2 + 20]) == (0, 120, 0)
    assert tuple(cut[side // 2 - 20, side // 2 - 20]) == (200, 0, 0)
    assert tuple(cut[10, 10]) == (255, 255, 255)
    edge = np.flatnonzero(cut[side // 2 + 30, :, 0] < 128)
    assert (edge[0] / side, edge[-1] / side) == pytest.approx((0.25, 0.75), abs=0.02)


def test_yellow_is_told_from_green_red_and_white(tmp_path: Path) -> None:
    green, yellow, red, white = (60, 120, 40), (190, 180, 60), (110, 50, 50), (230, 230, 225)
    np.testing.assert_array_equal(is_yellow(np.array([green, yellow, red, white]) / 255), [False, True, False, False])
    mesh = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(np.array([[0, 0, 0], [3, 0, 0], [0, 1, 0], [5, 0, 0], [6, 0, 0], [5, 1, 0.0]])),
        o3d.utility.Vector3iVector(np.array([[0, 1, 2], [3, 4, 5]])),
    )
    mesh.vertex_colors = o3d.utility.Vector3dVector(np.array([green] * 3 + [yellow] * 3) / 255)
    o3d.io.write_triangle_mesh(str(tmp_path / "mesh.ply"), mesh)
    assert yellow_share(tmp_path / "mesh.ply") == pytest.approx(0.25)
    assert np.isnan(yellow_share(tmp_path / "none.ply"))
