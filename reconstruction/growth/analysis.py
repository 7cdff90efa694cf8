"""A whole table at once: each batch smoothed, forecast and watched, its treatments compared, and the files of it."""

import csv
import io
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from reconstruction.growth.batch import BatchCurve, repaired
from reconstruction.growth.findings import DROP, Finding, Kind, find
from reconstruction.growth.forecast import HORIZON_DAYS, Forecast, forecast
from reconstruction.growth.looks import Looks
from reconstruction.growth.state_space import Smoothed, smooth
from reconstruction.growth.table import Batch
from reconstruction.growth.trials import Trial, compare
from reconstruction.growth.wall_picture import Standing
from reconstruction.growth.yellowing import find_yellowing
from trellis.errors import InputError

_HALF = 1.6449
#: A rate from a look before these last days is not today's.
_RECENT_DAYS = 4
_PLACE = ("plant", "batch", "size", "day")
_LEVELS = ("measured", "smoothed", "smoothed_low", "smoothed_high")
_RATES = ("growth_per_day", "growth_low_per_day", "growth_high_per_day")


@dataclass(frozen=True)
class Grown:
    """One size of one batch: what was measured, its curve, each plant's growth, and where it stands (n, 2)."""

    batch: str
    seen: Looks
    curve: BatchCurve
    smoothed: Smoothed
    places_m: np.ndarray


def grown(batches: list[Batch]) -> list[Grown]:
    """Every size of every batch smoothed, single outliers without weight."""
    result = []
    for batch in batches:
        for seen in batch.sizes.values():
            mended, curve = repaired(seen)
            result.append(Grown(batch.name, seen, curve, smooth(mended, curve), batch.places_m))
    return result


def findings_of(batch: Batch) -> list[Finding]:
    """What is wrong in a batch, day by day; with several sizes each is stricter, so that false alarms do not add up."""
    count = len(batch.sizes)
    stricter = float(norm.isf(norm.sf(DROP) / count) - DROP)
    found = [finding for seen in batch.sizes.values() for finding in find(seen, batch.name, stricter)]
    if batch.yellow_share is not None:
        seen = next(iter(batch.sizes.values()))
        found += find_yellowing(seen.plants, seen.days, batch.yellow_share)
    once: dict[tuple[str, int, Kind], Finding] = {}
    for finding in sorted(found, key=lambda one: (one.day, one.plant)):
        once.setdefault((finding.plant, finding.day, finding.kind), finding)
    return list(once.values())


def trial_of(batches: list[Batch], size: str, look_days: list[int] | None) -> Trial:
    """The treatments of a table compared; looks are days on which most plants were measured, at most five of them.

    Raises:
        InputError: There are no treatments, no such size, or no day on which they can be compared.
    """
    parts = [(batch.sizes[size], batch.treatments) for batch in batches if size in batch.sizes]
    group = tuple(treatment or "untreated" for _, treatments in parts for treatment in treatments)
    first, last = (pick(int(pick(seen.days)) for seen, _ in parts) for pick in (min, max))
    days = np.arange(first, last + 1)
    values = np.full((len(group), len(days)), np.nan)
    row = 0
    for seen, _ in parts:
        values[row : row + len(seen.plants), seen.days - first] = seen.log_size
        row += len(seen.plants)
    chosen = look_days if look_days is not None else _looks_for(values, days, group)
    for day in chosen:
        if not first <= day <= last:
            raise InputError(f"day {day} is no look: the table has days {first} to {last}")
    return compare(values[:, np.array(chosen) - first], np.array(chosen), group)


def _looks_for(values: np.ndarray, days: np.ndarray, group: tuple[str, ...]) -> list[int]:
    there = np.isfinite(values)
    of = np.array(group)
    enough = [min(there[of == name, look].sum() for name in set(group)) >= 2 for look in range(len(days))]
    most = there.sum(axis=0) >= 0.7 * there.sum(axis=0).max()
    usable = days[np.array(enough) & most]
    if len(usable) == 0:
        raise InputError("no day on which two plants of each treatment were measured; measure all of them on one day")
    return [int(usable[index]) for index in np.unique(np.linspace(0, len(usable) - 1, 5).round().astype(int))]


def growth_text(parts: list[Grown]) -> str:
    """`growth.csv`: each plant and size on each day between its first and its last look, with 90 % intervals."""
    header = ",".join((*_PLACE, *_LEVELS, *_RATES))
    rows = []
    for part in parts:
        seen, got = part.seen, part.smoothed
        for row, plant in enumerate(seen.plants):
            known = np.flatnonzero(seen.seen[row])
            for index in range(known[0], known[-1] + 1) if len(known) else ():
                level, level_std = got.log_size[row, index], got.log_size_std[row, index]
                rate, rate_std = got.rate_per_day[row, index], got.rate_std_per_day[row, index]
                measured = f"{np.exp(seen.log_size[row, index]):.4g}" if seen.seen[row, index] else ""
                sizes = [f"{np.exp(level + k * _HALF * level_std):.4g}" for k in (0, -1, 1)]
                rates = [f"{rate + k * _HALF * rate_std:.4f}" for k in (0, -1, 1)] if index > known[0] else [""] * 3
                rows.append([plant, part.batch, seen.size.name, int(seen.days[index]), measured, *sizes, *rates])
    return _csv(header, rows)


def forecast_text(parts: list[Grown], size: str, target: float) -> tuple[str, int]:
    """`forecast.csv`: when each plant reaches the target, and how many are expected to within the horizon."""
    header = "plant,batch,size,target,day,day_low,day_high,note"
    rows, reached = [], 0
    for part in (one for one in parts if one.seen.size.name == size):
        last = int(part.seen.days[-1])
        said = forecast(part.curve, part.smoothed, last, target)
        for row, plant in enumerate(part.seen.plants):
            cells, note = _forecast_cells(part, said, row, target)
            reached += bool(cells[0])
            rows.append([plant, part.batch, size, f"{target:g}", *cells, note])
    return _csv(header, rows), reached


def _forecast_cells(part: Grown, said: Forecast, row: int, target: float) -> tuple[list[str], str]:
    last = float(part.seen.days[-1])
    if said.day[row] <= last:
        above = np.flatnonzero(part.smoothed.log_size[row] >= np.log(target))
        day = int(part.seen.days[above[0]]) if len(above) else int(last)
        return [str(day), "", ""], "reached already"
    days = (said.day[row], said.low_day[row], said.high_day[row])
    cells = [f"{day:.1f}" if np.isfinite(day) else "" for day in days]
    return cells, "" if all(cells) else f"an empty day is more than {HORIZON_DAYS} days after day {last:g}"


def standing(parts: list[Grown], size: str) -> list[Standing]:
    """The plants whose place is known, with their newest size and rate.

    The rate is unknown of a plant that was seen once, or not in the last days.
    """
    found = []
    for part in (one for one in parts if one.seen.size.name == size):
        for row, plant in enumerate(part.seen.plants):
            looks = np.flatnonzero(part.seen.seen[row])
            if len(looks) == 0 or not np.isfinite(part.places_m[row]).all():
                continue
            got, last = part.smoothed, looks[-1]
            known = len(looks) > 1 and last >= len(part.seen.days) - _RECENT_DAYS
            rate = (got.rate_per_day[row, last], got.rate_std_per_day[row, last]) if known else (np.nan,) * 2
            found.append(Standing(plant, *part.places_m[row], float(np.exp(got.log_size[row, last])), *rate))
    return found


def findings_text(found: list[Finding]) -> str:
    """`findings.csv`: one trouble a row."""
    rows = [
        [one.plant, one.day, one.kind, one.since_day, _or_empty(one.change), _or_empty(one.deviations), one.reason]
        for one in found
    ]
    return _csv("plant,day,kind,since_day,change,deviations,reason", rows)


def _or_empty(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else ""


def _csv(header: str, rows: list[list]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header.split(","))
    writer.writerows(rows)
    return text.getvalue()
