"""The carriage held by its four drives: setpoints out, supervision at every step, a freeze when anything is wrong.

Whoever calls holds the winches' lock; nothing here waits but for the drives' answers.
"""

from contextlib import suppress

import numpy as np
from numpy.typing import ArrayLike

from cdpr.belief import Belief
from cdpr.config import CablesSection
from cdpr.drives import Drives, Seen
from cdpr.drum_torques import tensions_by, torques_for
from cdpr.kinematics import PlanarEstimate, length_jacobian
from cdpr.robot import UPPER, Array
from cdpr.supervision import Look, Supervision
from cdpr.trajectory import Trajectory
from trellis.clock import Clock
from trellis.errors import DeviceError, ProtocolError, TrellisError
from trellis.flight import Listener, told_nobody

#: Steps between two looks at whether the carriage is inside its workspace.
_PLACE_STEPS = 5


class Held:
    """Drives under supervision.

    Args:
        section: Limits.
        drives: Of the four winches.
        belief: Where the carriage is; kept up to date here.
        clock: Dates what is heard.
        calibrated: The frame's errors are what a calibration leaves.
    """

    def __init__(self, section: CablesSection, drives: Drives, belief: Belief, clock: Clock, calibrated: bool) -> None:
        self._section, self._drives, self._belief, self._clock = section, drives, belief, clock
        self._supervision = Supervision(section, calibrated)
        self._wanted_m, self._wanted_m_s = np.full(4, np.nan), np.zeros(4)
        self._by_pose = length_jacobian(belief.robot, (*section.home_m, 0.0))  # where the carriage should be
        self._sent_turns = np.full(4, np.nan)  # where the upper winches were last sent
        self._steering = False  # the lower winches are in torque control
        self._steps = 0
        #: Told every setpoint and what was heard meanwhile, and every doubt.
        self.listener: Listener = told_nobody

    def steer(self, tensions_n: Array) -> None:
        """Upper winches to position where they are, lower ones to these tensions, where that is not so already."""
        if not self._steering:
            self.take(tensions_n)

    def take(self, tensions_n: Array) -> None:
        """As `steer`, however they were held before."""
        self._drives.hold(self._torques(tensions_n))
        self._steering = True
        self._supervision.forget()

    def let_go(self) -> None:
        """Of all four."""
        self._steering = False
        self._drives.release()

    def tighten(self, turns: Array, tensions_n: Array) -> Seen:
        """One step on the way to a tension, the drums near these turns; only the drives' own errors are seen."""
        self._belief.tensions_n = tensions_n
        seen = self._stream(turns, np.zeros(4), self._torques(tensions_n))
        if np.isfinite(seen.turns).all():
            self._belief.turns = seen.turns
        return seen

    def settle(self) -> None:
        """What hangs now is what was wanted."""
        self._wanted_m, self._wanted_m_s = self._belief.lengths_at(self._belief.turns), np.zeros(4)

    def step(self, points: Trajectory, index: int) -> None:
        """One setpoint of each winch, what was heard meanwhile, and what supervision makes of it.

        Raises:
            DeviceError: A drive fails, or supervision found a reason; all winches are frozen.
        """
        belief, counts = self._belief, self._belief.need_counts()
        lengths_m, tensions_n = points.lengths_m[index], points.tensions_n[index]
        speeds_m_s = points.speeds_m_s[index]
        belief.tensions_n, self._wanted_m, self._wanted_m_s = tensions_n, lengths_m, speeds_m_s
        belief.at_m = (float(points.poses[index, 0]), float(points.poses[index, 1]))
        self._by_pose = length_jacobian(belief.robot, points.poses[index])
        seen = self._stream(
            counts.turns_for(lengths_m, tensions_n),
            speeds_m_s / counts.a_turn_m(belief.turns),
            self._torques(tensions_n, speeds_m_s, points.accelerations_m_s2[index]),
        )
        self._tell(points, index, seen)
        self._watch(seen)

    def rest(self) -> None:
        """One period at rest on the way. Raises as `step`."""
        self._wanted_m_s = np.zeros(4)
        self._watch(self._drives.watch())

    def judge(self, seen: Seen, estimate: PlanarEstimate | None) -> None:
        """Freeze and note a doubt if supervision finds a reason.

        Raises:
            ProtocolError: The line is at fault, and nothing else is known to be.
        """
        belief, counts = self._belief, self._belief.need_counts()
        look = Look(
            now_s=self._clock.monotonic_s(),
            lengths_m=belief.lengths_at(seen.turns),
            speeds_m_s=seen.speeds_turn_s * counts.a_turn_m(belief.turns),
            tensions_n=tensions_by(self._section, seen),
            wanted_m=self._wanted_m,
            wanted_m_s=self._wanted_m_s,
            wanted_n=belief.tensions_n,
            by_pose=self._by_pose,
            steering=self._steering,
        )
        found = self._supervision.reason_to_stop(look)
        outside = None if found or estimate is None else self._supervision.outside(estimate.pose[:2])
        if found or outside:
            with suppress(TrellisError):
                self.freeze()
            if found and found.line:
                raise ProtocolError(found.reason)
            reason = found.reason if found else str(outside)
            belief.note_doubt(reason, place=bool(found and found.place))
            self.listener("/event", {"level": 4, "name": "winches", "message": reason})

    def freeze(self) -> None:
        """Every winch to position where it is; then where that is.

        Raises:
            TrellisError: A board could not be told, or did not answer; the others are frozen.
        """
        belief = self._belief
        self._steering = False
        held = self._drives.freeze(self._sent_turns)
        belief.turns = self._sent_turns = held
        self._supervision.forget()
        if belief.counts is not None and np.isfinite(held).all():
            self.settle()
            pose = belief.estimate(self._wanted_m).pose
            belief.at_m = (float(pose[0]), float(pose[1]))
            self._by_pose = length_jacobian(belief.robot, pose)

    def _tell(self, points: Trajectory, index: int, seen: Seen) -> None:
        """A setpoint, and what was heard when it was sent, for whoever records."""
        x_m, y_m, yaw_rad = map(float, points.poses[index])
        lines = [board.statistics for board in self._drives.boards]
        values = {
            "x_m": x_m,
            "y_m": y_m,
            "yaw_rad": yaw_rad,
            "lengths_m": points.lengths_m[index],
            "speeds_m_s": points.speeds_m_s[index],
            "tensions_n": points.tensions_n[index],
            "heard_lengths_m": self._belief.lengths_at(seen.turns),
            "heard_tensions_n": tensions_by(self._section, seen),
            "lost_replies": sum(line.lost_replies for line in lines),
            "bad_replies": sum(line.bad_replies for line in lines),
        }
        self.listener("/carriage/setpoint", values)

    def _watch(self, seen: Seen) -> None:
        """Let supervision look, and end the motion if it found a reason."""
        self._belief.hear(seen.turns)
        self._steps += 1
        estimate = None
        if self._steps % _PLACE_STEPS == 0 and np.isfinite(seen.turns).all():
            estimate = self._belief.estimate(self._belief.lengths_at(seen.turns))
        self.judge(seen, estimate)
        self._belief.raise_if_doubted()

    def _stream(self, turns: Array, speeds_turn_s: Array, torques_n_m: Array) -> Seen:
        self._sent_turns = np.where(np.isin(np.arange(4), UPPER), turns, np.nan)
        try:
            return self._drives.stream(turns, speeds_turn_s, torques_n_m)
        except DeviceError:
            with suppress(TrellisError):  # the first error is the one to tell
                self.freeze()
            raise

    def _torques(self, tensions_n: Array, speeds_m_s: ArrayLike = 0.0, accelerations_m_s2: ArrayLike = 0.0) -> Array:
        a_turn_m = self._belief.need_counts().a_turn_m(self._belief.turns)
        return torques_for(self._section, a_turn_m, tensions_n, speeds_m_s, accelerations_m_s2)
