"""Batches of plants for the benchmark of growth: three worlds, none of which is the code that is scored.

`expolinear`: FACTS section 6, real hydroponic lettuce: c 5 to 13 g/day, r 0.18 to 0.33 /day, tb 14 to 22 days; plants
deviate by a log s.d. of 0.135 that is forgotten as exp(-days/27). `gompertz`: another curve through sizes as large
(Lugano's weeks 1 to 7: 500 g, 0.053 /day, day 43), and plants that stay what they are for life. `simulator`: the plants
of `hardware_sim`, by the tables of real harvests.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardware_sim.lettuce import grow

Array = NDArray[np.float64]
_SPREAD = 0.135


@dataclass(frozen=True)
class Grown:
    """`mass_g` (n, T) is the truth on whole days, `measured_g` what is said with noise."""

    days: NDArray[np.int64]
    mass_g: Array
    measured_g: Array


def grow_batch(
    chance: np.random.Generator, plants: int, first: int, last: int, noise: float, world: str = "expolinear"
) -> Grown:
    """One batch; `noise` is the standard deviation of the logarithm of a measurement."""
    days = np.arange(first, last + 1)
    mass = WORLDS[world](chance, plants, days)
    return Grown(days, mass, mass * np.exp(noise * chance.standard_normal(mass.shape)))


def reached(grown: Grown, target_g: float) -> Array:
    """The true day of first reaching a mass, (n,); infinite where it is not reached."""
    above = grown.mass_g >= target_g
    day = above.argmax(axis=1)
    rows = np.arange(len(day))
    before = np.log(grown.mass_g[rows, np.maximum(day - 1, 0)])
    share = (np.log(target_g) - before) / np.where(day > 0, np.log(grown.mass_g[rows, day]) - before, 1.0)
    return np.where(above.any(axis=1), grown.days[day] - 1 + np.where(day > 0, share, 1.0), np.inf)


def _expolinear(chance: np.random.Generator, plants: int, days: NDArray[np.int64]) -> Array:
    c, r, start = chance.uniform(5, 13), chance.uniform(0.18, 0.33), chance.uniform(14, 22)
    deviation = np.empty((plants, len(days)))
    deviation[:, 0] = _SPREAD * chance.standard_normal(plants)
    stays = 0.38 ** (1 / 26)
    for day in range(1, len(days)):
        kick = chance.standard_normal(plants)
        deviation[:, day] = stays * deviation[:, day - 1] + _SPREAD * np.sqrt(1 - stays**2) * kick
    return np.asarray(c / r * np.log1p(np.exp(r * (days - start))) * np.exp(deviation))


def _gompertz(chance: np.random.Generator, plants: int, days: NDArray[np.int64]) -> Array:
    last, rate, middle = chance.uniform(400, 600), chance.uniform(0.045, 0.062), chance.uniform(38, 46)
    level = _SPREAD * chance.standard_normal((plants, 1))
    return np.asarray(last * np.exp(-np.exp(-rate * (days - middle))) * np.exp(level))


def _simulator(chance: np.random.Generator, plants: int, days: NDArray[np.int64]) -> Array:
    cultivar = str(chance.choice(["butterhead", "looseleaf", "redleaf"]))
    seeds = chance.integers(1, 2**31, plants)
    return np.array([[1e3 * grow(int(seed), float(day), cultivar).fresh_mass_kg for day in days] for seed in seeds])


WORLDS: dict[str, Callable[[np.random.Generator, int, NDArray[np.int64]], Array]] = {
    "expolinear": _expolinear,
    "gompertz": _gompertz,
    "simulator": _simulator,
}
