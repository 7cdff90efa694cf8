"""The design of the trial: which plants stand where, how they are fed, when each is harvested.

As published: two runs, harvests twice a week, two nutrient schedules. The first run has one schedule and gives the
younger plants, the second both and the older ones. Plants stand 19 cm apart, as densely as published (350 cm2 of wall
each), and those not yet harvested stand there still.
"""

from dataclasses import dataclass

import numpy as np

from trellis.errors import InputError

#: Sites of the wall (docs/frames.md), columns and rows, where the first is and how far apart they are.
_COLUMNS, _ROWS, _ORIGIN_M, _PITCH_M = 9, 6, (0.34, 0.43), 0.19
#: Days since sowing of the harvests of each run: Mondays and Thursdays.
_HARVESTS = ((18, 21, 25, 28), (32, 35, 39, 42))
#: What the simulator calls them: a solution of pH 5.8, and one of pH 7.0, which costs real lettuce 26 % of its fresh
#: mass: about as much of a difference as the published trial had (p 0.003).
SCHEDULES = ("standard", "ph-7.0")
FEWEST, MOST = 4, 2 * _COLUMNS * _ROWS


@dataclass(frozen=True)
class Planted:
    """One plant: `name` holds run and number; `day` is that of its harvest, since sowing."""

    run: int
    name: str
    column: int
    row: int
    schedule: str
    day: int

    @property
    def position_m(self) -> tuple[float, float]:
        """Its collar on the panel."""
        return _ORIGIN_M[0] + _PITCH_M * self.column, _ORIGIN_M[1] + _PITCH_M * self.row


@dataclass(frozen=True)
class Harvest:
    """One day of a run: the plants that are cut today, and all that still stand, these among them."""

    run: int
    day: int
    cut: tuple[Planted, ...]
    standing: tuple[Planted, ...]


def harvests(plants: int, seed: int) -> list[Harvest]:
    """The trial of so many plants, half of them in each run, in the order in which it happens.

    Sites and schedules are dealt out by the seed; each harvest takes as many plants of either schedule as the other, up
    to one.

    Raises:
        InputError: `plants` is odd or out of range.
    """
    if not FEWEST <= plants <= MOST or plants % 2:
        raise InputError(f"--plants is {plants}; it must be even, {FEWEST} to {MOST}")
    found = []
    for run, days in enumerate(_HARVESTS, start=1):
        batch = _batch(run, plants // 2, days, seed)
        for day in days:
            cut = tuple(plant for plant in batch if plant.day == day)
            if cut:
                found.append(Harvest(run, day, cut, tuple(plant for plant in batch if plant.day >= day)))
    return found


def _batch(run: int, count: int, days: tuple[int, ...], seed: int) -> list[Planted]:
    """Plants on the sites nearest to the middle of the wall, shuffled."""
    chance = np.random.default_rng([seed, run])
    sites = [(column, row) for column in range(_COLUMNS) for row in range(_ROWS)]
    middle = np.array([(_COLUMNS - 1) / 2, (_ROWS - 1) / 2])
    sites.sort(key=lambda site: (float(np.linalg.norm(site - middle)), site))
    order = chance.permutation(count)
    # A harvest needs two plants for a spread; a small trial has fewer harvests.
    used = days[: max(1, min(len(days), count // 2))]
    plants = []
    for number in range(count):
        column, row = sites[order[number]]
        schedule = SCHEDULES[(number // len(used)) % 2] if run == 2 else SCHEDULES[0]
        name = f"r{run}p{number + 1:02d}"
        plants.append(Planted(run, name, column, row, schedule, used[number % len(used)]))
    return plants
