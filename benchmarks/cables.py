"""How fast the cable robot's maths is: lengths and forward solutions in batches, and the calls of one control step.

python -m benchmarks.cables [--seed 1] [-o benchmarks/results/cables.json]    some ten seconds

Seconds are of one core's own time, not of the clock on the wall: what else the machine does hardly enters.
"""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from cdpr.batch import forward_batch
from cdpr.config import CablesSection
from cdpr.elasticity import hang, paid_out_m
from cdpr.kinematics import PosePrior, cable_lengths, forward
from cdpr.robot import CableRobot
from cdpr.tension import distribute

_ROWS = 20_000
_ROBOTS = {"points": CablesSection(), "wheels of 20 mm": CablesSection(pulley_radius_m=0.02)}


def main(
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/cables.json"), seed: int = 1
) -> None:
    """Time each, the best of five."""
    result = {
        "command": f"python -m benchmarks.cables --seed {seed}",
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "numpy": np.__version__,
        **{name: _timed(section.robot(), np.random.default_rng(seed)) for name, section in _ROBOTS.items()},
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    typer.echo(json.dumps(result, indent=1))


def _timed(robot: CableRobot, rng: np.random.Generator) -> dict[str, Any]:
    poses = np.column_stack([rng.uniform(0.4, 1.8, _ROWS), rng.uniform(0.4, 1.6, _ROWS), rng.normal(0, 0.03, _ROWS)])
    lengths = cable_lengths(robot, poses) + rng.normal(0, 0.0018, (_ROWS, 4))
    prior = PosePrior.of_yaw(0.0, 0.03)
    centre = np.array([1.1, 1.0, 0.0])
    near = PosePrior(centre, np.diag([0.01**2, 0.01**2, 0.03**2]))
    measured = cable_lengths(robot, centre) + rng.normal(0, 0.0018, 4)
    paid = paid_out_m(robot, centre)
    calls = {
        "distribute": _best(lambda: distribute(robot, centre), 200),
        "forward": _best(lambda: forward(robot, measured, start=centre, prior=near), 200),
        "forward, elastic": _best(lambda: hang(robot, paid, centre + 0.01), 20),
    }
    return {
        "lengths_per_second": round(4 * _ROWS / _best(lambda: cable_lengths(robot, poses), 10)),
        "tensions_per_second": round(_ROWS / _best(lambda: distribute(robot, np.tile(centre, (_ROWS, 1))), 1)),
        "forward_per_second": round(_ROWS / _best(lambda: forward_batch(robot, lengths, prior=prior), 1)),
        "forward_per_second_without_prior": round(_ROWS / _best(lambda: forward_batch(robot, lengths), 1)),
        "one_call_ms": {name: round(1e3 * value, 3) for name, value in calls.items()},
    }


def _best(call: Callable[[], object], times: int) -> float:
    """Seconds of one call, the best mean of five runs of `times` calls."""
    call()  # compiles what is compiled
    runs = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(times):
            call()
        runs.append((time.process_time() - start) / times)
    return min(runs)


if __name__ == "__main__":
    typer.run(main)
