"""How fast the cable robot's maths is: lengths and forward solutions in batches, and the calls of one control step.

python -m benchmarks.cables [-o benchmarks/results/cables.json]    some ten seconds
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from cdpr.batch import forward_batch
from cdpr.config import CablesSection
from cdpr.kinematics import PosePrior, cable_lengths, forward
from cdpr.tension import distribute

_ROWS = 20_000


def main(out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/cables.json")) -> None:
    """Time each on this machine, the best of five."""
    robot, rng = CablesSection().robot(), np.random.default_rng(1)
    poses = np.column_stack([rng.uniform(0.4, 1.8, _ROWS), rng.uniform(0.4, 1.6, _ROWS), rng.normal(0, 0.03, _ROWS)])
    lengths = cable_lengths(robot, poses) + rng.normal(0, 0.0018, (_ROWS, 4))
    prior = PosePrior(np.array([1.1, 1.0, 0.0]), np.diag([100.0, 100.0, 0.03**2]))
    near = PosePrior(np.array([1.1, 1.0, 0.0]), np.diag([0.01**2, 0.01**2, 0.03**2]))
    centre = np.array([1.1, 1.0, 0.0])
    measured = cable_lengths(robot, centre) + 0.001
    seconds = {
        "distribute": _best(lambda: distribute(robot, centre), 200),
        "forward": _best(lambda: forward(robot, measured, start=centre, prior=near), 50),
    }
    result = {
        "command": "python -m benchmarks.cables",
        "cores": os.cpu_count(),
        "numpy": np.__version__,
        "lengths_per_second": round(4 * _ROWS / _best(lambda: cable_lengths(robot, poses), 10)),
        "forward_per_second": round(_ROWS / _best(lambda: forward_batch(robot, lengths, prior=prior), 1)),
        "forward_per_second_from_10_mm": round(
            _ROWS / _best(lambda: forward_batch(robot, lengths, starts=poses + 0.01, prior=prior), 1)
        ),
        "one_call_ms": {name: round(1e3 * value, 3) for name, value in seconds.items()},
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    typer.echo(json.dumps(result, indent=1))


def _best(call: Callable[[], object], times: int) -> float:
    """Seconds of one call, the best mean of five runs of `times` calls."""
    runs = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(times):
            call()
        runs.append((time.perf_counter() - start) / times)
    return min(runs)


if __name__ == "__main__":
    typer.run(main)
