"""A robot found from what its encoders read and where something else saw it: pulleys, scales, offsets and delay.

Unknown are `reading_model.PARAMETERS` and the pose of every row used. Measured are four readings a row and the fixes.
Lengths alone fix no scale: a frame twice as large with drums twice as large reads the same; so without fixes it is
refused. Everything has a prior. Noise of readings and fixes is estimated along the way, and outliers lose their say.
"""

from dataclasses import dataclass

import numpy as np

from cdpr.batch import forward_batch
from cdpr.cable_log import CableLog
from cdpr.kinematics import PosePrior, cable_lengths
from cdpr.least_squares import Equations, NoCalibration, Solution, minimise, redundancies
from cdpr.reading_model import CORNERS, DELAY, OFFSETS, PARAMETERS, PULLEYS, SCALES, ReadingModel
from cdpr.robot import Array, CableRobot, Indices
from trellis.errors import InputError

_FIXES_MIN = 4
_SPREAD_MIN_M = 0.2
#: Fixes beyond so many, as from motion capture at every row, are thinned.
_FIXES_MAX = 400
#: Rows without a fix, for each row with one. More would let what the model leaves out, which is the same in row after
#: row of a recording, outweigh the fixes (docs/decisions/0007).
_WITHOUT_FIX = 2
#: Beyond so many standard deviations an error is an outlier: its weight falls with the square.
_OUTLIER = 3.0
#: So much must remain unexplained, in numbers, before noise is estimated rather than assumed.
_REDUNDANCY_MIN = 8.0
#: Noise is believed to be no more than so many times what was assumed, nor less by as much.
_NOISE_MAX = 20.0
#: A greater share of outlying fixes, or a parameter so many standard deviations from its prior, is no calibration.
_LOST_MAX, _STRAIN_MAX = 0.35, 6.0
_ROUNDS = 40
_OUTLIERS_FIRST = 5


class NotObservable(InputError):
    """The log cannot say where the robot is, whatever is done with it."""


@dataclass(frozen=True)
class Beliefs:
    """Standard deviations of what is believed before the log is read. Of noise only the start: it is estimated.

    Args:
        pulley_m: Of each coordinate of each pulley.
        scale: Of each cable's metres for a metre read, about 1.
        offset_m: Of each cable's length at a reading of zero, about 0.
        delay_s: Of the delay between fixes and readings, about 0; only a recording can tell it.
        corner_m: Of each coordinate of each corner; with 0 the corners are taken as they are.
        reading_m: Noise of a reading.
        fix_m: Noise of a fix, in x and in y.
        fix_yaw_rad: Noise of a fix's yaw; not estimated.
        yaw_rad: Of the carriage's yaw, about 0, where the fixes do not tell it.
    """

    pulley_m: float = 0.1
    scale: float = 0.1
    offset_m: float = 0.5
    delay_s: float = 0.01
    corner_m: float = 0.0
    reading_m: float = 0.001
    fix_m: float = 0.005
    fix_yaw_rad: float = 0.01
    yaw_rad: float = 0.05

    def stds(self) -> Array:
        """Of every parameter, shape (25,)."""
        stds = np.empty(len(PARAMETERS))
        stds[PULLEYS], stds[SCALES], stds[OFFSETS] = self.pulley_m, self.scale, self.offset_m
        stds[DELAY], stds[CORNERS] = self.delay_s, self.corner_m
        return stds


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a log says about a robot.

    Args:
        model: The robot and how its encoders count.
        covariance: Of `PARAMETERS`, shape (25, 25); zero where a parameter was not estimated.
        prior_stds: What was believed before, shape (25,); zero where not estimated.
        reading_std_m: Noise of a reading, estimated where the log can tell.
        fix_std_m: Noise of a fix in x and in y, likewise.
        yaw_prior: Mean and standard deviation of the carriage's yaw (rad), as the fixes showed it.
        rows: How many rows of the log were used.
        fixes: How many of them with a fix.
        outlying_fixes: Rows of the log whose fix lost half of its say or more.
    """

    model: ReadingModel
    covariance: Array
    prior_stds: Array
    reading_std_m: float
    fix_std_m: float
    yaw_prior: tuple[float, float]
    rows: int
    fixes: int
    outlying_fixes: tuple[int, ...]

    @property
    def stds(self) -> Array:
        """Standard deviations of `PARAMETERS`, shape (25,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))


def calibrate(robot: CableRobot, log: CableLog, beliefs: Beliefs | None = None) -> Calibration:
    """The robot that explains a log best.

    Args:
        robot: What is believed of it; mean of the priors on pulleys and corners.
        log: Readings, and at least four fixes over at least 0.2 m.
        beliefs: How sure that is.

    Raises:
        NotObservable: The log has too few fixes, or they lie too close together.
        NoCalibration: No plausible robot explains the log.
    """
    beliefs = beliefs or Beliefs()
    _check_observable(log)
    chosen = _choose_rows(log)
    stds = beliefs.stds()
    rates = log.rates_m_s()
    if not rates.any():
        stds[DELAY] = 0.0
    yaw_prior = _yaw_prior(log, beliefs)
    prior = ReadingModel(robot, np.ones(4), np.zeros(4))
    equations = Equations(
        prior, stds, log.readings_m[chosen], rates[chosen], log.fixes[chosen], yaw_prior, beliefs.fix_yaw_rad
    )
    begin = _first_guess(prior, log, stds, beliefs)
    poses = _first_poses(begin, log, chosen, yaw_prior)
    return _settle(equations, begin, poses, chosen, beliefs)


def _settle(eq: Equations, model: ReadingModel, poses: Array, chosen: Indices, beliefs: Beliefs) -> Calibration:
    """Minimise, then weigh again by what remained, until nothing changes."""
    noise = np.array([beliefs.reading_m, beliefs.fix_m])
    weights = np.ones((len(poses), 8))
    for turn in range(_ROUNDS):
        solution = minimise(eq, model, poses, noise, weights)
        model, poses = solution.model, solution.poses
        before = noise
        if turn >= _OUTLIERS_FIRST:  # an outlier that still has its say would pass for noise
            noise = _noise(solution, noise, weights, beliefs)
        weights = _weights(solution.errors / np.sqrt(weights), before / noise)
        if turn > _OUTLIERS_FIRST and np.abs(noise / before - 1).max() < 1e-3:
            break
    solution = minimise(eq, model, poses, noise, weights)
    has_fix = np.isfinite(eq.fixes[:, 0])
    lost = chosen[has_fix & (weights[:, 5] < 0.5)]
    found = Calibration(
        solution.model, solution.covariance, eq.prior_stds, float(noise[0]), float(noise[1]), eq.yaw_prior,
        len(chosen), int(has_fix.sum()), tuple(int(row) for row in lost),
    )  # fmt: skip
    _check_plausible(found, eq.prior, beliefs)
    return found


def _check_plausible(found: Calibration, prior: ReadingModel, beliefs: Beliefs) -> None:
    """Refuse what is a minimum but no robot: cables in another order, other units, a mirrored frame."""
    hint = "check the order of the cables, the units of the columns and the axes of the fixes"
    if len(found.outlying_fixes) > _LOST_MAX * found.fixes:
        raise NoCalibration(f"{len(found.outlying_fixes)} of {found.fixes} fixes fit nothing else in the log; {hint}")
    if found.reading_std_m > 0.99 * _NOISE_MAX * beliefs.reading_m:
        raise NoCalibration(f"what the encoders read stays {1e3 * found.reading_std_m:.0f} mm from any robot; {hint}")
    free = np.flatnonzero(found.prior_stds)
    strain = np.abs(found.model.vector() - prior.vector())[free] / found.prior_stds[free]
    worst = free[strain.argmax()]
    if strain.max() > _STRAIN_MAX:
        raise NoCalibration(
            f"{PARAMETERS[worst]} would be {found.model.vector()[worst]:.3f}, but {prior.vector()[worst]:.3f} within "
            f"{found.prior_stds[worst]:g} is believed; {hint}, or believe less"
        )


def _noise(solution: Solution, noise: Array, weights: Array, beliefs: Beliefs) -> Array:
    """Standard deviations of readings and fixes from what remained, each by its own redundancy (Förstner, 1979)."""
    new, free = noise.copy(), redundancies(solution)
    squares = weights * solution.errors**2  # weighed twice, so that a gross error adds almost nothing
    for kind, columns, believed in ((0, slice(0, 4), beliefs.reading_m), (1, slice(5, 7), beliefs.fix_m)):
        redundancy = free[:, columns].sum()
        if redundancy >= _REDUNDANCY_MIN:
            found = noise[kind] * np.sqrt(squares[:, columns].sum() / redundancy)
            new[kind] = np.clip(found, believed / _NOISE_MAX, believed * _NOISE_MAX)
    return new


def _weights(errors: Array, ratio: Array) -> Array:
    """Weight of every error, 1 but for outliers: a reading by itself, a fix as a whole."""
    sizes = np.abs(errors)
    sizes[:, :4] *= ratio[0]
    sizes[:, 5:7] *= ratio[1]
    sizes[:, 5:] = np.linalg.norm(sizes[:, 5:], axis=1)[:, None]
    sizes[:, 4] = 0.0
    limits = np.array([_OUTLIER] * 5 + [_OUTLIER + 1] * 3)
    return np.asarray(np.minimum(1.0, (limits / np.maximum(sizes, 1e-12)) ** 2))


def _check_observable(log: CableLog) -> None:
    fixes = log.fixes[log.fixed, :2]
    why = "lengths alone do not fix scale: a frame and drums twice as large would read the same"
    if len(fixes) < _FIXES_MIN:
        raise NotObservable(
            f"the log has {len(fixes)} position fixes (rows with mocap_x_m and mocap_y_m), at least {_FIXES_MIN} are "
            f"needed, better 20; {why}"
        )
    spread_m = float(np.ptp(fixes, axis=0).max())
    if spread_m < _SPREAD_MIN_M:
        raise NotObservable(
            f"the position fixes lie within {spread_m:.3f} m of each other, at least {_SPREAD_MIN_M} m is needed; {why}"
        )


def _choose_rows(log: CableLog) -> Indices:
    """Indices of the rows to use, ascending: those with a fix, and some of the others, evenly along the cables' way."""
    way_m = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(log.readings_m, axis=0)).max(axis=1))])
    # A spike has its own pose to hide in: four readings of one row hardly contradict each other.
    good = ~log.spikes()
    with_fix = _evenly(np.flatnonzero(log.fixed & good), way_m, _FIXES_MAX)
    others = _evenly(np.flatnonzero(~log.fixed & good), way_m, min(_WITHOUT_FIX * len(with_fix), _FIXES_MAX))
    return np.sort(np.concatenate([with_fix, others]))


def _evenly(rows: Indices, way_m: Array, most: int) -> Indices:
    """At most so many of the rows, evenly along the way."""
    if len(rows) <= most:
        return rows
    marks = np.linspace(way_m[rows[0]], way_m[rows[-1]], most)
    return np.unique(rows[np.minimum(np.searchsorted(way_m[rows], marks), len(rows) - 1)])


def _yaw_prior(log: CableLog, beliefs: Beliefs) -> tuple[float, float]:
    """Mean and spread of the carriage's yaw from the fixes, where enough of them tell it."""
    yaws = log.fixes[np.isfinite(log.fixes[:, 2]), 2]
    if len(yaws) < 2 * _FIXES_MIN:
        return 0.0, beliefs.yaw_rad
    return float(yaws.mean()), float(np.hypot(yaws.std(ddof=1), beliefs.fix_yaw_rad))


def _first_guess(prior: ReadingModel, log: CableLog, stds: Array, beliefs: Beliefs) -> ReadingModel:
    """Scale and offset of each cable by ridge regression of believed lengths at the fixes on the readings."""
    fixed = log.fixed
    lengths = cable_lengths(prior.robot, np.nan_to_num(log.fixes[fixed]))
    vector = prior.vector()
    believed = np.diag([1 / beliefs.scale**2, 1 / beliefs.offset_m**2])
    noise = np.hypot(beliefs.fix_m, beliefs.pulley_m) ** 2
    for cable in range(4):
        rows = np.column_stack([log.readings_m[fixed, cable], np.ones(int(fixed.sum()))])
        right = rows.T @ lengths[:, cable] / noise + believed @ [1.0, 0.0]
        found = np.linalg.solve(rows.T @ rows / noise + believed, right)
        vector[SCALES.start + cable], vector[OFFSETS.start + cable] = found
    return prior.with_vector(vector)


def _first_poses(model: ReadingModel, log: CableLog, chosen: Indices, yaw_prior: tuple[float, float]) -> Array:
    mean, std = yaw_prior
    start = np.append(np.median(log.fixes[log.fixed, :2], axis=0), mean)
    lengths = np.maximum(model.lengths_m(log.readings_m[chosen], np.zeros((len(chosen), 4))), 0.01)
    prior = PosePrior(start, np.diag([1.0, 1.0, std**2]))
    return forward_batch(model.robot, lengths, 0.05, start, prior).poses
