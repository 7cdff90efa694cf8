"""One ODrive v3 board (firmware 0.5) over its ASCII protocol, by the letter, over any pyserial port or URL.

The wire's traps and the conventions of sign stand in docs/wire-protocols.md; `cdpr.odrive_line` keeps request and
reply together.
"""

from collections.abc import Sequence
from math import isfinite
from types import TracebackType
from typing import Self

from cdpr.odrive_line import LineStatistics, ODriveLine, checksum
from trellis.errors import DeviceFault, ProtocolError

__all__ = ["CLOSED_LOOP", "IDLE", "POSITION_CONTROL", "TORQUE_CONTROL", "VELOCITY_CONTROL", "ODriveBoard", "checksum"]

IDLE, CLOSED_LOOP = 1, 8
TORQUE_CONTROL, VELOCITY_CONTROL, POSITION_CONTROL = 1, 2, 3
PASSTHROUGH = 1

_ERROR_BITS = {6: "motor failed", 8: "encoder failed", 9: "controller failed", 11: "watchdog expired", 14: "e-stop"}
_WATCHDOG = 1 << 11
#: More turns than a drum can hold; what an encoder says beyond is garbage.
_TURNS_MAX = 1e4


class ODriveBoard:
    """A board of two axes.

    Args:
        port: A device path or any URL that `serial.serial_for_url` knows.
        baudrate: Of the port.
        timeout_s: How long a reply may take.
        attempts: How often a request is sent before its reply counts as lost for good.
    """

    def __init__(self, port: str, baudrate: int = 115200, timeout_s: float = 0.1, attempts: int = 3) -> None:
        self._port = port
        self._line = ODriveLine(port, baudrate, timeout_s, attempts)

    @property
    def statistics(self) -> LineStatistics:
        """What happened on the line."""
        return self._line.statistics

    @property
    def serial_number(self) -> str:
        """As much of it as the board tells; known once connected."""
        return self._line.serial_number

    def connect(self) -> None:
        """Open the port and check that the firmware counts in turns.

        Raises:
            PortUnavailable: The port cannot be opened.
            DeviceFault: The firmware is older than 0.5, whose units are counts.
            ProtocolError: What answers is not an ODrive.
        """
        self._line.open()
        version = self.read_number("fw_version_major"), self.read_number("fw_version_minor")
        if version < (0, 5):
            raise DeviceFault(
                f"{self._port}: ODrive firmware {version[0]:.0f}.{version[1]:.0f} counts positions in encoder counts; "
                "0.5 or newer is needed: update the firmware"
            )

    def close(self) -> None:
        self._line.close()

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
        self._line.tell(position(axis, turns, feedforward_turn_s, feedforward_n_m))

    def set_torque(self, axis: int, torque_n_m: float) -> None:
        """Setpoint in newton metres; the drive turns to torque control by itself. Feeds the watchdog."""
        self._line.tell(torque(axis, torque_n_m))

    def feed(self, axis: int) -> None:
        """Feed the watchdog without a setpoint."""
        self._line.tell(f"u {axis}")

    def feedback(self, axis: int) -> tuple[float, float]:
        """Position in turns and speed in turns a second."""
        return self.feedback_in(axis, self._line.ask(f"f {axis}"))

    def feedback_in(self, axis: int, reply: str) -> tuple[float, float]:
        """The two numbers in a reply to `f`.

        Raises:
            ProtocolError: It is not two numbers that an encoder can say.
        """
        try:
            turns, speed = map(float, reply.split())
        except ValueError as error:
            raise ProtocolError(f"{self._port}: two numbers were due for 'f {axis}', not {reply!r}") from error
        if not (isfinite(speed) and abs(turns) < _TURNS_MAX):
            raise ProtocolError(f"{self._port}: the encoder of axis {axis} says {reply!r}; check its cable")
        return turns, speed

    def read_number(self, name: str) -> float:
        """A property, of which the drive sends nine characters."""
        return self.number_in(name, self._line.ask(f"r {name}"))

    def number_in(self, name: str, reply: str) -> float:
        """The number in a reply to `r`.

        Raises:
            ProtocolError: It is none.
        """
        try:
            return float(reply)
        except ValueError as error:
            raise ProtocolError(f"{self._port}: a number was due for {name}, not {reply!r}") from error

    def write(self, name: str, value: float) -> None:
        """Write a property; the drive sends no reply."""
        self._line.tell(f"w {name} {value:.9g}")

    def post(self, requests: Sequence[str], commands: Sequence[str] = ()) -> None:
        """Send commands and then requests in one go; `collect` fetches the replies."""
        self._line.post(requests, commands)

    def collect(self, timeout_s: float) -> list[str] | None:
        """Replies to what was posted; None if one was lost, late or bad, for then none can be trusted."""
        return self._line.collect(timeout_s)

    def set_encoder(self, axis: int, count: int) -> None:
        """Say which count the encoder stands at now."""
        reply = self._line.ask(f"esl {axis} {count}")
        if reply != f"encoder set to {count}":
            raise ProtocolError(f"{self._port}: 'esl' was answered by {reply!r}")

    def check_usable(self, axis: int) -> None:
        """See that an axis can be used at all, whatever state it is in.

        Raises:
            DeviceFault: It reports an error, or its motor or encoder has never been set up.
        """
        self.check(axis)
        for name, missing in (("motor.is_calibrated", "motor"), ("encoder.is_ready", "encoder")):
            if not self.read_number(f"axis{axis}.{name}"):
                raise DeviceFault(
                    f"{self._port}: the {missing} of axis {axis} is not calibrated; take the cable off its drum, run "
                    "the drive's full calibration (state 3), save it, and start again"
                )

    def start(self, axis: int, control_mode: int) -> None:
        """Closed-loop control in a mode, setpoints passed through unfiltered.

        A loop that is closed already stays so: to ask again would open it for a moment and forget its integrator.

        Raises:
            DeviceFault: The axis reports an error or does not enter the state.
        """
        self._line.tell(
            # Held without power when it trips, which drops the carriage: docs/decisions/0001-no-drive-watchdog.md.
            f"w axis{axis}.config.enable_watchdog 0",
            f"w axis{axis}.controller.config.control_mode {control_mode}",
            f"w axis{axis}.controller.config.input_mode {PASSTHROUGH}",
        )
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
        self._line.tell(f"u {axis}", "sc", f"w axis{axis}.requested_state {CLOSED_LOOP}")

    def forgive_watchdog(self, axis: int) -> bool:
        """Clear an expired watchdog, if that is the axis's only error, and switch the watchdog off; it stays idle."""
        if int(self.read_number(f"axis{axis}.error")) != _WATCHDOG:
            return False
        self._line.tell(f"w axis{axis}.config.enable_watchdog 0", f"u {axis}", "sc")
        return True

    def check(self, axis: int) -> None:
        """Raises `DeviceFault` that names every error bit of an axis, if any is set."""
        self.raise_for(axis, int(self.read_number(f"axis{axis}.error")))

    def raise_for(self, axis: int, bits: int) -> None:
        """Raises `DeviceFault` that names the bits of an axis's error word, if any is set."""
        if bits:
            names = [_ERROR_BITS.get(bit, f"bit {bit}") for bit in range(bits.bit_length()) if bits >> bit & 1]
            raise DeviceFault(f"{self._port}: axis {axis} reports: {', '.join(names)}; clear the cause, then recover")


def position(axis: int, turns: float, speed_turn_s: float = 0.0, torque_n_m: float | None = None) -> str:
    """The command that sets a position; 1e-5 turn is less than a micrometre of cable."""
    told = "" if torque_n_m is None else f" {torque_n_m:.4f}"
    return f"p {axis} {turns:.5f} {speed_turn_s:.4f}{told}"


def torque(axis: int, torque_n_m: float) -> str:
    """The command that sets a torque."""
    return f"c {axis} {torque_n_m:.4f}"
