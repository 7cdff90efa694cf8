"""How long `Winches.stop()` from another thread takes to freeze all four winches while they are streaming.

python -m benchmarks.stop_latency [--seed N] [--stops K] [--real K] [-o benchmarks/results/stop_latency.json]

In simulated time, some five stops a second: called at a random moment of a control period, wherever the streaming
thread is then, until each drive has received the position that it is to hold. The driver's lock, both lines at 115200
baud and the drives' answers are in it, the machine's own scheduling is not.
In real time, about a second each: the farm is a process of its own on pseudo-terminals, as `trellis sim`; from the
call until `stop` returns, and then the time that its last commands need on the line. All else that the machine does
meanwhile is in it; its load is written down.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.diamonds import PORTS
from cdpr.config import CablesSection
from cdpr.winches import Winches
from hardware_sim import inprocess, kernel
from hardware_sim.inprocess import SimulatedClock
from trellis.clock import SystemClock
from trellis.errors import ProtocolError, Stopped

PLACES = ((1.7, 1.1), (0.5, 0.9))
LOOK_S = 0.0005
#: Two position commands with their checksums, at ten bits a byte.
COMMANDS_S = 2 * 40 * 10 / 115200


class Stopper(threading.Thread):
    """Calls `stop` once somebody says so."""

    def __init__(self, winches: Winches) -> None:
        super().__init__(name="stopper")
        self._winches, self.go, self.returned_s = winches, threading.Event(), float("nan")

    def run(self) -> None:
        self.go.wait()
        self._winches.stop()
        self.returned_s = time.monotonic()


class Trigger:
    """Lets another thread call `stop` at a moment of simulated time, whatever the streaming thread does then."""

    def __init__(self, winches: Winches, clock: SimulatedClock) -> None:
        self._winches, self._farm, self._step = winches, clock.farm, clock.farm._step
        self._stopper: Stopper | None = None
        self._at_s = self.called_s = self.frozen_s = float("inf")
        clock.farm._step = self._pass  # type: ignore[method-assign]

    def arm(self, at_s: float) -> Stopper:
        self._stopper, self._at_s, self.frozen_s = Stopper(self._winches), at_s, float("inf")
        self._stopper.start()
        return self._stopper

    def _pass(self, time_s: float) -> None:
        self._step(min(time_s, self._farm.now_s + LOOK_S))
        if self._stopper is not None and self._farm.now_s >= self._at_s:
            self.called_s, self._at_s = self._farm.now_s, float("inf")
            self._stopper.go.set()
            # Simulated time waits until the other thread has begun: what comes then is the driver's own time.
            while not self._winches._stop.is_set():
                time.sleep(0)
        if self._at_s == self.frozen_s == float("inf"):
            self._farm._settle()
            # Streaming, the lower drives are in torque control and the upper ones are told a speed.
            if all(axis.drive.mode == kernel.POSITION and axis.drive.input_vel == 0 for axis in self._farm.axes):
                self.frozen_s = self._farm.now_s


def simulated_s(seed: int, stops: int) -> np.ndarray:
    """Seconds that each stop took, of simulated time."""
    section, random = CablesSection(ports=PORTS), np.random.default_rng(seed)
    clock = inprocess.start_clock(seed=seed, errors="calibrated", start="2026-06-01T06:00:00Z")
    assert isinstance(clock, SimulatedClock)
    taken_s = []
    with Winches(section, clock) as winches:
        winches.home()
        trigger = Trigger(winches, clock)
        for number in range(stops):
            steps = winches.follow(*PLACES[number % 2])
            for _ in range(30 + int(random.integers(20))):
                next(steps)
            stopper = trigger.arm(clock.monotonic_s() + float(random.uniform(0, section.control_period_s)))
            with suppress(Stopped):
                for _ in steps:
                    pass
            stopper.join()
            clock.sleep(0.05)  # the last bytes arrive
            taken_s.append(trigger.frozen_s - trigger.called_s)
            winches.clear_stop()
    inprocess.switch_off()
    return np.array(taken_s)


def real_s(seed: int, stops: int) -> np.ndarray:
    """Seconds that each stop took, on the wall's clock."""
    random, taken_s = np.random.default_rng(seed), []
    with tempfile.TemporaryDirectory() as folder, _farm(Path(folder)):
        section = CablesSection(ports=(f"{folder}/winches0", f"{folder}/winches1"))
        with Winches(section, SystemClock()) as winches:
            winches.home()
            while len(taken_s) < stops:
                stopper = Stopper(winches)
                stopper.start()
                steps = winches.follow(*PLACES[len(taken_s) % 2])
                with suppress(ProtocolError):  # a busy machine left a line alone for too long: frozen already
                    for _ in range(25):
                        next(steps)
                called_s = [0.0]
                timer = threading.Timer(float(random.uniform(0, 0.04)), _call, (stopper, called_s))
                timer.start()
                with suppress(Stopped, ProtocolError):
                    for _ in steps:
                        pass
                stopper.join()
                taken_s.append(stopper.returned_s - called_s[0] + COMMANDS_S)
                winches.clear_stop()
    return np.array(taken_s)


def _call(stopper: Stopper, called_s: list[float]) -> None:
    called_s[0] = time.monotonic()
    stopper.go.set()


@contextmanager
def _farm(folder: Path) -> Iterator[None]:
    """`trellis sim` as a process of its own."""
    command = [sys.executable, "-m", "trellis", "sim", "--plants", "1", "--port", "0", "--links", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            next(line for line in process.stdout if line.startswith("camera"))
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()


def _summary(taken_s: np.ndarray) -> dict[str, Any]:
    taken_ms = 1000 * taken_s
    return {
        "stops": len(taken_ms),
        "median_ms": round(float(np.median(taken_ms)), 1),
        "p99_ms": round(float(np.percentile(taken_ms, 99)), 1),
        "worst_ms": round(float(taken_ms.max()), 1),
    }


def main(
    seed: Annotated[int, typer.Option(min=0)] = 101,
    stops: Annotated[int, typer.Option(min=10, help="In simulated time.")] = 1000,
    real: Annotated[int, typer.Option(min=0, help="In real time.")] = 100,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/stop_latency.json"),
) -> None:
    """Stop again and again while streaming."""
    result = {
        "command": f"python -m benchmarks.stop_latency --seed {seed} --stops {stops} --real {real}",
        "date": datetime.now(UTC).date().isoformat(),
        "simulated_time": _summary(simulated_s(seed, stops)),
    }
    if real:
        result["real_time"] = {**_summary(real_s(seed, real)), "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    typer.echo(json.dumps(result))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
