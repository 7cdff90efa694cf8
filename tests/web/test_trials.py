"""Trials, their exports, BrAPI, and the history of calibrations, over the API."""

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import pytest

from scan.calibrated_sections import CellRecord, nominal_name
from scan.cell_model import NAMES
from scan.cell_record import CellHistory
from scheduler.rows import MeasurementRow, PlantRow, ScanRow
from scheduler.store import Store
from tests.web.conftest import served
from tests.web.farm_fixture import STAGES_S, mass_of, traits_of
from trellis.config import load_configuration

GROUPS = {"a1": "water", "a2": "water", "a3": "water", "b1": "salt", "b2": "salt", "b3": "salt"}
_CONFIG = '[farm]\nname = "Trial"\ndata_folder = "data"\n[wall.lattice]\n'
_PLANT = (
    '[[wall.plants]]\nname = "{name}"\nposition_m = [{x}, 0.5]\ncultivar = "lugano"\nsown = "2026-10-01"\n'
    'treatment = "{treatment}"\n'
)


@pytest.fixture(scope="module")
def trial_farm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six plants, three of them a fifth smaller, measured on four days; one of each group was harvested."""
    folder = tmp_path_factory.mktemp("trial")
    path = folder / "trellis.toml"
    plants = [_PLANT.format(name=name, x=0.3 + 0.2 * k, treatment=t) for k, (name, t) in enumerate(GROUPS.items())]
    path.write_text(_CONFIG + "".join(plants))
    (folder / "data").mkdir()
    chance = np.random.default_rng(1)
    with Store(f"sqlite:///{folder / 'data' / 'trellis.db'}") as store:
        store.sync_plants(PlantRow(n, (0.3, 0.5, 0.0), "lugano", datetime(2026, 10, 1).date()) for n in GROUPS)
        for name, treatment in GROUPS.items():
            size_kg = (0.8 if treatment == "salt" else 1.0) * 0.02 * float(np.exp(0.04 * chance.standard_normal()))
            for day in range(4):
                at = datetime(2026, 10, 21 + day, 9, tzinfo=UTC)
                scan = f"{name}-{day}"
                store.save_scan(ScanRow(scan, name, "done", at, at, 8, 8, 0, f"plants/{name}/{scan}", None))
                kg = size_kg * float(np.exp(0.15 * day))
                mass = mass_of(0.2).model_copy(
                    update={"fresh_mass_kg": kg, "fresh_mass_low_kg": 0.9 * kg, "fresh_mass_high_kg": 1.1 * kg}
                )
                store.save_measurement(MeasurementRow(scan, name, at, traits_of(0.2, 8), mass, STAGES_S))
        for name, kg in (("a1", 0.031), ("b1", 0.024)):
            store.add_weighing(name, datetime(2026, 10, 24, 12, tzinfo=UTC), kg, None, True, "test")
    return path


def test_groups_are_compared_and_harvests_stand_beside_them(trial_farm: Path) -> None:
    with served(trial_farm) as client:
        found = client.get("/api/v1/trial", timeout=60).json()
        assert client.get("/api/v1/trial?size=colour").status_code == 422
    assert found["refusal"] is None
    assert {one["name"]: (len(one["plants"]), one["harvested"]) for one in found["groups"]} == {
        "water": (3, 1),
        "salt": (3, 1),
    }
    assert next(one for one in found["groups"] if one["name"] == "salt")["harvested_fresh_kg"] == pytest.approx(0.024)
    assert found["p_groups"] < 0.05, "a fifth is five of the groups' standard deviations"
    last = found["comparisons"][-1]
    assert (last["first"], last["second"], last["age_days"]) == ("water", "salt", 23)
    assert last["effect_low"] < -0.2 < last["effect_high"]
    assert [one["percent"] for one in found["needed"]] == [10, 20, 30]


def test_a_trial_leaves_the_farm_as_tables(trial_farm: Path) -> None:
    with served(trial_farm) as client:
        lines = client.get("/api/v1/export/trial.csv").text.splitlines()
        files = zipfile.ZipFile(io.BytesIO(client.get("/api/v1/export/miappe.zip").content))
    assert lines[0] == "plant,cultivar,treatment,day,fresh_mass_g,leaf_area_cm2,height_cm"
    assert len(lines) == 1 + 24
    units = files.read("observation_unit.tsv").decode().splitlines()
    assert units[1].split("\t") == ["a1", "plant", "lugano", "x:0.300 m; y:0.500 m", "water"]
    assert len(files.read("observation.tsv").decode().splitlines()) > 24
    assert "MIAPPE version\t1.2" in files.read("investigation.tsv").decode()


def test_a_farm_without_treatments_says_so(own_api: httpx.Client) -> None:
    refused = own_api.get("/api/v1/trial")
    assert (refused.status_code, "no plant has a treatment" in refused.json()["error"]) == (409, True)


def test_breeders_programs_read_the_farm_page_by_page(trial_farm: Path) -> None:
    with served(trial_farm) as client:
        units = client.get("/brapi/v2/observationunits?pageSize=4&page=1").json()
        assert [one["observationUnitDbId"] for one in units["result"]["data"]] == ["b2", "b3"]
        assert units["metadata"]["pagination"] == {"currentPage": 1, "pageSize": 4, "totalCount": 6, "totalPages": 2}
        assert units["result"]["data"][0]["treatments"] == [{"factor": "treatment", "modality": "salt"}]
        variables = {one["observationVariableDbId"] for one in _data(client, "variables")}
        asked = _data(client, "observations?observationUnitDbId=a1&observationVariableDbId=fresh_mass")
        assert (len(asked), {one["observationUnitDbId"] for one in asked}) == (4, {"a1"})
        assert {one["observationVariableDbId"] for one in _data(client, "observations")} <= variables
        assert client.get("/brapi/v2/studies/1").json()["result"]["studyName"] == "Trial"
        assert client.get("/brapi/v2/studies/2").status_code == 404
        assert client.get("/brapi/v2/observations?observationUnitDbId=nobody").status_code == 404


def _data(client: httpx.Client, call: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = client.get(f"/brapi/v2/{call}").json()["result"]["data"]
    return found


def test_photographs_are_listed_with_addresses_that_answer(api: httpx.Client) -> None:
    found = _data(api, "images?observationUnitDbId=p02")
    assert found
    assert api.get(found[0]["imageURL"]).headers["content-type"] == "image/jpeg"


def test_calibrations_are_listed_chosen_and_rolled_back(own: Path, own_api: httpx.Client) -> None:
    configuration = load_configuration(own)
    history = CellHistory(configuration)
    for day, shift in ((1, 0.0), (2, 0.002)):
        vector = [0.0] * len(NAMES)
        vector[-1] = shift
        record = CellRecord(
            made_at=datetime(2026, 11, day, tzinfo=UTC),
            kind="calibration",
            nominal=nominal_name(configuration),
            vector=tuple(vector),
            covariance=tuple(tuple(map(float, row)) for row in 1e-8 * np.eye(len(NAMES))),
            noise=(0.001, 0.1, 0.002, 0.2),
            readings=30,
            sections={},
            report=("30 postures",),
        )
        history.add(record, "calibrated")
    listed = own_api.get("/api/v1/calibrations").json()
    newest, older = listed["calibrations"]
    assert (newest["in_force"], older["in_force"], listed["in_force"]) == (True, False, newest["name"])
    assert newest["moved"][0].startswith(NAMES[-1])
    assert (newest["tag_px"], newest["length_m"]) == (0.2, 0.001)
    back = own_api.post("/api/v1/calibrations/roll-back").json()
    assert back["in_force"] == older["name"]
    assert own_api.post(f"/api/v1/calibrations/{newest['name']}/choose").json()["in_force"] == newest["name"]
    assert own_api.post("/api/v1/calibrations/none/choose").json()["in_force"] is None
    assert own_api.post("/api/v1/calibrations/nothing/choose").status_code == 404
