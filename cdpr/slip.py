"""A jump of lengths against what was commanded that no motion of the carriage explains: a drum or an encoder slipped.

Four encoders and three degrees of freedom leave one combination of lengths that motion does not change, but noise of
1.8 mm hides a slip of 5 mm in it for longer than half a second, and a frame built to millimetres lets it wander by as
much. What was commanded says more: a slip makes lengths jump, and keeps them there, within a tenth of a second, where
a frame's errors take as long as the carriage takes to get somewhere else. So the jump is the difference between two
means, one right after the other, and it is held against how each slip would look (docs/safety.md):

- a lower winch pulls at a torque, whatever its encoder says: its own length jumps, nothing else;
- an upper drive takes its own slip back, within a tenth of a second, by moving the carriage: lower lengths jump;
- an upper drive that cannot, shows it in its own length.

What passes for chance is a normal distribution: noise of encoders, motion of the carriage that noise and friction
cause, following that comes late, and the frame's errors. The jump's part along each slip's look, in standard
deviations of that, is what is judged (matched filter; Kay, Fundamentals of Statistical Signal Processing II, 1998).
How large the frame's errors are is learned on the way: a robot that was never calibrated is watched less sharply over
its first metres.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from cdpr.robot import CABLES, LOWER, UPPER, Array

#: The jump is the difference between means over these two spans.
_AFTER_S, _BEFORE_S = 0.44, 0.8
#: Encoder noise that is expected (Chen et al., IROS 2022), in each of its values.
_NOISE_M = 0.0018
#: Motion of the carriage between the two spans by the drives' own noise, in x and y and turned into yaw; one standard
#: deviation, measured on the simulated farm; and what is added in motion, for each metre a second.
_SWAY_M, _SWAY_RAD, _SWAY_S = 0.0005, 0.006, 0.002
#: Following may be late by so much.
_LATE_S = 0.005
#: A length may be off by such a share of its way: of a calibrated frame; and of one that was built with a tape measure,
#: until it is learned in so many metres of way. What is learned in one place says as much of another, times this, and
#: never less than that: near the dock, where all is counted from, errors cancel.
_CALIBRATED_SHARE, _BUILT_SHARE, _LEARNED_M, _ELSEWHERE, _BUILT_LEAST = 0.003, 0.02, 0.5, 3.0, 0.01
#: So many standard deviations: of the published noise, all day long, that is one false alarm in more than a day.
_DEVIATIONS = 5.0
#: Less is not called a slip, however quiet the line.
_LEAST_M = 0.002
#: Slips whose looks are this alike are both named.
_ALIKE = 0.8


@dataclass(frozen=True)
class Slip:
    """What jumped.

    Args:
        cables: Names of the cables that may have slipped, the likeliest first.
        slip_m: By how much it reads longer than it is.
    """

    cables: tuple[str, ...]
    slip_m: float


class SlipWatch:
    """Takes the difference between measured and commanded lengths at every step.

    Args:
        period_s: Between steps.
        calibrated: The frame's errors are what a calibration leaves.
    """

    def __init__(self, period_s: float, calibrated: bool) -> None:
        self._period_s = period_s
        self._after, self._before = max(round(_AFTER_S / period_s), 5), max(round(_BEFORE_S / period_s), 10)
        self._seen: deque[tuple[Array, Array]] = deque(maxlen=self._after + self._before)
        self._calibrated = calibrated
        self._share2 = (_CALIBRATED_SHARE if calibrated else _BUILT_SHARE) ** 2
        #: What passed, until it is certain that no slip was in it.
        self._passed: deque[tuple[float, float]] = deque()

    def forget(self) -> None:
        """Begin to look anew; what was learned of the frame stays."""
        self._seen.clear()
        self._passed.clear()

    def look(self, off_m: Array, speeds_m_s: Array, by_pose: Array) -> Slip | None:
        """The slip that shows, or None.

        Args:
            off_m: Measured minus commanded, shape (4,); not a number where nothing was heard.
            speeds_m_s: Of the cables, as commanded, shape (4,).
            by_pose: `length_jacobian` where the carriage should be, shape (4, 3).
        """
        if not np.isfinite(off_m).all():
            return None
        self._seen.append((off_m, speeds_m_s))
        if len(self._seen) < self._after + self._before // 2:
            return None
        offs, speeds = (np.array(column) for column in zip(*self._seen, strict=True))
        after, before = slice(-self._after, None), slice(None, -self._after)
        jump_m = offs[after].mean(axis=0) - offs[before].mean(axis=0)
        if not self._calibrated:
            self._learn(jump_m, speeds, len(offs))
        scores, sizes_m, looks = _held_against(jump_m, self._chance(speeds, after, before, by_pose), by_pose)
        best = int(np.argmax(np.abs(scores)))
        if abs(scores[best]) < _DEVIATIONS or abs(sizes_m[best]) < _LEAST_M:
            return None
        alike = [k for k in range(len(looks)) if abs(scores[k]) >= _ALIKE * abs(scores[best])]
        order = sorted(alike, key=lambda k: -abs(scores[k]))
        return Slip(tuple(dict.fromkeys(CABLES[looks[k]] for k in order)), float(sizes_m[best]))

    def _learn(self, jump_m: Array, speeds: Array, count: int) -> None:
        """From jumps of a second ago: their mean square, less noise, for each metre of way."""
        step_m = float(np.abs(speeds[-1]).max()) * self._period_s
        way_m = float(np.abs(speeds).max()) * self._period_s * count / 2
        noise = _NOISE_M**2 * (1 / self._after + 1 / (count - self._after))
        self._passed.append((step_m, (float(np.mean(jump_m**2)) - noise) / max(way_m, 1e-3) ** 2))
        if len(self._passed) > self._after + self._before:
            step_m, share2 = self._passed.popleft()
            part = min(step_m / _LEARNED_M, 1.0)
            self._share2 = max((1 - part) * self._share2 + part * _ELSEWHERE**2 * share2, _BUILT_LEAST**2)

    def _chance(self, speeds: Array, after: slice, before: slice, by_pose: Array) -> Array:
        """Covariance of a jump by chance, shape (4, 4)."""
        count = len(speeds) - self._after
        noise = _NOISE_M**2 * (1 / self._after + 1 / count)
        fastest = float(np.abs(speeds).max())
        sway_m = np.hypot(_SWAY_M, _SWAY_S * fastest)
        sway = by_pose * np.array([sway_m, sway_m, _SWAY_RAD])
        change = _LATE_S * (speeds[after].mean(axis=0) - speeds[before].mean(axis=0))
        way_m = fastest * self._period_s * len(speeds) / 2
        return np.asarray((noise + self._share2 * way_m**2) * np.eye(4) + sway @ sway.T + np.outer(change, change))


def signatures(by_pose: Array) -> tuple[Array, list[int]]:
    """How the four lengths jump for each metre of each slip, rows (6, 4), and which cable slips.

    First each cable's own length; then the upper drives' slips, taken back: they move the carriage, at the same yaw, by
    as much as brings the upper lengths to where they seemed to be.
    """
    upper, lower = list(UPPER), list(LOWER)
    moved = np.linalg.solve(by_pose[upper, :2], -np.eye(2))  # (x and y, which of the two slipped)
    taken_back = np.zeros((2, 4))
    taken_back[:, lower] = (by_pose[lower, :2] @ moved).T
    return np.vstack([np.eye(4), taken_back]), [0, 1, 2, 3, *upper]


def _held_against(jump_m: Array, chance: Array, by_pose: Array) -> tuple[Array, Array, list[int]]:
    """Of each slip: score in standard deviations, likeliest size, and which cable it is."""
    rows, cables = signatures(by_pose)
    weighed = np.linalg.solve(chance, rows.T)  # (4, 6)
    information = np.einsum("kc,ck->k", rows, weighed)
    told = jump_m @ weighed
    return told / np.sqrt(information), told / information, cables
