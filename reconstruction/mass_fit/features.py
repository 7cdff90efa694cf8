"""From the columns of a table to the numbers a model regresses on: logarithms, scaled by what it was fitted on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reconstruction.mass_fit.table import STD, TRAITS, MassTable

#: Traits that say how big a plant is, the best first.
SIZES = ("leaf_area_cm2", "volume_cm3", "projected_area_cm2", "height_cm", "diameter_cm")

#: A column is used when at least this share of the weighed rows has it.
_FILLED = 0.9

_SMALLEST_SPREAD = 1e-9


def usable_columns(table: MassTable, weighed: NDArray[np.bool_]) -> tuple[str, ...]:
    """Columns to fit on, the size first, then the age where there is one, then shape; empty where no size is known.

    A column that hardly varies says nothing and is left out.
    """
    if not weighed.any():
        return ()
    good = [name for name in TRAITS if name in table.numbers and _says_something(table.numbers[name][weighed])]
    size = next((name for name in SIZES if name in good), None)
    if size is None:
        return ()
    age = [name for name in good if name == "age_days"]
    return (size, *age, *(name for name in good if name not in (size, "age_days")))


def raw(table: MassTable, columns: tuple[str, ...]) -> NDArray[np.float64]:
    """The named columns as they stand, (n, len(columns))."""
    return np.column_stack([table.column(name) for name in columns])


def area_log_std(table: MassTable, columns: tuple[str, ...]) -> NDArray[np.float64]:
    """Standard deviation of the logarithm of the measured leaf area, zero where nobody said, (n,)."""
    if columns[0] != "leaf_area_cm2" or STD not in table.numbers:
        return np.zeros(len(table))
    return np.nan_to_num(table.column(STD) / table.column("leaf_area_cm2"))


@dataclass(frozen=True)
class Scaling:
    """Logarithms to zero mean and unit spread; what size and age already say is taken out of the shape.

    Args:
        leading: How many of the columns lead (size, and age): 1 or 2.
        mean, spread: Of the logarithms that lead, (leading,).
        shape_from_leading: Regression of the other logarithms on 1 and the scaled leading ones, (1 + leading, k).
        shape_spread: Of what is left, (k,).
    """

    leading: int
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    shape_from_leading: NDArray[np.float64]
    shape_spread: NDArray[np.float64]

    @staticmethod
    def of(values: NDArray[np.float64], leading: int) -> "Scaling":
        """From the rows of a training table, (n, columns), all above zero."""
        logs = np.log(values)
        mean, spread = logs[:, :leading].mean(0), np.maximum(logs[:, :leading].std(0), _SMALLEST_SPREAD)
        base = np.column_stack([np.ones(len(logs)), (logs[:, :leading] - mean) / spread])
        shape_from_leading = np.linalg.lstsq(base, logs[:, leading:], rcond=None)[0]
        rest = logs[:, leading:] - base @ shape_from_leading
        return Scaling(leading, mean, spread, shape_from_leading, np.maximum(rest.std(0), _SMALLEST_SPREAD))

    def scaled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Features of rows, (n, columns)."""
        logs = np.log(values)
        lead = (logs[:, : self.leading] - self.mean) / self.spread
        base = np.column_stack([np.ones(len(logs)), lead])
        return np.column_stack([lead, (logs[:, self.leading :] - base @ self.shape_from_leading) / self.shape_spread])


def _says_something(values: NDArray[np.float64]) -> bool:
    filled = np.isfinite(values)
    return bool(filled.mean() >= _FILLED and np.ptp(np.log(values[filled])) > _SMALLEST_SPREAD)
