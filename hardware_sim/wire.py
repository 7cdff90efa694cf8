"""Bytes on their way between a host and a simulated device: when they arrive, and what happens to them.

A byte takes ten bits of the line's baud rate. Faults are drawn from the wire's own random stream, so that the same
seed and the same traffic give the same bytes.
"""

from collections import deque
from collections.abc import Callable
from itertools import takewhile
from math import inf
from typing import Protocol

import numpy as np

#: A receiver that samples the middle of a bit gets all ten right up to about this much.
BAUD_TOLERANCE = 0.03


class Device(Protocol):
    """What hangs on a wire; `baud` is the rate it listens at, 0 if it takes any."""

    @property
    def baud(self) -> int: ...

    def receive(self, data: bytes, now_s: float) -> list[tuple[float, bytes]]:
        """Take bytes that have just arrived; answers are (delay in seconds, bytes)."""
        ...

    def tick(self, now_s: float) -> None:
        """Let time pass up to now."""
        ...

    def next_event_s(self, now_s: float) -> float:
        """When the device will next do something by itself; infinity if never."""
        ...


class Wire:
    """A serial line with a device at its end.

    Args:
        device: At the far end.
        baud: The host's rate at first; `host_baud` may be set later. It sets how long a byte takes, and a device
            that listens at another rate makes nothing of it.
        fault: Strength of a named fault on this line now: `lost`, `flipped`, `foreign` (shares of bytes), `late`
            (seconds), `echo` and `gone` (0 or 1).
        seed: Of the faults.
    """

    def __init__(self, device: Device, baud: int, fault: Callable[[str], float], seed: int) -> None:
        self.device = device
        self.host_baud = baud
        self._fault = fault
        self._random = np.random.default_rng(seed)
        #: Told (seconds, ">" to the device or "<" to the host, bytes) of all that goes on the line, as it is put there.
        self.listener: Callable[[float, str, bytes], None] | None = None
        self._outward: deque[tuple[float, bytes]] = deque()
        self._inward: deque[tuple[float, int]] = deque()
        self._outward_free_s = self._inward_free_s = 0.0

    @property
    def _byte_s(self) -> float:
        return 10 / self.host_baud

    @property
    def _deaf(self) -> bool:
        """Nobody at the far end understands."""
        baud = self.device.baud
        return self._fault("gone") > 0 or (baud > 0 and abs(self.host_baud / baud - 1) > BAUD_TOLERANCE)

    def send(self, data: bytes, now_s: float) -> None:
        """The host writes; the device will have it all once the last byte is through."""
        if self._fault("echo"):
            self._answer(data, now_s)
        arrival_s = max(now_s, self._outward_free_s) + self._byte_s * len(data)
        self._outward_free_s = arrival_s
        spoilt = self._spoilt(data)
        self._outward.append((arrival_s, spoilt))
        if self.listener:
            self.listener(arrival_s, ">", spoilt)

    @property
    def sent_s(self) -> float:
        """When the last byte that was written is through."""
        return self._outward_free_s

    def next_event_s(self, now_s: float) -> float:
        """When bytes next reach the device, or it does something by itself."""
        arrival_s = self._outward[0][0] if self._outward else inf
        return min(arrival_s, self.device.next_event_s(now_s))

    def deliver(self, now_s: float) -> None:
        """Hand the device what has reached it, and send its answers on their way."""
        self.device.tick(now_s)
        while self._outward and self._outward[0][0] <= now_s:
            _, data = self._outward.popleft()
            if self._deaf:
                continue
            for delay_s, answer in self.device.receive(data, now_s):
                self._answer(self._spoilt(answer), now_s + delay_s + self._fault("late"))

    def waiting(self, now_s: float) -> int:
        """How many bytes the host could read now."""
        return sum(1 for _ in takewhile(lambda byte: byte[0] <= now_s, self._inward))

    def ready_s(self, data: bytearray, size: int, expected: bytes) -> float:
        """When `data` and what follows it here will be `size` long or end with `expected`; infinity if it is not known.

        What ends with `expected`, if that is not empty, is complete.
        """
        seen = bytes(data[-len(expected) :]) if expected else b""
        for count, (time_s, byte) in enumerate(self._inward, start=len(data) + 1):
            if count >= size:
                return time_s
            if expected:
                seen = (seen + bytes([byte]))[-len(expected) :]
                if seen == expected:
                    return time_s
        return inf

    def take(self, data: bytearray, size: int, expected: bytes, now_s: float) -> bool:
        """Add what has reached the host to `data`, until it is complete as in `ready_s`; whether it is."""
        inward = self._inward
        while True:
            if len(data) >= size or (expected and data.endswith(expected)):
                return True
            if not inward or inward[0][0] > now_s:
                return False
            data.append(inward.popleft()[1])

    def read(self, size: int, now_s: float) -> bytes:
        """Up to `size` bytes that have reached the host."""
        count = min(size, self.waiting(now_s))
        return bytes(self._inward.popleft()[1] for _ in range(count))

    def flush_input(self, now_s: float) -> None:
        """The host throws away what has reached it."""
        self.read(1 << 30, now_s)

    def _answer(self, data: bytes, start_s: float) -> None:
        at_s = max(start_s, self._inward_free_s)
        for byte in data:
            at_s += self._byte_s
            self._inward.append((at_s, byte))
        self._inward_free_s = at_s
        if self.listener:
            self.listener(at_s, "<", data)

    def _spoilt(self, data: bytes) -> bytes:
        lost, flipped, foreign = (self._fault(name) for name in ("lost", "flipped", "foreign"))
        if not (lost or flipped or foreign):
            return data
        out = bytearray()
        for byte in data:
            if self._random.random() < foreign:
                out.append(int(self._random.integers(256)))
            if self._random.random() < lost:
                continue
            flip = 1 << int(self._random.integers(8)) if self._random.random() < flipped else 0
            out.append(byte ^ flip)
        return bytes(out)
