"""One ODrive v3 board (firmware 0.5) over its ASCII protocol, by the letter, over any pyserial port or URL.

The wire's traps and the conventions of sign stand in docs/wire-protocols.md. The client may be called from several
threads: a lock keeps each request and its reply together.
"""

import threading
from collections import deque
from dataclasses import dataclass
from functools import reduce
from operator import xor
from types import TracebackType
from typing import Any, Self

import serial

from trellis.errors import DeviceFault, PortUnavailable, ProtocolError

IDLE, CLOSED_LOOP = 1, 8
TORQUE_CONTROL, VELOCITY_CONTROL, POSITION_CONTROL = 1, 2, 3
PASSTHROUGH = 1

_ERROR_BITS = {6: "motor failed", 8: "encoder failed", 9: "controller failed", 11: "watchdog expired", 14: "e-stop"}
_COMPLAINTS = ("invalid command format", "invalid motor", "invalid property", "not implemented", "unknown command")


@dataclass
class LineStatistics:
    """What happened on the line since it was opened."""

    requests: int = 0
    lost_replies: int = 0
    bad_replies: int = 0
    echoes: int = 0


class ODriveBoard:
    """A board of two axes.

    Args:
        port: A device path or any URL that `serial.serial_for_url` knows.
        baudrate: Of the port.
        timeout_s: How long a reply may take.
        attempts: How often a request is sent before its reply counts as lost for good.
    """

    def __init__(self, port: str, baudrate: int = 115200, timeout_s: float = 0.1, attempts: int = 3) -> None:
        self._port, self._baudrate, self._timeout_s, self._attempts = port, baudrate, timeout_s, attempts
        self._line: Any = None
        self._lock = threading.RLock()
        self.statistics = LineStatistics()
        self._said: deque[str] = deque(maxlen=16)  # a line that echoes sends these back; no reply looks like one

    def connect(self) -> None:
        """Open the port and check that the firmware counts in turns.

        Raises:
            PortUnavailable: The port cannot be opened.
            DeviceFault: The firmware is older than 0.5, whose units are counts.
            ProtocolError: What answers is not an ODrive.
        """
        try:
            self._line = serial.serial_for_url(self._port, self._baudrate, timeout=self._timeout_s)
        except (serial.SerialException, OSError, ValueError) as error:
            raise PortUnavailable(self._port, str(error), "winch drives") from error
        version = self.read_number("fw_version_major"), self.read_number("fw_version_minor")
        if version < (0, 5):
            raise DeviceFault(
                f"{self._port}: ODrive firmware {version[0]:.0f}.{version[1]:.0f} counts positions in encoder counts; "
                "0.5 or newer is needed: update the firmware"
            )

    def close(self) -> None:
        with self._lock:
            if self._line is not None:
                self._line.close()
                self._line = None

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def set_position(
        self, axis: int, turns: float, feedforward_turn_s: float = 0.0, feedforward_n_m: float | None = None
    ) -> None:
        """Setpoint in turns; the drive turns to position control by itself. Feeds the watchdog.

        Without a torque of its own the drive keeps the one it was last told, in any mode.
        """
        torque = "" if feedforward_n_m is None else f" {feedforward_n_m:.5f}"
        self._tell(f"p {axis} {turns:.6f} {feedforward_turn_s:.5f}{torque}")

    def set_torque(self, axis: int, torque_n_m: float) -> None:
        """Setpoint in newton metres; the drive turns to torque control by itself. Feeds the watchdog."""
        self._tell(f"c {axis} {torque_n_m:.5f}")

    def feed(self, axis: int) -> None:
        """Feed the watchdog without a setpoint."""
        self._tell(f"u {axis}")

    def feedback(self, axis: int) -> tuple[float, float]:
        """Position in turns and speed in turns a second."""
        reply = self._ask(f"f {axis}")
        try:
            position, speed = map(float, reply.split())
        except ValueError as error:
            raise ProtocolError(f"{self._port}: two numbers were due for 'f {axis}', not {reply!r}") from error
        return position, speed

    def read_number(self, name: str) -> float:
        """A property, of which the drive sends nine characters."""
        reply = self._ask(f"r {name}")
        try:
            return float(reply)
        except ValueError as error:
            raise ProtocolError(f"{self._port}: a number was due for {name}, not {reply!r}") from error

    def write(self, name: str, value: float) -> None:
        """Write a property; the drive sends no reply."""
        self._tell(f"w {name} {value:g}")

    def set_encoder(self, axis: int, count: int) -> None:
        """Say which count the encoder stands at now."""
        reply = self._ask(f"esl {axis} {count}")
        if reply != f"encoder set to {count}":
            raise ProtocolError(f"{self._port}: 'esl' was answered by {reply!r}")

    def start(self, axis: int, control_mode: int) -> None:
        """Closed-loop control in a mode, setpoints passed through unfiltered.

        A loop that is closed already stays so: to ask again would open it for a moment and forget its integrator.

        Raises:
            DeviceFault: The axis reports an error or does not enter the state.
        """
        self.write(f"axis{axis}.controller.config.control_mode", control_mode)
        self.write(f"axis{axis}.controller.config.input_mode", PASSTHROUGH)
        if self.read_number(f"axis{axis}.current_state") != CLOSED_LOOP:
            self.write(f"axis{axis}.requested_state", CLOSED_LOOP)
        self.check_holding(axis)

    def check_holding(self, axis: int) -> None:
        """Raises `DeviceFault` unless the axis is without error and in closed loop."""
        self.check(axis)
        state = self.read_number(f"axis{axis}.current_state")
        if state != CLOSED_LOOP:
            raise DeviceFault(f"{self._port}: axis {axis} is in state {state:.0f}, not in closed loop (8)")

    def recover(self, axis: int) -> None:
        """Clear errors in the order that the watchdog needs: feed, clear, closed loop. Moves nothing by itself."""
        self.feed(axis)
        self._tell("sc")
        self.write(f"axis{axis}.requested_state", CLOSED_LOOP)

    def check(self, axis: int) -> None:
        """Raises `DeviceFault` that names every error bit of an axis, if any is set."""
        bits = int(self.read_number(f"axis{axis}.error"))
        if bits:
            names = [_ERROR_BITS.get(bit, f"bit {bit}") for bit in range(bits.bit_length()) if bits >> bit & 1]
            raise DeviceFault(f"{self._port}: axis {axis} reports: {', '.join(names)}; clear the cause, then recover")

    def _tell(self, command: str) -> None:
        with self._lock:
            self._send(command)

    def _ask(self, command: str) -> str:
        with self._lock:
            for _ in range(self._attempts):
                self._open_line().reset_input_buffer()
                self._send(command)
                reply = self._reply()
                while reply in self._said:
                    self.statistics.echoes += 1
                    reply = self._reply()
                if reply is not None:
                    if reply.startswith(_COMPLAINTS):
                        raise ProtocolError(f"{self._port}: the drive answered {command!r} with {reply!r}")
                    return reply
        raise ProtocolError(
            f"{self._port}: no good reply to {command!r} in {self._attempts} attempts of {self._timeout_s} s; "
            "check the cable and that the drive is powered"
        )

    def _send(self, command: str) -> None:
        self.statistics.requests += 1
        self._said.append(command)
        line = f"{command} "
        try:
            self._open_line().write(f"{line}*{checksum(line)}\n".encode("ascii"))
        except serial.SerialException as error:
            raise ProtocolError(f"{self._port}: the port failed: {error}") from error

    def _reply(self) -> str | None:
        """One reply with a good checksum, stripped of it; None when it is lost or bad."""
        try:
            raw: bytes = self._open_line().read_until(b"\n")
        except serial.SerialException as error:
            raise ProtocolError(f"{self._port}: the port failed: {error}") from error
        if not raw.endswith(b"\n"):
            self.statistics.lost_replies += 1
            return None
        text, star, found = raw.decode("latin-1").strip().rpartition("*")
        if not star or found != str(checksum(text)):
            self.statistics.bad_replies += 1
            return None
        return text.strip()

    def _open_line(self) -> Any:
        if self._line is None:
            raise ProtocolError(f"{self._port}: the port is not open; call connect() first")
        return self._line


def checksum(text: str) -> int:
    """Exclusive or of every character, as the ODrive computes it."""
    return reduce(xor, text.encode("latin-1"), 0)
