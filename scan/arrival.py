"""Waiting until carriage and arm stand still where they were sent, and saying by how much if they do not."""

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arm.model import Arm
from arm.servos import Servos
from cdpr.winches import Winches
from scan.cell import CellPosture
from scan.cell_section import CellSection
from trellis.clock import Clock
from trellis.errors import DeviceError, Stopped

Array = NDArray[np.float64]

#: Between two looks at the devices.
_LOOK_S = 0.03
#: Less than this between two looks is standing still: an encoder's flicker, a servo's one count (0.29 deg).
_STILL_M, _STILL_RAD = 0.001, np.radians(0.5)
#: A servo gives way under the arm's weight (a proportional loop): so often is its goal moved by what is missing, and
#: so little is left alone.
_CORRECTIONS, _LEFT_ALONE_RAD = 3, np.radians(0.6)
_CORRECTION_S = 0.2


@dataclass(frozen=True, eq=False)
class _Look:
    """Carriage x, y, yaw (3,) and joints (4,) at one moment."""

    carriage: Array
    joints_rad: Array

    def near(self, other: "_Look", metres: float, radians: float) -> bool:
        turned = max(abs(self.carriage[2] - other.carriage[2]), np.abs(self.joints_rad - other.joints_rad).max())
        return bool(self.metres_to(other) <= metres and turned <= radians)

    def metres_to(self, other: "_Look") -> float:
        return float(np.hypot(*(self.carriage - other.carriage)[:2]))


class Arrival:
    """Sees a move to its end.

    Args:
        winches: The carriage's, homed.
        servos: The arm's.
        arm: Its limits, which a correction keeps.
        section: What counts as arrived.
        clock: Paces the looks.
        stopped: Ends the wait.
    """

    def __init__(
        self, winches: Winches, servos: Servos, arm: Arm, section: CellSection, clock: Clock, stopped: threading.Event
    ) -> None:
        self._winches, self._servos, self._arm = winches, servos, arm
        self._section, self._clock, self._stopped = section, clock, stopped

    def wait(self, goal: CellPosture, due_s: float) -> None:
        """Return once everything has stood still at `goal` for `settle_s`.

        Args:
            goal: Where carriage and arm were sent.
            due_s: When the slower of the two should be there, on the clock's `monotonic_s`.

        Raises:
            DeviceError: `arrival_timeout_s` after that it does not stand there; the message has the distances.
            Stopped: Somebody stopped.
        """
        wanted = _Look(np.array([goal.x_m, goal.y_m, goal.yaw_rad]), np.array(goal.joints_rad))
        late_s = max(due_s, self._clock.monotonic_s()) + self._section.arrival_timeout_s
        aim_rad, corrections = wanted.joints_rad, 0
        reference, still_since_s = self._look(), self._clock.monotonic_s()
        while True:
            self._clock.sleep(_LOOK_S)
            look, now_s = self._look(), self._clock.monotonic_s()
            if not look.near(reference, _STILL_M, _STILL_RAD):
                reference, still_since_s = look, now_s
            missing_rad = wanted.joints_rad - look.joints_rad
            if now_s >= due_s and now_s - still_since_s >= min(self._section.settle_s, 3 * _LOOK_S):
                if np.abs(missing_rad).max() > _LEFT_ALONE_RAD and corrections < _CORRECTIONS:
                    aim_rad = np.clip(aim_rad + missing_rad, *self._arm.limits_rad.T)
                    self._servos.start_move(aim_rad, _CORRECTION_S)
                    corrections += 1
                    reference, still_since_s = look, now_s + _CORRECTION_S
                elif now_s - still_since_s >= self._section.settle_s and self._arrived(look, wanted):
                    return
            if now_s > late_s:
                raise self._late(look, wanted)

    def _look(self) -> _Look:
        if self._stopped.is_set():
            raise Stopped("the cell is stopped; clear the stop before moving")
        return _Look(self._winches.state().estimate.pose, self._servos.positions())

    def _arrived(self, look: _Look, wanted: _Look) -> bool:
        return look.near(wanted, self._section.arrival_m, np.radians(self._section.arrival_deg))

    def _late(self, look: _Look, wanted: _Look) -> DeviceError:
        away_mm = 1000 * look.metres_to(wanted)
        yaw_deg = np.degrees(look.carriage[2] - wanted.carriage[2])
        joints_deg = ", ".join(f"{value:.1f}" for value in np.degrees(look.joints_rad - wanted.joints_rad))
        return DeviceError(
            f"the cell did not come to rest where it was sent: the carriage is {away_mm:.1f} mm and {yaw_deg:.1f} deg "
            f"off, the joints {joints_deg} deg; {1000 * self._section.arrival_m:g} mm and "
            f"{self._section.arrival_deg:g} deg are allowed: look for what is in the way, or slips"
        )
