"""Four winches as one carriage that goes to a place, says where it is, stops and holds.

The upper winches hold position in the drives' own loops; the lower ones hold the tension that the distribution asks
for. Setpoints carry what the drives would otherwise have to learn from errors: speed, tension, friction, inertia and
stretch. A stop turns the lower winches to position as well: four fixed lengths hold the carriage. Clearing a stop
moves nothing. docs/safety.md says what is watched meanwhile.
"""

import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import pi
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from cdpr.config import CablesSection, CalibrationSection
from cdpr.counts import Counts, counts_from, docked_lengths_m, docked_pose, pose_in
from cdpr.drives import Drives, Seen
from cdpr.homing import Found, Homed, How, check_tautness, way_home
from cdpr.kinematics import PlanarEstimate, PosePrior, cable_lengths, forward
from cdpr.memory import Memory, four, recall, remember
from cdpr.robot import UPPER, Array
from cdpr.supervision import Look, Supervision
from cdpr.tension import distribute
from cdpr.trajectory import Drive, Trajectory, plan_blended, plan_straight
from trellis.clock import Clock
from trellis.errors import DeviceError, DeviceFault, ProtocolError, Stopped, TrellisError

#: How well the drives' lengths are trusted, and how far yaw may be from the easiest, when the pose is worked out.
_LENGTH_STD_M = 0.0018
_YAW_STD_RAD = 0.03
#: Control periods in which the cables come under tension.
_TIGHTENING_STEPS = 50
#: What of one cable's slip four lengths leave unexplained, as a root mean square; the rest passes for motion.
_SLIP_SHOWN = 1 / 3
#: Steps between two looks at whether the carriage is inside its workspace.
_PLACE_STEPS = 5


@dataclass(frozen=True, eq=False)
class WinchState:
    """What the drives report, and what follows from it.

    Args:
        estimate: Pose of the carriage with covariance and residual.
        lengths_m: By the encoders, the calibration and the tensions that were asked for, shape (4,).
        tensions_n: By the measured motor currents, less the drums' friction, shape (4,).
        stopped: A stop is in force.
        turns: Of the drums since the dock, shape (4,).
        asked_n: Tensions as last asked for, shape (4,).
        readings_m: As `lengths_m`, but before any calibration: what a log for `trellis cdpr calibrate` holds.
        doubt: Why nothing may move until somebody has seen to it, or None.
    """

    estimate: PlanarEstimate
    lengths_m: Array
    tensions_n: Array
    stopped: bool
    turns: Array
    asked_n: Array
    readings_m: Array
    doubt: str | None = None


class Winches:
    """The carriage's drives. Nothing moves before `home`, and only the `follow` family moves anything.

    Args:
        section: Geometry, limits, ports.
        clock: Paces the setpoints.
        calibration: How the encoders count.
        memory: A file in which the carriage's place outlives this process; without, the next one knows nothing.
    """

    def __init__(
        self,
        section: CablesSection,
        clock: Clock,
        calibration: CalibrationSection | None = None,
        memory: Path | None = None,
    ) -> None:
        self._section, self._clock = section, clock
        self._calibration = calibration or CalibrationSection()
        self._memory_file = memory
        self._robot = section.robot()
        self._drives = Drives(section)
        self._supervision = Supervision(section)
        self._lock = threading.RLock()
        self._stop, self._pause = threading.Event(), threading.Event()
        self._counts: Counts | None = None
        self._mark = 0.0
        self._tensions_n = np.zeros(4)  # as they were last asked for
        self._wanted_m, self._wanted_m_s = np.full(4, np.nan), np.zeros(4)
        self._turns = np.full(4, np.nan)  # as they were last heard
        self._sent_turns = np.full(4, np.nan)  # where the upper winches were last sent
        self._at_m = section.home_m
        self._dock_m = section.home_m
        self._steering = False  # the lower winches are in torque control
        self._steps, self._due_s = 0, 0.0
        self._doubt: str | None = None  # why nothing may move until ...
        self._doubts_place = False  # ... homed again; or else until cleared

    def connect(self) -> None:
        """Open both boards and check every axis; nothing is powered.

        Raises:
            PortUnavailable: A port cannot be opened.
            DeviceFault: A drive reports an error, or was never set up.
            DeviceError: A motor cannot give the tensions that the configuration counts on.
        """
        self._drives.connect()

    def close(self) -> None:
        """Close the ports; the drives go on holding."""
        self._drives.close()

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def home(self) -> Homed:
        """Find out where the carriage is, take it under tension, and hold it there.

        By counting on where the drives never lost power, from memory where brakes held it, else from the dock, if that
        is where it was left (`cdpr.homing.way_home`); and in each case the cables must prove taut.

        Raises:
            PositionLost: It is not known where the carriage is; the message says what to do. Nothing moves.
            Stopped: A stop is in force.
            DeviceError: A drive fails.
        """
        memory = None if self._memory_file is None else recall(self._memory_file)
        with self._lock:
            self._raise_if_stopped()
            turns = self._drives.turns()
            powered = self._drives.powered()
            found = Found(tuple(self._drives.serial_numbers), self._drives.marks(), tuple(powered), turns)
        self._mark = memory.mark if memory else self._mark
        way = way_home(self._section, memory, found, f"run `trellis cdpr docked {self._memory_file}`")
        if way.how is How.DOCKED or memory is None:
            pose, paid_m = (
                docked_pose(self._section, self._calibration),
                docked_lengths_m(self._section, self._calibration),
            )
            counts = counts_from(self._section, self._calibration, paid_m, turns)
        else:
            then = turns if way.how is How.REMEMBERED else np.array(memory.turns)
            counts = counts_from(self._section, self._calibration, np.array(memory.paid_m), then)
            pose = self._pose_by(counts, turns, pose_in(self._section, memory.place_m))
        self._take(counts, pose, way.how, all(powered))
        return way

    def home_sighted(self, pose: ArrayLike) -> Homed:
        """Count from where the carriage was seen to be, by a camera and tags for one: x, y, yaw (m, rad).

        The cables must be taut. As `home` otherwise.
        """
        seen = np.asarray(pose, dtype=float)
        with self._lock:
            self._raise_if_stopped()
            powered = all(self._drives.powered())
            found = self._drives.feedback(currents=True)
            tensions_n = self._tensions_by(found).clip(0.0) if powered else np.zeros(4)
        paid_m = cable_lengths(self._robot, seen) / (1 + tensions_n / self._section.cable_stiffness_n)
        self._take(counts_from(self._section, self._calibration, paid_m, found.turns), seen, How.SIGHTED, powered)
        return Homed(How.SIGHTED)

    def follow(self, x_m: float, y_m: float) -> Iterator[None]:
        """Go straight to a place, one control period an item, so that a caller may serve other devices between.

        Raises:
            Unreachable: The path leaves workspace or tension box; nothing has been sent.
            Stopped: Somebody stopped, before or on the way.
            DeviceError: Not homed, or a drive fails, or supervision found a reason; all winches are frozen first.
        """
        self._raise_if_unready()
        yield from self._through([plan_straight(self._section, self._at_m, (x_m, y_m))])

    def follow_path(self, places_m: Sequence[tuple[float, float]], blend_m: float) -> Iterator[None]:
        """Go through places without stopping, leaving the lines `blend_m` before and after a corner; as `follow`."""
        self._raise_if_unready()
        yield from self._through(plan_blended(self._section, [self._at_m, *places_m], blend_m))

    def move_to(self, x_m: float, y_m: float) -> WinchState:
        """`follow` to its end, and what was reached."""
        for _ in self.follow(x_m, y_m):
            pass
        return self.state()

    def pause(self) -> None:
        """Brake on the path, within the limits, and wait there, from any thread; `follow` goes on giving items."""
        self._pause.set()

    def resume(self) -> None:
        """Go on to the end of the path."""
        self._pause.clear()

    def check_at_home(self) -> None:
        """See, with the carriage back at home and at rest, that the four lengths agree as they did when it was homed.

        Three lengths say where the carriage is, the fourth checks them. Anywhere else the frame's own errors leave
        more unexplained than a slip of some millimetres; at home they cancel, since all is counted from there.

        Raises:
            DeviceFault: One cable is off by more than `slip_m`; nothing moves until `home`.
            DeviceError: Not homed, or not within `dock_radius_m` of home.
        """
        if self._away_m() > self._section.dock_radius_m:
            raise DeviceError(
                f"lengths can be checked at home only, and the carriage is {self._away_m():.3f} m away; park it"
            )
        off_m = self.state().estimate.residual_m / _SLIP_SHOWN
        if off_m > self._section.slip_m:
            self._note_doubt(
                f"back at home one cable disagrees with the others by about {1000 * off_m:.0f} mm, "
                f"{1000 * self._section.slip_m:g} mm are allowed ([cables] slip_m): an encoder or a drum has slipped; "
                "poses since the last parking are off by as much: see to it, dock the carriage and home again",
                place=True,
            )
            self._raise_if_doubted()

    def state(self) -> WinchState:
        """Read all four winches; what supervision makes of it may stop them, and is then in `doubt`.

        Raises:
            DeviceError: Not homed, or a drive does not answer.
        """
        with self._lock:
            counts = self._need_counts()
            seen = self._drives.feedback(currents=True)
            self._turns = seen.turns
            lengths_m = counts.lengths_at(seen.turns, self._tensions_n)
            estimate = self._estimate(lengths_m)
            tensions_n = self._tensions_by(seen)
            turned, asked_n = seen.turns - counts.home_turns, self._tensions_n
            if self._doubt is None:
                self._judge(seen, estimate)
        readings_m = (lengths_m - self._offsets_m()) / np.array(self._calibration.scales)
        return WinchState(
            estimate, lengths_m, tensions_n, self._stop.is_set(), turned, asked_n, readings_m, self._doubt
        )

    def stop(self) -> None:
        """Freeze all four winches where they are, from any thread, and hold; `follow` ends with `Stopped`.

        A drive that is idle stays so. One that does not answer does not keep the others from being stopped.

        Raises:
            DeviceError: A drive did not answer, or is not holding; the others are stopped.
        """
        self._stop.set()
        with self._lock:
            self._freeze()
        self._remember_quietly("stand still after a stop")

    def clear_stop(self) -> None:
        """Allow motion again; nothing moves until the next `follow`. A doubt about the place stays until `home`."""
        if not self._doubts_place:
            self._doubt = None
        self._stop.clear()

    def disarm(self, force: bool = False) -> None:
        """Let go of all four winches; without power the carriage falls unless it stands in its dock.

        Raises:
            DeviceError: It is not parked within `dock_radius_m` of home, or a slip leaves it unknown where it is, and
                `force` is not given.
        """
        if not force:
            self._raise_if_doubted()
        if not force and self._away_m() > self._section.dock_radius_m:
            raise DeviceError(
                f"disarming would drop the carriage: it is not parked within {self._section.dock_radius_m} m of home "
                f"{self._section.home_m}; park it first, or force"
            )
        with self._lock:
            self._steering = False
            self._drives.release()
        docked = self._away_m() <= self._section.dock_radius_m
        self._remember_quietly("rest in the dock" if docked else "hang loose", at_rest=docked)

    def _take(self, counts: Counts, pose: Array, how: How, powered: bool) -> None:
        """Begin to count, hold, and bring the cables little by little under the tension that is due there.

        The full tension at once on a slack cable spins the drum until the drive gives up.
        """
        # The last goal of a rope under tension: where it is, at the tension that it should have.
        tensions_n = distribute(self._robot, pose_in(self._section, pose[:2]))
        with self._lock:
            self._raise_if_stopped()
            seen = self._drives.feedback(currents=True)
            begin_n = self._tensions_by(seen).clip(0, self._section.tension_max_n) if powered else np.zeros(4)
            begin_turns, end_turns = seen.turns, counts.turns_for(cable_lengths(self._robot, pose), tensions_n)
            self._counts, self._doubt, self._doubts_place = counts, None, False
            self._at_m = (float(pose[0]), float(pose[1]))
            x, y, _ = docked_pose(self._section, self._calibration)
            self._dock_m = (float(x), float(y))
            # Another one every time; not random, so that the same farm hears the same bytes.
            self._mark = 1 + (max(self._mark - 1, 0) + 0.0001) % 0.9
            self._drives.set_marks(self._mark)
            self._drives.hold(self._torques(begin_n))
            self._steering = True
            self._supervision.forget()
        for share in np.linspace(0, 1, _TIGHTENING_STEPS + 1)[1:]:
            with self._lock:
                self._raise_if_stopped()
                turns = begin_turns + share * (end_turns - begin_turns)
                self._tensions_n = begin_n + share * (tensions_n - begin_n)
                seen = self._guarded_stream(turns, np.zeros(4), self._torques(self._tensions_n))
                if np.isfinite(seen.turns).all():
                    self._turns = seen.turns
                    self._check_tautness(how, (seen.turns - turns) * counts.a_turn_m(seen.turns))
            self._clock.sleep(self._section.control_period_s)
        self._wanted_m, self._wanted_m_s = counts.lengths_at(self._turns, self._tensions_n), np.zeros(4)
        self._remember("stand where it was homed")

    def _check_tautness(self, how: How, turned_m: Array) -> None:
        try:
            check_tautness(self._section, how, turned_m)
        except DeviceError as lost:
            self._freeze()
            self._counts = None
            self._note_doubt(str(lost), place=True)
            raise

    def _through(self, drives: Sequence[Drive]) -> Iterator[None]:
        """Drive one after the other; each may be paused."""
        checked = [drive.setpoints() for drive in drives]  # raises before anything is sent
        self._remember(f"go to x {checked[-1].poses[-1, 0]:.3f} m, y {checked[-1].poses[-1, 1]:.3f} m", at_rest=False)
        with self._lock:
            self._raise_if_stopped()
            if not self._steering:
                self._drives.hold(self._torques(checked[0].tensions_n[0]))
                self._steering = True
                self._supervision.forget()
        self._due_s = self._clock.monotonic_s()
        for drive in drives:
            yield from self._along(drive)
        self._remember("stand where it was sent")

    def _along(self, drive: Drive) -> Iterator[None]:
        """One drive to the end of its path, with as many pauses as are wanted."""
        left: Drive | None = drive
        while left is not None:
            braked = yield from self._until_pause(left)
            if braked is not None:
                for index, points in self._points(braked):
                    self._step(points, index)
                    yield
                left = braked.resumed()
                while left is not None and self._pause.is_set():
                    self._rest()
                    yield
            else:
                left = None

    def _until_pause(self, drive: Drive) -> Generator[None, None, Drive | None]:
        """Follow a drive to its end, or until a pause is wanted: then the drive that brakes it."""
        for index, points in self._points(drive):
            if self._pause.is_set():
                return drive.paused(min(index * points.period_s, drive.profile.duration_s))
            self._step(points, index)
            yield
        return None

    @staticmethod
    def _points(drive: Drive) -> Iterator[tuple[int, Trajectory]]:
        points = drive.setpoints()
        return ((index, points) for index in range(len(points.poses)))

    def _step(self, points: Trajectory, index: int) -> None:
        """One setpoint of each winch, what was heard meanwhile, and what supervision makes of it."""
        counts = self._need_counts()
        lengths_m, tensions_n = points.lengths_m[index], points.tensions_n[index]
        speeds_m_s = points.speeds_m_s[index]
        with self._lock:
            self._raise_if_stopped()
            self._tensions_n, self._wanted_m, self._wanted_m_s = tensions_n, lengths_m, speeds_m_s
            self._at_m = (float(points.poses[index, 0]), float(points.poses[index, 1]))
            seen = self._guarded_stream(
                counts.turns_for(lengths_m, tensions_n),
                speeds_m_s / counts.a_turn_m(self._turns),
                self._torques(tensions_n, speeds_m_s, points.accelerations_m_s2[index]),
            )
            self._turns = np.where(np.isfinite(seen.turns), seen.turns, self._turns)
            self._watch(seen)
        self._wait()

    def _rest(self) -> None:
        """One period at rest on the way."""
        with self._lock:
            self._raise_if_stopped()
            self._wanted_m_s = np.zeros(4)
            seen = self._drives.watch()
            self._turns = np.where(np.isfinite(seen.turns), seen.turns, self._turns)
            self._watch(seen)
        self._wait()

    def _wait(self) -> None:
        """Until the period is over; time that was lost beyond it is not caught up by hurrying."""
        period_s, now_s = self._section.control_period_s, self._clock.monotonic_s()
        self._due_s = max(self._due_s + period_s, now_s)
        self._clock.sleep(self._due_s - now_s)

    def _guarded_stream(self, turns: Array, speeds_turn_s: Array, torques_n_m: Array) -> Seen:
        self._sent_turns = np.where(np.isin(np.arange(4), UPPER), turns, np.nan)
        try:
            return self._drives.stream(turns, speeds_turn_s, torques_n_m)
        except DeviceError:
            with suppress(TrellisError):  # the first error is the one to tell
                self._freeze()
            raise

    def _watch(self, seen: Seen) -> None:
        """Let supervision look, and end the motion if it found a reason."""
        self._steps += 1
        estimate = None
        if self._steps % _PLACE_STEPS == 0 and np.isfinite(seen.turns).all():
            estimate = self._estimate(self._need_counts().lengths_at(seen.turns, self._tensions_n))
        self._judge(seen, estimate)
        self._raise_if_doubted()

    def _judge(self, seen: Seen, estimate: PlanarEstimate | None) -> None:
        """Freeze and note a doubt if supervision finds a reason; the lock is held."""
        counts = self._need_counts()
        look = Look(
            now_s=self._clock.monotonic_s(),
            lengths_m=counts.lengths_at(seen.turns, self._tensions_n),
            speeds_m_s=seen.speeds_turn_s * counts.a_turn_m(self._turns),
            tensions_n=self._tensions_by(seen),
            wanted_m=self._wanted_m,
            wanted_m_s=self._wanted_m_s,
            wanted_n=self._tensions_n,
            steering=self._steering,
        )
        found = self._supervision.reason_to_stop(look)
        outside = None if found or estimate is None else self._supervision.outside(estimate.pose[:2])
        if found or outside:
            with suppress(TrellisError):
                self._freeze()
            if found and found.line:
                raise ProtocolError(found.reason)
            self._note_doubt(found.reason if found else str(outside), place=bool(found and found.place))

    def _freeze(self) -> None:
        """Every winch to position where it is; then where that is."""
        self._steering = False
        held = self._drives.freeze(self._sent_turns)
        self._turns = self._sent_turns = held
        self._supervision.forget()
        if self._counts is not None and np.isfinite(held).all():
            self._wanted_m, self._wanted_m_s = self._counts.lengths_at(held, self._tensions_n), np.zeros(4)
            x, y, _ = self._estimate(self._wanted_m).pose
            self._at_m = (float(x), float(y))

    def _torques(self, tensions_n: Array, speeds_m_s: ArrayLike = 0.0, accelerations_m_s2: ArrayLike = 0.0) -> Array:
        """What the drums need: pull, friction and inertia; paying out is positive, shape (4,)."""
        section, radius_m = self._section, self._need_counts().a_turn_m(self._turns) / (2 * pi)
        rate_rad_s = np.asarray(speeds_m_s) / radius_m
        inertia_n_m = section.drum_inertia_kg_m2 * np.asarray(accelerations_m_s2) / radius_m
        return np.asarray(inertia_n_m + self._friction_n_m(rate_rad_s) - tensions_n * radius_m)

    def _friction_n_m(self, rate_rad_s: Array) -> Array:
        section = self._section
        static = section.static_friction_n_m * np.tanh(section.friction_rate_s * rate_rad_s)
        return np.asarray(static + section.viscous_friction_n_m_s * rate_rad_s)

    def _tensions_by(self, seen: Seen) -> Array:
        """Tensions by the motors' currents, less friction at the drums' speeds, shape (4,)."""
        torques_n_m = seen.currents_a * self._section.torque_constant_n_m_a
        friction_n_m = self._friction_n_m(seen.speeds_turn_s * 2 * pi)
        return np.asarray((friction_n_m - torques_n_m) / self._section.drum_radius_m)

    def _pose_by(self, counts: Counts, turns: Array, near: Array) -> Array:
        prior = PosePrior(near, np.diag([1.0, 1.0, _YAW_STD_RAD**2]))
        return forward(self._robot, counts.paid_at(turns), _LENGTH_STD_M, near, prior).pose

    def _estimate(self, lengths_m: Array) -> PlanarEstimate:
        expected = pose_in(self._section, self._at_m)
        prior = PosePrior(expected, np.diag([1.0, 1.0, _YAW_STD_RAD**2]))
        return forward(self._robot, lengths_m, _LENGTH_STD_M, expected, prior)

    def _offsets_m(self) -> Array:
        """Length at a reading of zero."""
        if self._calibration.dock_readings_m:
            return np.array(self._calibration.offsets_m)
        docked_m = docked_lengths_m(self._section, self._calibration)
        return np.asarray((1 - np.array(self._calibration.scales)) * docked_m)

    def _away_m(self) -> float:
        """From the dock; infinite while nobody knows."""
        return np.inf if self._counts is None else float(np.hypot(*np.subtract(self._at_m, self._dock_m)))

    def _remember(self, command: str, at_rest: bool = True) -> None:
        """Write down what outlives a crash.

        Raises:
            OutOfSpace, InputError: It cannot be written; nothing may be begun then.
        """
        if self._memory_file is None or self._counts is None or not np.isfinite(self._turns).all():
            return
        paid_m = self._counts.paid_at(self._turns)
        memory = Memory(
            command=command,
            at_rest=at_rest,
            docked=at_rest and self._away_m() <= self._section.dock_radius_m,
            place_m=self._at_m,
            paid_m=four(paid_m),
            turns=four(self._turns),
            mark=self._mark,
            serial_numbers=tuple(self._drives.serial_numbers),
            written_at=self._clock.utc().isoformat(timespec="seconds"),
            doubt=self._doubt if self._doubts_place else None,
        )
        remember(self._memory_file, memory)

    def _remember_quietly(self, command: str, at_rest: bool = True) -> None:
        """As `_remember` where nothing depends on it: what was written before says less, and nothing wrong."""
        with suppress(TrellisError):
            self._remember(command, at_rest)

    def _note_doubt(self, reason: str, place: bool) -> None:
        self._doubt, self._doubts_place = reason, place
        self._remember_quietly("stand still after a fault")

    def _need_counts(self) -> Counts:
        if self._counts is None:
            raise DeviceError("the carriage's place is unknown; home the winches first")
        return self._counts

    def _raise_if_unready(self) -> None:
        self._need_counts()
        self._raise_if_stopped()
        self._raise_if_doubted()

    def _raise_if_doubted(self) -> None:
        if self._doubt is not None:
            raise DeviceFault(self._doubt)

    def _raise_if_stopped(self) -> None:
        if self._stop.is_set():
            raise Stopped("the winches are stopped; clear the stop before moving")
