"""The ODrive client speaks the protocol by the letter. The line here is a script of bytes, not a drive."""

from collections.abc import Callable

import pytest

from cdpr.odrive import ODriveBoard, checksum
from trellis.errors import DeviceFault, PortUnavailable, ProtocolError


class ScriptedLine:
    """Answers each request by a function from the request (without checksum) to the raw reply."""

    def __init__(self, answer: Callable[[str], bytes]) -> None:
        self.sent: list[bytes] = []
        self._answer, self._waiting = answer, b""

    def write(self, data: bytes) -> None:
        self.sent.append(data)
        self._waiting += self._answer(data.decode().partition(" *")[0])

    def read_until(self, end: bytes) -> bytes:
        line, found, self._waiting = self._waiting.partition(end)
        return line + found

    def reset_input_buffer(self) -> None:
        self._waiting = b""

    def close(self) -> None:
        pass


def good(text: str) -> bytes:
    return f"{text}*{checksum(text)}\r\n".encode()


def _answers(request: str) -> bytes:
    replies = {"r fw_version_major": "0", "r fw_version_minor": "5", "f 0": "1.25 -0.5", "r axis0.error": "0"}
    return good(replies[request]) if request in replies else b""


def _board(monkeypatch: pytest.MonkeyPatch, answer: Callable[[str], bytes]) -> tuple[ODriveBoard, ScriptedLine]:
    line = ScriptedLine(answer)
    monkeypatch.setattr("serial.serial_for_url", lambda *args, **kwargs: line)
    board = ODriveBoard("scripted")
    board.connect()
    line.sent.clear()
    return board, line


def test_the_published_checksum_is_ours() -> None:
    assert checksum("r vbus_voltage ") == 93


def test_lines_end_in_a_bare_newline_and_carry_a_checksum(monkeypatch: pytest.MonkeyPatch) -> None:
    board, line = _board(monkeypatch, _answers)
    board.read_number("axis0.error")
    board.set_torque(1, -0.5)
    assert line.sent[0].startswith(b"r axis0.error *")
    assert line.sent[1].startswith(b"c 1 -0.50000 *")
    assert all(sent.endswith(b"\n") and b"\r" not in sent for sent in line.sent)


def test_feedback_is_turns_and_turns_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    board, _ = _board(monkeypatch, _answers)
    assert board.feedback(0) == (1.25, -0.5)


def test_a_lost_and_a_flipped_reply_are_asked_again_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    spoilt = iter([b"", good("1.25 -0.5").replace(b"1.25", b"9.25")])

    def answer(request: str) -> bytes:
        return next(spoilt, good("1.25 -0.5")) if request == "f 0" else _answers(request)

    board, line = _board(monkeypatch, answer)
    assert board.feedback(0) == (1.25, -0.5)
    assert len(line.sent) == 3
    assert (board.statistics.lost_replies, board.statistics.bad_replies) == (1, 1)


def test_silence_is_an_error_that_names_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    board, _ = _board(monkeypatch, _answers)
    with pytest.raises(ProtocolError, match="no good reply to 'f 1'"):
        board.feedback(1)


def test_a_complaint_of_the_drive_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: str) -> bytes:
        return good("invalid property") if "nonsense" in request else _answers(request)

    board, _ = _board(monkeypatch, answer)
    with pytest.raises(ProtocolError, match="invalid property"):
        board.read_number("nonsense")


def test_error_bits_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: str) -> bytes:
        return good(str(1 << 11 | 1 << 6)) if request == "r axis0.error" else _answers(request)

    board, _ = _board(monkeypatch, answer)
    with pytest.raises(DeviceFault, match="motor failed, watchdog expired"):
        board.check(0)


def test_recovery_feeds_then_clears_then_closes_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    board, line = _board(monkeypatch, _answers)
    board.recover(0)
    assert [sent.partition(b" *")[0] for sent in line.sent] == [b"u 0", b"sc", b"w axis0.requested_state 8"]


def test_firmware_that_counts_in_counts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: str) -> bytes:
        return good("4") if request == "r fw_version_minor" else _answers(request)

    with pytest.raises(DeviceFault, match="update the firmware"):
        _board(monkeypatch, answer)


def test_a_port_that_is_not_there_is_said_so() -> None:
    with pytest.raises(PortUnavailable, match="no-such-port"):
        ODriveBoard("/dev/no-such-port").connect()


def test_a_closed_port_is_said_so() -> None:
    with pytest.raises(ProtocolError, match="connect"):
        ODriveBoard("closed").feed(0)
