"""Growth on made-up plants of known curves: the smoother against a dense solve, outliers, gaps, forecasts, findings."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from reconstruction.growth.batch import fit_batch, repaired
from reconstruction.growth.curve import SIZES, gradient, knots_for, log_size, prior
from reconstruction.growth.findings import Finding, Kind, find
from reconstruction.growth.forecast import batch_forecast, forecast
from reconstruction.growth.looks import Looks, looks
from reconstruction.growth.state_space import smooth
from reconstruction.growth.yellowing import find_yellowing

MASS = SIZES["fresh_mass_g"]
NOISE = 0.05


def _true_log_mass(days: NDArray[np.int64]) -> NDArray[np.float64]:
    """Expolinear growth as printed in the source: c 9 g/day, r 0.25 /day, tb 18 days."""
    return np.log(9 / 0.25 * np.log1p(np.exp(0.25 * (days - 18.0))))


def _batch(seed: int, plants: int = 10, noise: float = NOISE, last: int = 34) -> tuple[Looks, NDArray[np.float64]]:
    """Looks and truth; plants differ by 10 % from the first day to the last and wander by 2 % a day."""
    chance = np.random.default_rng(seed)
    days = np.arange(8, last + 1)
    wander = np.cumsum(0.02 * chance.standard_normal((plants, len(days))), axis=1)
    truth = _true_log_mass(days) + 0.1 * chance.standard_normal((plants, 1)) + wander
    measured = truth + noise * chance.standard_normal(truth.shape)
    names = tuple(f"p{number}" for number in range(plants))
    return looks(MASS, names, days, measured, np.full(truth.shape, noise)), truth


def _changed(seen: Looks, plant: int, where: slice | int, by: float) -> Looks:
    values = seen.log_size.copy()
    values[plant, where] += by
    return replace(seen, log_size=values)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
def test_gradient_of_the_curve_matches_finite_differences(size: object) -> None:
    knots, days = knots_for(np.array([8, 20])), np.linspace(-150, 60, 9)
    parameters = np.concatenate([[2.0, -1.3, 17.0], 0.1 * np.sin(np.arange(len(knots)))])
    step = 1e-5
    ends = [[log_size(size, parameters + k * step * axis, days, knots) for k in (-1, 1)]
            for axis in np.eye(len(parameters))]  # fmt: skip
    numeric = np.stack([(high - low) / (2 * step) for low, high in ends], axis=-1)
    # Central differences of values near 10 at 1e-5 leave 1e-8.
    np.testing.assert_allclose(gradient(size, parameters, days, knots), numeric, atol=1e-7)


def test_knots_do_not_move_as_days_are_added() -> None:
    few, more = knots_for(np.arange(9, 20)), knots_for(np.arange(9, 31))
    np.testing.assert_array_equal(more[: len(few)], few)
    assert few[0] <= 9
    assert few[-1] >= 19 + 16  # the forecast's first two weeks


def test_the_bend_before_any_measurement_has_the_spread_of_real_batches() -> None:
    knots = knots_for(np.arange(10, 30))
    _, covariance = prior(knots)
    # 0.12 at each knot; knots 4 days apart with a length of 6 days: exp(-(4/6)^2 / 2) = 0.80.
    assert np.sqrt(covariance[5, 5]) == pytest.approx(0.12, rel=1e-3)
    assert covariance[5, 6] / covariance[5, 5] == pytest.approx(0.80, abs=0.01)


def test_smoother_equals_the_dense_solution() -> None:
    seen, _ = _batch(1, plants=3, last=20)
    values = seen.log_size.copy()
    values[0, 4:7] = np.nan
    seen = replace(seen, log_size=values)
    curve = fit_batch(seen)
    got = smooth(seen, curve)
    # The same model as one Gaussian over all days of plant 0: no recursion, no code of the smoother.
    days = seen.days.astype(float)
    slope = gradient(MASS, curve.parameters, days, curve.knots)
    apart = np.abs(seen.days[:, None] - seen.days[None])
    prior = slope @ curve.others_covariance[0] @ slope.T + 0.135**2 * np.exp(-apart / 27)
    middle = log_size(MASS, curve.parameters, days, curve.knots) + slope @ curve.others_mean[0]
    known = seen.seen[0]
    gain = prior[:, known] @ np.linalg.inv(prior[np.ix_(known, known)] + NOISE**2 * np.eye(known.sum()))
    mean = middle + gain @ (seen.log_size[0, known] - middle[known])
    covariance = prior - gain @ prior[known]
    np.testing.assert_allclose(got.log_size[0], mean, atol=1e-8)
    np.testing.assert_allclose(got.log_size_std[0], np.sqrt(np.diag(covariance)), atol=1e-8)
    growth_variance = covariance[5, 5] + covariance[4, 4] - 2 * covariance[5, 4]
    np.testing.assert_allclose(got.rate_per_day[0, 5], mean[5] - mean[4], atol=1e-8)
    np.testing.assert_allclose(got.rate_std_per_day[0, 5], np.sqrt(growth_variance), atol=1e-8)


def test_smoothing_is_nearer_to_the_truth_than_the_measurement_and_says_how_near() -> None:
    seen, truth = _batch(2, plants=20, noise=0.1)
    got = smooth(seen, fit_batch(seen))
    measured_error = np.sqrt(np.mean((seen.log_size - truth) ** 2))
    assert np.sqrt(np.mean((got.log_size - truth) ** 2)) < 0.6 * measured_error
    inside = np.abs(got.log_size - truth) < 1.645 * got.log_size_std
    # 540 correlated days: a few per cent of chance about 90 %, and plants that wander less than real ones.
    assert 0.85 < inside.mean() <= 0.99


def test_a_gap_widens_the_interval_and_keeps_the_growth() -> None:
    seen, truth = _batch(3)
    values = seen.log_size.copy()
    values[0, 10:16] = np.nan
    got = smooth(seen, fit_batch(seen))
    with_gap = smooth(replace(seen, log_size=values), fit_batch(replace(seen, log_size=values)))
    assert with_gap.log_size_std[0, 13] > 1.3 * got.log_size_std[0, 13]
    assert np.all(np.abs(with_gap.log_size - truth)[0, 10:16] < 3 * with_gap.log_size_std[0, 10:16])


def test_one_outlier_hardly_moves_the_smooth_curve() -> None:
    seen, _ = _batch(4)
    clean = smooth(*repaired(seen))
    wrong = smooth(*repaired(_changed(seen, 0, 12, np.log(2))))
    # One measurement of 5 % has a share in its own day; losing it may move the curve by about that.
    assert np.abs(wrong.log_size - clean.log_size).max() < NOISE


def test_a_jump_is_followed_at_once() -> None:
    seen, truth = _batch(5)
    truth = truth.copy()
    truth[0, 14:] += np.log(0.6)
    got = smooth(*repaired(_changed(seen, 0, slice(14, None), float(np.log(0.6)))))
    assert np.abs(got.log_size[0] - truth[0]).max() < 3 * NOISE


def test_forecast_interval_holds_the_day_and_the_batch_says_its_own() -> None:
    seen, truth = _batch(6, plants=20, last=44)
    target = 150.0
    early = seen.until(18)
    curve = fit_batch(early)
    said = forecast(curve, smooth(early, curve), float(early.days[-1]), target)
    day = seen.days[(truth >= np.log(target)).argmax(axis=1)] - 0.5
    inside = (said.low_day - 0.5 <= day) & (day <= said.high_day + 0.5)
    assert inside.mean() >= 0.8  # 20 plants of a 90 % interval: 16 or more in 96 of 100 cases
    # W = c/r ln(1 + exp z) = 150 at r = 0.25, c = 9: z = ln(exp(150 / 36) - 1) = 4.151, day = 18 + 4.151 / 0.25.
    assert batch_forecast(curve, 8.0, target) == pytest.approx(34.6, abs=2.5)
    assert np.array_equal(forecast(curve, smooth(early, curve), 25.0, target).day, said.day)  # repeatable


def test_forecast_of_a_target_out_of_reach_is_open() -> None:
    seen, _ = _batch(7)
    curve = fit_batch(seen)
    assert np.isinf(forecast(curve, smooth(seen, curve), 34.0, 5000.0).day).all()


def _found(seen: Looks, kind: Kind) -> list[Finding]:
    return [finding for finding in find(seen) if finding.kind is kind]


def _new(changed: Looks, healthy: Looks) -> list[Finding]:
    """Findings about what was changed: one false alarm in 500 plant-days is allowed, so some batches have theirs."""
    usual = {(finding.plant, finding.day) for finding in find(healthy)}
    return [finding for finding in find(changed) if (finding.plant, finding.day) not in usual]


def test_healthy_plants_give_no_finding() -> None:
    assert list(find(_batch(8)[0])) == []


def test_a_drop_of_30_percent_is_found_within_a_day_and_told_once() -> None:
    seen = _changed(_batch(9)[0], 3, slice(15, None), float(np.log(0.7)))
    (finding,) = find(seen)
    assert (finding.plant, finding.kind, finding.since_day) == ("p3", Kind.WILTING, 23)
    assert finding.day - 23 <= 1
    assert finding.change == pytest.approx(-0.3, abs=0.1)
    assert "its own past and its batch" in finding.reason


def test_a_drop_to_a_fifth_is_a_fallen_plant() -> None:
    seen = _changed(_batch(10)[0], 2, slice(15, None), float(np.log(0.2)))
    assert [finding.plant for finding in _found(seen, Kind.FALLEN)] == ["p2"]


def test_growth_that_stops_is_stunting_or_falls_within_a_week() -> None:
    seen, truth = _batch(11)
    lag = truth[4, 15] - truth[4, 15:]
    found = _new(_changed(seen, 4, slice(15, None), lag), seen)
    assert {finding.plant for finding in found} == {"p4"}
    assert found[0].day <= seen.days[15] + 7


def test_slow_growth_is_stunting() -> None:
    seen, _ = _batch(12, noise=0.03)
    slow = -0.06 * np.arange(len(seen.days) - 12)
    found = _found(_changed(seen, 1, slice(12, None), slow), Kind.STUNTING)
    assert found
    assert {finding.plant for finding in found} == {"p1"}


def test_an_error_upwards_is_one_finding_and_its_end_is_none() -> None:
    seen, _ = _batch(13)
    (finding,) = _new(_changed(seen, 0, 14, float(np.log(2.2))), seen)
    assert (finding.kind, finding.day) == (Kind.RISE, 22)


def test_a_whole_batch_that_hangs_is_one_finding() -> None:
    seen, _ = _batch(14)
    values = seen.log_size.copy()
    values[:, 18] += np.log(0.75)
    found = [finding for finding in find(replace(seen, log_size=values), "red") if finding.day == seen.days[18]]
    assert [(finding.plant, finding.kind) for finding in found] == [("red", Kind.WHOLE_BATCH)]


def test_a_plant_looked_for_in_vain_is_missing_the_same_day_and_a_gap_is_not() -> None:
    seen, _ = _batch(15)
    values, absent = seen.log_size.copy(), seen.absent.copy()
    values[0, 12:14] = np.nan  # two looks left out: no finding
    values[1, 20:] = np.nan
    absent[1, 20:] = True
    (finding,) = find(replace(seen, log_size=values, absent=absent))
    assert (finding.plant, finding.kind, finding.day) == ("p1", Kind.MISSING, seen.days[20])


def test_a_plant_that_turns_yellow_is_told_on_the_second_look_and_a_yellow_batch_is_not() -> None:
    chance = np.random.default_rng(16)
    share = 0.03 + 0.02 * chance.random((8, 12))
    share[5, 6:] += 0.2
    names = tuple("abcdefgh")
    (finding,) = find_yellowing(names, np.arange(12), share)
    assert (finding.plant, finding.day, finding.kind) == ("f", 7, Kind.YELLOWING)
    everywhere = 0.03 + 0.02 * np.arange(12) + np.zeros((8, 12))
    assert not list(find_yellowing(names, np.arange(12), everywhere))
