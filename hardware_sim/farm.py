"""The simulated farm: one world, its mechanics, and its devices on their wires, all on one simulated time.

Time moves only when somebody waits: `sleep` and `read` advance it, byte by byte and event by event, in slices short
enough that another thread gets its turn. Two threads that wait at once wait side by side, as they would in a farm.
"""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any

import numpy as np

from hardware_sim.fault_schedule import FaultSchedule, appointments
from hardware_sim.faults import Faults, check_name
from hardware_sim.odrive_axis import Axis
from hardware_sim.physics import Physics
from hardware_sim.servos import ServoBus
from hardware_sim.turn_lock import TurnLock
from hardware_sim.winches import Board
from hardware_sim.wire import Wire
from hardware_sim.world import Array, World

#: The simulated ports by name, and the baud rate that each starts with.
PORTS = {"winches0": 115200, "winches1": 115200, "servos": 1_000_000}
#: No thread keeps the farm to itself for longer, in simulated seconds.
SLICE_S = 0.005
#: What asking costs: without it a loop that only polls would wait for ever.
POLL_S = 20e-6
SLIP_TURNS = 0.5
SLACK_M = 0.03
KNOCK_M = (-0.010, 0.0)


class Farm:
    """Winch boards, servo bus and mechanics of one world. Every method may be called from any thread.

    Args:
        world: The true geometry.
        faults: What is wrong; may change while the farm runs.
        brakes: As in `Physics`.
    """

    def __init__(self, world: World, faults: Faults | None = None, brakes: bool = False) -> None:
        self.world = world
        self.faults = faults or Faults()
        self.physics = Physics(world, brakes)
        self.axes = tuple(Axis(drive) for drive in self.physics.drive_rows)
        self.servos = ServoBus(self.physics.servo_rows)
        boards = [Board((self.axes[2 * n], self.axes[2 * n + 1]), 0x2061307F4B31 + n) for n in (0, 1)]
        devices = {"winches0": boards[0], "winches1": boards[1], "servos": self.servos}
        self._wires = {
            name: Wire(device, PORTS[name], self._strength_on(name), seed=world.seed * 8 + number)
            for number, (name, device) in enumerate(devices.items())
        }
        self._schedule = FaultSchedule()
        self._lock = TurnLock()
        self._now_s = 0.0
        for name, entry in self.faults.table().items():
            self._apply(name, float(entry["value"]))
        self.faults.watch(self._take_fault)

    @property
    def now_s(self) -> float:
        """Simulated seconds since the farm was switched on."""
        return self._now_s

    def sleep(self, seconds: float) -> None:
        """Let simulated time pass."""
        self.run_to(self._now_s + max(seconds, 0.0))

    def run_to(self, time_s: float) -> None:
        """Advance to a time; nothing happens where it lies in the past."""
        while self._now_s < time_s:
            with self._lock:
                self._advance(min(self._now_s + SLICE_S, time_s))

    def look(self, reader: Callable[[Physics], Array | float | dict]) -> Array | float | dict:
        """What `reader` says of the mechanics at one instant."""
        with self._lock:
            self.physics.run_to(self._now_s)
            return reader(self.physics)

    def arrange(self, faults: Mapping[str, object]) -> None:
        """Set faults or make appointments for them: name to a number, a table, or a list of tables (`Appointment`).

        Raises:
            InputError: A name or a value is not usable; those before it are set.
        """
        for name, wanted in faults.items():
            check_name(name)
            for appointment in appointments(name, wanted):
                if appointment.at_s is None and appointment.after_events is None:
                    self.faults.set(name, appointment.value)
                    with self._lock:
                        self._schedule.end(name, appointment, self._now_s)
                else:
                    with self._lock:
                        self._schedule.add(name, appointment)

    def appointed(self) -> list[dict[str, Any]]:
        """The faults that are still to come or to end."""
        with self._lock:
            return self._schedule.table()

    def asked(self) -> None:
        """A photograph is about to be taken: an event that faults may count by."""
        with self._lock:
            self._set(self._schedule.happen("camera", self._now_s))

    def set_baud(self, port: str, baud: int) -> None:
        """The host sets its end of a line to another rate."""
        with self._lock:
            self._wires[port].host_baud = baud

    def write(self, port: str, data: bytes) -> None:
        """Send bytes down a line; they are on their way when this returns."""
        with self._lock:
            self._set(self._schedule.happen(port, self._now_s))
            self._wires[port].send(data, self._now_s)

    def drain(self, port: str) -> None:
        """Wait until all that was written is through."""
        self.run_to(self._wires[port].sent_s)

    def waiting(self, port: str) -> int:
        """How many bytes can be read at once; asking takes a moment."""
        with self._lock:
            self._step(self._now_s + POLL_S)
            return self._wires[port].waiting(self._now_s)

    def read(
        self,
        port: str,
        size: int,
        timeout_s: float | None = None,
        wanted: Callable[[], bool] = lambda: True,
        expected: bytes = b"",
    ) -> bytes:
        """Wait for bytes.

        Args:
            port: One of `PORTS`.
            size: At most so many, and no wait beyond them.
            timeout_s: How long in simulated time; None waits as long as it takes.
            wanted: Asked between slices; False ends the wait.
            expected: The last of these bytes ends the wait too, if there are any.
        """
        wire, data, deadline_s = self._wires[port], bytearray(), inf
        if timeout_s is not None:
            deadline_s = self._now_s + (timeout_s or POLL_S)
        while wanted():
            with self._lock:
                slice_ends_s = self._now_s + SLICE_S
                while True:
                    if wire.take(data, size, expected, self._now_s) or self._now_s >= deadline_s:
                        return bytes(data)
                    if self._now_s >= slice_ends_s:
                        self._settle()
                        break
                    self._step(min(wire.ready_s(data, size, expected), deadline_s, slice_ends_s))
        return bytes(data)

    def take_input(self, port: str) -> bytes:
        """What has arrived at the host, without any wait."""
        with self._lock:
            return self._wires[port].read(1 << 20, self._now_s)

    def drop_input(self, port: str) -> None:
        """Throw away what has arrived at the host."""
        with self._lock:
            self._wires[port].flush_input(self._now_s)

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with a line for every piece of bytes on a wire: when its last byte is through, which way."""
        with self._lock:
            for port, wire in self._wires.items():
                wire.listener = lambda time_s, way, data, port=port: listener(f"{time_s:.6f} {port} {way} {data.hex()}")

    def _advance(self, time_s: float) -> None:
        while self._now_s < time_s:
            self._step(time_s)
        self._settle()

    def _step(self, time_s: float) -> None:
        """On to the next event, but no further than a time; the lock is held. The mechanics follow at events only."""
        event_s = min([wire.next_event_s(self._now_s) for wire in self._wires.values()] + [self._schedule.next_s])
        # An event that is due already happens now; the nudge keeps one that would never end from stopping time.
        self._now_s = min(max(event_s, self._now_s + 1e-7), max(time_s, self._now_s + 1e-7))
        if event_s <= self._now_s:
            self._settle()

    def _settle(self) -> None:
        """Bring mechanics and devices up to now."""
        self.physics.run_to(self._now_s)
        if self._schedule.next_s <= self._now_s:
            self._set(self._schedule.pass_to(self._now_s))
        for wire in self._wires.values():
            wire.deliver(self._now_s)

    def _set(self, faults: list[tuple[str, float]]) -> None:
        """Set faults whose appointment has come; the lock is held."""
        for name, value in faults:
            self._apply(name, self.faults.note(name, value))

    def _strength_on(self, port: str) -> Callable[[str], float]:
        return lambda name: self.faults[f"{port}.{name}"]

    def _take_fault(self, name: str, value: float) -> None:
        with self._lock:
            self._apply(name, value)

    def _apply(self, name: str, value: float) -> None:
        """Faults that are events or states of a device; those of lines and camera are read where they act."""
        chosen = round(value)
        if name == "winches.hot":
            for cable, axis in enumerate(self.axes):
                axis.hot = chosen == cable + 1
        elif name == "winches.watchdog" and 1 <= chosen <= 4:
            self.axes[chosen - 1].trip_watchdog()
        elif name == "winches.slip" and 1 <= chosen <= 4:
            self.axes[chosen - 1].drive.slip += SLIP_TURNS
        elif name == "winches.slack" and 1 <= chosen <= 4:
            self.physics.cables.rest[chosen - 1] += SLACK_M
        elif name == "frame.knocked" and 1 <= chosen <= 4:
            self.physics.knock(chosen - 1, np.array(KNOCK_M))
        elif name == "servos.overload" and chosen:
            self.servos.overload(chosen)
        elif name == "servos.brownout" and chosen:
            self.servos.brown_out(self._now_s)
