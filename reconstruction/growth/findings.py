"""What is wrong with a plant, day by day, against its own past and its batch, knowing only that day's past.

On each day the batch's curve is fitted to all that was measured by then, and each plant is asked whether a sudden
change in its last days, or growth that falls behind for a week, would explain it better: generalised likelihood ratios,
in standard deviations. What all plants of the batch share that day is taken out first, and is a finding of its own.
After a finding the plant's new level counts as its past, so that one trouble is told once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from reconstruction.growth.batch import (
    ANYWHERE,
    BatchCurve,
    fit_batch,
    repaired,
    residuals,
    step_statistics,
    whole_precision,
)
from reconstruction.growth.curve import Array
from reconstruction.growth.looks import Looks

#: Standard deviations at which a drop, a slow week, a rise, or a change of the whole batch is told. Measured on healthy
#: plants with `benchmarks/growth.py` to give less than one false finding in 500 plant-days.
DROP, SLOW, RISE, WHOLE_BATCH = 3.3, 3.7, 4.2, 4.0

#: Changes less than these are told by none: they hurt nobody, however sure they are.
_LEAST_DROP, _LEAST_RISE, _LEAST_SLOW_PER_DAY, _LEAST_BATCH = 0.12, 0.3, 0.02, 0.12
#: A drop beyond this share is more than wilting.
_GONE = 0.6
#: Standard deviations at which a change is taken to be the whole batch's.
SHARED = 3.0
_STEP_DAYS, _PAST_DAYS, _WEEK_DAYS = 3, 3, 7
_FEWEST_LOOKS, _FEWEST_PLANTS = 4, 5


class Kind(StrEnum):
    """What may be wrong."""

    WILTING = "wilting"
    STUNTING = "stunting"
    YELLOWING = "yellowing"
    FALLEN = "fallen"
    MISSING = "missing"
    RISE = "sudden rise"
    WHOLE_BATCH = "whole batch"


@dataclass(frozen=True)
class Finding:
    """One trouble, told once, on the day it was found.

    Args:
        plant: Its name, or that of the batch for `Kind.WHOLE_BATCH`.
        day: When it was found.
        since_day: When it began, as far as can be told.
        change: As a share of what was expected (-0.3: 30 % less); per day for stunting; NaN for a missing plant.
        deviations: How many standard deviations from what was expected; NaN for a missing plant.
        reason: In plain words.
    """

    plant: str
    day: int
    kind: Kind
    since_day: int
    change: float
    deviations: float
    reason: str


def find(seen: Looks, batch: str = "", stricter: float = 0.0) -> Iterator[Finding]:
    """All findings of a batch, in order of days.

    Args:
        seen: One size of the plants of one batch.
        batch: What the batch is called.
        stricter: Added to all thresholds, for one who looks at several sizes of the same plants.
    """
    now, parameters = seen, None
    gone: set[int] = set()
    unsure: dict[int, Finding] = {}
    for count in range(2, len(seen.days) + 1):
        here = now.until(count)
        for plant in _newly_missing(here, gone):
            yield _missing(seen, plant, count - 1)
        if not _ready(here).any():
            continue
        if count % _WEEK_DAYS == 0:
            now = _with_past(now, repaired(here, lately=_PAST_DAYS)[0])
            here = now.until(count)
        curve = fit_batch(here, parameters)
        parameters = curve.parameters
        found = dict(_today(here, curve, batch, stricter))
        for plant, finding in found.items():
            before = unsure.get(plant)
            if before is None or not _same(before, finding):
                yield finding
        for plant in [one for one in unsure if here.seen[one, -1]]:
            before = unsure.pop(plant)
            if plant in found and _same(before, found[plant]):
                now = _confirmed(seen, now, plant, before.day)
                del found[plant]
        for plant, finding in found.items():
            if plant < 0:
                continue
            now = _after(now, plant, finding)
            if finding.since_day == finding.day:
                unsure[plant] = finding


def _ready(seen: Looks) -> NDArray[np.bool_]:
    """Plants measured today and often enough before that, (n,)."""
    return (seen.seen.sum(axis=1) >= _FEWEST_LOOKS) & seen.seen[:, -1]


def _same(before: Finding, finding: Finding) -> bool:
    return bool(np.sign(before.change) == np.sign(finding.change))


def _today(seen: Looks, curve: BatchCurve, batch: str, stricter: float) -> Iterator[tuple[int, Finding]]:
    weights, left = whole_precision(seen, curve), residuals(seen, curve)
    ready = _ready(seen)
    shared, shared_std = _shared(seen, left, ready)
    change = float(np.expm1(shared[-1]))
    if abs(shared[-1]) > (WHOLE_BATCH + stricter) * shared_std and abs(change) > _LEAST_BATCH:
        yield -1, _whole_batch(batch, int(seen.days[-1]), change, float(shared[-1] / shared_std))
    left = np.where(seen.seen, left - shared, 0.0)
    patterns, starts = _patterns(len(seen.days))
    amounts, deviations = step_statistics(weights, left, patterns)
    steps = len(starts) - 1
    for plant in np.flatnonzero(ready):
        first = int(deviations[plant, :steps].argmin())
        drop, sure = float(np.expm1(amounts[plant, first])), float(deviations[plant, first])
        begun = int(seen.days[starts[first]])
        if sure < -(DROP + stricter) and drop < -_LEAST_DROP:
            yield int(plant), _drop(seen, plant, begun, drop, sure)
            continue
        pace, sure = float(amounts[plant, steps]), float(deviations[plant, steps])
        if sure < -(SLOW + stricter) and pace < -_LEAST_SLOW_PER_DAY:
            yield int(plant), _slow(seen, plant, int(seen.days[starts[steps]]), pace, sure)
            continue
        last = int(deviations[plant, :steps].argmax())
        rise, sure = float(np.expm1(amounts[plant, last])), float(deviations[plant, last])
        if sure > RISE + stricter and rise > _LEAST_RISE:
            yield int(plant), _rise(seen, plant, int(seen.days[starts[last]]), rise, sure)


def _patterns(days: int) -> tuple[Array, list[int]]:
    """A step on each of the last days, then one week of lagging growth; and the days on which each begins."""
    starts = [day for day in range(days - 1, days - 1 - _STEP_DAYS, -1) if day >= 1]
    numbers = np.arange(days)
    steps = [(numbers >= day).astype(float) for day in starts]
    lag = max(days - _WEEK_DAYS, 1)
    return np.array([*steps, np.clip(numbers - lag + 1, 0, None).astype(float)]), [*starts, lag]


def _shared(seen: Looks, left: Array, ready: NDArray[np.bool_]) -> tuple[Array, float]:
    """What the plants share on each day beyond their curve: medians (T,), and the standard deviation of the last one.

    Each plant's residual is taken against its own few days before; with fewer than five plants there is no batch to
    speak of, and nothing is shared.
    """
    days = left.shape[1]
    if ready.sum() < _FEWEST_PLANTS:
        return np.zeros(days), 0.0
    change = np.full(int(ready.sum()), np.nan)
    for row, plant in enumerate(np.flatnonzero(ready)):
        before = np.flatnonzero(seen.seen[plant, : days - 1])[-_PAST_DAYS:]
        change[row] = left[plant, -1] - left[plant, before].mean()
    shared = np.zeros(days)
    spread = 1.4826 * float(np.median(np.abs(change - np.median(change))))
    std = 1.2533 * spread / np.sqrt(len(change))
    middle = float(np.median(change))
    # Less than three of its own errors is taken for chance: taking it out would add its noise to every plant.
    shared[-1] = middle if abs(middle) > SHARED * std else 0.0
    return shared, std


def _newly_missing(seen: Looks, gone: set[int]) -> list[int]:
    """Plants that were there before and are not today: looked for in vain, or left out of three looks."""
    today, ever = seen.seen[:, -1], seen.seen[:, :-1].any(axis=1)
    gone.difference_update(np.flatnonzero(today).tolist())
    looks = np.flatnonzero(2 * seen.seen.sum(axis=0) >= max(seen.seen.any(axis=1).sum(), 2))[-_PAST_DAYS:]
    left_out = (len(looks) == _PAST_DAYS) & ~seen.seen[:, looks].any(axis=1) & bool(seen.seen[:, -1].any())
    new = [int(plant) for plant in np.flatnonzero(ever & (seen.absent[:, -1] | left_out)) if int(plant) not in gone]
    gone.update(new)
    return new


def _with_past(now: Looks, mended: Looks) -> Looks:
    """All days of `now`, with what was mended in the first of them."""
    count = mended.log_size.shape[1]
    std, jumps = now.log_std.copy(), now.jumps.copy()
    std[:, :count], jumps[:, :count] = mended.log_std, mended.jumps
    return replace(now, log_std=std, jumps=jumps)


def _after(now: Looks, plant: int, finding: Finding) -> Looks:
    """What the plant's past is after a finding: one look alone loses its weight, more of them are its new level."""
    std, jumps = now.log_std.copy(), now.jumps.copy()
    since, day = (int(index) for index in np.searchsorted(now.days, [finding.since_day, finding.day]))
    if since == day:
        std[plant, day] = ANYWHERE
    else:
        jumps[plant, since] = True
        jumps[plant, day] |= finding.kind is Kind.STUNTING
    return replace(now, log_std=std, jumps=jumps)


def _confirmed(seen: Looks, now: Looks, plant: int, day: int) -> Looks:
    """One look was no error, the next says so too: it has its weight again, and the level is new since then."""
    std, jumps = now.log_std.copy(), now.jumps.copy()
    index = int(np.searchsorted(now.days, day))
    std[plant, index], jumps[plant, index] = seen.log_std[plant, index], True
    return replace(now, log_std=std, jumps=jumps)


def _what(seen: Looks) -> str:
    return {"fresh_mass_g": "mass", "leaf_area_cm2": "leaf area", "height_cm": "height"}[seen.size.name]


def _percent(share: float) -> str:
    return f"{abs(share) * 100:.0f} %"


def _drop(seen: Looks, plant: int, since: int, change: float, sure: float) -> Finding:
    name, day, what = seen.plants[plant], int(seen.days[-1]), _what(seen)
    less = f"{what} is {_percent(change)} below what its own past and its batch lead to expect, since day {since}"
    if change < -_GONE:
        text = f"{less}: so much at once is a plant that fell, was cut or was hidden; go and look"
        return Finding(name, day, Kind.FALLEN, since, change, sure, text)
    once = "" if since < day else "; this is one look, the next will tell"
    text = f"{less}: leaves that hang or were lost, check water and roots{once}"
    return Finding(name, day, Kind.WILTING, since, change, sure, text)


def _slow(seen: Looks, plant: int, since: int, pace: float, sure: float) -> Finding:
    text = (
        f"{_what(seen)} has grown {_percent(pace)} a day less than its batch since day {since}: stunted, check light, "
        "roots and feed"
    )
    return Finding(seen.plants[plant], int(seen.days[-1]), Kind.STUNTING, since, pace, sure, text)


def _rise(seen: Looks, plant: int, since: int, change: float, sure: float) -> Finding:
    text = (
        f"{_what(seen)} is {_percent(change)} above what was expected since day {since}: no plant grows so; a "
        "neighbour's leaves were counted, or the scale was wrong"
    )
    return Finding(seen.plants[plant], int(seen.days[-1]), Kind.RISE, since, change, sure, text)


def _missing(seen: Looks, plant: int, index: int) -> Finding:
    before = int(seen.days[np.flatnonzero(seen.seen[plant, :index])[-1]])
    text = f"not there when it was looked for, or left out of {_PAST_DAYS} looks; last seen on day {before}"
    return Finding(seen.plants[plant], int(seen.days[index]), Kind.MISSING, before + 1, np.nan, np.nan, text)


def _whole_batch(batch: str, day: int, change: float, sure: float) -> Finding:
    word = "below" if change < 0 else "above"
    text = (
        f"the whole batch is {_percent(change)} {word} its own last days: water, light, or the scale of the "
        "measurement, not one plant"
    )
    return Finding(batch or "all", day, Kind.WHOLE_BATCH, day, change, sure, text)
