"""The serial line to an ODrive board: requests out, replies back, and never a reply taken for another request's.

Replies carry no mark of their request, so after a lost or late one nothing on the line can be trusted: the line is
brought into step by asking for the encoder of a motor that is not there, `f 1234`, which is answered by `invalid motor
1234`, and dropping all before that. The number is another one each time: an answer that was given up and comes after
all is not taken for the one that is waited for. Requests that are sent together count only if every one is answered.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import ceil
from operator import xor
from typing import Any

import serial

from trellis.errors import PortUnavailable, ProtocolError

_COMPLAINTS = ("invalid command format", "invalid motor", "invalid property", "not implemented", "unknown command")
#: One wait for bytes; patience is counted in these.
_LOOK_S = 0.02
#: While setpoints wait a question is waited for no longer, and asked twice: its answer may be lost as any other.
_QUICK = 3
#: More than a reply is ever long, and more lines than can be on their way.
_STALE_LINES = 64
#: Ends the line that a program which was killed left half sent, and spoils it: `p 0 12.3` without the rest of its
#: number and its checksum would be obeyed. A line with a wrong checksum is ignored.
_SPOIL = b"*\n"
#: Motors from here on are not there, and asked for only to bring the line into step.
_NO_MOTOR, _NO_MOTORS = 1000, 1_000_000
_NO_SUCH = "invalid motor "


@dataclass
class LineStatistics:
    """What happened on the line since it was opened."""

    requests: int = 0
    lost_replies: int = 0
    bad_replies: int = 0
    echoes: int = 0
    out_of_step: int = 0


class ODriveLine:
    """One port. May be called from several threads: a lock keeps each request and its reply together.

    Args:
        port: A device path or any URL that `serial.serial_for_url` knows.
        baudrate: Of the port.
        timeout_s: How long a reply may take.
        attempts: How often a request is sent before its reply counts as lost for good.
    """

    def __init__(self, port: str, baudrate: int, timeout_s: float, attempts: int) -> None:
        self.port = port
        self.statistics = LineStatistics()
        self._baudrate, self._attempts = baudrate, attempts
        self._looks, self._timeout_s = max(ceil(timeout_s / _LOOK_S), 1), timeout_s
        self._line: Any = None
        self._lock = threading.RLock()
        self._said: deque[str] = deque(maxlen=16)  # a line that echoes sends these back; no reply looks like one
        self._partial = b""
        self._serial_number = ""
        self._in_step = False
        self._question = 0
        self._posted: list[str] = []

    def open(self) -> None:
        """Open the port, spoil the line that another program may have left half sent, and learn the serial number.

        Raises:
            PortUnavailable: The port cannot be opened.
            ProtocolError: Nothing on it answers like an ODrive.
        """
        with self._lock:
            try:
                self._line = serial.serial_for_url(self.port, self._baudrate, timeout=_LOOK_S)
            except (serial.SerialException, OSError, ValueError) as error:
                raise PortUnavailable(self.port, str(error), "winch drives") from error
            self._partial, self._posted, self._in_step = b"", [], False
            self._write(_SPOIL)
            self._drain()
            self._serial_number = self.ask("r serial_number")

    def close(self) -> None:
        with self._lock:
            if self._line is not None:
                self._line.close()
                self._line = None

    @property
    def serial_number(self) -> str:
        """As much of it as the board tells, nine characters."""
        return self._serial_number

    def tell(self, *commands: str) -> None:
        """Send commands that have no reply."""
        with self._lock:
            self._write(b"".join(self._framed(command) for command in commands))

    def ask(self, command: str) -> str:
        """Send a request until it is answered well.

        Raises:
            ProtocolError: It is not, or the drive complains about it.
        """
        with self._lock:
            for _ in range(self._attempts):
                if not self._in_step and not self._resynchronise():
                    continue
                self._write(self._framed(command))
                reply = self._reply(self._looks)
                if reply is not None:
                    self._raise_if_complaint(command, reply)
                    return reply
                self._in_step = False
        raise self._silence(command)

    def post(self, requests: Sequence[str], commands: Sequence[str] = ()) -> None:
        """Send commands and requests in one go, to be answered by `collect`.

        Out of step the commands go at once, and the requests only where the line could be brought into step.
        """
        with self._lock:
            if self._posted:
                self._in_step = False  # nobody fetched the replies to what was posted before
            self._posted = list(requests)
            texts = [*commands, *requests] if self._in_step else list(commands)
            if texts:
                self._write(b"".join(self._framed(text) for text in texts))
            if requests and not self._in_step and (self._resynchronise(_QUICK) or self._resynchronise(_QUICK)):
                self._write(b"".join(self._framed(text) for text in requests))

    def collect(self, timeout_s: float) -> list[str] | None:
        """The replies to what was posted, or None if not every one came well and in time; nothing is sent again."""
        with self._lock:
            posted, self._posted = self._posted, []
            if not self._in_step:
                return None
            replies = []
            for _ in posted:
                reply = self._reply(max(ceil(timeout_s / _LOOK_S), 1))
                if reply is None or reply.startswith(_COMPLAINTS):
                    self._in_step = False
                    return None
                replies.append(reply)
            return replies

    def _resynchronise(self, looks: int | None = None) -> bool:
        """Drop all that is on its way by waiting for the answer to a question that only one answer fits."""
        self.statistics.out_of_step += 1
        self._drop_input()
        self._question = (self._question + 1) % _NO_MOTORS
        motor = _NO_MOTOR + self._question
        self._write(self._framed(f"f {motor}"))
        for _ in range(_STALE_LINES):
            text, whole = self._line_of_text(looks or self._looks)
            if not whole:
                return False
            if self._content(text) == f"{_NO_SUCH}{motor}":
                self._in_step = True
                return True
        return False

    def _reply(self, looks: int) -> str | None:
        """One reply with a good checksum, stripped of it; None when it is lost or bad."""
        for _ in range(_STALE_LINES):
            text, whole = self._line_of_text(looks)
            if not whole:
                self.statistics.lost_replies += 1
                return None
            reply = self._content(text)
            if reply in self._said:
                self.statistics.echoes += 1
            else:
                self.statistics.bad_replies += reply is None
                return reply
        return None

    @staticmethod
    def _content(text: bytes) -> str | None:
        """What a line says, if its checksum is right."""
        content, star, found = text.decode("latin-1").strip().rpartition("*")
        return content.strip() if star and found == str(checksum(content)) else None

    def _line_of_text(self, looks: int) -> tuple[bytes, bool]:
        """The next line, and whether it came to its end in so many looks."""
        try:
            for _ in range(looks):
                self._partial += self._open().read_until(b"\n")
                if self._partial.endswith(b"\n"):
                    text, self._partial = self._partial, b""
                    return text, True
        except (serial.SerialException, OSError) as error:
            raise ProtocolError(
                f"{self.port}: the port failed: {error}; check its cable, then connect again"
            ) from error
        return self._partial, False

    def _drain(self) -> None:
        """Read until nothing comes for as long as an answer may take."""
        for _ in range(_STALE_LINES):
            if not self._line_of_text(self._looks)[1]:
                break
        self._drop_input()

    def _drop_input(self) -> None:
        self._partial = b""
        self._open().reset_input_buffer()

    def _framed(self, command: str) -> bytes:
        self.statistics.requests += 1
        self._said.append(command)
        line = f"{command} "
        return f"{line}*{checksum(line)}\n".encode("ascii")

    def _write(self, data: bytes) -> None:
        try:
            self._open().write(data)
        except (serial.SerialException, OSError) as error:
            raise ProtocolError(
                f"{self.port}: the port failed: {error}; check its cable, then connect again"
            ) from error

    def _open(self) -> Any:
        if self._line is None:
            raise ProtocolError(f"{self.port}: the port is not open; call connect() first")
        return self._line

    def _raise_if_complaint(self, command: str, reply: str) -> None:
        if reply.startswith(_COMPLAINTS):
            raise ProtocolError(f"{self.port}: the drive answered {command!r} with {reply!r}")

    def _silence(self, command: str) -> ProtocolError:
        return ProtocolError(
            f"{self.port}: no good reply to {command!r} in {self._attempts} attempts of {self._timeout_s} s; "
            "check the cable and that the drive is powered"
        )


def checksum(text: str) -> int:
    """Exclusive or of every character, as the ODrive computes it."""
    return reduce(xor, text.encode("latin-1"), 0)
