"""Motions by hand with the real cell: as far as the way is clear of plants, wall and limits; slowly, where held."""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from scan.cell import Array, CellPosture
from scan.clearance import Surroundings, row_of
from scan.config import WallSection
from scan.hardware import CellHardware
from scan.sizes import obstacles
from scheduler.calibrating import POSES, calibrate
from scheduler.config import FarmSection
from scheduler.hands import AXES, Motion
from trellis.clock import Clock
from trellis.config import Configuration
from trellis.errors import Unreachable

#: At this speed a carriage brakes in 0.08 s at the default limits, and stands 0.3 s after the last word.
SPEED_M_S, SPEED_RAD_S = 0.03, 0.35
#: Of the way that a held motion may go at most, so many ends are looked at for being clear.
_LOOKS = 60
_FAR_M, _FAR_RAD = 4.0, 2.0 * np.pi
#: A way shorter than this is none.
_LEAST = 1e-4


class CellMoves:
    """The real `scheduler.hands.Moves`.

    Args:
        configuration: Sections `[wall]` and `[farm]`.
        hardware: The cell; connected and homed before anything but `home`.
        clock: Says how old, and so how large, plants are today.
    """

    def __init__(self, configuration: Configuration, hardware: CellHardware, clock: Clock) -> None:
        self._wall, self._farm = configuration.section(WallSection), configuration.section(FarmSection)
        self._configuration, self._hardware, self._clock = configuration, hardware, clock

    def do(self, motion: Motion, held: Callable[[], bool], tell: Callable[[str], None] = lambda line: None) -> None:
        """Move; `tell` is told how far a calibration is, and what it found.

        Raises:
            Unreachable: The way is not clear; nothing has moved.
            Stopped, DeviceError: As `CellHardware.go`.
        """
        if motion.kind == "home":
            self._hardware.home()
            self._clear(self._hardware.posture(), [self._hardware.cell.park])  # so that the first motion need not wait
        elif motion.kind == "park":
            self._hardware.park()
        elif motion.kind == "calibrate":
            calibrate(self._configuration, self._hardware, self._clock, round(motion.by) or POSES, tell)
        elif motion.kind == "step":
            self._hardware.go(self._step(motion), still=False)
        else:
            goal = self._farthest(motion)
            self._hardware.creep(goal, SPEED_M_S, SPEED_RAD_S, self._in_real_time(held))

    def look(self) -> bytes:
        """What the camera sees, JPEG."""
        return self._hardware.look()

    def _step(self, motion: Motion) -> CellPosture:
        start = self._hardware.posture()
        goal = self._moved(start, motion.axis, motion.by)
        if not self._clear(start, [goal])[0]:
            raise Unreachable(
                f"a step of {motion.by:+.3f} along {motion.axis} would come too near a plant, the wall, or the robot's "
                "own limits; take a smaller one, or park, which folds the arm"
            )
        return goal

    def _farthest(self, motion: Motion) -> CellPosture:
        """As far along an axis as all before it is clear."""
        start = self._hardware.posture()
        far = (_FAR_M if motion.axis in "xy" else _FAR_RAD) * float(np.sign(motion.by))
        shares = (np.arange(_LOOKS) + 1) / _LOOKS
        goals = [self._moved(start, motion.axis, far * share**2) for share in shares]  # the near ones close together
        clear = self._clear(start, goals)
        reached = len(goals) if clear.all() else int(np.argmin(clear))
        if reached == 0:
            raise Unreachable(
                f"there is no way along {motion.axis} from here: a plant, the wall or a limit is too near; try another "
                "axis, or park, which folds the arm"
            )
        return goals[reached - 1]

    def _moved(self, start: CellPosture, axis: str, by: float) -> CellPosture:
        cell = self._hardware.cell
        if axis in ("x", "y"):
            at = replace(start, **{f"{axis}_m": getattr(start, f"{axis}_m") + by})
            return replace(at, yaw_rad=float(cell.yaw_map.yaw_rad(at.x_m, at.y_m)))
        joints = list(start.joints_rad)
        joints[AXES.index(axis) - 2] += by
        return cell.posture(start.x_m, start.y_m, joints)

    def _clear(self, start: CellPosture, goals: list[CellPosture]) -> Array:
        """Which straight moves stay inside workspace and joint limits, and away from everything."""
        cell = self._hardware.cell
        today = self._clock.utc().astimezone(self._farm.zone).date()
        around = Surroundings(cell, obstacles(self._wall, today))
        inside = cell.workspace.holds([goal.x_m for goal in goals], [goal.y_m for goal in goals])
        within = np.array([cell.arm.within_limits(np.array(goal.joints_rad)) for goal in goals])
        free = around.clear_moves(row_of(start)[None], np.array([row_of(goal) for goal in goals]))[0]
        return np.asarray(inside & within & free)

    def _in_real_time(self, held: Callable[[], bool]) -> Callable[[], bool]:
        """A simulated farm's time runs ahead of ours; a hand must see what it does."""
        clock = self._hardware.clock
        ours_s, farm_s = time.monotonic(), clock.monotonic_s()

        def go_on() -> bool:
            ahead_s = (clock.monotonic_s() - farm_s) - (time.monotonic() - ours_s)
            if ahead_s > 0:
                time.sleep(min(ahead_s, 0.1))
            return held()

        return go_on
