"""Four winch drives on two boards as one device: setpoints out, encoders back, all four frozen at once.

Both lines are served side by side: what is due on both is sent before either is waited for.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from cdpr.config import CablesSection
from cdpr.odrive import CLOSED_LOOP, IDLE, POSITION_CONTROL, TORQUE_CONTROL, ODriveBoard, position, torque
from cdpr.robot import UPPER, Array
from cdpr.strength import check_strength
from trellis.errors import ProtocolError, TrellisError

#: A reply to what streams is waited for no longer; its loss is counted, not repaired.
_STREAM_TIMEOUT_S = 0.04
_ATTEMPTS = 5
#: Kept in a setting that we do not use and that a drive forgets without power: it tells whether it was ever off.
_MARK = "trap_traj.config.vel_limit"
_ERROR, _CURRENT = "error", "motor.current_control.Iq_measured"


@dataclass(frozen=True, eq=False)
class Seen:
    """What the drives said at one step; not a number where nothing came.

    Args:
        turns: Of the drums, shape (4,).
        speeds_turn_s: Shape (4,).
        currents_a: Shape (4,); of the cable that was asked for its current in this step.
    """

    turns: Array
    speeds_turn_s: Array
    currents_a: Array


class Drives:
    """The boards and which cable hangs on which axis.

    Args:
        section: Ports and axes.
    """

    def __init__(self, section: CablesSection) -> None:
        self._section = section
        self._boards = [ODriveBoard(port, section.baudrate) for port in section.ports]
        self._turn = 0
        self._heard = True

    @property
    def boards(self) -> list[ODriveBoard]:
        return self._boards

    @property
    def serial_numbers(self) -> list[str]:
        """Of both boards."""
        return [board.serial_number for board in self._boards]

    def connect(self) -> None:
        """Open both boards and see that every drive can be used and is strong enough; nothing is powered."""
        for board in self._boards:
            board.connect()
        for cable, (port, axis) in enumerate(self._section.axes):
            # An earlier host had left its watchdog on and died: the cause is known, and gone.
            self._boards[port].forgive_watchdog(axis)
            self._boards[port].check_usable(axis)
            check_strength(self._section, cable, self._boards[port])

    def close(self) -> None:
        """Close the ports; the drives go on holding."""
        for board in self._boards:
            board.close()

    def turns(self) -> Array:
        """Of all four drums, shape (4,), asked again until all have answered."""
        return self.feedback().turns

    def feedback(self, currents: bool = False) -> Seen:
        """Turns and speeds of all four drums, and their motors' currents if wanted.

        Raises:
            ProtocolError: A board does not answer.
        """
        extra = [(cable, _CURRENT) for cable in range(4)] if currents else []
        heard = np.full((3, 4), np.nan)
        for _ in range(_ATTEMPTS):
            now = self._exchange([[], []], extra, patience_s=2 * _STREAM_TIMEOUT_S)
            # A board that answered at an earlier attempt, milliseconds ago, need not be asked again.
            now_heard = np.array([now.turns, now.speeds_turn_s, now.currents_a])
            heard = np.where(np.isfinite(now_heard), now_heard, heard)
            seen = Seen(*heard)
            if np.isfinite(seen.turns).all() and (not currents or np.isfinite(seen.currents_a).all()):
                return seen
        for port, axis in self._section.axes:
            self._boards[port].feedback(axis)  # raises with the board's name
        raise ProtocolError("the winch drives answer one by one but not together; check both lines for noise")

    def stream(self, turns: Array, speeds_turn_s: Array, torques_n_m: Array) -> Seen:
        """Send one setpoint each, and hear what can be heard meanwhile; a lost reply is left out.

        Upper winches take position, speed and torque, lower ones torque alone. At every step one drive is asked for
        its errors or its current in turn, so all of both within eight.

        Raises:
            DeviceFault: A drive reports an error.
        """
        commands: list[list[str]] = [[], []]
        for cable, (port, axis) in enumerate(self._section.axes):
            told = (
                position(axis, turns[cable], speeds_turn_s[cable], torques_n_m[cable])
                if cable in UPPER
                else torque(axis, torques_n_m[cable])
            )
            commands[port].append(told)
        return self._watched(commands)

    def watch(self) -> Seen:
        """As `stream`, without setpoints."""
        return self._watched([[], []])

    def hold(self, torques_n_m: Array) -> None:
        """Upper winches in position where they are, lower ones in torque."""
        turns = self.turns()
        for cable, (port, axis) in enumerate(self._section.axes):
            board = self._boards[port]
            # The setpoint comes first: a loop that closes on an old one would jump.
            if cable in UPPER:
                board.set_position(axis, turns[cable], 0.0, torques_n_m[cable])
                board.start(axis, POSITION_CONTROL)
            else:
                board.set_torque(axis, torques_n_m[cable])
                board.start(axis, TORQUE_CONTROL)

    def freeze(self, sent_turns: Array) -> Array:
        """Every winch to position where it is, as quickly as the lines allow; only then what was wrong is said.

        Args:
            sent_turns: Where each was last sent, for a drive that does not answer now: to go back to where it was last
                heard of would be a jump. Not a number leaves it as it is: a lower winch goes on pulling.

        Returns:
            Where each is held, shape (4,).

        Raises:
            TrellisError: A board could not be told, or did not answer; the others are frozen.
        """
        faults: list[TrellisError] = []
        held = np.array(sent_turns, dtype=float)
        mine = [[(c, a) for c, (p, a) in enumerate(self._section.axes) if p == port] for port in (0, 1)]
        for board, axes in zip(self._boards, mine, strict=True):
            with _noted(faults):
                board.post([f"f {axis}" for _, axis in axes])
        for board, axes in zip(self._boards, mine, strict=True):
            replies = None
            with _noted(faults):
                replies = board.collect(_STREAM_TIMEOUT_S)
                if replies is not None:
                    for (cable, axis), reply in zip(axes, replies, strict=True):
                        held[cable] = board.feedback_in(axis, reply)[0]
            with _noted(faults):
                board.post([], [position(axis, held[cable]) for cable, axis in axes if np.isfinite(held[cable])])
            if replies is None:
                with _noted(faults):
                    # Why is not known yet; the long way names port and cause, or gets through after all.
                    told = {cable: board.feedback(axis)[0] for cable, axis in axes}
                    board.post([], [position(axis, told[cable]) for cable, axis in axes])
                    held[list(told)] = list(told.values())
        if faults:
            raise faults[0]
        return held

    def release(self) -> None:
        """Let go of all four."""
        for port, axis in self._section.axes:
            self._boards[port].write(f"axis{axis}.requested_state", IDLE)

    def powered(self) -> list[bool]:
        """Which drives are in closed loop."""
        return [self._boards[p].read_number(f"axis{a}.current_state") == CLOSED_LOOP for p, a in self._section.axes]

    def marks(self) -> Array:
        """What each drive keeps only while it has power, shape (4,)."""
        return np.array([self._boards[port].read_number(f"axis{axis}.{_MARK}") for port, axis in self._section.axes])

    def set_marks(self, mark: float) -> None:
        """Leave a mark that is gone once a drive was without power."""
        for port, axis in self._section.axes:
            self._boards[port].write(f"axis{axis}.{_MARK}", mark)

    def check(self) -> None:
        """Raises `DeviceFault` if a drive reports an error."""
        for port, axis in self._section.axes:
            self._boards[port].check(axis)

    def _watched(self, commands: Sequence[Sequence[str]]) -> Seen:
        """Commands and feedback, and one further question to one drive."""
        which, kind = self._turn % 4, (_ERROR, _CURRENT)[self._turn // 4 % 2]
        self._turn += 1
        # After a step in which one board was not heard, late answers are worth more than an even pace.
        seen = self._exchange(commands, [(which, kind)], (1 if self._heard else 2) * _STREAM_TIMEOUT_S)
        self._heard = bool(np.isfinite(seen.turns).all())
        return seen

    def _exchange(self, commands: Sequence[Sequence[str]], extra: Sequence[tuple[int, str]], patience_s: float) -> Seen:
        """One round on both lines: commands, then feedback of all four and `extra` properties of cables."""
        asked: list[list[tuple[int, str]]] = [[], []]
        for cable, (port, axis) in enumerate(self._section.axes):
            asked[port].append((cable, f"f {axis}"))
        for cable, name in extra:
            port, axis = self._section.axes[cable]
            asked[port].append((cable, f"r axis{axis}.{name}"))
        for board, requests, told in zip(self._boards, asked, commands, strict=True):
            board.post([request for _, request in requests], told)
        seen = Seen(*np.full((3, 4), np.nan))
        for board, requests in zip(self._boards, asked, strict=True):
            for (cable, request), reply in zip(requests, board.collect(patience_s) or (), strict=False):
                try:
                    self._note(seen, board, cable, request, reply)
                except ProtocolError:
                    # Two turned bits that cancel in the checksum: as bad as a wrong one, and no reason to stop.
                    board.statistics.bad_replies += 1
        return seen

    def _note(self, seen: Seen, board: ODriveBoard, cable: int, request: str, reply: str) -> None:
        axis = self._section.axes[cable][1]
        if request.startswith("f "):
            seen.turns[cable], seen.speeds_turn_s[cable] = board.feedback_in(axis, reply)
        elif request.endswith(_ERROR):
            board.raise_for(axis, int(board.number_in(request[2:], reply)))
        else:
            seen.currents_a[cable] = board.number_in(request[2:], reply)


@contextmanager
def _noted(faults: list[TrellisError]) -> Iterator[None]:
    """Note a fault instead of raising it: what else can be done comes first."""
    try:
        yield
    except TrellisError as fault:
        faults.append(fault)
