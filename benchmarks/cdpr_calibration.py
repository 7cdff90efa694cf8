"""Simulated calibrations with a known truth, and how well the same measurements could have told it (Cramér-Rao).

python -m benchmarks.cdpr_calibration [-o benchmarks/results/cdpr_calibration.json]    about half a minute
"""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from scipy.stats import chi2

from cdpr.cable_log import CableLog
from cdpr.calibration import Beliefs, Calibration, calibrate
from cdpr.config import CablesSection
from cdpr.locating import Calibrated, Located, locate
from cdpr.reading_model import PARAMETERS, ReadingModel
from trellis.config import load_configuration
from trellis.presets import preset

KLAUS = load_configuration(preset("klaus")).section(CablesSection).robot()
READING_STD_M, FIX_STD_M, FIX_YAW_STD_RAD, YAW_STD_RAD = 0.001, 0.005, 0.01, 0.035
ROWS, FIXES = 60, 20


@dataclass(frozen=True, eq=False)
class Trial:
    """One simulated robot: what was found, what is true, and the poses of fifty other rows located with it."""

    found: Calibration
    truth: np.ndarray
    bound: np.ndarray
    located: Located
    true_poses: np.ndarray

    @property
    def errors(self) -> np.ndarray:
        return (self.found.model.vector() - self.truth)[self.free]

    @property
    def free(self) -> np.ndarray:
        return np.flatnonzero(self.found.prior_stds > 0)

    @property
    def normalised_square(self) -> float:
        """Chi-square distributed with as many degrees of freedom as there are errors, if the covariance is true."""
        covariance = self.found.covariance[np.ix_(self.free, self.free)]
        return float(self.errors @ np.linalg.solve(covariance, self.errors))

    @property
    def normalised_pose_squares(self) -> np.ndarray:
        """The same for each located pose, three degrees of freedom."""
        errors = self.located.poses - self.true_poses
        return np.einsum("ni,nij,nj->n", errors, np.linalg.inv(self.located.covariances), errors)


def main(
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/cdpr_calibration.json"),
    seeds: int = 100,
) -> None:
    """Calibrate so many simulated robots and write how their errors compare with the bound and with what was said."""
    start = time.perf_counter()
    result = summary([trial(seed) for seed in range(seeds)]) | {
        "command": "python -m benchmarks.cdpr_calibration",
        "cores": os.cpu_count(),
        "seconds_with_bounds": round(time.perf_counter() - start, 1),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    typer.echo(json.dumps(result, indent=1))


def summary(trials: list["Trial"]) -> dict[str, Any]:
    """Root mean square errors over bounds, chi-square of the normalised errors, and the located poses."""
    ratios = np.array([result.errors / result.bound for result in trials])
    squares, freedom = sum(result.normalised_square for result in trials), ratios.size
    poses = np.array([result.located.poses - result.true_poses for result in trials])
    names = [PARAMETERS[index] for index in trials[0].free]
    return {
        "robots": len(trials),
        "poses": ROWS,
        "fixes": FIXES,
        "error_over_bound": dict(zip(names, np.sqrt(np.mean(ratios**2, axis=0)).round(3).tolist(), strict=True)),
        "chi_square_over_freedom": round(squares / freedom, 3),
        "chi_square_95_percent": (chi2.ppf([0.025, 0.975], freedom) / freedom).round(3).tolist(),
        "reading_std_mm": round(1e3 * float(np.mean([result.found.reading_std_m for result in trials])), 3),
        "fix_std_mm": round(1e3 * float(np.mean([result.found.fix_std_m for result in trials])), 3),
        "located_rms_mm": (1e3 * np.sqrt(np.mean(poses**2, axis=(0, 1)))[:2]).round(2).tolist(),
        "located_chi_square_over_3": round(float(np.mean([t.normalised_pose_squares for t in trials])) / 3, 3),
    }


def trial(seed: int) -> Trial:
    """60 poses, 20 of them with a fix; the true robot is drawn from the priors that the calibration is told."""
    rng = np.random.default_rng(seed)
    stds = np.where(np.arange(len(PARAMETERS)) < 16, Beliefs().stds(), 0.0)
    nominal = ReadingModel(KLAUS, np.ones(4), np.zeros(4))
    truth = nominal.with_vector(nominal.vector() + rng.normal(size=len(stds)) * stds)
    poses, log = _log(truth, rng, ROWS)
    fixes = np.full((ROWS, 3), np.nan)
    seen = rng.permutation(ROWS)[:FIXES]
    fixes[seen] = poses[seen] + rng.normal(size=(FIXES, 3)) * [FIX_STD_M, FIX_STD_M, FIX_YAW_STD_RAD]
    found = calibrate(KLAUS, CableLog(log.time_s, log.readings_m, fixes))
    others, other_log = _log(truth, rng, 50)
    robot = Calibrated(found.model, found.covariance, found.reading_std_m, found.yaw_prior)
    return Trial(found, truth.vector(), _bound(truth, poses, fixes, stds), locate(robot, other_log), others)


def _log(truth: ReadingModel, rng: np.random.Generator, rows: int) -> tuple[np.ndarray, CableLog]:
    poses = np.column_stack(
        [rng.uniform(0.6, 2.2, rows), rng.uniform(0.6, 1.7, rows), rng.normal(0.0, YAW_STD_RAD, rows)]
    )
    readings = truth.readings_m(poses, np.zeros((rows, 4))) + rng.normal(0.0, READING_STD_M, (rows, 4))
    return poses, CableLog(np.arange(rows, dtype=float), readings, np.full((rows, 3), np.nan))


def _bound(truth: ReadingModel, poses: np.ndarray, fixes: np.ndarray, stds: np.ndarray) -> np.ndarray:
    """Least standard deviations of the parameters: the inverse of the information of all measurements at the truth.

    Derivatives by central differences, and one dense matrix over everything unknown, to share nothing with the code.
    """
    free = np.flatnonzero(stds)
    vector, still = truth.vector(), np.zeros((len(poses), 4))
    size = len(free) + 3 * len(poses)
    rows = []
    for column in range(size):
        changed = []
        for sign in (1e-6, -1e-6):
            moved, placed = vector.copy(), poses.copy()
            if column < len(free):
                moved[free[column]] += sign
            else:
                placed.ravel()[column - len(free)] += sign
            changed.append((truth.with_vector(moved).readings_m(placed, still) / READING_STD_M).ravel())
        rows.append((changed[0] - changed[1]) / 2e-6)
    information = np.array(rows) @ np.array(rows).T
    known = np.tile([0.0, 0.0, YAW_STD_RAD**-2], (len(poses), 1))
    known += np.where(np.isfinite(fixes), [FIX_STD_M**-2, FIX_STD_M**-2, FIX_YAW_STD_RAD**-2], 0.0)
    information += np.diag(np.concatenate([stds[free] ** -2, known.ravel()]))
    return np.sqrt(np.diag(np.linalg.inv(information)))[: len(free)]


if __name__ == "__main__":
    typer.run(main)
