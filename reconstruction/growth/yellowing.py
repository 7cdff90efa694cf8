"""Yellowing: the share of a plant's leaf that is yellow, against its own past and against its batch."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from reconstruction.growth.curve import Array
from reconstruction.growth.findings import Finding, Kind

#: Standard deviations and share of yellow leaf beyond what is usual before anything is said; both on two looks running.
_SURE, _LEAST = 3.0, 0.05
_FEWEST_LOOKS, _LEAST_STD = 3, 0.02


def find_yellowing(plants: tuple[str, ...], days: NDArray[np.int64], yellow_share: Array) -> Iterator[Finding]:
    """Plants that turn yellow, each told once until it is green again.

    A plant is told when on two looks running its share is above its own median and above that of the batch today,
    both by 5 % of its leaf and by three robust standard deviations of its batch (at least 2 %).

    Args:
        plants: Names, n.
        days: (T,).
        yellow_share: 0 to 1, (n, T), NaN where not measured.
    """
    told: set[int] = set()
    excess = np.full(yellow_share.shape, np.nan)
    for index, day in enumerate(days):
        today, there = yellow_share[:, index], np.isfinite(yellow_share[:, index])
        if not there.any():
            continue
        middle = float(np.median(today[there]))
        std = max(1.4826 * float(np.median(np.abs(today[there] - middle))), _LEAST_STD)
        for plant in np.flatnonzero(there):
            past = yellow_share[plant, :index]
            past = past[np.isfinite(past)]
            if len(past) < _FEWEST_LOOKS:
                continue
            more = float(today[plant] - max(middle, float(np.median(past))))
            excess[plant, index] = more / std if more > _LEAST else 0.0
            looks = excess[plant, : index + 1][np.isfinite(excess[plant, : index + 1])]
            if len(looks) < 2 or min(looks[-2:]) <= _SURE:
                told = told - {int(plant)} if looks[-1] <= 0 else told
            elif int(plant) not in told:
                told.add(int(plant))
                yield _finding(plants[plant], int(day), more, float(looks[-1]), float(today[plant]))


def _finding(plant: str, day: int, more: float, sure: float, share: float) -> Finding:
    text = (
        f"{share * 100:.0f} % of the leaf is yellow, {more * 100:.0f} % of it more than its past and its batch: check "
        "nitrogen, iron and pH"
    )
    return Finding(plant, day, Kind.YELLOWING, day, more, sure, text)
