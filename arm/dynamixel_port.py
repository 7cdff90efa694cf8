"""The serial port under the official dynamixel-sdk: any pyserial URL, waiting on our clock, echoes taken out.

The SDK opens a path itself and times packets by the machine's clock. Here the port may be any URL, so that a
simulated bus is just another port, and time is the `Clock` that all devices live by.
"""

from typing import Any

import serial
from dynamixel_sdk import PortHandler

from trellis.clock import Clock
from trellis.errors import PortUnavailable

#: How long to wait before looking at the line again, seconds.
POLL_S = 0.0005


class DynamixelPort(PortHandler):  # type: ignore[misc]
    """The SDK's port, with the SDK's own names for its methods.

    Some adapters send back what they are sent. What comes first and is byte for byte what was just written is taken
    for such an echo and dropped. That is safe only for requests whose proper answer cannot look like them, so nobody
    pings or reads exactly two bytes here (docs/wire-protocols-servos.md).

    Args:
        url: A device path or any URL that `serial.serial_for_url` knows.
        baudrate: Of the bus.
        clock: Times the answers; while waiting it sleeps.
    """

    def __init__(self, url: str, baudrate: int, clock: Clock) -> None:
        super().__init__(url)
        self.baudrate = baudrate
        self.echoes = 0
        self._clock = clock
        self._expected_echo = b""
        self._held = b""

    def openPort(self) -> bool:
        """Open the URL.

        Raises:
            PortUnavailable: It cannot be opened.
        """
        try:
            self.ser: Any = serial.serial_for_url(self.port_name, self.baudrate, timeout=0)
        except (serial.SerialException, OSError, ValueError) as error:
            raise PortUnavailable(self.port_name, str(error), "arm's servos") from error
        self.tx_time_per_byte = 10 * 1000 / self.baudrate  # the SDK counts in milliseconds
        self.is_open = True
        self.clearPort()
        return True

    def closePort(self) -> None:
        if self.ser is not None:
            self.ser.close()
        self.ser, self.is_open, self.is_using = None, False, False

    def clearPort(self) -> None:
        self._held = b""
        self.ser.reset_input_buffer()

    def writePort(self, packet: list[int]) -> int:
        self._expected_echo = bytes(packet)
        return int(self.ser.write(self._expected_echo))

    def readPort(self, length: int) -> bytes:
        """Up to `length` bytes without the echo; waits one step of the clock when there are none."""
        if length <= 0:
            return b""
        if len(self._held) < length or self._expected_echo:
            self._held += self.ser.read(length + len(self._expected_echo))
        if not self._drop_echo():
            self._clock.sleep(POLL_S)
            return b""
        taken, self._held = self._held[:length], self._held[length:]
        if not taken:
            self._clock.sleep(POLL_S)
        return taken

    def _drop_echo(self) -> bool:
        """Whether what is held no longer could be the beginning of an echo."""
        if self._expected_echo and self._held.startswith(self._expected_echo):
            self._held = self._held[len(self._expected_echo) :]
            self.echoes += 1
        elif self._expected_echo.startswith(self._held) and self._expected_echo:
            return False
        self._expected_echo = b""
        return True

    def getCurrentTime(self) -> float:
        """Milliseconds, by the clock."""
        return self._clock.monotonic_s() * 1000
