"""The tables of the published experiment: linear regressions of mass on one trait, and p-values of ages and treatments.

Source of the form: Chen et al. 2023 (arXiv 2209.08690). Occlusion coefficients are `occlusion.occlusion`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as f_distribution

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """mass = `intercept_g` + `slope` * trait over `plants` plants.

    `r2`, `mae_g` are of the line on its own plants, as published; `left_out_...` with each plant predicted from the
    others. All are NaN where fewer than three plants have the trait.
    """

    plants: int
    slope: float
    intercept_g: float
    r2: float
    mae_g: float
    left_out_r2: float
    left_out_mae_g: float
    left_out_mape_percent: float


def regression(trait: Array, mass_g: Array) -> Line:
    """Least squares of mass on one trait; rows with NaN are left out.

    Leaving a plant out is exact: its error is the residual by one less its leverage.
    """
    there = np.isfinite(trait) & np.isfinite(mass_g)
    x, y = trait[there], mass_g[there]
    if len(x) < 3 or np.ptp(x) == 0:
        return Line(len(x), *(float("nan"),) * 7)
    design = np.column_stack([np.ones(len(x)), x])
    scale = np.array([1.0, np.abs(x).max()])
    solved = np.linalg.pinv(design / scale)
    coefficients = solved @ y / scale
    residual = y - design @ coefficients
    leverage = np.einsum("ij,ji->i", design / scale, solved)
    left_out = residual / (1 - leverage)
    total = float(((y - y.mean()) ** 2).sum())
    return Line(
        len(x),
        float(coefficients[1]),
        float(coefficients[0]),
        1 - float((residual**2).sum()) / total,
        float(np.abs(residual).mean()),
        1 - float((left_out**2).sum()) / total,
        float(np.abs(left_out).mean()),
        100 * float((np.abs(left_out) / y).mean()),
    )


def p_of(values: Array, factor: Sequence[object], beside: Sequence[Sequence[object]] = ()) -> float:
    """The p-value that all levels of a factor have one mean, others taken into account: an F test of nested models.

    With two levels and nothing beside it is Student's t test, with more the analysis of variance; with a block beside
    it, the analysis of randomised blocks. Rows with NaN are left out; NaN where there is nothing to compare.

    Args:
        values: (n,).
        factor: What is tested, a level for each row.
        beside: Other factors, additive.
    """
    there = np.isfinite(values)
    y = values[there]
    others = [np.ones((len(y), 1)), *(_dummies([one for one, kept in zip(of, there, strict=True) if kept])
                                      for of in beside)]  # fmt: skip
    small = np.concatenate(others, axis=1)
    full = np.concatenate([small, _dummies([one for one, kept in zip(factor, there, strict=True) if kept])], axis=1)
    if len(y) == 0:
        return float("nan")
    ranks = [int(np.linalg.matrix_rank(design)) for design in (small, full)]
    tested, free = ranks[1] - ranks[0], len(y) - ranks[1]
    if tested == 0 or free <= 0:
        return float("nan")
    left = [float(((y - design @ np.linalg.lstsq(design, y, rcond=None)[0]) ** 2).sum()) for design in (small, full)]
    if left[1] <= 1e-12 * left[0]:
        return 0.0
    ratio = (left[0] - left[1]) / tested / (left[1] / free)
    return float(f_distribution.sf(ratio, tested, free))


def _dummies(levels: list[object]) -> Array:
    """A column for each level but the first, (n, k - 1)."""
    names = list(dict.fromkeys(levels))
    return np.array([[float(level == name) for name in names[1:]] for level in levels]).reshape(
        len(levels), max(len(names) - 1, 0)
    )
