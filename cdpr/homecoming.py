"""From drives of which nothing is known to a carriage under tension that is counted: homing, step by step.

`cdpr.homing` decides which way leads home; here it is gone. Nothing turns before the way is certain.
"""

import threading
from collections.abc import Callable
from math import pi

import numpy as np

from cdpr.belief import Belief
from cdpr.config import CablesSection, CalibrationSection
from cdpr.counts import Counts, counts_from, docked_lengths_m, docked_pose, pose_in
from cdpr.drives import Drives
from cdpr.drum_torques import tensions_by
from cdpr.held import Held
from cdpr.homing import Found, Homed, How, Sighting, check_sighting, check_tautness, way_home
from cdpr.kinematics import cable_lengths
from cdpr.load import tensions_for
from cdpr.memory import recall
from cdpr.robot import CABLES, Array
from trellis.clock import Clock
from trellis.errors import DeviceError

#: Control periods in which the cables come under tension.
_TIGHTENING_STEPS = 50
#: Readings of which the mean says where the drums stand when counting begins, and the pause between two. All that is
#: done later is off by as much as that mean: 0.4 mm, where one reading of a noisy encoder (1.8 mm) may be off by 5.
_READINGS, _READING_S = 25, 0.01


class Homecoming:
    """Homes one carriage; raises as `cdpr.winches.Winches.home` says.

    Args:
        section: Geometry and limits.
        calibration: How the encoders count.
        clock: Paces the steps.
        drives: Of the four winches.
        belief: What becomes known is kept there.
        held: Takes the carriage under tension.
        lock: Of the winches: held for each step.
        check: Raises where nothing may move any more; called with the lock held.
    """

    def __init__(
        self,
        section: CablesSection,
        calibration: CalibrationSection,
        clock: Clock,
        drives: Drives,
        belief: Belief,
        held: Held,
        lock: threading.RLock,
        check: Callable[[], None],
    ) -> None:
        self._section, self._calibration, self._clock = section, calibration, clock
        self._drives, self._belief, self._held = drives, belief, held
        self._lock, self._check = lock, check

    def home(self) -> Homed:
        """By whichever way leads home, from what is remembered and what the drives say."""
        belief, file = self._belief, self._belief.memory_file
        memory = None if file is None else recall(file)
        turns = self._turns_at_rest()
        with self._lock:
            powered = self._drives.powered()
            found = Found(belief.serial_numbers, self._drives.marks(), tuple(powered), turns)
        belief.mark = memory.mark if memory else belief.mark
        way = way_home(self._section, memory, found, f"run `trellis cdpr docked {file}`")
        if way.how is How.SIGHTED and memory is not None and memory.sighted is not None:
            self._take_sighted(Sighting(np.array(memory.sighted)), turns)
            return way
        if way.how is How.DOCKED or memory is None:
            pose, paid_m = (
                docked_pose(self._section, self._calibration),
                docked_lengths_m(self._section, self._calibration),
            )
            counts = counts_from(self._section, self._calibration, paid_m, turns)
        else:
            then = turns if way.how is How.REMEMBERED else np.array(memory.turns)
            counts = counts_from(self._section, self._calibration, np.array(memory.paid_m), then)
            pose = belief.pose_by(counts, turns, pose_in(self._section, memory.place_m))
        self._take(counts, pose, way.how, all(powered))
        return way

    def home_sighted(self, sighting: Sighting) -> Homed:
        """From where the carriage was seen."""
        check_sighting(self._section, sighting)
        turns, notice = self._turns_at_rest(), None
        if self._belief.counts is not None:
            before = self._belief.estimate(self._belief.lengths_at(turns)).pose
            off_m = float(np.hypot(*(before - sighting.pose)[:2]))
            notice = f"it was believed to hang {1000 * off_m:.0f} mm from there"
        self._take_sighted(sighting, turns)
        return Homed(How.SIGHTED, notice)

    def _take_sighted(self, sighting: Sighting, turns: Array) -> None:
        check_sighting(self._section, sighting)
        with self._lock:
            self._check()
            powered = all(self._drives.powered())
            seen = self._drives.feedback(currents=True)
        # Held cables are stretched by what the motors pull, loose ones are just taut.
        tensions_n = tensions_by(self._section, seen).clip(0.0) if powered else np.zeros(4)
        paid_m = cable_lengths(self._belief.robot, sighting.pose) / (1 + tensions_n / self._section.cable_stiffness_n)
        counts = counts_from(self._section, self._calibration, paid_m, turns)
        self._take(counts, sighting.pose, How.SIGHTED, powered)

    def _turns_at_rest(self) -> Array:
        """Mean of several readings of all four drums, shape (4,).

        Raises:
            DeviceError: They turn meanwhile.
        """
        readings = []
        for _ in range(_READINGS):
            with self._lock:
                self._check()
                readings.append(self._drives.turns())
            self._clock.sleep(_READING_S)
        turned_m = np.ptp(readings, axis=0) * 2 * pi * self._section.drum_radius_m
        if turned_m.max() > self._section.slack_m / 2:
            name = CABLES[int(turned_m.argmax())]
            raise DeviceError(
                f"the {name} drum moved its cable by {1000 * turned_m.max():.0f} mm while the carriage was to be "
                "homed; wait until it hangs still, then home again"
            )
        return np.asarray(np.mean(readings, axis=0))

    def _take(self, counts: Counts, pose: Array, how: How, powered: bool) -> None:
        """Begin to count, hold, and bring the cables little by little under the tension that is due there.

        The full tension at once on a slack cable spins the drum until the drive gives up.
        """
        belief, section = self._belief, self._section
        # The last goal of a rope under tension: where it is, at the tension that it should have.
        tensions_n = tensions_for(belief.robot, pose_in(section, pose[:2])[None], load=belief.load)[0]
        with self._lock:
            self._check()
            seen = self._drives.feedback(currents=True)
            begin_n = tensions_by(section, seen).clip(0, section.tension_max_n) if powered else np.zeros(4)
            begin_turns, end_turns = seen.turns, counts.turns_for(cable_lengths(belief.robot, pose), tensions_n)
            belief.begin(counts, pose)
            self._drives.set_marks(belief.mark)
            self._held.take(begin_n)
        for share in np.linspace(0, 1, _TIGHTENING_STEPS + 1)[1:]:
            with self._lock:
                self._check()
                turns = begin_turns + share * (end_turns - begin_turns)
                seen = self._held.tighten(turns, begin_n + share * (tensions_n - begin_n))
                if np.isfinite(seen.turns).all():
                    self._check_tautness(how, (seen.turns - turns) * counts.a_turn_m(seen.turns))
            self._clock.sleep(section.control_period_s)
        self._held.settle()
        belief.remember("stand where it was homed")

    def _check_tautness(self, how: How, turned_m: Array) -> None:
        try:
            check_tautness(self._section, how, turned_m)
        except DeviceError as lost:
            self._held.freeze()
            self._belief.counts = None
            self._belief.note_doubt(str(lost), place=True)
            raise
