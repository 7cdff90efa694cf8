"""Trials: the mixed model against another program's figures, tests against scipy, numbers of plants as published."""

import numpy as np
import pytest
from scipy.stats import f_oneway, ttest_ind

from reconstruction.growth.mixed import fit_mixed
from reconstruction.growth.trials import compare, holm, plants_by_rule, plants_needed
from trellis.errors import InputError


def _three_groups() -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(3)
    of = np.repeat(range(3), 6)
    size = chance.normal(size=(18, 3)) * 0.1 + chance.normal(size=(18, 1)) * 0.15 + np.array([0, 0.1, 0.3])[of][:, None]
    size[4, 2] = size[11, 0] = np.nan
    return size, of


def test_random_intercept_matches_statsmodels() -> None:
    size, of = _three_groups()
    plant, look = np.nonzero(np.isfinite(size))
    got = fit_mixed(size[plant, look], np.eye(9)[of[plant] * 3 + look], plant, look * 7.0, float("inf"))
    # statsmodels 0.15.0, MixedLM(y, X, groups=plant).fit(reml=True): cov_re, scale, llf, first effects.
    assert got.plant_std**2 == pytest.approx(0.02221767, rel=1e-4)
    assert got.error_std**2 == pytest.approx(0.01162734, rel=1e-4)
    assert got.log_likelihood == pytest.approx(12.90636, abs=1e-4)
    np.testing.assert_allclose(got.effects[:3], [-0.01695421, -0.1053648, -0.08962781], atol=1e-6)
    against = np.kron(np.eye(3)[1:] - np.eye(3)[0], np.full((1, 3), 1 / 3))
    assert got.test(against, 15)[0] == pytest.approx(6.956226, rel=1e-4)  # its wald_test


def test_balanced_groups_are_tested_as_the_analysis_of_plant_means() -> None:
    chance = np.random.default_rng(5)
    size = chance.normal(size=(18, 4)) * 0.05 + chance.normal(size=(18, 1)) * 0.2
    of = np.repeat(range(3), 6)
    plant, look = np.nonzero(np.isfinite(size))
    got = fit_mixed(size[plant, look], np.eye(12)[of[plant] * 4 + look], plant, look * 1.0, float("inf"))
    against = np.kron(np.eye(3)[1:] - np.eye(3)[0], np.full((1, 4), 1 / 4))
    means = size.mean(axis=1)
    expected = f_oneway(*(means[of == group] for group in range(3)))
    assert got.test(against, 15)[1] == pytest.approx(expected.pvalue, rel=1e-3)


def test_one_look_is_welchs_test() -> None:
    size, of = _three_groups()
    two = of < 2
    trial = compare(size[two, 1:2], np.array([21]), tuple("ab"[group] for group in of[two]))
    expected = ttest_ind(size[of == 1, 1], size[of == 0, 1], equal_var=False)
    assert trial.p_groups == pytest.approx(expected.pvalue, rel=1e-6)
    assert trial.comparisons[0].p == pytest.approx(expected.pvalue, rel=1e-9)
    assert trial.p_growth is None


def test_a_treatment_that_slows_growth_is_seen_and_its_size_lies_in_the_interval() -> None:
    chance = np.random.default_rng(7)
    level = 0.13 * chance.standard_normal((24, 1))
    size = 3 + level + np.array([0.0, 0.6, 1.0]) + 0.05 * chance.standard_normal((24, 3))
    size[12:] += np.log([0.95, 0.8, 0.7])
    trial = compare(size, np.array([14, 21, 28]), ("full",) * 12 + ("poor",) * 12)
    assert trial.p_growth is not None
    assert max(trial.p_growth, trial.p_groups) < 0.01
    last = trial.comparisons[-1]
    assert last.effect_low < -0.3 < last.effect_high
    assert last.p <= last.p_holm


def test_holm_by_hand() -> None:
    # 0.01 * 3, max(0.03, 0.02 * 2), max(0.04, 0.04 * 1), in the order given.
    np.testing.assert_allclose(holm(np.array([0.04, 0.01, 0.02])), [0.04, 0.03, 0.04])


def test_plants_needed_at_cv_15_percent() -> None:
    # Published: 35, 9 and 4 a group for effects of 10, 20 and 30 %. That is the normal rule; a t test needs a few more.
    assert [plants_by_rule(effect, 0.15) for effect in (0.1, 0.2, 0.3)] == [35, 9, 4]
    assert [plants_needed(effect, 0.15) for effect in (0.1, 0.2, 0.3)] == [37, 10, 6]
    # An error of estimation as large as the spread doubles the variance, and the number.
    assert plants_needed(0.1, 0.15 * 2**0.5) == pytest.approx(2 * 37, abs=3)


def test_too_few_plants_are_refused_with_the_group() -> None:
    with pytest.raises(InputError, match="'b' has 1 plants"):
        compare(np.zeros((3, 1)), np.array([7]), ("a", "a", "b"))
    with pytest.raises(InputError, match="needs two groups"):
        compare(np.zeros((3, 1)), np.array([7]), ("a", "a", "a"))
    with pytest.raises(InputError, match="day 7: the plants of each group are of one size"):
        compare(np.zeros((4, 1)), np.array([7]), ("a", "a", "b", "b"))
