"""The servo bus: requests that are repeated when an answer is lost, and counted. Framing is the official SDK's."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import serial
from dynamixel_sdk import COMM_SUCCESS, INST_READ, INST_SYNC_WRITE, INST_WRITE, PacketHandler

from arm.dynamixel_port import DynamixelPort
from arm.servo_table import CHECKSUM
from trellis.clock import Clock
from trellis.errors import ProtocolError, Stopped

_BROADCAST = 0xFE
#: After so long a pause within a packet a servo forgets it (0.1 s), and listens for a new one.
_QUIET_S = 0.12


@dataclass
class BusStatistics:
    """What happened on the bus since it was made."""

    requests: int = 0
    lost_replies: int = 0
    bad_replies: int = 0


class ServoBus:
    """One half-duplex line of servos, usable from several threads.

    Args:
        url: A device path or any URL that `serial.serial_for_url` knows.
        baudrate: Of the bus.
        retries: How often a request is repeated when its answer is lost or bad.
        clock: Times the answers.
    """

    def __init__(self, url: str, baudrate: int, retries: int, clock: Clock) -> None:
        self._url, self._retries, self._clock = url, retries, clock
        self._port = DynamixelPort(url, baudrate, clock)
        self._packets: Any = PacketHandler(1.0)
        self._turn = _Turn()
        self.statistics = BusStatistics()

    def open(self) -> None:
        """Raises `PortUnavailable`."""
        self._port.openPort()

    def close(self) -> None:
        with self._turn:
            self._port.closePort()

    def read(self, servo: int, address: int, length: int) -> tuple[bytes, int]:
        """Bytes of a servo's control table, and the error byte that came with them.

        Raises:
            ProtocolError: No good answer came, however often it was asked.
        """
        return self._ask(servo, INST_READ, bytes([address, length]), length)

    def write(self, servo: int, address: int, data: bytes) -> int:
        """Write to one servo; the error byte of its answer. Raises `ProtocolError`."""
        return self._ask(servo, INST_WRITE, bytes([address, *data]), 0)[1]

    def write_all(self, address: int, data: Mapping[int, bytes], unless: threading.Event | None = None) -> None:
        """One sync write to several servos at once; nobody answers it.

        Raises:
            Stopped: `unless` was set by the time the line was free; nothing has been sent.
        """
        packet = [address, len(next(iter(data.values())))]
        for servo, values in data.items():
            packet += [servo, *values]
        with self._turn:
            if unless is not None and unless.is_set():
                raise Stopped("the arm is stopped; clear the stop before moving")
            self._exchange(_BROADCAST, INST_SYNC_WRITE, bytes(packet))

    def _ask(self, servo: int, instruction: int, parameters: bytes, reply_length: int) -> tuple[bytes, int]:
        for attempt in range(self._retries + 1):
            if attempt == 2:
                # A turned bit in a length makes the servos take the next packets for the rest of that one: silence.
                self._clock.sleep(_QUIET_S)
            # The line is given up between attempts, so that a stop need not wait for a servo that is gone.
            with self._turn:
                packet, result = self._exchange(servo, instruction, parameters)
            if result == COMM_SUCCESS and packet[3] == reply_length + 2 and not packet[4] & CHECKSUM:
                return bytes(packet[5 : 5 + reply_length]), packet[4]
            if packet:
                self.statistics.bad_replies += 1
            else:
                self.statistics.lost_replies += 1
        raise ProtocolError(
            f"{self._url}: servo {servo} gave no good answer in {self._retries + 1} attempts; check its cable, its id "
            "and that it is powered"
        )

    def _exchange(self, servo: int, instruction: int, parameters: bytes) -> tuple[list[int], int]:
        """One packet out and its answer's bytes; the SDK fills in header and checksum."""
        if not self._port.is_open:
            raise ProtocolError(f"{self._url}: the port is not open; call connect() first")
        self.statistics.requests += 1
        packet = [0, 0, servo, len(parameters) + 2, instruction, *parameters, 0]
        try:
            answer, result, _ = self._packets.txRxPacket(self._port, packet)
        except (serial.SerialException, OSError) as error:
            raise ProtocolError(f"{self._url}: the port failed: {error}; is the adapter still plugged in?") from error
        finally:
            self._port.is_using = False
        return list(answer or []), result


class _Turn:
    """A lock whose waiters are not overtaken: who waits at the line keeps the door shut for all others."""

    def __init__(self) -> None:
        self._door, self._line = threading.Lock(), threading.Lock()

    def __enter__(self) -> None:
        with self._door:
            self._line.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._line.release()
