"""What must not happen while the carriage is held or driven, seen from encoders, currents and what was commanded.

Each check says why in one line, and whoever asks then stops the winches. Nothing here moves anything or knows a port;
docs/safety.md gives the limits, where they come from and how soon and how surely each is noticed.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from cdpr.config import CablesSection
from cdpr.robot import CABLES, UPPER, Array
from cdpr.slip import SlipWatch

#: Silence of an encoder that is too long, and how far it must have been sent for its standing still to be noticed.
_SILENCE_S, _FROZEN_TRAVEL_M = 0.25, 0.03
#: Speeds above those commanded that noise does not explain (0.04 m/s, one s.d.), for so many looks in a row.
_SPEED_OVER_M_S, _LOOKS = 0.25, 3
#: A drive that holds its place on a noisy encoder pulls by up to 21 N (one s.d.) more or less than its cable: the mean
#: of so many readings, about 1.1 s, is good to 8 N.
_TENSION_DOUBT_N, _READINGS = 40.0, 7
#: A cable that bears less than this share of what it should is slack.
_SLACK_SHARE, _SLACK_LEAST_N = 0.25, 40.0
#: Outside the workspace by so much, for so many looks.
_OUTSIDE_M = 0.03


@dataclass(frozen=True, eq=False)
class Look:
    """One look at the drives; not a number where nothing was heard.

    Args:
        now_s: On the clock.
        lengths_m: By the encoders, shape (4,).
        speeds_m_s: Of the cables, shape (4,).
        tensions_n: By the currents, shape (4,).
        wanted_m: Lengths commanded, shape (4,).
        wanted_m_s: Their speeds.
        wanted_n: Tensions commanded.
        by_pose: Derivative of the lengths by x, y and yaw where the carriage should be, shape (4, 3).
        steering: Setpoints are being followed: upper winches in position, lower ones in tension.
    """

    now_s: float
    lengths_m: Array
    speeds_m_s: Array
    tensions_n: Array
    wanted_m: Array
    wanted_m_s: Array
    wanted_n: Array
    by_pose: Array
    steering: bool


@dataclass(frozen=True)
class Reason:
    """Why to stop.

    Args:
        reason: In one line.
        place: It is no longer certain where the carriage is.
        line: Nothing is known to be wrong but the line to the drives.
    """

    reason: str
    place: bool = False
    line: bool = False


class Supervision:
    """Takes looks one after the other, from the moment that the cables are under tension.

    Args:
        section: Limits.
        calibrated: The frame's errors are what a calibration leaves.
    """

    def __init__(self, section: CablesSection, calibrated: bool = False) -> None:
        self._section, self._space = section, section.workspace()
        self._slip = SlipWatch(section.control_period_s, calibrated)
        self._begin()

    def forget(self) -> None:
        """Begin anew: what was seen before says nothing of what comes (after a move by hand, a stop, another way)."""
        self._slip.forget()
        self._begin()

    def _begin(self) -> None:
        self._heard_s: Array | None = None
        self._fast = np.zeros(4, dtype=int)
        self._outside = 0
        self._readings = [deque[tuple[float, float]](maxlen=_READINGS) for _ in range(4)]
        self._moved: deque[tuple[Array, Array]] = deque(maxlen=max(round(0.5 / self._section.control_period_s), 5))

    def reason_to_stop(self, look: Look) -> Reason | None:
        """Why to stop, or None."""
        silent = self._silence(look)
        if silent is not None:
            return Reason(silent, line=True)
        checks = [(self._frozen, True), (self._overspeed, False), (self._overtension, False)]
        if look.steering:
            checks += [(self._slack, False), (self._slipped, True)]
        for check, place in checks:
            reason = check(look)
            if reason is not None:
                return Reason(reason, place)
        return None

    def outside(self, place_m: Array, margin_m: float = _OUTSIDE_M) -> str | None:
        """Why to stop because of where the carriage is, or None."""
        x, y = place_m
        away_m = float(self._space.beyond_m(x, y))
        self._outside = self._outside + 1 if away_m > margin_m else 0
        if self._outside < _LOOKS:
            return None
        return (
            f"the carriage left its workspace by {1000 * away_m:.0f} mm: it is at x {x:.3f} m, y {y:.3f} m; "
            "look what pulls it, then clear and bring it back"
        )

    def _silence(self, look: Look) -> str | None:
        heard = np.isfinite(look.lengths_m)
        if self._heard_s is None:
            self._heard_s = np.full(4, look.now_s)
        self._heard_s = np.where(heard, look.now_s, self._heard_s)
        silent_s = look.now_s - self._heard_s
        if silent_s.max() <= _SILENCE_S:
            return None
        port = self._section.ports[self._section.axes[int(np.argmax(silent_s))][0]]
        return (
            f"{port}: the {CABLES[int(np.argmax(silent_s))]} encoder has said nothing good for {silent_s.max():.2f} s; "
            "check the cable and that the drive is powered"
        )

    def _frozen(self, look: Look) -> str | None:
        """An encoder whose count stands while its cable is to move."""
        if not np.isfinite(look.lengths_m).all():
            return None
        self._moved.append((look.lengths_m, look.wanted_m))
        lengths, wanted = (np.ptp([pair[k] for pair in self._moved], axis=0) for k in (0, 1))
        stuck = (wanted > _FROZEN_TRAVEL_M) & (lengths < 1e-6)
        if not stuck.any():
            return None
        cable = int(np.argmax(stuck))
        return (
            f"the {CABLES[cable]} encoder stands still while its cable was sent {1000 * wanted[cable]:.0f} mm: "
            "it is stale; check its connector"
        )

    def _overspeed(self, look: Look) -> str | None:
        over = np.abs(look.speeds_m_s) > np.abs(look.wanted_m_s) + _SPEED_OVER_M_S
        self._fast = np.where(over, self._fast + 1, 0)
        if self._fast.max() < _LOOKS:
            return None
        cable = int(np.argmax(self._fast))
        cause = "" if cable in UPPER else ", which it does when its cable is slack or broken"
        return (
            f"the {CABLES[cable]} winch runs at {abs(look.speeds_m_s[cable]):.2f} m/s where "
            f"{abs(look.wanted_m_s[cable]):.2f} m/s were commanded{cause}; look at its cable, then clear"
        )

    def _overtension(self, look: Look) -> str | None:
        for heard in np.flatnonzero(np.isfinite(look.tensions_n)):
            self._readings[heard].append((float(look.tensions_n[heard]), float(look.wanted_n[heard])))
        limit_n = self._section.tension_max_n + _TENSION_DOUBT_N
        for cable, readings in enumerate(self._readings):
            tension_n = _mean([measured for measured, _ in readings]) if len(readings) == _READINGS else 0.0
            if tension_n > limit_n:
                return (
                    f"the {CABLES[cable]} cable pulls with {tension_n:.0f} N, {self._section.tension_max_n:.0f} N are "
                    "allowed: look what holds the carriage back, then clear"
                )
        return None

    def _slack(self, look: Look) -> str | None:
        """Only the upper winches, which hold position, can tell: a lower one's current is what it was told."""
        for cable in UPPER:
            readings = self._readings[cable]
            if len(readings) < _READINGS:
                continue
            measured, wanted = (_mean([pair[k] for pair in readings]) for k in (0, 1))
            if measured < _SLACK_SHARE * wanted and wanted - measured > _SLACK_LEAST_N:
                return (
                    f"the {CABLES[cable]} cable bears {measured:.0f} N where {wanted:.0f} N were due: it is slack or "
                    "broken; look at it, then clear"
                )
        return None

    def _slipped(self, look: Look) -> str | None:
        slip = self._slip.look(look.lengths_m - look.wanted_m, look.wanted_m_s, look.by_pose)
        if slip is None:
            return None
        which = " or ".join(slip.cables)
        return (
            f"the {which} cable's length jumped by {1000 * abs(slip.slip_m):.0f} mm against what was commanded: a drum "
            "or an encoder has slipped, or something holds the carriage; dock the carriage and home again"
        )


def _mean(values: list[float]) -> float:
    """Of a few values; numpy's takes longer than all the rest of a look."""
    return sum(values) / len(values)
