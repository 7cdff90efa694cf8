"""The cell that explains readings and photographs best: least squares over 60 numbers and seven more for each posture.

The seven are the carriage's pose and how much each servo misreports its joint. They are eliminated posture by posture
(Schur's complement). Outlying tags lose their say; the noise of each kind of measurement is estimated from what
remains, by its own redundancy (Förstner's variance components).
"""

from dataclasses import dataclass, replace

import numpy as np

from scan.cell import Array
from scan.cell_model import COUNT, CellModel, prior_stds
from scan.cell_readings import Reading
from trellis.board import TagBoard
from trellis.errors import TrellisError

#: Kinds of measurement, in the order of a posture's rows: four lengths, a moment, four joints, then tags.
KINDS = ("lengths", "balance", "joints", "tags")
_LOCAL = 7
_OUTLIER = 4.0
_ROUNDS = 25
_NOISE_ROUNDS = 3


class CalibrationFailed(TrellisError):
    """Readings from which no cell follows that could be trusted."""


@dataclass(frozen=True)
class Noise:
    """Standard deviations of what is measured: cable lengths, the balance's moment, joints, the middles of tags."""

    length_m: float = 0.0005
    moment_n_m: float = 0.1
    joint_rad: float = np.radians(0.12)
    tag_px: float = 0.15

    def values(self) -> Array:
        return np.array([self.length_m, self.moment_n_m, self.joint_rad, self.tag_px])

    @staticmethod
    def of(values: Array) -> "Noise":
        return Noise(*(float(value) for value in values))


@dataclass(frozen=True, eq=False)
class Solution:
    """What readings say about a cell.

    Args:
        model: The cell that explains them best.
        covariance: Of its vector, shape (60, 60).
        noise: As estimated.
        residuals: Root mean square of what is left, by kind, in units of `Noise`.
        poses: Of the carriage, shape (n, 3).
        joints_rad: As corrected, shape (n, 4).
        outliers: Share of tags that lost half of their say or more.
    """

    model: CellModel
    covariance: Array
    noise: Noise
    residuals: Array
    poses: Array
    joints_rad: Array
    outliers: float

    @property
    def stds(self) -> Array:
        return np.asarray(np.sqrt(np.diag(self.covariance)))


class Equations:
    """Readings as arrays, padded to the same number of corners, and their weighted errors and derivatives.

    What is compared of a tag is the mean of its four corners: light bleeds over a tag's edges, so that its corners seem
    nearer to its middle than they are.

    Args:
        readings: At rest, with the tags that each photograph shows.
        board: Where the tags' corners stand.
    """

    def __init__(self, readings: list[Reading], board: TagBoard) -> None:
        self.turns, self.tensions_n, self.joints_rad = (
            np.array([getattr(reading, name) for reading in readings]) for name in ("turns", "tensions_n", "joints_rad")
        )
        tags = [[tag for tag in reading.corners_px if tag in board.corners_world_m] for reading in readings]
        most = max(max(len(seen) for seen in tags), 1)
        self.points_m = np.zeros((len(readings), 4 * most, 3))
        self.points_m[..., 2] = -1.0
        self.seen_px = np.zeros((len(readings), most, 2))
        self.there = np.zeros((len(readings), most), bool)
        for row, (reading, seen) in enumerate(zip(readings, tags, strict=True)):
            for place, tag in enumerate(seen):
                span = slice(4 * place, 4 * place + 4)
                self.points_m[row, span] = board.corners_world_m[tag]
                self.seen_px[row, place] = reading.corners_px[tag].mean(axis=0)
                self.there[row, place] = True
        self.weights = self.there.astype(float)

    def errors(self, model: CellModel, local: Array, noise: Noise) -> Array:
        """Errors over their standard deviations, shape (n, 9 + 2k); local is (n, 7): x, y, yaw, four joint errors."""
        joints = self.joints_rad + local[:, 3:]
        carriage = model.carriage_errors(local[:, :3], self.turns, self.tensions_n, joints)
        carriage /= [*(noise.length_m,) * 4, noise.moment_n_m]
        corners = model.pixels(local[:, :3], joints, self.points_m)
        tags = (corners.reshape(*self.there.shape, 4, 2).mean(axis=2) - self.seen_px) / noise.tag_px
        tags = np.clip(tags, -1e4, 1e4) * np.sqrt(self.weights)[..., None]
        return np.concatenate([carriage, local[:, 3:] / noise.joint_rad, tags.reshape(len(local), -1)], axis=1)

    def derivatives(self, model: CellModel, local: Array, noise: Noise, errors: Array) -> tuple[Array, Array]:
        """By the vector (n, rows, 60) and by the posture's own seven (n, rows, 7), by differences."""
        steps = 1e-4 * prior_stds()
        by_cell = np.empty((*errors.shape, COUNT))
        for k in range(COUNT):
            moved = model.vector.copy()
            moved[k] += steps[k]
            by_cell[..., k] = (self.errors(model.at(moved), local, noise) - errors) / steps[k]
        by_local = np.empty((*errors.shape, _LOCAL))
        for k in range(_LOCAL):
            shifted = local.copy()
            shifted[:, k] += 1e-7
            by_local[..., k] = (self.errors(model, shifted, noise) - errors) / 1e-7
        return by_cell, by_local


def solve(
    model: CellModel, readings: list[Reading], board: TagBoard, starts: Array, noise: Noise | None = None
) -> Solution:
    """The cell that explains the readings.

    Args:
        model: What is believed: its nominal cell, and the vector to start from; priors stand about the nominal cell.
        readings: At least one.
        board: The tags in the world.
        starts: Carriage poses to begin with, shape (n, 3); some centimetres off does no harm.
        noise: To begin with.

    Whether it may be used is another question (`scan.calibration_report.doubts`).
    """
    equations, noise = Equations(readings, board), noise or Noise()
    local = np.column_stack([starts, np.zeros((len(readings), 4))])
    for turn in range(_NOISE_ROUNDS + 1):
        model, local = _minimise(equations, model, local, noise)
        if turn < _NOISE_ROUNDS:
            noise = _noise(equations, model, local, noise)
    errors = equations.errors(model, local, noise)
    by_cell, by_local = equations.derivatives(model, local, noise, errors)
    covariance = np.linalg.inv(_normal(by_cell, by_local, errors)[0])
    left = [np.sqrt(np.mean(errors[:, rows] ** 2)) for rows in _rows()[:3]]
    tag_rows = errors[:, 9:]
    left.append(np.sqrt((tag_rows**2).sum() / max(2 * equations.weights.sum(), 1.0)))
    lost = equations.there & (equations.weights < 0.5)
    share = float(lost.sum() / max(equations.there.sum(), 1))
    joints = equations.joints_rad + local[:, 3:]
    return Solution(
        model, np.asarray(covariance, dtype=float), noise, np.array(left) * noise.values(), local[:, :3], joints, share
    )


def information(model: CellModel, equations: Equations, local: Array, noise: Noise) -> Array:
    """What each posture says about the vector, its own seven numbers eliminated, shape (n, 60, 60)."""
    errors = equations.errors(model, local, noise)
    by_cell, by_local = equations.derivatives(model, local, noise, errors)
    H_ll = np.swapaxes(by_local, 1, 2) @ by_local
    H_lg = np.swapaxes(by_local, 1, 2) @ by_cell
    return np.swapaxes(by_cell, 1, 2) @ by_cell - np.swapaxes(H_lg, 1, 2) @ np.linalg.solve(H_ll, H_lg)


def _rows() -> tuple[slice, slice, slice, slice]:
    return slice(0, 4), slice(4, 5), slice(5, 9), slice(9, None)


def _normal(by_cell: Array, by_local: Array, errors: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Reduced normal matrix and gradient of the vector, and what gives each posture's own step afterwards."""
    H_ll = np.swapaxes(by_local, 1, 2) @ by_local
    H_lg = np.swapaxes(by_local, 1, 2) @ by_cell
    g_l = np.einsum("nrl,nr->nl", by_local, errors)
    solved = np.linalg.solve(H_ll, np.concatenate([H_lg, g_l[..., None]], axis=2))
    gain, shift = solved[..., :-1], solved[..., -1]
    H = np.einsum("nrg,nrh->gh", by_cell, by_cell) - np.einsum("nlg,nlh->gh", H_lg, gain)
    g = np.einsum("nrg,nr->g", by_cell, errors) - np.einsum("nlg,nl->g", H_lg, shift)
    return H + np.diag(prior_stds() ** -2.0), g, gain, shift, H_ll


def _cost(equations: Equations, model: CellModel, local: Array, noise: Noise) -> tuple[float, Array]:
    errors = equations.errors(model, local, noise)
    return float((errors**2).sum() + ((model.vector / prior_stds()) ** 2).sum()), errors


def _minimise(equations: Equations, model: CellModel, local: Array, noise: Noise) -> tuple[CellModel, Array]:
    """Gauss-Newton with damping, the tags weighed anew at every step."""
    damping = 1e-3
    for _ in range(_ROUNDS):
        _weigh(equations, model, local, noise)
        before, errors = _cost(equations, model, local, noise)
        H, g, gain, shift, _ = _normal(*equations.derivatives(model, local, noise, errors), errors)
        g = g + model.vector / prior_stds() ** 2
        while True:
            step = -np.linalg.solve(H + damping * np.diag(np.diag(H)), g)
            own = -(shift + gain @ step)
            after, _ = _cost(equations, model.at(model.vector + step), local + own, noise)
            if after < before or damping > 1e8:
                break
            damping *= 10
        if damping > 1e8:
            return model, local  # no step is better: this is the minimum, to rounding
        model, local, damping = model.at(model.vector + step), local + own, max(damping / 10, 1e-9)
        if before - after < 1e-6 * before:
            return model, local
    return model, local  # what is left is judged afterwards, as everything is


def _weigh(equations: Equations, model: CellModel, local: Array, noise: Noise) -> None:
    """Full say up to four standard deviations, then falling with the square of the error."""
    equations.weights = equations.there.astype(float)
    tags = equations.errors(model, local, noise)[:, 9:].reshape(*equations.there.shape, 2)
    size = np.linalg.norm(tags, axis=2)
    # Far from the minimum all tags are off: outliers are those that are off beyond the others.
    typical = max(float(np.median(size[equations.there])) / 1.18, 1.0) if equations.there.any() else 1.0
    equations.weights = equations.there / np.maximum(1.0, size / (_OUTLIER * typical)) ** 2


def _noise(equations: Equations, model: CellModel, local: Array, noise: Noise) -> Noise:
    """Each kind's noise from its residuals over its redundancy, within a factor of four of before."""
    errors = equations.errors(model, local, noise)
    by_cell, by_local = equations.derivatives(model, local, noise, errors)
    H, _, gain, _, H_ll = _normal(by_cell, by_local, errors)
    covariance, own = np.linalg.inv(H), np.linalg.inv(H_ll)
    free = by_cell - by_local @ gain
    values = noise.values()
    for index, rows in enumerate(_rows()):
        count = 2 * equations.weights.sum() if index == 3 else errors[:, rows].size
        used = np.einsum("nrg,gh,nrh->", free[:, rows], covariance, free[:, rows])
        used += np.einsum("nrl,nlm,nrm->", by_local[:, rows], own, by_local[:, rows])
        redundancy = count - used
        if redundancy > 8:
            factor = np.sqrt((errors[:, rows] ** 2).sum() / redundancy)
            values[index] *= float(np.clip(factor, 0.25, 4.0))
    return replace(noise, **dict(zip(noise.__dataclass_fields__, map(float, values), strict=True)))
