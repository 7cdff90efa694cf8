"""One mass (fresh or dry) fitted to a table: the process, its left-out errors, and its intervals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reconstruction.mass_fit.conformal import half_widths, reach, score
from reconstruction.mass_fit.features import Scaling
from reconstruction.mass_fit.process import START, Kind, LogMassProcess

Array = NDArray[np.float64]

#: Rows that a law of one mass needs at least.
FEWEST_ROWS = 8

#: Refuse where the law doubts itself this many times as much as at the most doubtful plant it was fitted on.
_DOUBT_FACTOR = 1.5


@dataclass(frozen=True)
class Rows:
    """Rows that a law can use or predict: n of them, every number there.

    Args:
        values: The columns in the model's order, (n, k).
        area_log_std: (n,).
        cultivar, plant: Names, (n,).
    """

    values: Array
    area_log_std: Array
    cultivar: NDArray[np.str_]
    plant: NDArray[np.str_]


@dataclass(frozen=True)
class Fitted:
    """A law of one mass.

    Args:
        scaling: Of its features.
        process: Conditioned on the rows.
        cultivars: In the order of the process's numbers.
        widths: Half-widths of the 90 % interval in spreads, by cultivar; "" for all.
        doubt_max: Largest doubt of the law that is not refused, of ln mass.
    """

    scaling: Scaling
    process: LogMassProcess
    cultivars: tuple[str, ...]
    widths: dict[str, float]
    doubt_max: float

    def features(self, rows: Rows) -> Array:
        """What the process regresses on, (n, 2 + k); every cultivar must be a known one."""
        numbers = np.array([self.cultivars.index(name) for name in rows.cultivar], dtype=float)
        return np.column_stack([numbers, rows.area_log_std, self.scaling.scaled(rows.values)])

    def predict_g(self, rows: Rows) -> tuple[Array, Array, Array, Array]:
        """Mass (mean), low and high end of the 90 % interval in grams, and the law's doubt, each (n,)."""
        X = self.features(rows)
        middle, spread, doubt = self.process.predict(X), self.process.spread(X), self.process.doubt(X)
        width = np.array([self.widths.get(name, self.widths[""]) for name in rows.cultivar])
        half = reach(width, spread, rows.area_log_std)
        return smeared_g(middle, spread), np.exp(middle - half), np.exp(middle + half), doubt


def smeared_g(middle: Array, spread: Array) -> Array:
    """Mean of a log-normal of that median and spread: exp(middle + spread^2 / 2)."""
    return np.asarray(np.exp(middle + spread**2 / 2))


def fit(rows: Rows, mass_g: Array, leading: int, kind: Kind) -> Fitted:
    """Learn a law from weighed rows.

    Args:
        mass_g: (n,), above zero.
        leading: How many of the columns lead (size, and age).
    """
    cultivars = tuple(sorted(set(rows.cultivar.tolist())))
    process = LogMassProcess(leading, kind)
    blank = Fitted(Scaling.of(rows.values, leading), process, cultivars, {}, 0.0)
    process.fit(blank.features(rows), np.log(mass_g))
    return _calibrated(blank, rows)


def restore(rows: Rows, mass_g: Array, leading: int, kind: Kind, widths: dict[str, float], weights: Array) -> Fitted:
    """A law whose learnt widths (named as in START) and weights are known, as from a file."""
    theta = np.log(np.array([widths[name] for name in START]))
    cultivars = tuple(sorted(set(rows.cultivar.tolist())))
    process = LogMassProcess(leading, kind)
    blank = Fitted(Scaling.of(rows.values, leading), process, cultivars, {}, 0.0)
    process.restore(blank.features(rows), np.log(mass_g), theta, weights)
    return _calibrated(blank, rows)


def _calibrated(blank: Fitted, rows: Rows) -> Fitted:
    middle, spread, doubt = blank.process.left_out(rows.plant)
    widths = half_widths(score(blank.process.y_ - middle, spread, rows.area_log_std), rows.cultivar)
    return Fitted(blank.scaling, blank.process, blank.cultivars, widths, float(_DOUBT_FACTOR * doubt.max()))
