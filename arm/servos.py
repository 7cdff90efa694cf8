"""Four AX-12A servos as one arm that goes to a posture, says where it is, stops and holds.

What goes over the wire, and why, stands in docs/wire-protocols-servos.md.
"""

import threading
from dataclasses import dataclass
from math import floor
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from arm import servo_table as table
from arm.config import ArmSection
from arm.model import JOINTS
from arm.servo_bus import BusStatistics, ServoBus
from arm.servo_guard import ServoGuard
from arm.servo_table import Array, angles_from_counts, counts_from_angles, error_names, word, word_bytes
from trellis.clock import Clock
from trellis.errors import DeviceError, ProtocolError, Stopped, Unreachable

#: How often a move is sent before it counts as failed.
_ATTEMPTS = 3
#: How near `parked_rad` every joint must be before the servos may let go.
_PARKED_RAD = 0.1


@dataclass(frozen=True)
class ServoHealth:
    """What one servo says of itself: `load` is the share of its torque, positive where its counts rise."""

    joint: str
    servo: int
    temperature_c: float
    voltage_v: float
    load: float
    errors: tuple[str, ...]


@dataclass(frozen=True)
class ArmHealth:
    """The servos, and what their bus went through since the start.

    `recoveries` counts overloads that were cleared and servos that were found without torque and energised again.
    """

    servos: tuple[ServoHealth, ...]
    bus: BusStatistics
    recoveries: int


class Servos:
    """The arm's servos. `connect` makes them hold where they are; only `start_move` moves anything.

    Args:
        section: Limits, zero counts, directions, ids and port.
        clock: Times the answers.
    """

    def __init__(self, section: ArmSection, clock: Clock) -> None:
        self._section = section
        self._arm = section.arm()
        self._ids = section.servo_ids
        self._bus = ServoBus(section.port, section.baudrate, section.retries, clock)
        self._guard = ServoGuard(section, self._bus)
        self._stop = threading.Event()
        self._armed = False
        self._fastest = max(floor(section.speed_rad_s / table.SPEED_COUNT_RAD_S), 1)

    def connect(self) -> None:
        """Open the port, check that four AX-12A answer, and hold where they stand.

        Raises:
            PortUnavailable: The port cannot be opened.
            ProtocolError: A servo does not answer, or is no AX-12A.
            DeviceFault: A servo reports an error that nothing but a person can clear.
        """
        self._bus.open()
        for joint, servo in enumerate(self._ids):
            model = word(self._guard.read(joint, table.MODEL))
            if model != table.MODEL_NUMBER:
                raise ProtocolError(
                    f"{self._section.port}: servo {servo} ({JOINTS[joint]}) is of model {model}, "
                    f"not an AX-12A ({table.MODEL_NUMBER}); check [arm] servo_ids"
                )
        self.hold()

    def close(self) -> None:
        """Close the port; the servos go on holding."""
        self._bus.close()

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def hold(self) -> None:
        """Energise the servos where they stand, without moving. Raises `DeviceError`."""
        for joint in range(len(JOINTS)):
            self._guard.energise(joint)
        self._armed = True

    def check(self, joints_rad: ArrayLike) -> None:
        """Raises `Unreachable` when a posture lies outside the limits of a joint."""
        joints = np.asarray(joints_rad, dtype=float)
        if joints.shape != (4,) or not np.isfinite(joints).all():
            raise ValueError(f"a posture is four finite angles, not {joints}")
        if not self._arm.within_limits(joints):
            low, high = self._arm.limits_rad.T
            joint = int(np.argmax(np.maximum(low - joints, joints - high)))
            raise Unreachable(
                f"the {JOINTS[joint]} may not turn to {np.degrees(joints[joint]):.1f} deg; allowed are "
                f"{np.degrees(low[joint]):.1f} to {np.degrees(high[joint]):.1f} deg: choose another posture"
            )

    def duration_s(self, joints_rad: ArrayLike) -> float:
        """How long the way to a posture takes at the speed limit, from where the arm stands now."""
        way = np.abs(np.asarray(joints_rad, dtype=float) - self.positions())
        return float(way.max() / (self._fastest * table.SPEED_COUNT_RAD_S))

    def start_move(self, joints_rad: ArrayLike, duration_s: float) -> None:
        """Set off for a posture with all joints to arrive together, and return at once.

        Goal and speed go out in one sync write and are read back from every servo; what was lost is sent again. The
        speed limit comes before `duration_s`, and a speed is never 0, which would mean without limit.

        Args:
            joints_rad: Base, shoulder, elbow, wrist, shape (4,).
            duration_s: How long the way may take.

        Raises:
            Unreachable: Outside the limits of a joint; nothing has been sent.
            Stopped: A stop is in force.
            DeviceError: The servos were let go, do not take the move, or report an error that lasts.
        """
        self.check(joints_rad)
        if self._stop.is_set():
            raise Stopped("the arm is stopped; clear the stop before moving")
        if not self._armed:
            raise DeviceError("the arm's servos have been let go; home the cell, which makes them hold, before moving")
        present = self._counts()
        goals = counts_from_angles(joints_rad, self._section.zero_counts, self._section.directions)
        speeds = self._speeds(np.abs(goals - present), duration_s)
        for _ in range(_ATTEMPTS):
            move = {id_: word_bytes(goal, speed) for id_, goal, speed in zip(self._ids, goals, speeds, strict=True)}
            self._bus.write_all(table.GOAL, move, unless=self._stop)
            took = [self._took(joint, move[servo]) for joint, servo in enumerate(self._ids)]
            if all(took):
                return
        raise DeviceError(f"{self._section.port}: the servos did not take a move in {_ATTEMPTS} attempts")

    def positions(self) -> Array:
        """Joint angles by the servos' own sensors, shape (4,), radians.

        Raises:
            DeviceFault: A servo reports an error that lasts, or is too hot or at a wrong voltage.
            ProtocolError: A servo does not answer.
        """
        return angles_from_counts(self._counts(), self._section.zero_counts, self._section.directions)

    def motion(self) -> tuple[Array, Array]:
        """Joint angles and how fast the servos say that they turn, rad and rad/s, shape (4,) each. Raises as above."""
        data = [self._guard.present(joint) for joint in range(len(JOINTS))]
        counts = np.array([word(registers) for registers in data], dtype=float)
        speeds = np.array([_signed(word(registers, 2)) for registers in data]) * table.SPEED_COUNT_RAD_S
        angles_rad = angles_from_counts(counts, self._section.zero_counts, self._section.directions)
        return angles_rad, np.asarray(self._section.directions) * speeds

    def moving(self) -> bool:
        """Whether any servo says that it is on its way. Raises as `positions`."""
        return any(self._guard.read(joint, table.MOVING)[0] for joint in range(len(JOINTS)))

    def stop(self) -> None:
        """Hold where the arm is, from any thread; every later move is refused until `clear_stop`.

        Raises:
            ProtocolError: A servo does not answer; the others hold, and all creep at 0.7 deg/s at most.
        """
        self._stop.set()
        self.halt()

    def halt(self) -> None:
        """Hold where the arm is, without refusing later moves. Raises `ProtocolError`."""
        self._bus.write_all(table.SPEED, {servo: word_bytes(1) for servo in self._ids})
        lost: list[ProtocolError] = []
        for servo in self._ids:
            try:
                present, _ = self._bus.read(servo, *table.PRESENT)
                self._bus.write(servo, table.GOAL, present[:2])
            except ProtocolError as error:
                lost.append(error)
        if lost:
            raise lost[0]

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    def clear_stop(self) -> None:
        """Allow moves again; nothing moves until the next one."""
        self._stop.clear()

    def disarm(self, force: bool = False) -> None:
        """Let go of all four servos; the arm sinks to wherever its weight takes it.

        Raises:
            DeviceError: The arm is not in `parked_rad`, and `force` is not given.
        """
        if not force:
            self.check_parked()
        self._armed = False
        self._bus.write_all(table.TORQUE_ENABLE, dict.fromkeys(self._ids, b"\0"))

    def check_parked(self) -> None:
        """Raises `DeviceError` when the arm is not in `parked_rad`, where it may be let go."""
        away_rad = float(np.abs(self.positions() - self._section.parked_rad).max())
        if away_rad > _PARKED_RAD:
            raise DeviceError(
                f"disarming would drop the arm: it is {np.degrees(away_rad):.0f} deg away from parked_rad, "
                f"{np.degrees(_PARKED_RAD):.0f} deg are allowed; park it first, or force"
            )

    def health(self) -> ArmHealth:
        """Temperature, voltage, load and errors of every servo; errors are told, not raised. Raises `ProtocolError`."""
        servos = []
        for name, servo in zip(JOINTS, self._ids, strict=True):
            data, error = self._bus.read(servo, *table.PRESENT)
            load = (word(data, 4) & 0x3FF) / 1023 * (-1 if word(data, 4) & 0x400 else 1)
            servos.append(ServoHealth(name, servo, float(data[7]), data[6] / 10, load, error_names(error)))
        return ArmHealth(tuple(servos), self._bus.statistics, self._guard.recoveries)

    def _counts(self) -> Array:
        return np.array([word(self._guard.present(joint)) for joint in range(len(JOINTS))], dtype=float)

    def _speeds(self, ways: Array, duration_s: float) -> Array:
        """Counts of speed at which ways in counts take equally long; none is unlimited, none beyond the limit."""
        needed_s = ways.max() * table.COUNT_RAD / (self._fastest * table.SPEED_COUNT_RAD_S)
        wanted = ways * table.COUNT_RAD / (max(duration_s, needed_s, 1e-3) * table.SPEED_COUNT_RAD_S)
        speeds: Array = np.clip(np.ceil(wanted - 1e-9), 1, self._fastest)
        return speeds

    def _took(self, joint: int, move: bytes) -> bool:
        """Whether a servo holds this goal and speed, with torque; one that has lost its torque is energised again."""
        driving = self._guard.read(joint, table.DRIVING)
        if not driving[0] or not word(driving, table.TORQUE_LIMIT - table.TORQUE_ENABLE):
            self._guard.restore(joint)
            return False
        offset = table.GOAL - table.TORQUE_ENABLE
        return driving[offset : offset + 4] == move


def _signed(value: int) -> int:
    """A speed or load: ten bits, and bit 10 for the sense in which counts fall."""
    return -(value & 0x3FF) if value & 0x400 else value & 0x3FF
