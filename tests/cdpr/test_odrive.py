"""The ODrive client speaks the protocol by the letter. The line here is a script of bytes, not a drive."""

from collections.abc import Callable

import pytest

from cdpr.odrive import ODriveBoard, checksum
from trellis.errors import DeviceFault, PortUnavailable, ProtocolError


class ScriptedLine:
    """Answers each request by a function from the request (without checksum) to the raw reply."""

    def __init__(self, answer: Callable[[str], bytes]) -> None:
        self.sent: list[bytes] = []
        self.waiting = b""
        self._answer = answer

    def write(self, data: bytes) -> None:
        for line in data.splitlines(keepends=True):
            self.sent.append(line)
            self.waiting += self._answer(line.decode().partition(" *")[0])

    def read_until(self, end: bytes) -> bytes:
        line, found, self.waiting = self.waiting.partition(end)
        return line + found

    def reset_input_buffer(self) -> None:
        self.waiting = b""

    def close(self) -> None:
        pass


def good(text: str) -> bytes:
    return f"{text}*{checksum(text)}\r\n".encode()


SERIAL = "356153171"


def _answers(request: str) -> bytes:
    replies = {"r fw_version_major": "0", "r fw_version_minor": "5", "f 0": "1.25 -0.5", "f 1": "7.5 0.25",
               "r axis0.error": "0", "r serial_number": SERIAL}  # fmt: skip
    if _asks_for_no_motor(request):
        return good(f"invalid motor {request[2:]}")
    return good(replies[request]) if request in replies else b""


def _asks_for_no_motor(request: str) -> bool:
    """How the driver brings the line into step."""
    return request.startswith("f ") and int(request[2:]) >= 1000


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
    assert line.sent[1].startswith(b"c 1 -0.5000 *")
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
    # Asked, brought into step, asked, brought into step, asked.
    asked = [sent.partition(b" *")[0] for sent in line.sent]
    assert asked == [b"f 0", b"f 1002", b"f 0", b"f 1003", b"f 0"]
    assert (board.statistics.lost_replies, board.statistics.bad_replies) == (1, 1)


def test_silence_is_an_error_that_names_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    board, _ = _board(monkeypatch, lambda request: b"" if request == "f 1" else _answers(request))
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


def test_a_late_reply_is_never_taken_for_the_next_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    on_its_way: list[bytes] = []

    def answer(request: str) -> bytes:
        if request == "f 0":
            on_its_way.append(_answers(request))
            return b""
        late = b"".join(on_its_way)
        on_its_way.clear()
        return late + _answers(request)  # what was late comes just before the next reply

    board, _ = _board(monkeypatch, answer)
    board.post(["f 0"])
    assert board.collect(0.05) is None
    assert board.feedback(1) == (7.5, 0.25)
    assert board.read_number("axis0.error") == 0


def test_of_requests_sent_together_none_counts_if_one_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = [True]

    def answer(request: str) -> bytes:
        # The drive never heard the first request: the reply to the second comes first.
        return b"" if request == "f 0" and deaf[0] else _answers(request)

    board, _ = _board(monkeypatch, answer)
    board.post(["f 0", "f 1"])
    assert board.collect(0.05) is None
    deaf[0] = False
    board.post(["f 0", "f 1"])
    assert board.collect(0.05) == ["1.25 -0.5", "7.5 0.25"]
    assert board.statistics.out_of_step == 2  # once when it was opened


def test_an_answer_that_was_given_up_does_not_bring_the_line_into_step(monkeypatch: pytest.MonkeyPatch) -> None:
    deaf, held = [False], []

    def answer(request: str) -> bytes:
        if deaf[0]:  # heard, and answered later
            held.append(request)
            return b""
        late = b"".join(good("-99.0 0.0") if text == "f 0" else _answers(text) for text in held)
        held.clear()
        return late + _answers(request)

    board, _ = _board(monkeypatch, answer)
    deaf[0] = True
    for _ in range(3):
        board.post(["f 0"])
        assert board.collect(0.05) is None
    deaf[0] = False
    # All of it comes now, with two questions that were to bring the line into step: only the last one counts.
    board.post(["f 0"])
    assert board.collect(0.05) == ["1.25 -0.5"]
    assert board.feedback(1) == (7.5, 0.25)


def test_replies_that_nobody_fetched_are_not_taken_for_later_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    board, _ = _board(monkeypatch, _answers)
    board.post(["f 0"])
    board.post(["f 1"])
    assert board.collect(0.05) == ["7.5 0.25"]


def test_out_of_step_commands_go_before_anything_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    board, line = _board(monkeypatch, lambda request: b"" if request == "f 0" else _answers(request))
    board.post(["f 0"])
    assert board.collect(0.05) is None
    line.sent.clear()
    board.post(["f 1"], ["p 0 1.0"])
    asked = [sent.partition(b" *")[0] for sent in line.sent]
    assert asked == [b"p 0 1.0", b"f 1002", b"f 1"]


def test_half_a_line_that_a_killed_program_left_is_spoilt_first(monkeypatch: pytest.MonkeyPatch) -> None:
    line = ScriptedLine(_answers)
    line.waiting = b"unknown command\r\n" + good("99.0 0.0")
    monkeypatch.setattr("serial.serial_for_url", lambda *args, **kwargs: line)
    board = ODriveBoard("scripted")
    board.connect()
    # Ended by a bare newline, half of `p 0 12.34 *99` would be obeyed as `p 0 12.3`.
    assert line.sent[0] == b"*\n"
    assert board.serial_number == SERIAL
    assert board.feedback(0) == (1.25, -0.5)


@pytest.mark.parametrize("reply", ["1.25", "1.25 x", "nan 0", "1e9 0.0", "1.25 inf", ""])
def test_garbage_with_a_good_checksum_is_no_position(monkeypatch: pytest.MonkeyPatch, reply: str) -> None:
    board, _ = _board(monkeypatch, lambda request: good(reply) if request == "f 0" else _answers(request))
    with pytest.raises(ProtocolError, match="scripted"):
        board.feedback(0)


def test_a_request_is_one_line_of_less_than_256_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    board, line = _board(monkeypatch, _answers)
    board.set_position(1, -9999.123456789, -123.456789, -12.3456789)
    board.write("axis1.motor.current_control.config.current_lim", -1.23456789e-5)
    for sent in line.sent:
        assert sent.count(b"\n") == 1
        assert len(sent) < 100
        assert b";" not in sent
        assert b"!" not in sent


@pytest.mark.parametrize(("missing", "named"), [("motor.is_calibrated", "motor"), ("encoder.is_ready", "encoder")])
def test_a_drive_that_was_never_set_up_is_refused(monkeypatch: pytest.MonkeyPatch, missing: str, named: str) -> None:
    def answer(request: str) -> bytes:
        if request.startswith("r axis0.") and not request.endswith("error"):
            return good("0" if request.endswith(missing) else "1")
        return _answers(request)

    board, _ = _board(monkeypatch, answer)
    with pytest.raises(DeviceFault, match=f"the {named} of axis 0 is not calibrated.*full calibration"):
        board.check_usable(0)


def test_closing_the_loop_switches_the_watchdog_and_other_input_modes_off(monkeypatch: pytest.MonkeyPatch) -> None:
    states = iter(["1", "8"])

    def answer(request: str) -> bytes:
        return good(next(states)) if request == "r axis0.current_state" else _answers(request)

    board, line = _board(monkeypatch, answer)
    board.start(0, 3)
    asked = [sent.partition(b" *")[0] for sent in line.sent]
    # A trapezoidal move leaves input mode 5 behind; the state comes last.
    assert asked[:3] == [
        b"w axis0.config.enable_watchdog 0",
        b"w axis0.controller.config.control_mode 3",
        b"w axis0.controller.config.input_mode 1",
    ]
    assert b"w axis0.requested_state 8" in asked[3:]


@pytest.mark.parametrize(("bits", "forgiven"), [(1 << 11, True), (1 << 11 | 1 << 6, False), (0, False)])
def test_only_a_watchdog_is_forgiven(monkeypatch: pytest.MonkeyPatch, bits: int, forgiven: bool) -> None:
    board, line = _board(monkeypatch, lambda r: good(str(bits)) if r == "r axis0.error" else _answers(r))
    assert board.forgive_watchdog(0) is forgiven
    asked = [sent.partition(b" *")[0] for sent in line.sent]
    # Fed before it is cleared, or it trips again at once; and the axis stays idle.
    assert (asked[-2:] == [b"u 0", b"sc"]) is forgiven
    assert not any(b"requested_state" in text for text in asked)
