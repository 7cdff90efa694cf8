"""Reconstructed plants on a MODEL of `trellis mass fit`: the same figures as for a table, units, refusals."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from reconstruction.config import reconstruction_options
from reconstruction.mass import read_mass_model
from reconstruction.mass_fit.model_file import LeafArea, fit_model, model_text, read_model
from reconstruction.mass_fit.prediction import predict_table
from reconstruction.mass_fit.table import read_table
from reconstruction.weighing import read_scale, weigh
from trellis.cli import program
from trellis.errors import InputError
from trellis.records import Traits

HEADER = "plant,cultivar,age_days,leaf_area_cm2,height_cm,fresh_mass_g"


def _table(path: Path) -> Path:
    """Plants of fresh = 0.02 area^1.1, 8 % log-normal error."""
    chance = np.random.default_rng(4)
    rows = []
    for index in range(40):
        age = chance.uniform(10, 45)
        area = 0.9 * age**2 * np.exp(0.25 * chance.standard_normal())
        mass = 0.02 * area**1.1 * np.exp(0.08 * chance.standard_normal())
        height = 2 * area**0.25 * np.exp(0.1 * chance.standard_normal())
        rows.append(f"p{index},Lugano,{age:.2f},{area:.2f},{height:.2f},{mass:.4f}")
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


def _model(folder: Path, leaf_area: LeafArea | None) -> str:
    path = folder / "own.json"
    model = fit_model(read_table(_table(folder / "t.csv")), "t.csv", leaf_area=leaf_area)
    path.write_text(model_text(model), encoding="utf-8")
    return str(path)


def _traits(area_cm2: float, std_cm2: float = 0.0, **changed: Any) -> Traits:
    values: dict[str, Any] = {
        "images_given": 64,
        "images_registered": 64,
        "reprojection_error_px": 0.5,
        "scale_source": "poses",
        "leaf_area_m2": area_cm2 / 1e4,
        "leaf_area_std_m2": std_cm2 / 1e4,
        "height_m": 0.1,
    }
    return Traits(**(values | changed))


def test_a_plant_weighs_what_the_same_row_of_a_table_weighs(tmp_path: Path) -> None:
    path = _model(tmp_path, "seen")
    (tmp_path / "asked.csv").write_text(
        "plant,cultivar,age_days,leaf_area_cm2,leaf_area_std_cm2,height_cm\nq,Lugano,30,800,80,10\n"
    )
    expected = predict_table(read_table(tmp_path / "asked.csv"), read_model(Path(path)))[0].masses_g["fresh_mass_g"]
    found = weigh(_traits(800, 80), read_scale(path), 30.0, "Lugano")
    got = (found.fresh_mass_kg, found.fresh_mass_low_kg, found.fresh_mass_high_kg)
    assert np.multiply(got, 1e3) == pytest.approx(expected, rel=1e-9)
    # The law that made the plants, in grams; 40 plants of 8 % place it within a few per cent.
    assert found.fresh_mass_kg == pytest.approx(0.02e-3 * 800**1.1, rel=0.08)
    assert found.dry_mass_kg is None
    assert found.model.startswith("own (")


def test_areas_of_a_meter_are_compared_with_the_whole_area_inferred(tmp_path: Path) -> None:
    path = _model(tmp_path, "total")
    seen = weigh(_traits(700), read_scale(path), 30.0, "Lugano")
    total_cm2 = read_mass_model().hidden_leaves.total_cm2(700)
    whole = weigh(_traits(total_cm2), read_scale(_model(tmp_path, "seen")), 30.0, "Lugano")
    assert seen.fresh_mass_kg == pytest.approx(whole.fresh_mass_kg, rel=1e-6)
    # What is hidden is not known exactly: the interval is wider than for an area that is.
    assert seen.fresh_mass_high_kg / seen.fresh_mass_low_kg > whole.fresh_mass_high_kg / whole.fresh_mass_low_kg


def test_a_model_that_does_not_say_which_area_it_means_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--leaf-area total"):
        read_scale(_model(tmp_path, None))


@pytest.mark.parametrize(
    ("traits", "age_days", "cultivar", "reason"),
    [
        (_traits(800, trusted=False, untrusted_reason="two plants grown together"), 30.0, "Lugano", "two plants grown"),
        (_traits(800, scale_source="none"), 30.0, "Lugano", "no scale"),
        (_traits(800), None, "Lugano", "no age_days is given"),
        (_traits(800), 30.0, None, "no cultivar is given"),
        (_traits(800), 30.0, "Satine", "the cultivar 'Satine' is not among"),
        (_traits(90000), 30.0, "Lugano", "leaf_area_cm2 90000 is outside the training range"),
        (_traits(800, height_m=None), 30.0, "Lugano", "no height_cm is given"),
        (_traits(0), 30.0, "Lugano", "no leaf_area_cm2 is given"),
    ],
)
def test_refuses_with_the_reason_and_no_number(
    tmp_path: Path, traits: Traits, age_days: float | None, cultivar: str | None, reason: str
) -> None:
    found = weigh(traits, read_scale(_model(tmp_path, "seen")), age_days, cultivar)
    assert reason in (found.refused_reason or "")
    assert set(found.model_dump(exclude={"model", "refused_reason"}).values()) == {None}


def test_the_laws_that_come_with_trellis_weigh_as_before() -> None:
    found = weigh(_traits(500), read_scale("lettuce-published"))
    assert found.model == "lettuce-published"
    assert found.fresh_mass_kg is not None


def test_reconstruct_refuses_a_model_before_it_begins(tmp_path: Path) -> None:
    content = json.loads(Path(_model(tmp_path, "seen")).read_text())
    content["laws"]["fresh_mass_g"]["weights"].pop()
    (tmp_path / "torn.json").write_text(json.dumps(content))
    (tmp_path / "images").mkdir()
    for model, said in (("torn.json", "does not fit its rows"), ("none.json", "cannot read the mass model")):
        result = CliRunner().invoke(program, ["reconstruct", str(tmp_path), "--mass-model", str(tmp_path / model)])
        assert result.exit_code != 0
        assert said in str(result.exception)


def test_a_model_beside_the_configuration_is_found_and_the_option_comes_before_it(tmp_path: Path) -> None:
    (tmp_path / "farm.toml").write_text('[reconstruction]\nmass_model = "own.json"\n')
    assert reconstruction_options(tmp_path / "farm.toml").mass_model == str(tmp_path / "own.json")
    assert reconstruction_options(tmp_path / "farm.toml", "lettuce-published").mass_model == "lettuce-published"
    assert reconstruction_options(None).mass_model == "lettuce-published"
