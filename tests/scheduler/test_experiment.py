"""The trial: its design, its farm, its rivals on drawn photographs, and its tables on plants of known laws."""

import json
import tomllib
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.stats import ttest_ind

from scan.config import CameraSection, ViewsSection, WallSection
from scan.sizes import age_days
from scheduler.experiment.design import SCHEDULES, harvests
from scheduler.experiment.farm_day import SizeOfTrial, farm_text
from scheduler.experiment.plant_day import MEASURED, PlantDay, is_measured, measure, read_row
from scheduler.experiment.results import p_values, results
from scheduler.experiment.scanning import SECONDS, TRUTH
from scheduler.experiment.top_view import over_canopy, projected_area_m2
from scheduler.experiment.trial import Order, remaining, run, write_tables
from trellis.config import check_tables
from trellis.durable import write_durably
from trellis.errors import InputError
from trellis.folders import DataFolder, ScanFolder
from trellis.geometry import Pose
from trellis.lens import Lens, lens_text
from trellis.manifest import Outcome, PoseRecord, ScanManifest, ViewRecord, write_manifest
from trellis.pose_file import CameraPose, poses_text
from trellis.records import MassEstimate, Traits

COLLAR = (0.72, 0.81, 0.0)


def test_forty_eight_plants_are_the_published_design() -> None:
    trial = harvests(48, 1)
    assert [(one.run, one.day, len(one.cut)) for one in trial] == [
        (1, 18, 6), (1, 21, 6), (1, 25, 6), (1, 28, 6), (2, 32, 6), (2, 35, 6), (2, 39, 6), (2, 42, 6),
    ]  # fmt: skip
    assert [len(one.standing) for one in trial[:4]] == [24, 18, 12, 6]
    for one in trial:
        assert set(one.cut) <= set(one.standing)
        assert len({(plant.column, plant.row) for plant in one.standing}) == len(one.standing)
        fed = [plant.schedule for plant in one.cut]
        assert fed == ["standard"] * 6 if one.run == 1 else sorted(map(fed.count, SCHEDULES)) == [3, 3]
    assert len({plant.name for one in trial for plant in one.cut}) == 48


@pytest.mark.parametrize("plants", [4, 6, 10, 54, 108])
def test_any_number_of_plants_is_harvested_whole(plants: int) -> None:
    trial = harvests(plants, 3)
    assert sum(len(one.cut) for one in trial) == plants
    assert min(len(one.cut) for one in trial) >= 2
    assert trial == harvests(plants, 3)
    assert trial != harvests(plants, 4)


@pytest.mark.parametrize("plants", [2, 5, 110])
def test_numbers_that_make_no_trial_are_refused(plants: int) -> None:
    with pytest.raises(InputError, match="must be even, 4 to 108"):
        harvests(plants, 1)


def test_the_farm_of_a_day_is_a_configuration_that_knows_ages_and_no_truth(tmp_path: Path) -> None:
    harvest = harvests(12, 1)[-1]
    path = tmp_path / "trellis.toml"
    text = farm_text(harvest, 1, SizeOfTrial.SMALL)
    configuration = check_tables(path, tomllib.loads(text))
    wall = configuration.section(WallSection)
    assert [plant.name for plant in wall.plants] == [plant.name for plant in harvest.standing]
    assert configuration.section(ViewsSection).count == 28
    assert configuration.section(CameraSection).driver == "http"
    simulated = tomllib.loads(text)["cell"]["clock_options"]
    start = np.datetime64(simulated["start"][:10]).astype(object)
    assert {age_days(plant, start) for plant in wall.plants} == {float(harvest.day)}
    assert {plant["day"] for plant in simulated["plants"]} == {harvest.day}
    assert all(plant.radius_m is None and plant.height_m is None for plant in wall.plants)


def _scan(path: Path) -> tuple[ScanFolder, ScanManifest]:
    """Nine views of a green disc of 60 mm radius on a white panel, the first straight, each 8 degrees more aslant."""
    folder = ScanFolder(path)
    lens = Lens("PINHOLE", 640, 480, (500.0, 500.0, 320.0, 240.0))
    picture = np.full((480, 640, 3), 235, np.uint8)
    # 0.4 m away a metre is 1250 px; the collar is in the middle of the straight view.
    cv2.circle(picture, (320, 240), 75, (40, 110, 50), -1)
    cv2.circle(picture, (600, 60), 30, (40, 110, 50), -1)  # a neighbour, 0.27 m away
    views, poses = [], []
    for number in range(9):
        tilt = np.radians(8 * number)
        eye = np.array(COLLAR) + 0.4 * np.array([np.sin(tilt), 0, np.cos(tilt)])
        pose = Pose.looking_at(eye, COLLAR, (0, 1, 0))
        name = folder.image(number).name
        write_durably(folder.images / name, cv2.imencode(".png", picture)[1].tobytes())
        record = PoseRecord.of(pose, 0.006, 0.02)
        views.append(ViewRecord(view=number, planned=record, believed=record, outcome=Outcome.TAKEN, image=name))
        poses.append(CameraPose(name, pose, 0.006, 0.02))
    scan = ScanManifest(scan="harvest", plant="p", plant_position_m=COLLAR, plant_radius_m=0.12, plant_height_m=0.1,
                        started_at="2026-01-01T00:00:00Z", views=tuple(reversed(views)))  # fmt: skip
    write_manifest(folder.manifest, scan)
    write_durably(folder.camera, lens_text(lens).encode())
    write_durably(folder.poses, poses_text(poses).encode())
    return folder, scan


def test_one_top_view_measures_the_disc_of_the_plant_and_not_its_neighbour(tmp_path: Path) -> None:
    folder, scan = _scan(tmp_path)
    # A disc drawn in pixels has an edge of half a pixel on 75: 1.3 % of its area.
    assert projected_area_m2(folder, scan) == pytest.approx(np.pi * 0.06**2, rel=0.03)


def test_a_drone_has_the_views_from_above_only(tmp_path: Path) -> None:
    folder, scan = _scan(tmp_path / "scan")
    drone = over_canopy(folder, scan, tmp_path / "canopy", float(np.radians(33)), 5)
    assert drone is not None
    assert sorted(path.name for path in drone.images.iterdir()) == [f"{number:03d}.jpg" for number in range(5)]
    assert len(drone.poses.read_text().splitlines()) == 6
    assert drone.camera.exists()
    assert over_canopy(folder, scan, tmp_path / "few", float(np.radians(33)), 6) is None


def _reconstructed(folder: ScanFolder, area_m2: float, **changed: object) -> None:
    values = {"images_given": 9, "images_registered": 9, "reprojection_error_px": 0.5, "scale_source": "board",
              "leaf_area_m2": area_m2, "leaf_area_std_m2": 0.002, "volume_m3": 0.001, "height_m": 0.1}  # fmt: skip
    mass = MassEstimate(fresh_mass_kg=0.02, fresh_mass_low_kg=0.01, fresh_mass_high_kg=0.03, model="m")
    write_durably(folder.reconstruction / "traits.json", Traits(**(values | changed)).model_dump_json().encode())
    write_durably(folder.reconstruction / "mass.json", mass.model_dump_json().encode())


def _scanned(path: Path) -> ScanFolder:
    folder, _ = _scan(path)
    truth = {
        "fresh_mass_kg": 0.025,
        "dry_mass_kg": 0.0013,
        "leaf_area_m2": 0.06,
        "well_seen_area_m2": 0.055,
        "views": 9,
    }
    write_durably(folder.path / TRUTH, json.dumps(truth).encode())
    write_durably(folder.path / SECONDS, b'{"planned_s": 1.5, "scanned_s": 60.5}')
    return folder


def test_a_plant_is_measured_from_all_views_and_from_those_above_and_is_done(tmp_path: Path) -> None:
    folder = _scanned(tmp_path)
    _reconstructed(folder, 0.05)
    (tmp_path / "trellis.toml").write_text("[wall]\n")
    # The canopy has fewer views than a model needs: a row all the same, which says so.
    plant = harvests(4, 1)[0].cut[0]
    row = measure(plant, folder, tmp_path / "trellis.toml")
    assert (row.area_m2, row.volume_m3, row.true_area_m2, row.dry_mass_kg) == (0.05, 0.001, 0.06, 0.0013)
    assert row.top_view_area_m2 == pytest.approx(np.pi * 0.06**2, rel=0.03)
    assert row.scan_s == 62
    assert np.isnan(row.canopy_area_m2)
    assert row.canopy_problem == "fewer than 6 views from above"
    assert is_measured(folder)
    assert repr(read_row(folder)) == repr(row)  # NaN is not itself


def test_what_is_not_trusted_is_no_measurement(tmp_path: Path) -> None:
    folder = _scanned(tmp_path)
    _reconstructed(folder, 0.05, trusted=False, untrusted_reason="two plants grown together")
    (tmp_path / "trellis.toml").write_text("[wall]\n")
    row = measure(harvests(4, 1)[0].cut[0], folder, tmp_path / "trellis.toml")
    assert row.problem == "two plants grown together"
    assert np.isnan(row.area_m2)


def _rows(count: int = 48) -> list[PlantDay]:
    """Plants whose dry mass is 70 g/m2 of leaf, seen without error by area, with 40 % by the top view."""
    chance = np.random.default_rng(6)
    rows = []
    for harvest in harvests(count, 1):
        for plant in harvest.cut:
            size = 0.004 * np.exp(0.07 * (plant.day - 18)) * (0.6 if plant.schedule != "standard" else 1)
            area = float(size * np.exp(0.1 * chance.standard_normal()))
            top = float(area * np.exp(0.4 * chance.standard_normal()))
            rows.append(
                PlantDay(plant.name, plant.run, plant.day, plant.schedule, "butterhead", 1.1 * area, 0.07 * area,
                         1.2 * area, 1.1 * area, 64, area, 0.05 * area, area**1.5, 0.1, 0.2, 0.9, top,
                         0.5 * top, 0.01 * top, 1.1 * area, 0.8 * area, 1.5 * area, scan_s=100.0,
                         reconstruction_s=260.0)
            )  # fmt: skip
    return rows


def test_tables_find_the_law_that_made_the_plants(tmp_path: Path) -> None:
    rows = _rows()
    found = results(rows, tmp_path)
    line = found["regressions"]["dry"]["area"]
    assert (line["slope"], line["r2"]) == pytest.approx((70, 1))
    assert line["plants"] == 48
    assert found["regressions"]["dry"]["top view"]["left_out_r2"] < 0.9
    assert found["chain"]["dry"]["true area"]["power_r2"] == pytest.approx(1)
    assert found["area_error_percent"]["reconstructed of well seen, median"] == pytest.approx(100 / 1.1 - 100, rel=1e-4)
    assert found["shipped_law"] == {"plants": 48, "mape_percent": 0.0, "interval_holds_percent": 100.0}
    assert found["hours"] == pytest.approx(48 * 360 / 3600)
    assert found["law"]["masses"]["dry_mass_g"]["models"]["process"]["plant"]["all"]["r2"] > 0.99


def test_p_values_of_areas_are_those_of_the_masses_they_are_proportional_to() -> None:
    rows = _rows()
    masses = {"dry": np.array([1e3 * row.dry_mass_kg for row in rows])}
    found = p_values(rows, masses, {"area": np.array([row.area_m2 for row in rows])})
    assert list(found) == ["age, run 1: day 18 against 21", "age, run 2: day 32 against 35", "nutrients, run 2"]
    for question in found.values():
        assert question["leaf area, 64 views"] == pytest.approx(question["true dry mass"])
    old, young = ([row.area_m2 for row in rows if row.day == day] for day in (21, 18))
    expected = ttest_ind(old, young).pvalue
    assert found["age, run 1: day 18 against 21"]["leaf area, 64 views"] == pytest.approx(expected, rel=1e-4)
    assert found["nutrients, run 2"]["true dry mass"] < 1e-4


def test_a_plant_that_was_not_measured_is_missing_from_its_tables_and_named(tmp_path: Path) -> None:
    rows = _rows(12)
    rows[3] = replace(rows[3], area_m2=float("nan"), volume_m3=float("nan"), problem="two plants grown together")
    write_tables(rows, tmp_path, "trellis experiment --plants 12", ["r2p09"])
    found = json.loads((tmp_path / "results.json").read_text())
    assert found["measured"] == 11
    assert found["regressions"]["dry"]["area"]["plants"] == 11
    assert found["regressions"]["dry"]["age"]["plants"] == 12
    page = (tmp_path / "report.html").read_text()
    assert f"{rows[3].plant}: two plants grown together" in page
    assert "r2p09: no scan" in page
    assert "(0.846)" in page  # what was published stands beside
    assert "http" not in page.replace("http-equiv", "")
    assert cv2.imread(str(tmp_path / "dry.png")).std() > 10


def test_a_trial_that_is_done_is_not_done_again_and_another_is_refused(tmp_path: Path) -> None:
    order = Order(4, 1, SizeOfTrial.SMALL)
    for row, harvest in zip(_rows(4), [one for one in harvests(4, 1) for _ in one.cut], strict=True):
        folder = DataFolder(tmp_path / f"run{harvest.run}-day{harvest.day}" / "data").scan(row.plant, "harvest")
        write_durably(folder.path / MEASURED, json.dumps(asdict(row)).encode())
        assert read_row(folder) == row
    assert remaining(order, tmp_path) == (4, 4)
    steps = list(run(order, tmp_path))
    assert [(step.done, step.plants) for step in steps] == [(4, 4)]
    assert (tmp_path / "report.html").exists()
    with pytest.raises(InputError, match="holds another trial"):
        list(run(replace(order, seed=2), tmp_path))
    write_durably(folder.path / MEASURED, b"{")
    with pytest.raises(InputError, match="remove it, and the plant is measured again"):
        list(run(order, tmp_path))
