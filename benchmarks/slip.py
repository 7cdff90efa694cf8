"""A slip of 5 mm in each cable at rest and on the way, and minutes of noise without one: when is what said?

python -m benchmarks.slip [--seed N] [--minutes M] [-o benchmarks/results/slip.json]    about three minutes

The published noise (FACTS of the field, section 2) on every encoder and motor of the simulated farm; times are
simulated. Slips: one of +5 mm and one of -5 mm in every cable, at rest and at 0.1 m/s. Noise: `--minutes` at rest and
on the way in turn, for every one of five seeds from `--seed` on; the thresholds were chosen with seeds below 100.
"""

import json
from datetime import UTC, datetime
from math import pi
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.diamonds import NOISE, PORTS
from cdpr.config import CablesSection
from cdpr.robot import CABLES
from cdpr.winches import Winches
from hardware_sim import inprocess
from hardware_sim.inprocess import SimulatedClock
from hardware_sim.physics import DriveNoise
from trellis.errors import TrellisError

SECTION = CablesSection(ports=PORTS)
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
    clock = _farm(seed)
    with Winches(SECTION, clock) as winches:
        winches.home()
        winches.move_to(1.0, 0.9)
        _noisy(clock, seed)
        begun_s, said = float("nan"), None
        steps = winches.follow(1.6, 1.1) if moving else _resting(winches, clock)
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
    return {"cable": CABLES[cable], "slip_mm": 1000 * slip_m, "moving": moving, "after_s": late_s, "said": said}


def _resting(winches: Winches, clock: SimulatedClock) -> Any:
    """A hold at one place, watched at every control period as a pause on the way is."""
    steps = winches.follow(1.6, 1.1)
    winches.pause()
    return steps


def quiet(seed: int, seconds: float) -> dict[str, Any]:
    """Noise alone, at rest and on the way in turn; what was said, if anything."""
    clock = _farm(seed)
    said, until_s = None, clock.monotonic_s() + seconds
    with Winches(SECTION, clock) as winches:
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
    minutes: Annotated[float, typer.Option(min=0.1, help="Of noise for each seed.")] = 10.0,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/slip.json"),
) -> None:
    """Slip every cable, then listen to noise."""
    slips = [
        slip(seed + number, cable, sign * SLIP_M, moving)
        for moving in (False, True)
        for number, (cable, sign) in enumerate((cable, sign) for cable in range(4) for sign in (1, -1))
    ]
    for row in slips:
        typer.echo(json.dumps(row))
    noise = []
    for number in range(SEEDS):
        noise.append(quiet(seed + number, 60 * minutes))
        typer.echo(json.dumps(noise[-1]))
    inprocess.switch_off()
    late = [row["after_s"] for row in slips]
    result = {
        "command": f"python -m benchmarks.slip --seed {seed} --minutes {minutes:g}",
        "date": datetime.now(UTC).date().isoformat(),
        "flagged_within_half_a_second": sum(after_s is not None and 0 <= after_s <= 0.5 for after_s in late),
        "slips": slips,
        "false_alarms": sum(row["said"] is not None for row in noise),
        "noise": noise,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
