"""A slip of 5 mm in each cable at rest and on the way, and minutes of noise without one: when is what said?

python -m benchmarks.slip [--seed N] [--slips K] [--minutes M] [-o benchmarks/results/slip.json]    some five minutes

The published noise (FACTS of the field, section 2) on every encoder and motor of the simulated farm; times are
simulated. Slips: `--slips` times +5 mm and -5 mm in every cable, at rest and at 0.1 m/s, at places and on ways drawn
anew each time. Noise: `--minutes` at rest and on the way in turn, for every one of five seeds from `--seed` on; the
thresholds were chosen with seeds below 100. A run that was broken off goes on with the row that comes next.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from math import pi
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.diamonds import NOISE, PORTS
from cdpr.config import CablesSection, CalibrationSection
from cdpr.robot import CABLES
from cdpr.winches import Winches
from hardware_sim import inprocess
from hardware_sim.inprocess import SimulatedClock
from hardware_sim.physics import DriveNoise
from trellis.errors import TrellisError

SECTION = CablesSection(ports=PORTS)
#: The farm's frame is off by what a calibration leaves; that it was calibrated is told by a covariance.
CALIBRATION = CalibrationSection(covariance=tuple(tuple(0.0 for _ in range(17)) for _ in range(17)))
PLACES = ((1.4, 1.1), (0.8, 0.9), (1.3, 0.8), (1.1, 1.0))
SLIP_M, SEEDS, WATCHED_S = 0.005, 5, 3.0


def _farm(seed: int) -> SimulatedClock:
    inprocess.switch_off()
    clock = inprocess.start_clock(seed=seed, errors="calibrated", start="2026-06-01T06:00:00Z")
    assert isinstance(clock, SimulatedClock)
    return clock


def _noisy(clock: SimulatedClock, seed: int) -> None:
    clock.farm.physics.set_noise(DriveNoise(*NOISE, seed))


def slip(seed: int, cable: int, slip_m: float, moving: bool) -> dict[str, Any]:
    """How long after a slip something was said, and what."""
    clock, (start, goal) = _farm(seed), _way(seed)
    with Winches(SECTION, clock, CALIBRATION) as winches:
        winches.home()
        winches.move_to(*start)
        _noisy(clock, seed)
        begun_s, said = float("nan"), None
        steps = winches.follow(*goal) if moving else _resting(winches, goal)
        try:
            for number, _ in enumerate(steps):
                if number == 100:
                    clock.farm.axes[cable].drive.slip += slip_m / (2 * pi * SECTION.drum_radius_m)
                    begun_s = clock.monotonic_s()
                if clock.monotonic_s() - begun_s > WATCHED_S:
                    break
        except TrellisError as error:
            said = str(error)
        late_s = None if said is None else round(clock.monotonic_s() - begun_s, 3)
    way_m = [round(float(value), 2) for value in (*start, *goal)]
    return {"cable": CABLES[cable], "slip_mm": 1000 * slip_m, "moving": moving, "way_m": way_m, "after_s": late_s,
            "said": said}  # fmt: skip


def _way(seed: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """A start and a goal, far enough apart that the carriage is on its way until all is over."""
    random = np.random.default_rng([seed, 0x511B])
    while True:
        (x0, y0), (x1, y1) = random.uniform((0.4, 0.4), (1.8, 1.5), (2, 2))
        if np.hypot(x1 - x0, y1 - y0) > 0.6:
            return (float(x0), float(y0)), (float(x1), float(y1))


def _resting(winches: Winches, goal: tuple[float, float]) -> Iterator[None]:
    """A hold at one place, watched at every control period as a pause on the way is."""
    winches.pause()
    return winches.follow(*goal)


def quiet(seed: int, seconds: float) -> dict[str, Any]:
    """Noise alone, at rest and on the way in turn; what was said, if anything."""
    clock = _farm(seed)
    said, until_s = None, clock.monotonic_s() + seconds
    with Winches(SECTION, clock, CALIBRATION) as winches:
        winches.home()
        _noisy(clock, seed)
        try:
            while clock.monotonic_s() < until_s:
                for place in PLACES:
                    steps = winches.follow(*place)
                    next(steps)
                    winches.pause()
                    for _ in range(100):
                        next(steps)
                    winches.resume()
                    for _ in steps:
                        pass
        except TrellisError as error:
            said = str(error)
        passed_s = clock.monotonic_s()
    return {"seed": seed, "seconds": round(passed_s, 1), "said": said}


def main(
    seed: Annotated[int, typer.Option(min=0)] = 101,
    slips: Annotated[int, typer.Option(min=1, help="Of each kind.")] = 2,
    minutes: Annotated[float, typer.Option(min=0.1, help="Of noise for each seed.")] = 10.0,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/slip.json"),
) -> None:
    """Slip every cable, then listen to noise."""
    command = f"python -m benchmarks.slip --seed {seed} --slips {slips} --minutes {minutes:g}"
    rows, noise = _begun(out, command)
    kinds = list(product((False, True), range(4), (1, -1), range(slips)))
    for number, (moving, cable, sign, _) in list(enumerate(kinds))[len(rows) :]:
        rows.append(slip(seed + number, cable, sign * SLIP_M, moving))
        typer.echo(json.dumps(rows[-1]))
        _write(out, command, rows, noise)
    for number in range(len(noise), SEEDS):
        noise.append(quiet(seed + number, 60 * minutes))
        typer.echo(json.dumps(noise[-1]))
        _write(out, command, rows, noise)
    inprocess.switch_off()


def _begun(out: Path, command: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of the same command that was broken off."""
    if not out.exists():
        return [], []
    before = json.loads(out.read_text(encoding="utf-8"))
    whole = len(before["noise"]) == SEEDS
    return ([], []) if before["command"] != command or whole else (before["slips"], before["noise"])


def _write(out: Path, command: str, rows: list[dict[str, Any]], noise: list[dict[str, Any]]) -> None:
    result = {
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "standing": _summary([row for row in rows if not row["moving"]]),
        "moving": _summary([row for row in rows if row["moving"]]),
        "false_alarms": sum(row["said"] is not None for row in noise) if noise else "not measured yet",
        "noise": noise,
        "slips": rows,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Flagged before the slip counts as missed, and so does what was never flagged."""
    flagged_s = [row["after_s"] for row in rows if row["after_s"] is not None and row["after_s"] >= 0]
    return {
        "slips": len(rows),
        "flagged": len(flagged_s),
        "flagged_within_half_a_second": sum(after_s <= 0.5 for after_s in flagged_s),
        "median_s": round(float(np.median(flagged_s)), 3) if flagged_s else None,
        "worst_s": max(flagged_s, default=None),
        "cable_named": sum(row["said"] is not None and row["cable"] in row["said"] for row in rows),
    }


if __name__ == "__main__":
    typer.run(main)
