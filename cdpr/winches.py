"""Four winches on two boards as one carriage that goes to a place, says where it is, stops and holds.

The upper winches hold position in the drives' own loops; the lower ones hold the tension that the distribution asks
for. A stop turns the lower ones to position as well: four fixed lengths hold the carriage. Clearing a stop moves
nothing. What a drum pays out is the cable's length without its tension: the stretch is taken off.
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
from cdpr.robot import CABLES, UPPER, Array
from cdpr.strength import check_strength
from cdpr.tension import distribute
from cdpr.trajectory import straight_path
from cdpr.yaw_map import yaw_map
from trellis.clock import Clock
from trellis.errors import DeviceError, DeviceFault, Stopped, TrellisError

#: How well the drives' lengths are trusted, and how far yaw may be from the easiest, when the pose is worked out.
_LENGTH_STD_M = 0.0018
_YAW_STD_RAD = 0.03
#: Control periods in which the cables come under tension.
_TIGHTENING_STEPS = 50
#: What of one cable's slip four lengths leave unexplained, as a root mean square; the rest passes for motion.
_SLIP_SHOWN = 1 / 3


@dataclass(frozen=True, eq=False)
class WinchState:
    """What the drives report, and what follows from it.

    Args:
        estimate: Pose of the carriage with covariance and residual.
        lengths_m: By the encoders and the tensions that were asked for, shape (4,).
        tensions_n: By the measured motor currents, shape (4,).
        stopped: A stop is in force.
        turns: Of the drums since the dock, shape (4,).
        asked_n: Tensions as last asked for, shape (4,).
    """

    estimate: PlanarEstimate
    lengths_m: Array
    tensions_n: Array
    stopped: bool
    turns: Array
    asked_n: Array


class Winches:
    """The carriage's drives. Nothing moves before `home`, and only `follow` and `move_to` move anything.

    Args:
        section: Geometry, limits, ports.
        clock: Paces the setpoints.
    """

    def __init__(self, section: CablesSection, clock: Clock) -> None:
        self._section, self._clock = section, clock
        self._robot = section.robot()
        self._yaw_rad = yaw_map(section).yaw_rad
        self._boards = [ODriveBoard(port, section.baudrate) for port in section.ports]
        self._a_turn_m = 2 * pi * section.drum_radius_m
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._home: tuple[Array, Array] | None = None  # cable paid out, in metres, and turns of the drums at home
        self._tensions_n = np.zeros(4)  # as they were last asked for
        self._at_m = section.home_m
        self._pulling = False  # the lower winches are in torque control
        self._next_checked = 0
        self._doubt: str | None = None  # why the lengths are not to be trusted until homed again

    def connect(self) -> None:
        """Open both boards and check every axis; nothing is powered.

        Raises:
            PortUnavailable: A port cannot be opened.
            DeviceFault: A drive reports an error.
            DeviceError: A motor cannot give the tensions that the configuration counts on.
        """
        for board in self._boards:
            board.connect()
        for cable, (port, axis) in enumerate(self._section.axes):
            self._boards[port].check(axis)
            check_strength(self._section, cable, self._boards[port])

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

        This is an assumption that the drives cannot check: the engineer parks the carriage in the dock before power-on,
        with the cables just taut.

        Raises:
            Stopped: A stop is in force.
            DeviceError: A drive fails.
        """
        pose = self._pose_at(*self._section.home_m)
        lengths_m = cable_lengths(self._robot, pose)
        with self._lock:
            self._raise_if_stopped()
            self._home, self._doubt = (lengths_m, self._turns()), None
            self._at_m = self._section.home_m
            self._hold(np.zeros(4))
        # Little by little: the full tension at once on a slack cable spins the drum until the drive gives up.
        tensions_n = distribute(self._robot, pose)
        for share in np.linspace(0, 1, _TIGHTENING_STEPS + 1)[1:]:
            with self._lock:
                self._raise_if_stopped()
                self._send(lengths_m, np.zeros(4), share * tensions_n)
                self._check_next()
            self._clock.sleep(self._section.control_period_s)

    def follow(self, x_m: float, y_m: float) -> Iterator[None]:
        """Go straight to a place, one control period an item, so that a caller may serve other devices between.

        One drive is asked for its errors at every step, so all of them within four.

        Raises:
            Unreachable: The path leaves workspace or tension box; nothing has been sent.
            Stopped: Somebody stopped, before or on the way.
            DeviceError: Not homed, or a drive fails; the others are frozen first.
        """
        if self._home is None:
            raise DeviceError("the carriage's place is unknown; home the winches first")
        self._raise_if_stopped()
        self._raise_if_doubted()
        path = straight_path(self._section, self._at_m, (x_m, y_m))
        with self._lock:
            self._raise_if_stopped()
            if not self._pulling:
                self._hold(path.tensions_n[0])
        for pose, lengths_m, speeds_m_s, tensions_n in zip(
            path.poses, path.lengths_m, path.speeds_m_s, path.tensions_n, strict=True
        ):
            due_s = self._clock.monotonic_s() + path.period_s
            with self._lock:
                self._raise_if_stopped()
                self._send(lengths_m, speeds_m_s, tensions_n)
                self._at_m = (float(pose[0]), float(pose[1]))
                self._check_next()
            # Time that the bytes took is part of the period; what is lost beyond it is not caught up by hurrying.
            self._clock.sleep(due_s - self._clock.monotonic_s())
            yield

    def move_to(self, x_m: float, y_m: float) -> WinchState:
        """`follow` to its end, and what was reached."""
        for _ in self.follow(x_m, y_m):
            pass
        return self.state()

    def check_at_home(self) -> None:
        """See, with the carriage back at home and at rest, that the four lengths agree as they did when it was homed.

        Three lengths say where the carriage is, the fourth checks them. Anywhere else the frame's own errors leave
        more unexplained than a slip of some millimetres; at home they cancel, since all is counted from there.

        Raises:
            DeviceFault: One cable is off by more than `slip_m`; nothing moves until `home`.
            DeviceError: Not homed, or not within `dock_radius_m` of home.
        """
        away_m = float(np.hypot(*np.subtract(self._at_m, self._section.home_m)))
        if away_m > self._section.dock_radius_m:
            raise DeviceError(f"lengths can be checked at home only, and the carriage is {away_m:.3f} m away; park it")
        off_m = self.state().estimate.residual_m / _SLIP_SHOWN
        if off_m > self._section.slip_m:
            self._doubt = (
                f"back at home one cable disagrees with the others by about {1000 * off_m:.0f} mm, "
                f"{1000 * self._section.slip_m:g} mm are allowed ([cables] slip_m): an encoder or a drum has slipped; "
                "poses since the last parking are off by as much: see to it, dock the carriage and home again"
            )
            self._raise_if_doubted()

    def state(self) -> WinchState:
        """Read all four winches.

        Raises:
            DeviceError: Not homed, or a drive does not answer.
        """
        with self._lock:
            turns = self._turns()
            lengths_m = self._lengths(turns)
            currents_a = [
                self._boards[port].read_number(f"axis{axis}.motor.current_control.Iq_measured")
                for port, axis in self._section.axes
            ]
            estimate = self._estimate(lengths_m)
            assert self._home is not None
            turned, asked_n = turns - self._home[1], self._tensions_n
        tensions_n = -np.array(currents_a) * self._section.torque_constant_n_m_a / self._section.drum_radius_m
        return WinchState(estimate, lengths_m, tensions_n, self._stop.is_set(), turned, asked_n)

    def stop(self) -> None:
        """Freeze all four winches where they are, from any thread, and hold; `follow` ends with `Stopped`.

        A drive that is idle stays so. One that does not answer does not keep the others from being stopped.

        Raises:
            DeviceError: A drive did not answer, or is not holding; the others are stopped.
        """
        self._stop.set()
        with self._lock:
            self._freeze()

    def clear_stop(self) -> None:
        """Allow motion again; nothing moves until the next `follow`."""
        self._stop.clear()

    def disarm(self, force: bool = False) -> None:
        """Let go of all four winches; without power the carriage falls unless it stands in its dock.

        Raises:
            DeviceError: It is not parked within `dock_radius_m` of home, or a slip leaves it unknown where it is, and
                `force` is not given.
        """
        if not force:
            self._raise_if_doubted()
        away_m = np.inf if self._home is None else float(np.hypot(*np.subtract(self._at_m, self._section.home_m)))
        if away_m > self._section.dock_radius_m and not force:
            raise DeviceError(
                f"disarming would drop the carriage: it is not parked within {self._section.dock_radius_m} m of home "
                f"{self._section.home_m}; park it first, or force"
            )
        with self._lock:
            self._pulling = False
            for port, axis in self._section.axes:
                self._boards[port].write(f"axis{axis}.requested_state", IDLE)

    def _hold(self, tensions_n: Array) -> None:
        """Upper winches in position where they are, lower ones in tension."""
        turns = self._turns()
        torques_n_m = -tensions_n * self._section.drum_radius_m
        for cable, (port, axis) in enumerate(self._section.axes):
            board = self._boards[port]
            # The setpoint comes first: a loop that closes on an old one would jump.
            if cable in UPPER:
                board.set_position(axis, turns[cable], 0.0, torques_n_m[cable])
                board.start(axis, POSITION_CONTROL)
            else:
                board.set_torque(axis, torques_n_m[cable])
                board.start(axis, TORQUE_CONTROL)
        self._pulling = True

    def _send(self, lengths_m: Array, speeds_m_s: Array, tensions_n: Array) -> None:
        """One setpoint of each winch; the upper loops are told the torque too, so as not to sag until they learn it."""
        assert self._home is not None
        home_paid_m, home_turns = self._home
        paid_m = lengths_m / (1 + tensions_n / self._section.cable_stiffness_n)
        turns = home_turns + (paid_m - home_paid_m) / self._a_turn_m
        torques_n_m = -tensions_n * self._section.drum_radius_m
        for cable, (port, axis) in enumerate(self._section.axes):
            if cable in UPPER:
                speed_turn_s = speeds_m_s[cable] / self._a_turn_m
                self._boards[port].set_position(axis, turns[cable], speed_turn_s, torques_n_m[cable])
            else:
                self._boards[port].set_torque(axis, torques_n_m[cable])
        self._tensions_n = tensions_n

    def _freeze(self) -> None:
        """Every winch to position where it is, as quickly as the lines allow; only then what was wrong is said."""
        self._pulling = False
        turns, faults = np.full(4, np.nan), []
        for cable, (port, axis) in enumerate(self._section.axes):
            try:
                turns[cable] = self._boards[port].feedback(axis)[0]
                self._boards[port].set_position(axis, turns[cable])
            except TrellisError as fault:
                faults.append(fault)
        if self._home is not None and not faults:
            x, y, _ = self._estimate(self._lengths(turns)).pose
            self._at_m = (float(x), float(y))
        if faults:
            raise faults[0]

    def _check_next(self) -> None:
        """Ask one drive after the other whether it still holds; if not, freeze the rest."""
        port, axis = self._section.axes[self._next_checked]
        self._next_checked = (self._next_checked + 1) % len(self._section.axes)
        try:
            self._boards[port].check(axis)
        except DeviceError:
            self._freeze()
            raise

    def _pose_at(self, x_m: float, y_m: float) -> Array:
        return np.array([x_m, y_m, float(self._yaw_rad(x_m, y_m))])

    def _estimate(self, lengths_m: Array) -> PlanarEstimate:
        expected = self._pose_at(*self._at_m)
        prior = PosePrior(expected, np.diag([1.0, 1.0, _YAW_STD_RAD**2]))
        return forward(self._robot, lengths_m, _LENGTH_STD_M, expected, prior)

    def _turns(self) -> Array:
        with self._lock:
            return np.array([self._boards[port].feedback(axis)[0] for port, axis in self._section.axes])

    def _lengths(self, turns: Array) -> Array:
        """Of the stretched cables, from the drums' turns."""
        if self._home is None:
            raise DeviceError("the carriage's place is unknown; home the winches first")
        home_paid_m, home_turns = self._home
        paid_m: Array = home_paid_m + (turns - home_turns) * self._a_turn_m
        if (paid_m <= 0).any():
            cable = CABLES[int(np.argmin(paid_m))]
            raise DeviceError(f"the {cable} encoder says a length below zero; it slipped or was reset: home again")
        return np.asarray(paid_m * (1 + self._tensions_n / self._section.cable_stiffness_n))

    def _raise_if_doubted(self) -> None:
        if self._doubt is not None:
            raise DeviceFault(self._doubt)

    def _raise_if_stopped(self) -> None:
        if self._stop.is_set():
            raise Stopped("the winches are stopped; clear the stop before moving")
