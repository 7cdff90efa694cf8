"""Winches, servos and camera opened on one clock, and moved, photographed and stopped as one."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from arm.config import ArmSection
from arm.servos import Servos
from cdpr.config import CablesSection, CalibrationSection
from cdpr.load import Load
from cdpr.winches import Winches
from scan.arrival import Arrival
from scan.believing import believe
from scan.calibrated import recorded_model
from scan.calibrated_sections import calibrated, current_record
from scan.cameras import Camera, Gates, open_camera
from scan.carried import carried
from scan.cell import UNMOVED_M, Array, Cell, CellPosture
from scan.cell_model import ARM_MASSES_KG, MASSES, ZEROS
from scan.cell_readings import Reading
from scan.cell_section import CellSection
from scan.cell_solver import Noise
from scan.cell_state import Believed, CellState, Photograph
from scan.config import CameraSection
from scan.give import aimed
from trellis.clock import Clock, clock_named
from trellis.config import Configuration
from trellis.errors import CameraError, DeviceError, Stopped, TrellisError
from trellis.flight import Listener, told_nobody
from trellis.manifest import DevicesRecord
from trellis.profiles import rest_to_rest

__all__ = ["Believed", "CellHardware", "CellState", "Photograph"]

#: An arm that is so near to folded is folded.
_FOLDED_RAD = np.radians(3.0)
#: A servo goes on for so long after it should be there, pulling itself up to its goal.
_SERVO_REST_S = 0.1
#: A way that takes a creeping arm less than this is none.
_STEADY_S = 0.03


class CellHardware:
    """The cell's devices. `connect` opens them, `home` must come before any motion, `stop` works from any thread.

    Closing and connecting again keeps the home: encoders count on while they have power.

    Args:
        configuration: Sections `[cables]`, `[calibration]`, `[arm]`, `[camera]` and `[cell]`.
        memory: A file in which the carriage's place outlives this process (`DataFolder.carriage`).
    """

    def __init__(self, configuration: Configuration, memory: Path | None = None) -> None:
        record = current_record(configuration)
        self._record, self._model = record, None if record is None else recorded_model(configuration, record)
        # The servos are opened with the zeros of now; what is learned later changes beliefs only.
        self._zeros_rad = np.zeros(4) if self._model is None else self._model.vector[ZEROS]
        off_kg = 0.0 if self._model is None else self._model.vector[MASSES]
        self._masses_kg = np.maximum(ARM_MASSES_KG + off_kg, 0.01)
        self.cell, self._configuration = Cell.of(configuration), configuration
        configuration = calibrated(configuration)
        self._calibration, self._memory = configuration.section(CalibrationSection), memory
        self._section = configuration.section(CellSection)
        self._cables = self._section.softened(configuration.section(CablesSection))
        self._arm_section = configuration.section(ArmSection)
        self._camera_section = configuration.section(CameraSection)
        self.attempts, self.exposure_s = self._camera_section.attempts, self._camera_section.exposure_s
        self._gates = Gates(self._camera_section)
        self._devices: tuple[Clock, Winches, Servos] | None = None
        self._camera: Camera | None = None
        self._open = self._homed = False
        self._stopped = threading.Event()
        self._moving = threading.Lock()
        self._listener: Listener = told_nobody
        self._standing: CellPosture | None = None

    def connect(self) -> None:
        """Open every device; if one is not there the others are closed again.

        The clock comes first: in simulation it brings the ports with it.

        Raises:
            DeviceError: Names the device that cannot be opened or reports a fault.
        """
        if self._devices is None:
            clock = clock_named(self._section.clock, self._section.clock_options)
            self._devices = (
                clock,
                Winches(self._cables, clock, self._calibration, self._memory),
                Servos(self._arm_section, clock),
            )
        clock, winches, servos = self._devices
        try:
            winches.connect()
            servos.connect()
            self._camera = open_camera(self._camera_section, clock)
        except TrellisError:
            self.close()
            raise
        self._open = True

    def listen(self, listener: Listener) -> None:
        """Tell a flight recorder of goals, setpoints and stops from now on; `trellis.flight.told_nobody` ends it."""
        self._listener = listener
        self._need()[1].listen(listener)

    def close(self) -> None:
        """Close what is open; winches and servos go on holding."""
        self._open, self._standing = False, None
        if self._devices is not None:
            _, winches, servos = self._devices
            winches.close()
            servos.close()
        if self._camera is not None:
            self._camera.close()
            self._camera = None

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def clock(self) -> Clock:
        """The clock that the devices live by; there once `connect` was called."""
        return self._need()[0]

    def home(self) -> str | None:
        """Find out where the carriage is (`cdpr.winches.Winches.home`), hold it, and park the arm.

        Returns:
            What a person should know of how the place became known, if anything.

        Raises:
            PositionLost: It is not known where the carriage is; nothing has moved.
            Stopped: A stop is in force.
            DeviceError: A device fails.
        """
        _, winches, servos = self._need()
        winches.carry(self._carried(servos.positions()))
        homed = winches.home()
        servos.hold()
        self._homed = True
        self.fold()
        self._arm_to(np.array(self.cell.park.joints_rad))
        return homed.notice

    def go(self, posture: CellPosture, still: bool = True) -> None:
        """Drive carriage and arm straight to a posture, together; on return a photograph from there would be sharp.

        Args:
            posture: Where to.
            still: Without, it is enough to be there: something else follows.

        Raises:
            Unreachable: Outside workspace, tensions or joint limits; nothing has moved.
            Stopped: Somebody stopped, before or on the way.
            DeviceError: A device fails, or the posture is not reached; the arm holds where it is then.
        """
        clock, winches, servos = self._need()
        with self._moving:
            self._raise_if_stopped()
            servos.check(posture.joints_rad)
            aim_rad = aimed(self.cell, posture)
            arm_s = servos.duration_s(aim_rad)
            carriage_s = max(self._carriage_s(posture), arm_s)
            load = self._carried(servos.positions(), np.array(posture.joints_rad))
            steps = winches.follow(posture.x_m, posture.y_m, carriage_s, load)
            next(steps)  # checks the whole way before anything moves
            self._listener("/cell/goal", vars(posture))
            due_s = clock.monotonic_s() + carriage_s
            self._standing = None
            # An arm that is quicker comes to rest while the carriage still moves.
            self._move(steps, posture, aim_rad, max(arm_s, carriage_s - _SERVO_REST_S), due_s, still)
            self._standing = posture

    def creep(self, posture: CellPosture, speed_m_s: float, speed_rad_s: float, held: Callable[[], bool]) -> None:
        """Go slowly towards a posture, carriage first and then the arm, while `held()`; then brake, and hold. As `go`.

        `held` is asked every few hundredths of a second. The way must be known to be clear.
        """
        _, winches, servos = self._need()
        with self._moving:
            self._raise_if_stopped()
            servos.check(posture.joints_rad)
            aim_rad = aimed(self.cell, posture)
            self._listener("/cell/goal", vars(posture))
            x_m, y_m, _ = winches.state().estimate.pose
            self._standing = None
            winches.carry(self._carried(servos.positions()))
            if np.hypot(posture.x_m - x_m, posture.y_m - y_m) > UNMOVED_M:
                winches.creep(posture.x_m, posture.y_m, speed_m_s, held)
            way_s = float(np.abs(aim_rad - servos.positions()).max()) / speed_rad_s
            if way_s >= _STEADY_S and held():
                self._arm_creeps(aim_rad, np.array(posture.joints_rad), way_s, held)

    def _arm_creeps(self, aim_rad: Array, joints_rad: Array, way_s: float, held: Callable[[], bool]) -> None:
        """The arm alone, while it is held; the winches hold the carriage under its weight as it moves."""
        _, winches, servos = self._need()
        with closing(winches.stay(way_s, self._carried(servos.positions(), joints_rad))) as steps:
            try:
                servos.start_move(aim_rad, way_s)
                for _ in steps:
                    if not held():
                        break
            finally:
                servos.halt()
        winches.carry(self._carried(servos.positions()))
        for _ in winches.stay(0.0):
            pass  # the tensions for where it came to rest

    @contextmanager
    def loosely(self, configuration: Configuration) -> Iterator[None]:
        """Arrive as another configuration's `[cell]` allows, as `scan.calibration_drive.relaxed` makes one."""
        before, self._section = self._section, configuration.section(CellSection)
        try:
            yield
        finally:
            self._section = before

    def look(self) -> bytes:
        """A photograph as the camera gives it, sharp or not: JPEG. Raises `CameraError`."""
        if self._camera is None:
            raise CameraError("the camera is not connected; call connect() first")
        return self._camera.snapshot(self.clock.monotonic_s() + self._camera_section.timeout_s).jpeg

    @property
    def standing(self) -> CellPosture | None:
        """The posture that the last `go` reached, unless anything else has moved since."""
        return self._standing

    def approach(self, posture: CellPosture) -> None:
        """Go to a posture from wherever the cell stands: fold the arm, travel, unfold. Raises as `go`."""
        self.fold()
        self.go(self.cell.folded(posture), still=False)
        self.go(posture)

    def fold(self) -> None:
        """Fold the arm where the carriage stands, so that it may travel. Raises as `go`."""
        joints_rad = self._need()[2].positions()
        folded_rad = np.array([joints_rad[0], *self.cell.park.joints_rad[1:]])
        if np.abs(folded_rad - joints_rad).max() > _FOLDED_RAD:
            self._arm_to(folded_rad)

    def park(self) -> None:
        """Fold the arm, go home, bring the arm to `parked_rad`, and see that no winch has slipped. Raises as `go`."""
        self.fold()
        self.go(self.cell.park)
        self._need()[1].check_at_home()

    def posture(self) -> CellPosture:
        """Where everything stands, by what the devices report. Raises `DeviceError`."""
        _, winches, servos = self._need()
        x_m, y_m, yaw_rad = map(float, winches.state().estimate.pose)
        base, shoulder, elbow, wrist = map(float, servos.positions())
        return CellPosture(x_m, y_m, yaw_rad, (base, shoulder, elbow, wrist))

    def reading(self) -> Reading:
        """What drums and servos say, in the configuration's own counting, whatever calibration is in force."""
        return self._asked()[0]

    def believed(self) -> Believed:
        """Where the camera is, by kinematics from what the devices report. Raises `DeviceError`."""
        return self._believed(*self._asked())

    def renew_beliefs(self) -> str | None:
        """Believe poses by the calibration that is in force now; its name if it is another than before.

        Winches and servos go on counting as when they were opened: where the cell is sent does not jump.
        """
        record = current_record(self._configuration)
        if record is None or (self._record is not None and record.name == self._record.name):
            return None
        self._record, self._model = record, recorded_model(self._configuration, record)
        return record.name

    def _asked(self) -> tuple[Reading, Array]:
        """What the devices say, and the carriage's pose as the winches make it out."""
        _, winches, servos = self._need()
        state, joints_rad = winches.state(), servos.positions()
        return Reading(state.turns, state.asked_n, joints_rad - self._zeros_rad), np.array(state.estimate.pose)

    def _believed(self, reading: Reading, pose: Array) -> Believed:
        if self._record is not None and self._model is not None:
            noise = Noise.of(np.array(self._record.noise))
            return believe(self._model, np.array(self._record.covariance), noise, reading, pose)
        section = self._section
        x_m, y_m, yaw_rad = map(float, pose)
        base, shoulder, elbow, wrist = map(float, reading.joints_rad + self._zeros_rad)
        posture = CellPosture(x_m, y_m, yaw_rad, (base, shoulder, elbow, wrist))
        return Believed.of(self.cell.world_from_camera(posture), section.position_std_m, section.rotation_std_rad)

    def photograph(self) -> Photograph:
        """One photograph that passes the gates, with the pose that it was taken from.

        Raises:
            CameraError: No usable photograph, or the cell moved meanwhile.
            Stopped: A stop is in force.
            DeviceError: A device does not say where it is.
        """
        self._raise_if_stopped()
        if self._camera is None:
            raise CameraError("the camera is not connected; call connect() first")
        reading, pose = self._asked()
        believed = self._believed(reading, pose)
        frame = self._camera.snapshot(self.clock.monotonic_s() + self._camera_section.timeout_s)
        self._gates.check(frame)
        moved_m, turned_rad = self.believed().world_from_camera.distance_to(believed.world_from_camera)
        if moved_m > self._section.arrival_m or turned_rad > np.radians(self._section.arrival_deg):
            raise CameraError(
                f"the camera moved by {1000 * moved_m:.1f} mm and {np.degrees(turned_rad):.1f} deg while it took a "
                "photograph; look for what swings, or lower [cell] still_px"
            )
        return Photograph(frame.jpeg, frame.taken_at, believed, _record_of(reading, pose))

    def stop(self) -> None:
        """Freeze all eight actuators at once, from any thread; `go` ends with `Stopped`.

        Raises:
            DeviceError: A device did not take the stop; all others did.
        """
        self._stopped.set()
        self._listener("/event", {"level": 3, "name": "cell", "message": "stop"})
        self._standing = None
        if not self._open:
            return
        _, winches, servos = self._need()
        faults: list[TrellisError] = []

        def tell(device: Winches | Servos) -> None:
            try:
                device.stop()
            except TrellisError as fault:
                faults.append(fault)

        # Two lines, two threads: neither waits for the other.
        threads = [threading.Thread(target=tell, args=(device,), name="stop") for device in (winches, servos)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if faults:
            raise faults[0]

    def clear_stop(self) -> None:
        """Allow motion again; nothing moves until the next `go`."""
        if self._devices is not None:
            for device in self._devices[1:]:
                device.clear_stop()
        self._stopped.clear()

    def disarm(self, force: bool = False) -> None:
        """Let go of all eight actuators.

        Raises:
            DeviceError: The cell is not parked, and `force` is not given; everything goes on holding.
        """
        _, winches, servos = self._need()
        if not force:
            servos.check_parked()
        winches.disarm(force)
        servos.disarm(force)

    def state(self) -> CellState:
        """Everything that moves, as reported now. Raises `DeviceError`."""
        _, winches, servos = self._need()
        stopped, joints = self._stopped.is_set(), tuple(map(float, servos.positions()))
        if not self._homed:
            return CellState(False, stopped, joints, servos.health())
        winch = winches.state()
        x_m, y_m, yaw_rad = map(float, winch.estimate.pose)
        base, shoulder, elbow, wrist = joints
        camera = self.cell.world_from_camera(CellPosture(x_m, y_m, yaw_rad, (base, shoulder, elbow, wrist)))
        lengths, tensions, camera_m = (
            tuple(map(float, values)) for values in (winch.lengths_m, winch.tensions_n, camera.translation_m)
        )
        health = servos.health()
        return CellState(True, stopped, joints, health, x_m, y_m, yaw_rad, lengths, tensions, camera_m, winch.doubt)

    def _arm_to(self, joints_rad: np.ndarray) -> None:
        """Move the arm alone; the winches hold the carriage under its weight as it moves."""
        clock, winches, servos = self._need()
        with self._moving:
            self._raise_if_stopped()
            x_m, y_m, yaw_rad = map(float, winches.state().estimate.pose)
            base, shoulder, elbow, wrist = map(float, joints_rad)
            goal = CellPosture(x_m, y_m, yaw_rad, (base, shoulder, elbow, wrist))
            aim_rad = aimed(self.cell, goal)
            duration_s = servos.duration_s(aim_rad)
            steps = winches.stay(duration_s, self._carried(servos.positions(), joints_rad))
            next(steps)
            self._listener("/arm/goal", {"joints_rad": aim_rad, "duration_s": duration_s})
            self._standing = None
            self._move(steps, goal, aim_rad, duration_s, clock.monotonic_s() + duration_s, still=False)

    def _move(
        self, steps: Iterator[None], goal: CellPosture, aim_rad: Array, arm_s: float, due_s: float, still: bool
    ) -> None:
        """Arm and carriage to their ends: the winches' steps have begun, the servos are sent off now."""
        servos = self._need()[2]
        try:
            servos.start_move(aim_rad, arm_s)
            for _ in steps:
                pass
            self._arrival().wait(goal, aim_rad, due_s, still)
        except DeviceError:
            # One device failed: the other must not go on alone. The first error is the one to tell.
            with suppress(DeviceError):
                servos.halt()
            raise

    def _carried(self, joints_rad: Array, goal_rad: Array | None = None) -> Load:
        """The arm's weight where it is, or as it swings, for the winches' tensions."""
        return carried(self.cell, joints_rad, goal_rad, self._masses_kg)

    def _carriage_s(self, posture: CellPosture) -> float:
        """How long the carriage takes to a place."""
        pace, standing = self.cell.pace, self._standing
        if standing is None:
            x_m, y_m, _ = self._need()[1].state().estimate.pose
        else:
            x_m, y_m = standing.x_m, standing.y_m
        way_m = float(np.hypot(posture.x_m - x_m, posture.y_m - y_m))
        quickest_s = rest_to_rest(way_m, pace.speed_m_s, pace.acceleration_m_s2, pace.jerk_m_s3).duration_s
        return max(quickest_s, pace.least_s if way_m > UNMOVED_M else 0.0)

    def _arrival(self) -> Arrival:
        clock, winches, servos = self._need()
        return Arrival(self.cell, winches, servos, self._section, self.exposure_s, clock, self._stopped)

    def _need(self) -> tuple[Clock, Winches, Servos]:
        if self._devices is None:
            raise DeviceError("the cell's devices are not open; call connect() first")
        return self._devices

    def _raise_if_stopped(self) -> None:
        if self._stopped.is_set():
            raise Stopped("the cell is stopped; clear the stop before moving")


def _record_of(reading: Reading, pose: Array) -> DevicesRecord:
    """The same for the manifest."""
    return DevicesRecord.model_validate(
        {
            "turns": reading.turns.tolist(),
            "tensions_n": reading.tensions_n.tolist(),
            "joints_rad": reading.joints_rad.tolist(),
            "carriage": pose.tolist(),
        }
    )
