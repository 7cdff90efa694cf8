"""Waiting until carriage and arm stand still where they were sent, and saying by how much if they do not."""

import threading
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from arm.servos import Servos
from cdpr.winches import Winches
from scan.cell import Cell, CellPosture
from scan.cell_section import CellSection
from scan.stillness import Stillness
from trellis.clock import Clock
from trellis.errors import DeviceError, Stopped

Array = NDArray[np.float64]

#: Between two looks at the devices, which take 20 ms themselves.
_LOOK_S = 0.005
#: Less than this between two looks is standing still: an encoder's flicker, a servo's one count (0.29 deg).
_STILL_M, _STILL_RAD = 0.001, np.radians(0.5)
#: Where a servo comes to rest is uncertain by its friction and dead margin, about 0.9 deg; what is missing beyond that
#: its goal is moved by, so often.
_CORRECTIONS, _LEFT_ALONE_RAD = 3, np.radians(1.2)
_CORRECTION_S = 0.1


@dataclass(frozen=True, eq=False)
class _Look:
    """Carriage x, y, yaw (3,) and joints (4,) at one moment, and how fast cables (4,) and joints (4,) are."""

    carriage: Array
    joints_rad: Array
    cable_speeds_m_s: Array = field(default_factory=lambda: np.zeros(4))
    joint_speeds_rad_s: Array = field(default_factory=lambda: np.zeros(4))

    def near(self, other: "_Look", metres: float, radians: float) -> bool:
        turned = max(abs(self.carriage[2] - other.carriage[2]), np.abs(self.joints_rad - other.joints_rad).max())
        return bool(self.metres_to(other) <= metres and turned <= radians)

    def metres_to(self, other: "_Look") -> float:
        return float(np.hypot(*(self.carriage - other.carriage)[:2]))


class Arrival:
    """Sees a move to its end.

    Args:
        cell: What moves.
        winches: The carriage's, homed.
        servos: The arm's.
        section: What counts as arrived, and as still.
        exposure_s: How long the shutter stands open.
        clock: Paces the looks.
        stopped: Ends the wait.
    """

    def __init__(
        self,
        cell: Cell,
        winches: Winches,
        servos: Servos,
        section: CellSection,
        exposure_s: float,
        clock: Clock,
        stopped: threading.Event,
    ) -> None:
        self._cell, self._winches, self._servos = cell, winches, servos
        self._section, self._exposure_s, self._clock, self._stopped = section, exposure_s, clock, stopped

    def wait(self, goal: CellPosture, aim_rad: Array, due_s: float, still: bool = True) -> None:
        """Return once everything is at `goal` and a photograph would be sharp.

        Args:
            goal: Where carriage and arm are to be.
            aim_rad: Where the servos were sent for it.
            due_s: When the slower of the two should be there, on the clock's `monotonic_s`.
            still: Without, it is enough to be there: something else follows.

        Raises:
            DeviceError: `arrival_timeout_s` after that it does not stand there; the message has the distances.
            Stopped: Somebody stopped.
        """
        wanted = _Look(np.array([goal.x_m, goal.y_m, goal.yaw_rad]), np.array(goal.joints_rad))
        late_s = max(due_s, self._clock.monotonic_s()) + self._section.arrival_timeout_s
        stillness = Stillness(self._cell, goal, self._exposure_s, self._section.swing_hz)
        again_s, corrections, before = due_s, 0, self._look()
        stillness.blur_px(self._clock.monotonic_s(), before.cable_speeds_m_s, before.joint_speeds_rad_s)
        while True:
            self._clock.sleep(_LOOK_S)
            look, now_s = self._look(), self._clock.monotonic_s()
            blur_px = stillness.blur_px(now_s, look.cable_speeds_m_s, look.joint_speeds_rad_s)
            at_rest, before = look.near(before, _STILL_M, _STILL_RAD) and blur_px <= self._section.still_px, look
            if now_s >= again_s and not still and self._arrived(look, wanted):
                return
            if now_s >= again_s and at_rest:
                missing_rad = wanted.joints_rad - look.joints_rad
                if np.abs(missing_rad).max() > _LEFT_ALONE_RAD and corrections < _CORRECTIONS:
                    aim_rad = np.clip(aim_rad + missing_rad, *self._cell.arm.limits_rad.T)
                    self._servos.start_move(aim_rad, _CORRECTION_S)
                    corrections += 1
                    again_s = now_s + _CORRECTION_S
                elif self._arrived(look, wanted):
                    return
            if now_s > late_s:
                raise self._late(look, wanted)

    def _look(self) -> _Look:
        if self._stopped.is_set():
            raise Stopped("the cell is stopped; clear the stop before moving")
        state, (joints_rad, speeds_rad_s) = self._winches.state(), self._servos.motion()
        return _Look(state.estimate.pose, joints_rad, state.speeds_m_s, speeds_rad_s)

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
