"""What a calibration found, for a person: residuals, deviations, what is not observable; and what is refused."""

from collections.abc import Sequence

import numpy as np

from scan.believing import believe
from scan.cell import Array
from scan.cell_model import NAMES, UNITS, prior_stds
from scan.cell_readings import Reading
from scan.cell_solver import CalibrationFailed, Solution

READINGS_MIN = 12
_OUTLIERS_MAX = 0.25
_STRAIN_MAX = 5.0
_TAG_MAX_PX, _LENGTH_MAX_M, _JOINT_MAX_RAD = 2.0, 0.005, np.radians(1.0)
#: How well the camera must be known at 95 of 100 postures, or the calibration is refused.
POSITION_MAX_M, ROTATION_MAX_RAD = 0.006, np.radians(1.0)
#: What remains of a prior in a combination that the readings hardly touch.
_UNSEEN = 0.5
#: In about so many of the postures it is worked out how well the camera is known.
_JUDGED = 15
_SCALES = {"px": (1.0, "px"), "1": (1.0, ""), "rad": (180 / np.pi, "deg"), "m": (1000.0, "mm"), "kg": (1000.0, "g")}


def check_readings(readings: Sequence[Reading]) -> None:
    """Raises `CalibrationFailed` where there are too few readings to begin with."""
    if len(readings) < READINGS_MIN:
        raise CalibrationFailed(
            f"only {len(readings)} photographs show tags, and {READINGS_MIN} are needed to determine a cell; "
            "see that the tags are lit and free of leaves, or raise --poses"
        )


def doubts(solution: Solution, readings: Sequence[Reading]) -> list[str]:
    """Why a solution may not be used; empty where it may."""
    found = []
    noise = solution.noise
    if solution.outliers > _OUTLIERS_MAX:
        found.append(f"{solution.outliers:.0%} of the tags fit nothing else: are the tags where [wall] says?")
    if noise.tag_px > _TAG_MAX_PX:
        found.append(f"tags are {noise.tag_px:.1f} px from where any cell puts them, {_TAG_MAX_PX:g} px are allowed")
    if noise.length_m > _LENGTH_MAX_M:
        found.append(
            f"cables are {1000 * noise.length_m:.1f} mm from any cell, {1000 * _LENGTH_MAX_M:g} mm are allowed"
        )
    if noise.joint_rad > _JOINT_MAX_RAD:
        found.append(f"joints are {np.degrees(noise.joint_rad):.1f} deg from any cell: does a servo slip?")
    strain = np.abs(solution.model.vector) / prior_stds()
    if strain.max() > _STRAIN_MAX:
        worst = int(strain.argmax())
        found.append(
            f"{NAMES[worst]} would be off by {shown(worst, solution.model.vector[worst])}: that is no slip of a hand"
        )
    position, rotation = believed_stds(solution, readings)
    if np.percentile(position, 95) > POSITION_MAX_M or np.percentile(rotation, 95) > ROTATION_MAX_RAD:
        found.append(
            f"the camera would be known to {1000 * np.percentile(position, 95):.1f} mm and "
            f"{np.degrees(np.percentile(rotation, 95)):.2f} deg only (95 of 100 postures), and "
            f"{1000 * POSITION_MAX_M:g} mm and {np.degrees(ROTATION_MAX_RAD):g} deg are needed: take more photographs"
        )
    return found


def believed_stds(solution: Solution, readings: Sequence[Reading]) -> tuple[Array, Array]:
    """Standard deviations of position (m) and rotation (rad) of the camera in the readings' postures."""
    every = max(len(readings) // _JUDGED, 1)
    beliefs = [
        believe(solution.model, solution.covariance, solution.noise, reading, pose)
        for reading, pose in list(zip(readings, solution.poses, strict=True))[::every]
    ]
    return np.array([b.position_std_m for b in beliefs]), np.array([b.rotation_std_rad for b in beliefs])


def report(solution: Solution, readings: Sequence[Reading]) -> list[str]:
    """The calibration in lines: noise, each number with its deviation, and what the postures could not tell."""
    noise, left = solution.noise, solution.residuals
    position, rotation = believed_stds(solution, readings)
    position, rotation = 1000 * position, np.degrees(rotation)
    tags = sum(len(reading.corners_px) for reading in readings)
    lines = [
        f"{len(readings)} postures, {tags} tags, {solution.outliers:.1%} of them ignored",
        f"left over (root mean square): tags {left[3]:.2f} px, joints {np.degrees(left[2]):.2f} deg, cables "
        f"{1000 * left[0]:.2f} mm, balance {left[1]:.3f} N m",
        f"noise found: tags {noise.tag_px:.2f} px, joints {np.degrees(noise.joint_rad):.2f} deg, cables "
        f"{1000 * noise.length_m:.2f} mm, balance {noise.moment_n_m:.3f} N m",
        f"the camera is then known to {np.median(position):.1f} mm and {np.median(rotation):.2f} deg (median), "
        f"{np.percentile(position, 95):.1f} mm and {np.percentile(rotation, 95):.2f} deg (95 of 100 postures)",
    ]
    told = solution.stds / prior_stds()
    for index, name in enumerate(NAMES):
        by = "by the photographs" if told[index] < 0.2 else "partly" if told[index] < 0.7 else "by the prior"
        value, std = shown(index, solution.model.vector[index]), shown(index, solution.stds[index])
        lines.append(f"{name:34s} {value:>12s} +- {std:>11s}  {by}")
    return lines + unseen(solution)


def unseen(solution: Solution) -> list[str]:
    """Combinations that the chosen postures say little about; single numbers in them are not determined, sums are."""
    scale = prior_stds()
    values, vectors = np.linalg.eigh(solution.covariance / scale[:, None] / scale)
    lines = []
    for value, vector in sorted(zip(np.sqrt(values), vectors.T, strict=True), key=lambda pair: -pair[0]):
        if value > _UNSEEN:
            main = np.argsort(-np.abs(vector))[:4]
            parts = [f"{vector[k]:+.2f} {NAMES[k]}" for k in main if abs(vector[k]) > 0.25]
            lines.append(f"not told ({value:.2f} of the prior remains): {', '.join(parts)}")
    return lines


def shown(index: int, value: float) -> str:
    """A number of the vector as a person reads it."""
    factor, unit = _SCALES[UNITS[index]]
    return f"{factor * value:.4f} {unit}".rstrip() if unit == "" else f"{factor * value:.2f} {unit}"
