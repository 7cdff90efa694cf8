"""A line of bytes with four servos' tables behind it, written for the tests: nothing of the driver's own code."""

from collections.abc import Callable

import pytest


def packet(*body: int) -> bytes:
    """FF FF, the body, and the complement of its sum."""
    return bytes([0xFF, 0xFF, *body, ~sum(body) & 0xFF])


class ScriptedBus:
    """Obeys protocol 1.0 and goes to every goal at once; `spoil` may change or swallow any answer.

    Faults: `errors` is the error byte of a servo's answers; `echo` sends back what is written; `deaf` counts sync
    writes that nobody hears.
    """

    packet = staticmethod(packet)

    def __init__(self) -> None:
        self.tables = {servo: bytearray(50) for servo in (1, 2, 3, 4)}
        for table in self.tables.values():
            table[0], table[14:16], table[16], table[18], table[34:36] = 12, b"\xff\x03", 2, 36, b"\xff\x03"
            table[30:32] = table[36:38] = b"\x00\x02"
            table[42], table[43] = 120, 35
        self.errors = dict.fromkeys(self.tables, 0)
        self.spoil: Callable[[bytes], bytes] = lambda answer: answer
        self.echo, self.deaf, self.closed = False, 0, False
        self.sent: list[bytes] = []
        self._waiting = b""

    def write(self, data: bytes) -> int:
        self.sent.append(bytes(data))
        if self.echo:
            self._waiting += data
        servo, instruction, parameters = data[2], data[4], data[5:-1]
        if instruction == 0x83:
            self._sync_write(parameters)
        elif servo in self.tables:
            self._waiting += self.spoil(self._answer(servo, instruction, parameters))
        return len(data)

    def read(self, size: int) -> bytes:
        taken, self._waiting = self._waiting[:size], self._waiting[size:]
        return taken

    def reset_input_buffer(self) -> None:
        self._waiting = b""

    def close(self) -> None:
        self.closed = True

    def sync_writes(self) -> list[bytes]:
        return [data for data in self.sent if data[4] == 0x83]

    def set(self, servo: int, address: int, data: bytes) -> None:
        """Write a servo's table, and let it stand at a goal that is written while it has torque."""
        table = self.tables[servo]
        table[address : address + len(data)] = data
        if address == 30 and table[24] and table[34:36] != b"\0\0":
            table[36:38] = table[30:32]

    def _answer(self, servo: int, instruction: int, parameters: bytes) -> bytes:
        data = b""
        if instruction == 0x02:
            data = bytes(self.tables[servo][parameters[0] : parameters[0] + parameters[1]])
        elif instruction == 0x03:
            self.set(servo, parameters[0], parameters[1:])
        return packet(servo, len(data) + 2, self.errors[servo], *data)

    def _sync_write(self, parameters: bytes) -> None:
        if self.deaf:
            self.deaf -= 1
            return
        address, length = parameters[:2]
        for start in range(2, len(parameters), length + 1):
            self.set(parameters[start], address, parameters[start + 1 : start + 1 + length])


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> ScriptedBus:
    """A scripted bus behind every port that is opened."""
    made = ScriptedBus()
    monkeypatch.setattr("serial.serial_for_url", lambda *args, **kwargs: made)
    return made
