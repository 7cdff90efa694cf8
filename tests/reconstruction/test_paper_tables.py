"""The tables of the experiment on made-up plants: lines with known answers, p-values against scipy and by hand."""

import numpy as np
import pytest
from scipy.stats import f_oneway, linregress, ttest_ind, ttest_rel

from reconstruction.mass_fit.paper import p_of, regression


def test_a_line_through_plants_by_hand() -> None:
    # Means 2 and 3; slope (1 * 1 + 0 * 1 + 1 * 2) / 2 = 1.5.
    line = regression(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 5.0]))
    assert (line.slope, line.intercept_g) == pytest.approx((1.5, 0.0))
    # Total 6, residuals 0.5, -1, 0.5: squares 1.5.
    assert line.r2 == pytest.approx(1 - 1.5 / 6)
    assert line.mae_g == pytest.approx(2 / 3)
    # Each from the line through the other two: 1 -> 2 - 3 = -1; 2 -> 3.5; 3 -> 2.
    assert line.left_out_mae_g == pytest.approx((3 + 1.5 + 3) / 3)
    assert line.left_out_r2 == pytest.approx(1 - (9 + 2.25 + 9) / 6)
    assert line.left_out_mape_percent == pytest.approx(100 * (3 / 2 + 1.5 / 2 + 3 / 5) / 3)


def test_a_line_agrees_with_scipy_and_lacks_nothing_for_plants_without_the_trait() -> None:
    chance = np.random.default_rng(1)
    area = chance.uniform(0.01, 0.09, 30)
    mass = 73.6 * area - 0.63 + 0.5 * chance.standard_normal(30)
    holes = np.where(np.arange(30) % 7 == 0, np.nan, area)
    line, expected = regression(holes, mass), linregress(area[np.isfinite(holes)], mass[np.isfinite(holes)])
    assert (line.slope, line.intercept_g, line.r2) == pytest.approx(
        (expected.slope, expected.intercept, expected.rvalue**2)
    )
    assert line.plants == 25


def test_too_few_plants_make_no_line() -> None:
    line = regression(np.array([1.0, 2.0, np.nan]), np.array([1.0, 2.0, 3.0]))
    assert line.plants == 2
    assert np.isnan(line.r2)


def test_two_levels_are_students_t_and_three_the_analysis_of_variance() -> None:
    chance = np.random.default_rng(2)
    groups = [chance.normal(mean, 1, 6) for mean in (0, 0.5, 2)]
    two, three = np.concatenate(groups[:2]), np.concatenate(groups)
    of = [name for name in "abc" for _ in range(6)]
    assert p_of(two, of[:12]) == pytest.approx(ttest_ind(*groups[:2]).pvalue)
    assert p_of(three, of) == pytest.approx(f_oneway(*groups).pvalue)


def test_blocks_of_two_are_the_paired_test() -> None:
    chance = np.random.default_rng(3)
    block = np.repeat(chance.normal(0, 3, 8), 2)
    values = block + np.tile([0.0, 0.7], 8) + 0.5 * chance.standard_normal(16)
    treatment, blocks = ["a", "b"] * 8, [index // 2 for index in range(16)]
    assert p_of(values, treatment, [blocks]) == pytest.approx(ttest_rel(values[::2], values[1::2]).pvalue)
    # The blocks' own differences bury the treatment where they are not taken into account.
    assert p_of(values, treatment) > 0.3


def test_a_missing_value_is_left_out_and_nothing_to_compare_is_said_so() -> None:
    values = np.array([1.0, 1.2, np.nan, 2.0, 2.1])
    assert p_of(values, list("aabbb")) == pytest.approx(ttest_ind([1.0, 1.2], [2.0, 2.1]).pvalue)
    assert np.isnan(p_of(np.array([1.0, 2.0]), ["a", "b"]))
    assert np.isnan(p_of(np.array([1.0, 2.0, 3.0]), ["a", "a", "a"]))
    assert np.isnan(p_of(np.full(3, np.nan), ["a", "a", "b"]))


def test_the_same_mean_is_found_to_differ_in_one_of_twenty_trials() -> None:
    chance = np.random.default_rng(4)
    below = [p_of(chance.standard_normal(12), ["a"] * 6 + ["b"] * 6) < 0.05 for _ in range(400)]
    # 400 trials: a standard deviation of 1.1 %; three of them.
    assert np.mean(below) == pytest.approx(0.05, abs=0.033)
