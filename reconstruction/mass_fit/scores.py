"""How well masses are predicted: in grams, in per cent, and by how many intervals hold."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def scores(mass_g: Array, predicted_g: Array) -> dict[str, float]:
    """Share of the variance explained, mean absolute error in grams, mean and median absolute error in per cent."""
    error, share = predicted_g - mass_g, np.abs(predicted_g / mass_g - 1)
    total = float(np.sum((mass_g - mass_g.mean()) ** 2))
    return {
        "r2": 1 - float(np.sum(error**2)) / total if total > 0 else float("nan"),
        "mae_g": float(np.abs(error).mean()),
        "mape_percent": 100 * float(share.mean()),
        "median_error_percent": 100 * float(np.median(share)),
    }


def within(mass_g: Array, predicted_g: Array, groups: NDArray[np.str_]) -> dict[str, float]:
    """Share of the squared deviation from each group's own mean that is explained: skill beyond knowing the group."""
    error, deviation = 0.0, 0.0
    for group in np.unique(groups):
        rows = groups == group
        if rows.sum() > 1:
            error += float(np.sum((predicted_g[rows] - mass_g[rows]) ** 2))
            deviation += float(np.sum((mass_g[rows] - mass_g[rows].mean()) ** 2))
    return {"r2_within_age": 1 - error / deviation if deviation > 0 else float("nan")}


def rounded(value: Any) -> Any:
    """Numbers of a nested table to four digits, and None for what is not a number, for a readable JSON."""
    if isinstance(value, dict):
        return {name: rounded(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    if isinstance(value, float):
        return float(f"{value:.4g}") if np.isfinite(value) else None
    return value
