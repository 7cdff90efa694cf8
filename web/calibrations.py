"""The cell's calibrations as answers: what each found, which is in force, and how far the days have moved it."""

from datetime import datetime
from typing import Literal

import numpy as np

from scan.calibrated_sections import CellRecord, Step
from scan.calibration_report import shown
from scan.cell_model import NAMES, prior_stds
from scan.cell_record import CellHistory
from scan.cell_solver import Noise
from trellis.errors import TrellisError
from web.answers import Answer

#: Of what has moved since the last calibration so many numbers are told, those first that moved most for what they are.
_MOVED_MAX = 4


class CalibrationAnswer(Answer):
    """One calibration. `kind`: `calibration` is a drive past the tags, `learned` came from a day's scan.

    What was left over between the cell and what was measured: of tags in pixels, joints in radians, cables in metres,
    balance in newton metres. `moved` says in words what differs most from the calibration before it. `problem` says why
    it cannot be read.
    """

    name: str
    made_at: datetime | None
    kind: Literal["calibration", "learned", "unreadable"]
    in_force: bool
    readings: int
    tag_px: float | None
    joint_rad: float | None
    length_m: float | None
    moment_n_m: float | None
    moved: tuple[str, ...]
    report: tuple[str, ...]
    problem: str | None


class StepAnswer(Answer):
    """Which calibration came into force when, and why; without a name the cell as configured."""

    name: str | None
    at: datetime
    why: str


class CalibrationsAnswer(Answer):
    """All calibrations and steps, newest first. `in_force` None: the cell is taken as configured."""

    in_force: str | None
    calibrations: tuple[CalibrationAnswer, ...]
    steps: tuple[StepAnswer, ...]


def calibrations(history: CellHistory) -> CalibrationsAnswer:
    """All of them. Raises `InputError` where the list of steps cannot be read."""
    steps = history.steps()
    current = steps[-1].name if steps else None
    found, before = [], None
    for name in history.names():
        answer, record = _read(history, name, current, before)
        found.append(answer)
        before = record or before
    return CalibrationsAnswer(
        in_force=current, calibrations=tuple(reversed(found)), steps=tuple(_step(step) for step in reversed(steps))
    )


def _read(
    history: CellHistory, name: str, current: str | None, before: CellRecord | None
) -> tuple[CalibrationAnswer, CellRecord | None]:
    try:
        record = history.read(name)
    except TrellisError as error:
        return _unreadable(name, current, str(error)), None
    noise = Noise.of(np.array(record.noise))
    answer = CalibrationAnswer(
        name=name,
        made_at=record.made_at,
        kind="learned" if record.kind == "learned" else "calibration",
        in_force=name == current,
        readings=record.readings,
        tag_px=noise.tag_px,
        joint_rad=noise.joint_rad,
        length_m=noise.length_m,
        moment_n_m=noise.moment_n_m,
        moved=_moved(record, before),
        report=record.report,
        problem=None,
    )
    return answer, record


def _unreadable(name: str, current: str | None, problem: str) -> CalibrationAnswer:
    nothing = dict.fromkeys(("made_at", "tag_px", "joint_rad", "length_m", "moment_n_m"))
    return CalibrationAnswer(
        name=name, kind="unreadable", in_force=name == current, readings=0, moved=(), report=(), problem=problem,
        **nothing,
    )  # fmt: skip


def _moved(record: CellRecord, before: CellRecord | None) -> tuple[str, ...]:
    if before is None:
        return ()
    change = np.array(record.vector) - np.array(before.vector)
    most = np.argsort(-np.abs(change) / prior_stds())[:_MOVED_MAX]
    return tuple(f"{NAMES[k]} {shown(int(k), float(change[k]))}" for k in most if change[k])


def _step(step: Step) -> StepAnswer:
    return StepAnswer(name=step.name, at=step.at, why=step.why)
