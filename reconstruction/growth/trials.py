"""Trials: do treatments differ, when, by how much, and how many plants it takes to see it.

Sizes are compared as natural logarithms, so that an effect is a ratio. One look: Welch's t for two groups, Welch's
analysis of variance for more. Several: the mixed model of `mixed.py` for the groups' difference over all looks, and for
its change from look to look; pairs look by look by Welch's t, with Holm's correction over all pairs and looks at once.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as f_distribution
from scipy.stats import nct, norm, t, ttest_ind

from reconstruction.growth.curve import Array
from reconstruction.growth.mixed import Mixed, fit_mixed
from trellis.errors import InputError

#: Variance of ln size within groups below which nothing was measured: no plants are alike to 0.01 %.
_LEAST_VARIANCE = 1e-8


@dataclass(frozen=True)
class Comparison:
    """Two groups on one day: how much larger the second is (0.2: 20 %), its 95 % interval, and p."""

    day: int
    first: str
    second: str
    plants: tuple[int, int]
    effect: float
    effect_low: float
    effect_high: float
    p: float
    p_holm: float


@dataclass(frozen=True)
class Trial:
    """What a trial shows; `p_groups` over all looks, `p_growth` that it stays as it is (several looks) ."""

    groups: tuple[str, ...]
    looks: tuple[int, ...]
    p_groups: float
    p_growth: float | None
    comparisons: tuple[Comparison, ...]
    spread_percent: float
    plants_needed: dict[int, int]
    model: Mixed | None


def compare(log_size: Array, days: NDArray[np.int64], group: tuple[str, ...]) -> Trial:
    """Compare groups of plants.

    Args:
        log_size: ln of what was measured, (plants, looks); NaN where a plant was not measured.
        days: Of the looks, (looks,).
        group: Of each plant.

    Raises:
        InputError: Fewer than two groups, or a group with fewer than two plants at a look.
    """
    names = tuple(dict.fromkeys(group))
    if len(names) < 2:
        raise InputError(f"a trial needs two groups and the table has {len(names)}; fill the column treatment")
    of = np.array([names.index(name) for name in group])
    for look, day in enumerate(days):
        counts = np.bincount(of[np.isfinite(log_size[:, look])], minlength=len(names))
        if counts.min() < 2:
            raise InputError(
                f"day {day}: group {names[int(counts.argmin())]!r} has {counts.min()} plants; a comparison needs two "
                "of each group, choose looks on which all were measured"
            )
        if _within(log_size[:, look], of) < _LEAST_VARIANCE:
            raise InputError(
                f"day {day}: the plants of each group are of one size; a comparison needs their spread, check the table"
            )
    pairs = _pairs(log_size, days, of, names)
    spread = np.sqrt(np.mean([_within(log_size[:, look], of) for look in range(len(days))]))
    needed = {effect: plants_needed(effect / 100, float(spread)) for effect in (10, 20, 30)}
    percent = float(100 * np.sqrt(np.expm1(spread**2)))
    looks = tuple(int(day) for day in days)
    if len(days) == 1:
        p = _welch_anova([log_size[(of == one) & np.isfinite(log_size[:, 0]), 0] for one in range(len(names))])
        return Trial(names, looks, p, None, pairs, percent, needed, None)
    model, p_groups, p_growth = _several_looks(log_size, days, of, len(names))
    return Trial(names, looks, p_groups, p_growth, pairs, percent, needed, model)


def plants_needed(effect: float, log_std: float, power: float = 0.8, level: float = 0.05) -> int:
    """Plants a group to see an effect in a two-sided t test of two groups, by the noncentral t distribution.

    Args:
        effect: By how much one group is smaller, as a share (0.1: 10 %).
        log_std: Standard deviation within a group, relative (what a coefficient of variation is).
        power: Chance of seeing it.
        level: Chance of seeing one where there is none.
    """
    if not (0 < effect < 1 and log_std > 0):
        raise InputError(f"an effect is between 0 and 1 and a spread above 0, not {effect:g} and {log_std:g}")
    for plants in range(2, 100_000):
        freedom = 2 * plants - 2
        shift = effect / log_std * np.sqrt(plants / 2)
        if nct.sf(t.isf(level / 2, freedom), freedom, shift) >= power:
            return plants
    raise InputError(f"an effect of {effect:g} at a spread of {log_std:g} needs more than 100000 plants a group")


def plants_by_rule(effect: float, log_std: float, power: float = 0.8, level: float = 0.05) -> int:
    """The same by the normal rule of thumb, 2 (z + z)^2 (spread / effect)^2, rounded: too few where it says few."""
    return round(2 * ((norm.isf(level / 2) + norm.ppf(power)) * log_std / effect) ** 2)


def _several_looks(
    log_size: Array, days: NDArray[np.int64], of: NDArray[np.int64], groups: int
) -> tuple[Mixed, float, float]:
    plant, look = np.nonzero(np.isfinite(log_size))
    cells = groups * len(days)
    design = np.eye(cells)[of[plant] * len(days) + look]
    model = fit_mixed(log_size[plant, look], design, plant, days[look].astype(float))
    against = np.eye(groups)[1:] - np.eye(groups)[0]  # (groups - 1, groups)
    freedom = len(np.unique(plant)) - groups
    mean = np.full((1, len(days)), 1 / len(days))
    change = np.eye(len(days))[1:] - np.eye(len(days))[0]
    p_groups = model.test(np.kron(against, mean), freedom)[1]
    p_growth = model.test(np.kron(against, change), freedom)[1]
    return model, p_groups, p_growth


def _pairs(
    log_size: Array, days: NDArray[np.int64], of: NDArray[np.int64], names: tuple[str, ...]
) -> tuple[Comparison, ...]:
    raw = []
    for look, day in enumerate(days):
        for first, second in combinations(range(len(names)), 2):
            one, two = (log_size[(of == group) & np.isfinite(log_size[:, look]), look] for group in (first, second))
            test = ttest_ind(two, one, equal_var=False)
            interval = test.confidence_interval(0.95)
            shares = np.expm1([two.mean() - one.mean(), interval.low, interval.high])
            raw.append(
                (int(day), names[first], names[second], (len(one), len(two)), *map(float, shares), float(test.pvalue))
            )
    adjusted = holm(np.array([row[-1] for row in raw]))
    return tuple(Comparison(*row, float(p)) for row, p in zip(raw, adjusted, strict=True))


def holm(p: Array) -> Array:
    """Holm's adjusted p-values: none of them is below the level by chance in more than that share of trials."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _welch_anova(samples: list[Array]) -> float:
    """p that all means are equal, variances need not be (Welch 1951); for two groups it is Welch's t."""
    k = len(samples)
    counts, means, variances = (
        np.array([f(one) for one in samples]) for f in (len, np.mean, lambda x: np.var(x, ddof=1))
    )
    weight = counts / np.maximum(variances, 1e-12)
    grand = (weight * means).sum() / weight.sum()
    off = ((1 - weight / weight.sum()) ** 2 / (counts - 1)).sum()
    ratio = (weight * (means - grand) ** 2).sum() / (k - 1) / (1 + 2 * (k - 2) / (k**2 - 1) * off)
    return float(f_distribution.sf(ratio, k - 1, (k**2 - 1) / (3 * off)))


def _within(values: Array, of: NDArray[np.int64]) -> float:
    """Variance of ln size within groups, pooled."""
    there = np.isfinite(values)
    sizes = [values[there & (of == group)] for group in np.unique(of[there])]
    return float(sum(((one - one.mean()) ** 2).sum() for one in sizes) / (there.sum() - len(sizes)))
