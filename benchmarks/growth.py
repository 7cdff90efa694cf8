"""Growth scored over many seasons: smoothing, forecasts beside two rivals, false alarms, and drops of 30 % found.

python -m benchmarks.growth [--seed 7] [--seasons 40] [-o benchmarks/results/growth.json]

A season is a batch of 24 plants measured every day from day 10 to 38 in one of three worlds (`quick/grown.py`), with
noise of 5 to 15 %. Forecasts are made on days 17 and 23 for the mass that half of the plants have on day 36, with
what was known then. Rivals: persistence (the plant goes on growing as it did in its last four days, a straight line
of the logarithm or of the mass, whichever errs less in all), and the batch's mean (one day for all its plants). In
seasons of their own three plants lose 30 % on a random day and stay there; all other plants are healthy and any
finding about them, or about the batch, is a false alarm.
"""

import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.quick.grown import WORLDS, Grown, grow_batch, reached
from benchmarks.quick.result import write_result
from reconstruction.growth.batch import repaired
from reconstruction.growth.curve import SIZES
from reconstruction.growth.findings import find
from reconstruction.growth.forecast import batch_forecast, forecast
from reconstruction.growth.looks import Looks, looks
from reconstruction.growth.state_space import smooth

PLANTS, FIRST, LAST, TARGET_DAY = 24, 10, 38, 36
FORECAST_DAYS = (17, 23)
NOISES = (0.05, 0.07, 0.10, 0.15)
SICK, LEFT = 3, 0.7
_HALF = 1.6449
#: A plant is judged from its fifth look on.
_WARM_UP_DAYS = 4


def main(
    seed: Annotated[int, typer.Option(help="Of all plants and all noise.")] = 7,
    seasons: Annotated[int, typer.Option(help="Seasons for each world and noise.")] = 40,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/growth.json"),
) -> None:
    """Score on this machine."""
    start = time.perf_counter()
    rows = []
    for number, world in enumerate(WORLDS):
        for noise in NOISES:
            chances = [np.random.default_rng([seed, number, round(100 * noise), season]) for season in range(seasons)]
            batches = [grow_batch(chance, PLANTS, FIRST, LAST, noise, world) for chance in chances]
            row = {"world": world, "noise_percent": round(100 * noise)}
            row |= _smoothing(batches, noise) | _forecasts(batches, noise)
            row |= _findings(batches, noise, chances)
            print(row, flush=True)
            rows.append(row)
    figures = {"seed": seed, "seasons_each": seasons, "seconds": round(time.perf_counter() - start), "rows": rows}
    write_result(out, f"python -m benchmarks.growth --seed {seed} --seasons {seasons}", figures)


def _looks(grown: Grown, noise: float, measured_g: np.ndarray | None = None) -> Looks:
    values = np.log(grown.measured_g if measured_g is None else measured_g)
    names = tuple(f"p{number}" for number in range(len(values)))
    return looks(SIZES["fresh_mass_g"], names, grown.days, values, np.full(values.shape, noise))


def _smoothing(batches: list[Grown], noise: float) -> dict[str, float]:
    inside, rates, squares = [], [], []
    for grown in batches:
        got = smooth(*repaired(_looks(grown, noise)))
        error = got.log_size - np.log(grown.mass_g)
        true_rate = np.diff(np.log(grown.mass_g), axis=1)
        inside.append(np.abs(error) < _HALF * got.log_size_std)
        rates.append(np.abs(got.rate_per_day[:, 1:] - true_rate) < _HALF * got.rate_std_per_day[:, 1:])
        squares.append(error**2)
    return {
        "size_interval_holds_percent": _percent(inside),
        "rate_interval_holds_percent": _percent(rates),
        "size_error_percent": round(100 * float(np.sqrt(np.mean(squares))), 1),
    }


def _forecasts(batches: list[Grown], noise: float) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for day in FORECAST_DAYS:
        inside, errors = [], {"ours": [], "line of logarithm": [], "line of mass": [], "batch": []}
        for grown in batches:
            target = float(np.median(grown.mass_g[:, TARGET_DAY - FIRST]))
            true = reached(grown, target)
            seen, curve = repaired(_looks(grown, noise).until(day - FIRST + 1))
            said = forecast(curve, smooth(seen, curve), day, target)
            # A day after the last one of the season is a day that nobody saw; the interval must not end before it.
            never = np.isinf(true)
            inside.append(np.where(never, said.high_day >= LAST, (said.low_day <= true) & (true <= said.high_day)))
            lines = _persistence(grown.measured_g[:, : day - FIRST + 1], day, target)
            told = {"ours": said.day, **lines, "batch": np.full(PLANTS, batch_forecast(curve, FIRST, target))}
            for name, days in told.items():
                errors[name].append(np.abs(np.minimum(days, 90) - true)[~never])
        means = {name: float(np.concatenate(parts).mean()) for name, parts in errors.items()}
        out[f"forecast_on_day_{day}"] = {
            "interval_holds_percent": _percent(inside),
            "error_days": round(means["ours"], 2),
            "persistence_days": round(min(means["line of logarithm"], means["line of mass"]), 2),
            "batch_mean_days": round(means["batch"], 2),
        }
    return out


def _persistence(measured_g: np.ndarray, day: int, target: float) -> dict[str, np.ndarray]:
    """The days on which a straight line through the last five looks reaches the target."""
    times = np.arange(-4.0, 1.0)
    answers = {}
    for name, values, aim in (
        ("line of logarithm", np.log(measured_g[:, -5:]), np.log(target)),
        ("line of mass", measured_g[:, -5:], target),
    ):
        slope, level = np.polyfit(times, values.T, 1)
        ahead = np.where(slope > 0, (aim - level) / np.where(slope > 0, slope, 1.0), np.inf)
        answers[name] = day + np.clip(ahead, 0, 60)
    return answers


def _findings(batches: list[Grown], noise: float, chances: list[np.random.Generator]) -> dict[str, Any]:
    alarms, plant_days, same_day, next_day, ill = 0, 0, 0, 0, 0
    for grown, chance in zip(batches, chances, strict=True):
        sick = chance.choice(PLANTS, SICK, replace=False)
        begins = chance.integers(FIRST + 6, LAST - 1, SICK)
        measured = grown.measured_g.copy()
        for plant, begin in zip(sick, begins, strict=True):
            measured[plant, begin - FIRST :] *= LEFT
        begin_of = {f"p{plant}": int(begin) for plant, begin in zip(sick, begins, strict=True)}
        first: dict[str, int] = {}
        for finding in find(_looks(grown, noise, measured)):
            begin = begin_of.get(finding.plant)
            if begin is None or finding.day < begin:
                alarms += 1
            else:
                first.setdefault(finding.plant, finding.day - begin)
        plant_days += (PLANTS - SICK) * (LAST - FIRST + 1 - _WARM_UP_DAYS)
        ill += SICK
        same_day += sum(late == 0 for late in first.values())
        next_day += sum(late <= 1 for late in first.values())
    return {
        "false_alarms_in_500_plant_days": round(500 * alarms / plant_days, 2),
        "plant_days": plant_days,
        "drop_of_30_found_same_day_percent": round(100 * same_day / ill),
        "drop_of_30_found_within_a_day_percent": round(100 * next_day / ill),
    }


def _percent(inside: list[np.ndarray]) -> float:
    return round(100 * float(np.concatenate([part.ravel() for part in inside]).mean()), 1)


if __name__ == "__main__":
    typer.run(main)
