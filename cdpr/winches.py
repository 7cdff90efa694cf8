"""Four winches on two boards as one carriage that goes to a place, says where it is, stops and holds.

The upper winches hold position in the drives' own loops; the lower ones hold the tension that the distribution asks
for. A stop turns the lower ones to position as well: four fixed lengths hold the carriage. Clearing a stop moves
nothing.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from math import pi
from types import TracebackType
from typing import Self

import numpy as np

from cdpr.config import CablesSection
from cdpr.kinematics import PlanarEstimate, PosePrior, cable_lengths, forward
from cdpr.odrive import IDLE, POSITION_CONTROL, TORQUE_CONTROL, ODriveBoard
from cdpr.robot import CABLES, Array
from cdpr.tension import distribute, easiest_yaw_rad
from cdpr.trajectory import straight_path
from trellis.clock import Clock
from trellis.errors import DeviceError, Stopped

_UPPER = (1, 2)
#: How well the drives' lengths are trusted, and how far yaw may be from the easiest, when the pose is worked out.
_LENGTH_STD_M = 0.0018
_YAW_STD_RAD = 0.03


@dataclass(frozen=True, eq=False)
class WinchState:
    """What the drives report, and what follows from it.

    Args:
        estimate: Pose of the carriage with covariance and residual.
        lengths_m: By the encoders, shape (4,).
        tensions_n: By the measured motor currents, shape (4,).
        stopped: A stop is in force.
    """

    estimate: PlanarEstimate
    lengths_m: Array
    tensions_n: Array
    stopped: bool


class Winches:
    """The carriage's drives. Nothing moves before `home`, and only `follow` and `move_to` move anything.

    Args:
        section: Geometry, limits, ports.
        clock: Paces the setpoints.
    """

    def __init__(self, section: CablesSection, clock: Clock) -> None:
        self._section, self._clock = section, clock
        self._robot = section.robot()
        self._boards = [ODriveBoard(port, section.baudrate) for port in section.ports]
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._home: tuple[Array, Array] | None = None  # lengths in metres and turns of the drums at home
        self._at_m = section.home_m

    def connect(self) -> None:
        """Open both boards and check every axis; nothing is powered."""
        for board in self._boards:
            board.connect()
        for port, axis in self._section.axes:
            self._boards[port].check(axis)

    def close(self) -> None:
        """Close the ports; the drives go on holding."""
        for board in self._boards:
            board.close()

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def home(self) -> None:
        """Take the carriage to be docked at `home_m`, remember the drums' turns there, and hold it.

        This is an assumption that the drives cannot check: the engineer parks the carriage in the dock before power-on.
        """
        x, y = self._section.home_m
        pose = np.array([x, y, easiest_yaw_rad(self._robot, x, y)])
        with self._lock:
            self._home = cable_lengths(self._robot, pose), self._turns()
            self._at_m = self._section.home_m
            self._hold(distribute(self._robot, pose))

    def follow(self, x_m: float, y_m: float) -> Iterator[None]:
        """Go straight to a place, one control period an item, so that a caller may serve other devices between.

        Raises:
            Unreachable: The path leaves workspace or tension box; nothing has been sent.
            Stopped: Somebody stopped, before or on the way.
            DeviceError: Not homed, or a drive fails.
        """
        if self._home is None:
            raise DeviceError("the carriage's place is unknown; home the winches first")
        self._raise_if_stopped()
        path = straight_path(self._section, self._at_m, (x_m, y_m))
        with self._lock:
            self._raise_if_stopped()
            self._hold(path.tensions_n[0])
        for pose, lengths_m, speeds_m_s, tensions_n in zip(
            path.poses, path.lengths_m, path.speeds_m_s, path.tensions_n, strict=True
        ):
            with self._lock:
                self._raise_if_stopped()
                self._send(lengths_m, speeds_m_s, tensions_n)
                self._at_m = (float(pose[0]), float(pose[1]))
            self._clock.sleep(path.period_s)
            yield

    def move_to(self, x_m: float, y_m: float) -> WinchState:
        """`follow` to its end, and what was reached."""
        for _ in self.follow(x_m, y_m):
            pass
        return self.state()

    def state(self) -> WinchState:
        """Read all four winches.

        Raises:
            DeviceError: Not homed, or a drive does not answer.
        """
        lengths_m = self._lengths()
        expected = np.array([*self._at_m, easiest_yaw_rad(self._robot, *self._at_m)])
        prior = PosePrior(expected, np.diag([1.0, 1.0, _YAW_STD_RAD**2]))
        estimate = forward(self._robot, lengths_m, _LENGTH_STD_M, expected, prior)
        with self._lock:
            currents_a = [
                self._boards[port].read_number(f"axis{axis}.motor.current_control.Iq_measured")
                for port, axis in self._section.axes
            ]
        torques_n_m = np.array(currents_a) * self._section.torque_constant_n_m_a
        return WinchState(estimate, lengths_m, -torques_n_m / self._section.drum_radius_m, self._stop.is_set())

    def stop(self) -> None:
        """Freeze all four winches where they are, from any thread, and hold; `follow` ends with `Stopped`."""
        self._stop.set()
        with self._lock:
            turns = self._turns()
            for cable, (port, axis) in enumerate(self._section.axes):
                self._boards[port].set_position(axis, turns[cable])
                if cable not in _UPPER:
                    self._boards[port].start(axis, POSITION_CONTROL)
            if self._home is not None:
                x, y, _ = self.state().estimate.pose
                self._at_m = (float(x), float(y))

    def clear_stop(self) -> None:
        """Allow motion again; nothing moves until the next `follow`."""
        self._stop.clear()

    def disarm(self, force: bool = False) -> None:
        """Let go of all four winches; without power the carriage falls unless it stands in its dock.

        Raises:
            DeviceError: It is not parked within `dock_radius_m` of home, and `force` is not given.
        """
        away_m = np.inf if self._home is None else float(np.hypot(*np.subtract(self._at_m, self._section.home_m)))
        if away_m > self._section.dock_radius_m and not force:
            raise DeviceError(
                f"disarming would drop the carriage: it is not parked within {self._section.dock_radius_m} m of home "
                f"{self._section.home_m}; park it first, or force"
            )
        with self._lock:
            for port, axis in self._section.axes:
                self._boards[port].write(f"axis{axis}.requested_state", IDLE)

    def _hold(self, tensions_n: Array) -> None:
        """Upper winches in position where they are, lower ones in tension."""
        turns = self._turns()
        for cable, (port, axis) in enumerate(self._section.axes):
            board = self._boards[port]
            # The setpoint comes first: a loop that closes on an old one would jump.
            if cable in _UPPER:
                board.set_position(axis, turns[cable])
                board.start(axis, POSITION_CONTROL)
            else:
                board.set_torque(axis, -tensions_n[cable] * self._section.drum_radius_m)
                board.start(axis, TORQUE_CONTROL)

    def _send(self, lengths_m: Array, speeds_m_s: Array, tensions_n: Array) -> None:
        """One setpoint of each winch."""
        assert self._home is not None
        home_lengths_m, home_turns = self._home
        a_turn_m = 2 * pi * self._section.drum_radius_m
        turns = home_turns + (lengths_m - home_lengths_m) / a_turn_m
        for cable, (port, axis) in enumerate(self._section.axes):
            if cable in _UPPER:
                self._boards[port].set_position(axis, turns[cable], speeds_m_s[cable] / a_turn_m)
            else:
                self._boards[port].set_torque(axis, -tensions_n[cable] * self._section.drum_radius_m)

    def _turns(self) -> Array:
        with self._lock:
            return np.array([self._boards[port].feedback(axis)[0] for port, axis in self._section.axes])

    def _lengths(self) -> Array:
        if self._home is None:
            raise DeviceError("the carriage's place is unknown; home the winches first")
        home_lengths_m, home_turns = self._home
        lengths_m: Array = home_lengths_m + (self._turns() - home_turns) * 2 * pi * self._section.drum_radius_m
        if (lengths_m <= 0).any():
            cable = CABLES[int(np.argmin(lengths_m))]
            raise DeviceError(f"the {cable} encoder says a length below zero; it slipped or was reset: home again")
        return lengths_m

    def _raise_if_stopped(self) -> None:
        if self._stop.is_set():
            raise Stopped("the winches are stopped; clear the stop before moving")
