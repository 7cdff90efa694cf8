"""Where the carriage is believed to be, why that may be in doubt, and what of it outlives a crash.

No port is known here and nothing moves; `cdpr.held` tells the drives, and `cdpr.memory` writes the file.
"""

from contextlib import suppress
from pathlib import Path

import numpy as np

from cdpr.config import CablesSection, CalibrationSection
from cdpr.counts import Counts, docked_lengths_m, docked_pose, pose_in
from cdpr.kinematics import PlanarEstimate, PosePrior, forward
from cdpr.load import Load
from cdpr.memory import Memory, four, remember
from cdpr.robot import Array
from trellis.clock import Clock
from trellis.errors import DeviceError, DeviceFault, TrellisError

#: How well the drives' lengths are trusted, and how far yaw may be from the easiest, when the pose is worked out.
_LENGTH_STD_M = 0.0018
_YAW_STD_RAD = 0.03


class Belief:
    """Counts, the place, the tensions that were asked for, and doubts.

    Args:
        section: Geometry.
        calibration: How the encoders count.
        clock: Dates what is written.
        memory: A file in which it outlives this process; without, the next one knows nothing.
    """

    def __init__(
        self, section: CablesSection, calibration: CalibrationSection, clock: Clock, memory: Path | None
    ) -> None:
        self._section, self._calibration, self._clock = section, calibration, clock
        self.memory_file = memory
        self.robot = section.robot()
        self.counts: Counts | None = None
        self.mark = 0.0
        self.serial_numbers: tuple[str, ...] = ()
        self.tensions_n = np.zeros(4)  # as they were last asked for
        self.turns = np.full(4, np.nan)  # as they were last heard
        self.at_m = section.home_m
        self.load: Load | None = None  # what stands on the carriage away from its centre of mass
        self.doubt: str | None = None  # why nothing may move until ...
        self.doubts_place = False  # ... homed again; or else until cleared
        self._dock_m = section.home_m

    def begin(self, counts: Counts, pose: Array) -> None:
        """Count from here on, free of doubts."""
        self.counts, self.doubt, self.doubts_place = counts, None, False
        self.at_m = (float(pose[0]), float(pose[1]))
        x, y, _ = docked_pose(self._section, self._calibration)
        self._dock_m = (float(x), float(y))
        # Another one every time; not random, so that the same farm hears the same bytes.
        self.mark = 1 + (max(self.mark - 1, 0) + 0.0001) % 0.9

    def hear(self, turns: Array) -> None:
        """Turns of the drums; not a number where nothing was heard."""
        self.turns = np.where(np.isfinite(turns), turns, self.turns)

    def need_counts(self) -> Counts:
        """How the drums stand against the cables.

        Raises:
            DeviceError: Nobody knows yet.
        """
        if self.counts is None:
            raise DeviceError("the carriage's place is unknown; home the winches first")
        return self.counts

    def lengths_at(self, turns: Array) -> Array:
        """Lengths at these turns, under the tensions that were last asked for, shape (4,)."""
        return self.need_counts().lengths_at(turns, self.tensions_n)

    def estimate(self, lengths_m: Array) -> PlanarEstimate:
        """The pose by lengths, near where the carriage should be."""
        expected = pose_in(self._section, self.at_m)
        prior = PosePrior(expected, np.diag([1.0, 1.0, _YAW_STD_RAD**2]))
        return forward(self.robot, lengths_m, _LENGTH_STD_M, expected, prior)

    def pose_by(self, counts: Counts, turns: Array, near: Array) -> Array:
        """The pose by other counts, cables without tension."""
        prior = PosePrior(near, np.diag([1.0, 1.0, _YAW_STD_RAD**2]))
        return forward(self.robot, counts.paid_at(turns), _LENGTH_STD_M, near, prior).pose

    def readings_m(self, lengths_m: Array) -> Array:
        """Lengths as the encoders believe them before any calibration, shape (4,)."""
        scales = np.array(self._calibration.scales)
        if self._calibration.dock_readings_m:
            offsets_m = np.array(self._calibration.offsets_m)
        else:
            offsets_m = (1 - scales) * docked_lengths_m(self._section, self._calibration)
        return np.asarray((lengths_m - offsets_m) / scales)

    def away_m(self) -> float:
        """From the dock; infinite while nobody knows."""
        return np.inf if self.counts is None else float(np.hypot(*np.subtract(self.at_m, self._dock_m)))

    def note_doubt(self, reason: str, place: bool) -> None:
        """Nothing may move until cleared, or, where the place is in doubt, until homed."""
        self.doubt, self.doubts_place = reason, place
        self.remember_quietly("stand still after a fault")

    def clear_doubt(self) -> None:
        """What a person has seen to; a doubt about the place stays."""
        if not self.doubts_place:
            self.doubt = None

    def raise_if_doubted(self) -> None:
        if self.doubt is not None:
            raise DeviceFault(self.doubt)

    def remember(self, command: str, at_rest: bool = True) -> None:
        """Write down what outlives a crash.

        Raises:
            OutOfSpace, InputError: It cannot be written; nothing may be begun then.
        """
        if self.memory_file is None or self.counts is None or not np.isfinite(self.turns).all():
            return
        memory = Memory(
            command=command,
            at_rest=at_rest,
            docked=at_rest and self.away_m() <= self._section.dock_radius_m,
            place_m=self.at_m,
            paid_m=four(self.counts.paid_at(self.turns)),
            turns=four(self.turns),
            mark=self.mark,
            serial_numbers=self.serial_numbers,
            written_at=self._clock.utc().isoformat(timespec="seconds"),
            doubt=self.doubt if self.doubts_place else None,
        )
        remember(self.memory_file, memory)

    def remember_quietly(self, command: str, at_rest: bool = True) -> None:
        """As `remember` where nothing depends on it: what was written before says less, and nothing wrong."""
        with suppress(TrellisError):
            self.remember(command, at_rest)
