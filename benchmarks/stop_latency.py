"""How long `Winches.stop()` from another thread takes to freeze all four winches while they are streaming.

python -m benchmarks.stop_latency [--seed N] [--stops K] [-o benchmarks/results/stop_latency.json]    about two minutes

On the simulated farm, in simulated time, at 115200 baud: from the call until each drive has received the position that
it is to hold. Called at a random moment of a control period, from a thread of its own, as a person's stop is. The
machine's own scheduling is not in it; what is: the driver's lock, both lines, and the drives' answers.
"""

import json
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.diamonds import PORTS
from cdpr.config import CablesSection
from cdpr.winches import Winches
from hardware_sim import inprocess, kernel
from hardware_sim.inprocess import SimulatedClock
from trellis.errors import Stopped

SECTION = CablesSection(ports=PORTS)
LOOK_S = 0.0005


class Stopper(threading.Thread):
    """Calls `stop` at a moment of simulated time, and notes when all four drives hold their position."""

    def __init__(self, winches: Winches, clock: SimulatedClock, at_s: float) -> None:
        super().__init__(name="stopper")
        self._winches, self._clock, self._at_s = winches, clock, at_s
        self.called_s = self.frozen_s = float("nan")

    def run(self) -> None:
        self._clock.farm.run_to(self._at_s)
        self.called_s = self._clock.monotonic_s()
        self._winches.stop()
        # `stop` returns when the commands are on their way; they are obeyed when the last byte has come.
        late_s = self._clock.monotonic_s() + 1.0
        while not self._frozen() and self._clock.monotonic_s() < late_s:
            self._clock.farm.run_to(self._clock.monotonic_s() + LOOK_S)
        self.frozen_s = self._clock.monotonic_s()

    def _frozen(self) -> bool:
        return all(axis.drive.mode == kernel.POSITION for axis in self._clock.farm.axes)


def stop_once(winches: Winches, clock: SimulatedClock, random: np.random.Generator, goal: tuple[float, float]) -> float:
    """Seconds from the call until all four drives hold their position, one stop on the way to `goal`."""
    steps = winches.follow(*goal)
    for _ in range(40 + int(random.integers(20))):
        next(steps)
    stopper = Stopper(winches, clock, clock.monotonic_s() + float(random.uniform(0.001, SECTION.control_period_s)))
    stopper.start()
    with suppress(Stopped):
        for _ in steps:
            pass
    stopper.join()
    winches.clear_stop()
    return stopper.frozen_s - stopper.called_s


def main(
    seed: Annotated[int, typer.Option(min=0)] = 101,
    stops: Annotated[int, typer.Option(min=10)] = 400,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/stop_latency.json"),
) -> None:
    """Stop again and again while streaming."""
    random = np.random.default_rng(seed)
    clock = inprocess.start_clock(seed=seed, errors="calibrated", start="2026-06-01T06:00:00Z")
    assert isinstance(clock, SimulatedClock)
    taken_s = []
    with Winches(SECTION, clock) as winches:
        winches.home()
        for number in range(stops):
            taken_s.append(stop_once(winches, clock, random, ((1.7, 1.1), (0.5, 0.9))[number % 2]))
    inprocess.switch_off()
    taken_ms = 1000 * np.array(taken_s)
    result = {
        "command": f"python -m benchmarks.stop_latency --seed {seed} --stops {stops}",
        "date": datetime.now(UTC).date().isoformat(),
        "time": "simulated",
        "stops": stops,
        "median_ms": round(float(np.median(taken_ms)), 1),
        "p99_ms": round(float(np.percentile(taken_ms, 99)), 1),
        "worst_ms": round(float(taken_ms.max()), 1),
    }
    typer.echo(json.dumps(result))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
