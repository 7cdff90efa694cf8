"""Weighings and notes: entered, refused where they cannot be, and taken away as the table that masses are fitted to."""

import csv
import io
from pathlib import Path

import httpx
import pytest

from reconstruction.mass_fit.table import read_table


def test_a_weighing_is_entered_and_taken_back(own_api: httpx.Client) -> None:
    made = own_api.post("/api/v1/plants/p02/weighings", json={"fresh_mass_kg": 0.041, "harvested": True})
    assert made.status_code == 201
    (found,) = own_api.get("/api/v1/plants/p02/weighings").json()
    assert (found["fresh_mass_kg"], found["harvested"], found["entered_by"]) == (0.041, True, "manager")
    assert own_api.delete(f"/api/v1/weighings/{found['id']}").status_code == 204
    assert own_api.get("/api/v1/plants/p02/weighings").json() == []


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "a fresh mass, a dry mass or both"),
        ({"fresh_mass_kg": 41}, "less than or equal to 5"),
        ({"fresh_mass_kg": 0.002, "dry_mass_kg": 0.04}, "heavier dry than fresh"),
        ({"fresh_mass_kg": 0.04, "weighed_at": "2999-01-01T00:00:00Z"}, "in the future"),
        ({"fresh_mass_kg": 0.04, "weighed_at": "2026-01-01T00:00:00"}, "timezone"),
        ({"fresh_mass_kg": 0.04, "weighed_at": "0001-01-01T00:00:00+14:00"}, "is no year"),
    ],
)
def test_a_weighing_that_cannot_be_is_refused_and_says_why(own_api: httpx.Client, given: dict, why: str) -> None:
    answer = own_api.post("/api/v1/plants/p02/weighings", json=given)
    assert answer.status_code in (409, 422)
    assert why in answer.json()["error"]


def test_notes_come_newest_first(own_api: httpx.Client) -> None:
    for text in ("pale edges", "better"):
        own_api.post("/api/v1/plants/p02/notes", json={"text": text})
    assert [note["text"] for note in own_api.get("/api/v1/plants/p02/notes").json()] == ["better", "pale edges"]
    assert own_api.post("/api/v1/plants/p02/notes", json={"text": "  "}).status_code == 422


def test_weighings_leave_as_the_table_that_a_mass_model_is_fitted_to(own_api: httpx.Client, tmp_path: Path) -> None:
    (measured,) = own_api.get("/api/v1/plants/p02").json()["measurements"]
    at = measured["measured_at"]
    own_api.post("/api/v1/plants/p02/weighings", json={"fresh_mass_kg": 0.041, "dry_mass_kg": 0.002, "weighed_at": at})
    own_api.post("/api/v1/plants/p04/weighings", json={"fresh_mass_kg": 0.03})  # never measured: nothing to fit
    path = tmp_path / "weighings.csv"
    path.write_bytes(own_api.get("/api/v1/export/weighings.csv").content)
    table = read_table(path)
    assert table.plant == ("p02",)
    assert table.column("fresh_mass_g")[0] == pytest.approx(41)
    assert table.column("leaf_area_cm2")[0] == pytest.approx(measured["traits"]["leaf_area_m2"] * 1e4, rel=1e-5)


def test_measurements_leave_as_a_table_with_reasons_and_no_formulas(api: httpx.Client) -> None:
    answer = api.get("/api/v1/export/measurements.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert "attachment" in answer.headers["content-disposition"]
    assert {row["plant"] for row in rows} == {"p01", "p02", "p03"}
    refused = next(row for row in rows if row["plant"] == "p03")
    assert refused["fresh_mass_kg"] == ""
    assert "lies above what the model was fitted on" in refused["reason"]
