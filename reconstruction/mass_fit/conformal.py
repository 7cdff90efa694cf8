"""How wide an interval must be to hold 90 % of plants: quantiles of left-out errors, by group."""

import numpy as np
from numpy.typing import NDArray

#: Groups with fewer plants than this use the quantile of all.
SMALLEST_GROUP = 20
LEVEL = 0.9

#: Standard deviations on either side that hold 90 % of a normal error.
_NORMAL = 1.6449


def score(
    error: NDArray[np.float64], spread: NDArray[np.float64], measured: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What the quantile is taken of: |error| in spreads, less what the known error of the measurement allows.

    Args:
        error: Of ln mass, (n,).
        spread: Of ln mass among plants, as the law sees it, (n,).
        measured: S.d. of ln mass that comes from the known error of the measurement, (n,).
    """
    rest = error**2 - (_NORMAL * measured) ** 2
    return np.asarray(np.sign(rest) * np.sqrt(np.abs(rest)) / spread)


def reach(
    width: NDArray[np.float64], spread: NDArray[np.float64], measured: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Half the interval of ln mass: the largest |error| whose score is not above `width`, (n,)."""
    return np.sqrt(np.maximum(width * np.abs(width) * spread**2 + (_NORMAL * measured) ** 2, 0.0))


def half_width(scores: NDArray[np.float64], level: float = LEVEL) -> float:
    """The (1 + 1/n) * level quantile of left-out |error| / spread: the split-conformal rule (Vovk 2005), interpolated.

    Raises:
        ValueError: There is no score.
    """
    if len(scores) == 0:
        raise ValueError("an interval needs at least one score")
    return float(np.quantile(scores, min(level * (1 + 1 / len(scores)), 1.0)))


def half_widths(scores: NDArray[np.float64], groups: NDArray[np.str_]) -> dict[str, float]:
    """Half-width of each group, and under "" that of all rows."""
    names, counts = np.unique(groups, return_counts=True)
    widths = {str(name): half_width(scores[groups == name]) for name, n in zip(names, counts, strict=True)
              if n >= SMALLEST_GROUP}  # fmt: skip
    return widths | {"": half_width(scores)}


def left_out_half_widths(scores: NDArray[np.float64], groups: NDArray[np.str_]) -> NDArray[np.float64]:
    """For each row the half-width that the other rows give: what is honest to score coverage with, (n,)."""
    widths = np.empty(len(scores))
    for row, group in enumerate(groups):
        others = np.arange(len(scores)) != row
        kin = others & (groups == group)
        widths[row] = half_width(scores[kin if kin.sum() >= SMALLEST_GROUP else others])
    return widths
