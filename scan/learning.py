"""What a day's scans teach about the cell: the poses that reconstruction found, against those that were believed.

A scan's residuals (cameras, and what the drums leave unexplained) are first asked whether one drum or one joint has
slipped: eight hypotheses of one number each. The first scan that shows a slip raises a suspicion; the next confirms it,
and then it is corrected. A plant that moved takes the cameras of its own scan with it, unless tags hold the frame: so a
scan without tags is confirmed by one of another plant only.
What is left over without a slip moves all numbers a little: by a share of what a Kalman step would, and never by more
than a limit a scan.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np

from scan.believing import camera_response
from scan.calibrated_sections import CellRecord
from scan.cell import Array
from scan.cell_model import NAMES, SLACKS, ZEROS, CellModel, prior_stds
from scan.cell_readings import Reading
from scan.cell_solver import Noise
from trellis.geometry import Pose

#: What a found pose is good for.
FOUND_STD_M, FOUND_STD_RAD = 0.001, np.radians(0.1)
#: A slip counts when it explains this much chi-square, and is larger than what a healthy cell shows.
_GAIN_MIN, _SLIP_MIN_M, _SLIP_MIN_RAD = 30.0, 0.0015, np.radians(0.5)
#: Two scans tell the same slip if their values differ by no more than this share of the larger.
_SAME = 0.5
#: Of a full Kalman step so much is taken, and of each number's prior deviation no more than this a scan.
GAIN, STEP_LIMIT = 0.3, 0.05
#: How much a healthy cell changes from scan to scan, as a share of its prior deviations.
_DRIFT = 0.02
VIEWS_MIN = 12

_SLIPS = (*range(SLACKS.start, SLACKS.stop), *range(ZEROS.start, ZEROS.stop))


class Outcome(StrEnum):
    """What a scan taught."""

    TOO_FEW = "too few"
    NOTHING = "nothing"
    SUSPECTED = "suspected"
    CORRECTED = "corrected"
    ADJUSTED = "adjusted"


@dataclass(frozen=True, eq=False)
class Found:
    """One photograph: what the devices read at the shutter, and where reconstruction found the camera.

    Args:
        reading: At rest.
        start: The carriage's pose, roughly, shape (3,).
        world_from_camera: As found, in the world of the tags.
    """

    reading: Reading
    start: Array
    world_from_camera: Pose


@dataclass(frozen=True)
class Suspicion:
    """A slip that one scan showed: index into `NAMES`, how much in metres or radians, and on which plant."""

    index: int
    value: float
    plant: str = ""

    def __str__(self) -> str:
        if self.index in range(SLACKS.start, SLACKS.stop):
            cable = NAMES[self.index].removesuffix(" slack in the dock")
            return f"the {cable} cable has slipped by {1000 * self.value:+.1f} mm"
        joint = NAMES[self.index].removeprefix("zero of the ")
        return f"the {joint} joint has slipped by {np.degrees(self.value):+.1f} deg"


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a scan taught.

    Args:
        outcome: In a word.
        message: For the grower.
        vector: The cell's numbers from now on, shape (60,); as before unless corrected or adjusted.
        covariance: Of it.
        suspicion: To hand to the next scan's `learn`.
        off_m, off_rad: Median of how far the camera was found from where it was believed.
    """

    outcome: Outcome
    message: str
    vector: Array
    covariance: Array
    suspicion: Suspicion | None
    off_m: float = 0.0
    off_rad: float = 0.0


def learn(
    model: CellModel,
    covariance: Array,
    noise: Noise,
    scan: Sequence[Found],
    plant: str,
    anchored: bool,
    suspicion: Suspicion | None = None,
) -> Lesson:
    """What one scan teaches about a calibrated cell.

    Args:
        model: The cell as it is believed.
        covariance: Of its vector.
        noise: Of what is measured.
        scan: Photographs with found poses.
        plant: Whose scan it is.
        anchored: Tags hold the frame in which the poses were found.
        suspicion: What the scan before raised.
    """
    if len(scan) < VIEWS_MIN:
        text = f"only {len(scan)} found poses, {VIEWS_MIN} are needed to learn from a scan"
        return Lesson(Outcome.TOO_FEW, text, model.vector, covariance, suspicion)
    errors, by_cell, weights = _residuals(model, noise, scan)
    off = np.median(np.linalg.norm(errors[:, :3], axis=1)), np.median(np.linalg.norm(errors[:, 3:6], axis=1))
    figures = float(off[0]), float(off[1])
    slip = _slip(errors, by_cell, weights, plant)
    if slip is None:
        return _adjusted(model, covariance, errors, by_cell, weights, suspicion, figures)
    if suspicion is None or not _same(slip, suspicion) or not (anchored or slip.plant != suspicion.plant):
        text = f"{slip}, as far as this scan can tell; the next one will confirm it, or it was the plant that moved"
        return Lesson(Outcome.SUSPECTED, text, model.vector, covariance, slip, *figures)
    vector = model.vector.copy()
    vector[slip.index] += slip.value
    text = f"{slip}; two scans agree, and the cell counts on it from now on: see to the part"
    return Lesson(Outcome.CORRECTED, text, vector, covariance, None, *figures)


def lesson_record(
    record: CellRecord, lesson: Lesson, sections: dict[str, dict[str, object]], now: datetime
) -> CellRecord:
    """The calibration after a lesson, to be kept in the history beside the one that it came from."""
    return record.model_copy(
        update={
            "made_at": now.replace(microsecond=0),
            "kind": "learned",
            "vector": tuple(map(float, lesson.vector)),
            "covariance": tuple(tuple(map(float, row)) for row in lesson.covariance),
            "sections": sections,
            "report": (f"from {record.name}", lesson.message),
        }
    )


def _residuals(model: CellModel, noise: Noise, scan: Sequence[Found]) -> tuple[Array, Array, Array]:
    """Found less believed, and what drums leave unexplained (n, 11); derivatives (n, 11, 60); weights (n, 11, 11)."""
    found_variance = np.diag([FOUND_STD_M**2] * 3 + [FOUND_STD_RAD**2] * 3)
    errors, by_cell, weights = [], [], []
    for photograph in scan:
        response = camera_response(model, noise, photograph.reading, photograph.start)
        found, believed = photograph.world_from_camera, response.world_from_camera
        twist = (found @ believed.inverse).rotation
        turn = np.array([twist[2, 1] - twist[1, 2], twist[0, 2] - twist[2, 0], twist[1, 0] - twist[0, 1]]) / 2
        # A change of the cell moves what is believed towards what was found, and takes from what is unexplained.
        errors.append(np.concatenate([found.translation_m - believed.translation_m, turn, -response.misfit]))
        by_cell.append(np.vstack([response.by_cell, response.misfit_by_cell]))
        weight = np.eye(11)
        weight[:6, :6] = np.linalg.inv(response.device_covariance + found_variance)
        weights.append(weight)
    return np.array(errors), np.array(by_cell), np.array(weights)


def _slip(errors: Array, by_cell: Array, weights: Array, plant: str) -> Suspicion | None:
    """The one number of the eight whose change explains most, if it explains much and is large."""
    best: tuple[float, Suspicion] | None = None
    for index in _SLIPS:
        column = by_cell[:, :, index]
        weighed = np.einsum("nij,nj->ni", weights, column)
        power, push = float((weighed * column).sum()), float((weighed * errors).sum())
        gain, value = push * push / power, push / power
        if best is None or gain > best[0]:
            best = gain, Suspicion(index, value, plant)
    if best is None or best[0] < _GAIN_MIN:
        return None
    limit = _SLIP_MIN_M if best[1].index in range(SLACKS.start, SLACKS.stop) else _SLIP_MIN_RAD
    return best[1] if abs(best[1].value) > limit else None


def _same(one: Suspicion, other: Suspicion) -> bool:
    largest = max(abs(one.value), abs(other.value))
    return one.index == other.index and abs(one.value - other.value) <= _SAME * largest


def _adjusted(
    model: CellModel,
    covariance: Array,
    errors: Array,
    by_cell: Array,
    weights: Array,
    suspicion: Suspicion | None,
    figures: tuple[float, float],
) -> Lesson:
    """All numbers moved a little by what is left over, within limits; a suspicion that was not confirmed is dropped."""
    scale = prior_stds()
    before = covariance + np.diag((_DRIFT * scale) ** 2)
    told = np.einsum("nik,nij,njl->kl", by_cell, weights, by_cell)
    push = np.einsum("nik,nij,nj->k", by_cell, weights, errors)
    after = np.linalg.inv(np.linalg.inv(before) + told)
    step = GAIN * after @ push
    step *= min(1.0, 1.0 / max(float(np.abs(step / (STEP_LIMIT * scale)).max()), 1e-12))
    # A filtered step leaves more open than a full one.
    spread = (1 - GAIN) * before + GAIN * after
    gained = 2 * step @ push - step @ told @ step
    off = f"{1000 * figures[0]:.1f} mm and {np.degrees(figures[1]):.2f} deg"
    text = f"cameras were found {off} from where they were believed"
    if suspicion is not None:
        text += f"; that {suspicion} is not confirmed: it was the plant that moved"
    if gained < 1.0:
        return Lesson(Outcome.NOTHING, text, model.vector, covariance, None, *figures)
    return Lesson(Outcome.ADJUSTED, text, model.vector + step, spread, None, *figures)
