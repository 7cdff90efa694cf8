"""Laws of mass fitted to made-up plants of known laws, and to real heads where they are at hand."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone

from reconstruction.mass_fit.conformal import half_width, left_out_half_widths
from reconstruction.mass_fit.evaluation import evaluate_table
from reconstruction.mass_fit.features import Scaling
from reconstruction.mass_fit.model_file import Model, fit_model, model_text, read_model
from reconstruction.mass_fit.occlusion import occlusion
from reconstruction.mass_fit.prediction import Prediction, predict_table, predictions_text
from reconstruction.mass_fit.process import LogMassProcess
from reconstruction.mass_fit.scores import scores, within
from reconstruction.mass_fit.table import MassTable, read_table
from trellis.errors import InputError

WEIGHED = Path(__file__).parents[2].parent / "shared" / "data" / "lettuce_mass" / "leaf_area_mass.csv"
needs_weighed_heads = pytest.mark.skipif(not WEIGHED.is_file(), reason="../shared/data/lettuce_mass is not here")

HEADER = "plant,cultivar,age_days,leaf_area_cm2,fresh_mass_g,dry_mass_g"
SPREAD = 0.1


def _made_up(seed: int, count: int, cultivars: dict[str, float], spread: float = SPREAD) -> list[str]:
    """Plants of the law fresh = level * area^1.1 * age^0.3, dry = fresh / 25, with log-normal error in each."""
    chance = np.random.default_rng(seed)
    rows = []
    for name, level in cultivars.items():
        for index in range(count):
            age = chance.uniform(10, 49)
            area = 0.9 * age**2 * np.exp(0.25 * chance.standard_normal())
            fresh = level * area**1.1 * age**0.3 * np.exp(spread * chance.standard_normal())
            dry = fresh / 25 * np.exp(spread * chance.standard_normal())
            rows.append(f"{name}{index},{name},{age:.3f},{area:.2f},{fresh:.4f},{dry:.5f}")
    return rows


def _table(folder: Path, rows: list[str], header: str = HEADER, name: str = "table.csv") -> MassTable:
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return read_table(path)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    rows = _made_up(1, 60, {"A": 0.01, "B": 0.02})
    return fit_model(_table(tmp_path_factory.mktemp("mass"), rows), "made-up")


def _asked(folder: Path, model: Model, *rows: str) -> list[Prediction]:
    return predict_table(_table(folder, list(rows), "plant,cultivar,age_days,leaf_area_cm2", "asked.csv"), model)


def test_recovers_the_law_that_made_the_plants(tmp_path: Path, model: Model) -> None:
    asked = _asked(tmp_path, model, "p,A,30,800", "q,B,30,800")
    # 60 plants of 10 % error place a law within about 3 %; bends that must be learnt to be absent cost some more. Mean
    # and median of a log-normal of 10 % differ by 0.5 %.
    for one, level in zip(asked, (0.01, 0.02), strict=True):
        assert one.masses_g["fresh_mass_g"][0] == pytest.approx(level * 800**1.1 * 30**0.3, rel=0.06)
        assert one.masses_g["dry_mass_g"][0] == pytest.approx(level * 800**1.1 * 30**0.3 / 25, rel=0.08)


def test_finds_the_spread_of_the_plants(model: Model) -> None:
    # Tails are modelled as Student's t, whose scale for normal errors is about a seventh below their s.d.
    assert model.file.laws["fresh_mass_g"].learnt["noise"] == pytest.approx(SPREAD, rel=0.3)


def test_intervals_hold_nine_of_ten_new_plants(tmp_path: Path, model: Model) -> None:
    rows = _made_up(2, 500, {"A": 0.01, "B": 0.02})
    new = _table(tmp_path, rows)
    predictions = predict_table(new, model)
    inside = [
        one.masses_g["fresh_mass_g"][1] <= mass <= one.masses_g["fresh_mass_g"][2]
        for one, mass in zip(predictions, new.column("fresh_mass_g"), strict=True)
        if one.masses_g
    ]
    assert len(inside) > 900
    # Calibrated on 60 plants a cultivar, coverage has a s.d. of sqrt(0.9 * 0.1 / 120) = 2.7 %; two of those.
    assert np.mean(inside) == pytest.approx(0.9, abs=0.055)


def test_an_error_in_the_measured_area_widens_the_interval(tmp_path: Path, model: Model) -> None:
    header = "plant,cultivar,age_days,leaf_area_cm2,leaf_area_std_cm2"
    exact, vague = predict_table(_table(tmp_path, ["p,A,30,800,0", "q,A,30,800,160"], header), model)
    low, high = exact.masses_g["fresh_mass_g"][1:]
    wide_low, wide_high = vague.masses_g["fresh_mass_g"][1:]
    # 20 % beside 10 % of plants' own spread: sqrt(0.2^2 + 0.1^2) / 0.1 = 2.2 times as wide in the logarithm.
    assert np.log(wide_high / wide_low) / np.log(high / low) == pytest.approx(2.2, rel=0.15)


def test_a_copying_error_does_not_pull_the_law_and_is_named(tmp_path: Path, model: Model) -> None:
    rows = _made_up(1, 60, {"A": 0.01, "B": 0.02})
    cells = rows[7].split(",")
    cells[4] = f"{float(cells[4]) / 10:.4f}"
    robust = fit_model(_table(tmp_path, [*rows[:7], ",".join(cells), *rows[8:]]), "with an error")
    assert "A7" in robust.file.laws["fresh_mass_g"].unlike_the_others
    straight = _asked(tmp_path, model, "p,A,30,800")[0].masses_g["fresh_mass_g"][0]
    pulled = _asked(tmp_path, robust, "p,A,30,800")[0].masses_g["fresh_mass_g"][0]
    # One plant in 60, off by ln 10, would pull a mean of logarithms by 4 %.
    assert pulled == pytest.approx(straight, rel=0.015)


def test_a_cultivar_of_three_plants_leans_on_the_others(tmp_path: Path) -> None:
    rows = _made_up(3, 40, {"A": 0.010, "B": 0.011, "C": 0.0105}) + _made_up(4, 3, {"D": 0.0105}, spread=0.3)
    few = fit_model(_table(tmp_path, rows), "few of D")
    predicted = _asked(tmp_path, few, "p,D,30,800")[0].masses_g["fresh_mass_g"][0]
    own = [np.log(float(row.split(",")[4]) / (float(row.split(",")[3]) ** 1.1 * float(row.split(",")[2]) ** 0.3))
           for row in rows[-3:]]  # fmt: skip
    alone = np.exp(np.mean(own)) * 800**1.1 * 30**0.3
    truth = 0.0105 * 800**1.1 * 30**0.3
    assert abs(np.log(predicted / truth)) < 0.5 * abs(np.log(alone / truth))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("p,A,30,99000", "leaf_area_cm2 99000 is outside the training range"),
        ("p,A,90,800", "age_days 90 is outside the training range"),
        ("p,C,30,800", "the cultivar 'C' is not among those fitted on: A, B"),
        ("p,,30,800", "no cultivar is given"),
        ("p,A,,800", "no age_days is given"),
        ("p,A,11,1800", "together are unlike any plant"),
    ],
)
def test_refuses_what_it_does_not_know_and_says_why(tmp_path: Path, model: Model, row: str, reason: str) -> None:
    refused = _asked(tmp_path, model, row)
    assert reason in refused[0].reason
    line = predictions_text(refused).splitlines()[1]
    assert line.startswith("p,,,,,,,")


def test_predictions_have_the_promised_columns(tmp_path: Path, model: Model) -> None:
    lines = predictions_text(_asked(tmp_path, model, "p,A,30,800")).splitlines()
    assert lines[0] == (
        "plant,fresh_mass_g,fresh_mass_low_g,fresh_mass_high_g,dry_mass_g,dry_mass_low_g,dry_mass_high_g,reason"
    )
    _, fresh, low, high, dry, dry_low, dry_high, reason = lines[1].split(",")
    assert float(low) < float(fresh) < float(high)
    assert float(dry_low) < float(dry) < float(dry_high)
    assert reason == ""


def test_a_model_read_back_predicts_the_same(tmp_path: Path, model: Model) -> None:
    (tmp_path / "model.json").write_text(model_text(model), encoding="utf-8")
    again = read_model(tmp_path / "model.json")
    first, second = (_asked(tmp_path, one, "p,A,30,800")[0].masses_g["dry_mass_g"] for one in (model, again))
    assert second == pytest.approx(first, rel=1e-4)  # the file holds five digits of each weight
    assert again.file == model.file


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"format": "trellis mass model 2"}', encoding="utf-8")
    with pytest.raises(InputError, match=r"model\.json: not a model of `trellis mass fit`: format"):
        read_model(tmp_path / "model.json")


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        ("plant,leaf_aera_cm2", "a,1", "unknown column 'leaf_aera_cm2'; the nearest is 'leaf_area_cm2'"),
        ("plant,plant", "a,b", "the column 'plant' stands twice"),
        ("plant,height_cm", "a", "line 2: 1 cells for 2 columns"),
        ("plant,height_cm", "a,tall", "line 2: height_cm is 'tall', which is no number"),
        ("plant,height_cm", "a,-3", "line 2: height_cm is -3; it must be finite and above zero"),
        ("plant,completeness", "a,1.2", "it must be above 0 and at most 1"),
    ],
)
def test_a_table_is_read_strictly(tmp_path: Path, header: str, row: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        _table(tmp_path, [row], header)


def test_weeks_of_harvest_are_ages(tmp_path: Path) -> None:
    assert _table(tmp_path, ["a,3"], "plant,harvest_week").column("age_days") == pytest.approx([21])
    assert _table(tmp_path, ["a,3"], "plant,harvest").column("age_days") == pytest.approx([21])
    assert np.isnan(_table(tmp_path, ["a,first"], "plant,harvest").column("age_days")).all()


def test_too_few_plants_make_no_law(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="too few weighed plants"):
        fit_model(_table(tmp_path, _made_up(1, 5, {"A": 0.01})), "five")


def test_a_law_without_cultivars_is_one_for_all(tmp_path: Path) -> None:
    rows = [",".join(row.split(",")[:1] + row.split(",")[2:]) for row in _made_up(6, 12, {"A": 0.01})]
    nameless = fit_model(_table(tmp_path, rows, HEADER.replace("cultivar,", "")), "nameless")
    assert _asked(tmp_path, nameless, f"p,Any,{rows[0].split(',')[1]},{rows[0].split(',')[2]}")[0].masses_g


def test_leaving_a_plant_out_by_formula_equals_leaving_it_out(model: Model) -> None:
    process = model.laws["fresh_mass_g"].process
    middle, _, doubt = process.left_out(np.arange(len(process.y_)).astype(str))
    others = np.arange(len(process.y_)) != 5
    fresh = clone(process)
    fresh.restore(process.X_[others], process.y_[others], process.theta_, process.weights_[others])
    # The level's prior is wide but not flat, and the mean that it is about moves by a hundredth.
    assert fresh.predict(process.X_[5:6])[0] == pytest.approx(middle[5], abs=1e-3)
    assert fresh.doubt(process.X_[5:6])[0] == pytest.approx(doubt[5], rel=1e-3)


def test_shape_is_what_size_does_not_say() -> None:
    chance = np.random.default_rng(0)
    size = np.exp(chance.standard_normal(200))
    values: NDArray[np.float64] = np.column_stack([size, 3 * size**0.2 * np.exp(0.1 * chance.standard_normal(200))])
    scaled = Scaling.of(values, 1).scaled(values)
    assert np.corrcoef(scaled.T)[0, 1] == pytest.approx(0, abs=1e-9)
    assert scaled.std(0) == pytest.approx([1, 1])


def test_half_widths_are_quantiles_of_the_others() -> None:
    # (1 + 1/19) * 0.9 of 19 equally spaced scores 1..19 lies at 1 + 18 * 0.94737.
    assert half_width(np.arange(1.0, 20.0)) == pytest.approx(1 + 18 * 0.9 * 20 / 19)
    ordinary = np.ones(30)
    ordinary[3] = 100.0
    assert left_out_half_widths(ordinary, np.array(["a"] * 30))[3] == pytest.approx(1)


def test_scores_match_hand_values() -> None:
    mass, predicted = np.array([1.0, 2.0, 3.0, 6.0]), np.array([1.0, 3.0, 3.0, 6.0])
    assert scores(mass, predicted)["r2"] == pytest.approx(1 - 1 / 14)
    assert scores(mass, predicted)["mape_percent"] == pytest.approx(12.5)
    # Groups (1, 2) and (3, 6) deviate by 0.5 and 4.5 squared grams from their own means.
    assert within(mass, predicted, np.array(["a", "a", "b", "b"]))["r2_within_age"] == pytest.approx(1 - 1 / 5)


def test_occlusion_finds_the_coefficient_that_made_the_trait() -> None:
    mass = np.linspace(1, 10, 30)
    found = occlusion(mass, {"projected_area_cm2": 400 * (1 - np.exp(-0.5 * mass)), "age_days": mass})
    assert list(found) == ["projected_area_cm2"]
    assert found["projected_area_cm2"]["per_gram"] == pytest.approx(0.5, rel=1e-3)


def test_beers_law_finds_its_extinction() -> None:
    mass, disc = np.linspace(1, 10, 30), np.pi / 4 * 20**2
    leaves = 100 * mass
    traits = {"projected_area_cm2": disc * (1 - np.exp(-0.7 * leaves / disc)), "leaf_area_cm2": leaves}
    found = occlusion(mass, traits | {"diameter_cm": np.full(30, 20.0)})
    assert found["Beer's law"]["extinction"] == pytest.approx(0.7, rel=1e-3)


def test_evaluation_stands_beside_age_alone_and_within_age(tmp_path: Path) -> None:
    rows = [f"{row},{round(float(row.split(',')[2]) / 7)}" for row in _made_up(5, 60, {"A": 0.01})]
    found = evaluate_table(_table(tmp_path, rows, HEADER + ",harvest"))["masses"]["fresh_mass_g"]["models"]
    for what in ("plant", "harvest"):
        ours, age = found["process"][what]["all"], found["age alone"][what]["all"]
        # The plants' spread given area is 10 %, given age alone about 30 %: nine times the squared error.
        assert 1 - ours["r2"] < 0.4 * (1 - age["r2"])
    assert set(found) == {"process", "age alone", "linear in leaf_area_cm2"}
    assert "r2_within_age" in found["linear in leaf_area_cm2"]["harvest"]["A"]


def test_kinds_are_scikit_learn_regressors() -> None:
    power = clone(LogMassProcess(leading=1, kind="power"))
    size = np.linspace(-1, 1, 20)
    X = np.column_stack([np.zeros(20), np.zeros(20), size])
    noise = 0.01 * np.random.default_rng(0).standard_normal(20)
    assert power.fit(X, 2 * size + noise).score(X, 2 * size) > 0.999


@needs_weighed_heads
def test_real_heads_left_out_meet_the_published_bars() -> None:
    # FACTS.md section 6: a power law in area and age. Plant 163's dry mass is a copying error (0.36 g beside 2 to 4).
    table = read_table(WEIGHED)
    fitted = fit_model(table, WEIGHED.name)
    assert "163" in fitted.file.laws["dry_mass_g"].unlike_the_others
    errors = {mass: fitted.file.laws[mass].left_out for mass in ("fresh_mass_g", "dry_mass_g")}
    assert errors["dry_mass_g"]["Lugano"]["r2"] >= 0.94
    assert errors["dry_mass_g"]["Lugano"]["mae_g"] <= 0.69
    assert errors["dry_mass_g"]["Salanova"]["r2"] >= 0.965  # with plant 163 scored; 0.97 without it
    assert errors["dry_mass_g"]["Salanova"]["mae_g"] <= 0.465  # likewise; 0.46 without it
    assert errors["fresh_mass_g"]["Lugano"]["mape_percent"] <= 13
    assert errors["fresh_mass_g"]["Salanova"]["mape_percent"] <= 7.05  # 7.0 to its rounding
