"""Four winches as one carriage that goes to a place, says where it is, stops and holds.

The upper winches hold position in the drives' own loops; the lower ones hold the tension that the distribution asks
for. Setpoints carry what the drives would otherwise have to learn from errors: speed, tension, friction, inertia and
stretch. A stop turns the lower winches to position as well: four fixed lengths hold the carriage. Clearing a stop
moves nothing. docs/safety.md says what is watched meanwhile.
"""

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from cdpr.belief import Belief
from cdpr.config import CablesSection, CalibrationSection
from cdpr.drives import Drives
from cdpr.drum_torques import tensions_by
from cdpr.following import Follower
from cdpr.held import Held
from cdpr.homecoming import Homecoming
from cdpr.homing import Homed, Sighting
from cdpr.load import Load
from cdpr.trajectory import Drive, plan_blended, plan_straight
from cdpr.winch_state import WinchState
from trellis.clock import Clock
from trellis.errors import DeviceError, Stopped
from trellis.flight import Listener
from trellis.profiles import rest_to_rest

__all__ = ["WinchState", "Winches"]

#: What of one cable's slip four lengths leave unexplained, as a root mean square; the rest passes for motion.
_SLIP_SHOWN = 1 / 3


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
        self._drives = Drives(section)
        self._belief = Belief(section, self._calibration, clock, memory)
        self._held = Held(section, self._drives, self._belief, clock, bool(self._calibration.covariance))
        self._lock, self._stop = threading.RLock(), threading.Event()
        self._homing = Homecoming(
            section,
            self._calibration,
            clock,
            self._drives,
            self._belief,
            self._held,
            self._lock,
            self._raise_if_stopped,
        )  # fmt: skip
        self._follower = Follower(self._held, clock, section.control_period_s, self._lock, self._raise_if_stopped)

    def connect(self) -> None:
        """Open both boards and check every axis; nothing is powered.

        Raises:
            PortUnavailable: A port cannot be opened.
            DeviceFault: A drive reports an error, or was never set up.
            DeviceError: A motor cannot give the tensions that the configuration counts on.
        """
        self._drives.connect()
        self._belief.serial_numbers = tuple(self._drives.serial_numbers)

    def listen(self, listener: Listener) -> None:
        """Tell a flight recorder every setpoint and what was heard, from now on."""
        self._held.listener = listener

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
        return self._homing.home()

    def home_sighted(self, sighting: Sighting) -> Homed:
        """Count from where the carriage was seen to hang still, whatever was believed of it before.

        The cables must be taut. `trellis cdpr sighted` leaves a sighting for the next `home` instead.

        Returns:
            With a notice of how far that is from where it was believed to be, where something was believed.

        Raises:
            PositionLost: The sighting is too rough, or outside the frame, or the cables prove slack.
            Stopped, DeviceError: As `home`.
        """
        return self._homing.home_sighted(sighting)

    def carry(self, load: Load) -> None:
        """Say what stands on the carriage away from its centre of mass: the next move counts with it."""
        self._belief.load = load.ended

    def follow(
        self, x_m: float, y_m: float, duration_s: float = 0.0, load: Load | None = None
    ) -> Generator[None, None, None]:
        """Go straight to a place, one control period an item, so that a caller may serve other devices between.

        It takes as long as the limits ask for, or `duration_s` where that is longer. `load` is what moves on the
        carriage meanwhile, evenly over that time; without, what was last said to stand on it.

        Raises:
            Unreachable: The path leaves workspace or tension box; nothing has been sent.
            Stopped: Somebody stopped, before or on the way.
            DeviceError: Not homed, or a drive fails, or supervision found a reason; all winches are frozen first.
        """
        self._raise_if_unready()
        drive = plan_straight(self._section, self._belief.at_m, (x_m, y_m)).lasting(duration_s)
        yield from self._through([replace(drive, load=load or self._belief.load)])

    def stay(self, duration_s: float, load: Load | None = None) -> Generator[None, None, None]:
        """Hold the carriage where it was last sent while something moves on it; as `follow`."""
        yield from self.follow(*self._belief.at_m, duration_s, load)

    def follow_path(self, places_m: Sequence[tuple[float, float]], blend_m: float) -> Iterator[None]:
        """Go through places without stopping, leaving the lines `blend_m` before and after a corner; as `follow`."""
        self._raise_if_unready()
        drives = plan_blended(self._section, [self._belief.at_m, *places_m], blend_m)
        yield from self._through([replace(drive, load=self._belief.load) for drive in drives])

    def creep(self, x_m: float, y_m: float, speed_m_s: float, held: Callable[[], bool]) -> None:
        """Go slowly towards a place for as long as `held()`, asked every control period; then brake, and stand.

        Raises as `follow`.
        """
        self._raise_if_unready()
        section = self._section
        drive = plan_straight(section, self._belief.at_m, (x_m, y_m))
        limits = min(speed_m_s, section.speed_m_s), section.acceleration_m_s2, section.jerk_m_s3
        self._follower.resume()
        try:
            slow = replace(drive, profile=rest_to_rest(drive.path.length_m, *limits), load=self._belief.load)
            with closing(self._through([slow])) as steps:
                for _ in steps:
                    if not held():
                        self._follower.pause()
                    if self._follower.resting:
                        break
        finally:
            self._follower.resume()
        self._belief.remember("stand where it was let go")

    def move_to(self, x_m: float, y_m: float) -> WinchState:
        """`follow` to its end, and what was reached."""
        for _ in self.follow(x_m, y_m):
            pass
        return self.state()

    def pause(self) -> None:
        """Brake on the path, within the limits, and wait there, from any thread; `follow` goes on giving items."""
        self._follower.pause()

    def resume(self) -> None:
        """Go on to the end of the path."""
        self._follower.resume()

    def check_at_home(self) -> None:
        """See, with the carriage back at home and at rest, that the four lengths agree as they did when it was homed.

        Three lengths say where the carriage is, the fourth checks them. Anywhere else the frame's own errors leave
        more unexplained than a slip of some millimetres; at home they cancel, since all is counted from there.

        Raises:
            DeviceFault: One cable is off by more than `slip_m`; nothing moves until `home`.
            DeviceError: Not homed, or not within `dock_radius_m` of home.
        """
        if self._belief.away_m() > self._section.dock_radius_m:
            raise DeviceError(
                f"lengths can be checked at home only, and the carriage is {self._belief.away_m():.3f} m away; park it"
            )
        off_m = self.state().estimate.residual_m / _SLIP_SHOWN
        if off_m > self._section.slip_m:
            self._belief.note_doubt(
                f"back at home one cable disagrees with the others by about {1000 * off_m:.0f} mm, "
                f"{1000 * self._section.slip_m:g} mm are allowed ([cables] slip_m): an encoder or a drum has slipped; "
                "poses since the last parking are off by as much: see to it, dock the carriage and home again",
                place=True,
            )
            self._belief.raise_if_doubted()

    def state(self) -> WinchState:
        """Read all four winches; what supervision makes of it may stop them, and is then in `doubt`.

        Raises:
            DeviceError: Not homed, or a drive does not answer.
        """
        belief = self._belief
        with self._lock:
            counts = belief.need_counts()
            seen = self._drives.feedback(currents=True)
            belief.hear(seen.turns)
            lengths_m, asked_n = belief.lengths_at(seen.turns), belief.tensions_n
            estimate = belief.estimate(lengths_m)
            if belief.doubt is None:
                self._held.judge(seen, estimate)
        return WinchState(
            estimate=estimate,
            lengths_m=lengths_m,
            tensions_n=tensions_by(self._section, seen),
            stopped=self._stop.is_set(),
            turns=seen.turns - counts.home_turns,
            asked_n=asked_n,
            readings_m=belief.readings_m(lengths_m),
            doubt=belief.doubt,
            speeds_m_s=seen.speeds_turn_s * counts.a_turn_m(seen.turns),
        )

    def stop(self) -> None:
        """Freeze all four winches where they are, from any thread, and hold; `follow` ends with `Stopped`.

        A drive that is idle stays so. One that does not answer does not keep the others from being stopped.

        Raises:
            DeviceError: A drive did not answer, or is not holding; the others are stopped.
        """
        self._stop.set()
        with self._lock:
            self._held.freeze()
        self._belief.remember_quietly("stand still after a stop")

    def clear_stop(self) -> None:
        """Allow motion again; nothing moves until the next `follow`. A doubt about the place stays until `home`."""
        self._belief.clear_doubt()
        self._stop.clear()

    def disarm(self, force: bool = False) -> None:
        """Let go of all four winches; without power the carriage falls unless it stands in its dock.

        Raises:
            DeviceError: It is not parked within `dock_radius_m` of home, or a slip leaves it unknown where it is, and
                `force` is not given.
        """
        if not force:
            self._belief.raise_if_doubted()
        if not force and self._belief.away_m() > self._section.dock_radius_m:
            raise DeviceError(
                f"disarming would drop the carriage: it is not parked within {self._section.dock_radius_m} m of home "
                f"{self._section.home_m}; park it first, or force"
            )
        with self._lock:
            self._held.let_go()
        docked = self._belief.away_m() <= self._section.dock_radius_m
        self._belief.remember_quietly("rest in the dock" if docked else "hang loose", at_rest=docked)

    def _through(self, drives: Sequence[Drive]) -> Generator[None, None, None]:
        """Drive one after the other; each may be paused."""
        checked = [drive.setpoints() for drive in drives]  # raises before anything is sent
        x, y, _ = checked[-1].poses[-1]
        self._belief.remember(f"go to x {x:.3f} m, y {y:.3f} m", at_rest=False)
        with self._lock:
            self._raise_if_stopped()
            self._held.steer(checked[0].tensions_n[0])
        load = drives[-1].load
        self._belief.load = load and load.ended
        yield from self._follower.along(drives)
        self._belief.remember("stand where it was sent")

    def _raise_if_unready(self) -> None:
        self._belief.need_counts()
        self._raise_if_stopped()
        self._belief.raise_if_doubted()

    def _raise_if_stopped(self) -> None:
        if self._stop.is_set():
            raise Stopped("the winches are stopped; clear the stop before moving")
