"""What is remembered of the carriage through a crash or a power cut: one small file, written around every move."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from trellis.durable import write_durably
from trellis.errors import InputError

_VERSION = 1
Four = tuple[float, float, float, float]


@dataclass(frozen=True)
class Memory:
    """The last that was known for certain.

    Args:
        command: What was being done, in words.
        at_rest: Nothing was moving: the lengths are those below, as long as nobody turns a drum.
        docked: It stood in its dock, or was taken to.
        place_m: Where, x and y.
        paid_m: Unstretched lengths of the cables.
        turns: Of the drums, as the drives counted.
        mark: Left in the drives; gone once one was without power.
        serial_numbers: Of the boards.
        written_at: ISO 8601, UTC.
        doubt: Why the counts are not to be trusted, or None.
        confirmed: A person says that the carriage stands in its dock, whatever was remembered.
        sighted: x, y, yaw where it was seen, whatever was remembered: the next homing counts from there.
    """

    command: str
    at_rest: bool
    docked: bool
    place_m: tuple[float, float]
    paid_m: Four
    turns: Four
    mark: float
    serial_numbers: tuple[str, ...]
    written_at: str
    doubt: str | None = None
    confirmed: bool = False
    sighted: tuple[float, float, float] | None = None


#: Before anything is known; every time that something is confirmed, what was known before is worth nothing.
_NOTHING = Memory("stand in the dock", True, False, (0.0, 0.0), (0.0,) * 4, (0.0,) * 4, 0.0, (), "")


def four(values: Iterable[float]) -> Four:
    """Four numbers as they are remembered."""
    a, b, c, d = (float(value) for value in values)
    return a, b, c, d


def remember(path: Path, memory: Memory) -> None:
    """Write it so that a power cut leaves this or what was there before."""
    write_durably(path, (json.dumps({"version": _VERSION, **asdict(memory)}, indent=1) + "\n").encode())


def recall(path: Path) -> Memory | None:
    """What was written last; None if nothing ever was.

    Raises:
        InputError: The file cannot be read or is not one of ours: it is not taken for nothing.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; check who may read it") from error
    try:
        read = json.loads(text)
        if read.pop("version") != _VERSION:
            raise ValueError("another version")
        return Memory(**{name: _frozen(value) for name, value in read.items()})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{path}: is damaged, so it is not known where the carriage hangs; dock it, then run "
            f"`trellis cdpr docked {path}`"
        ) from error


def confirm_docked(path: Path, written_at: str) -> None:
    """A person says that the carriage stands in its dock with its cables just taut: the next homing starts there."""
    remember(path, replace(_NOTHING, docked=True, written_at=written_at, confirmed=True))


def confirm_sighted(path: Path, pose: tuple[float, float, float], written_at: str) -> None:
    """Something saw the carriage hang still at x, y (m) and yaw (rad): the next homing counts from there."""
    remember(path, replace(_NOTHING, command="hang where it was seen", written_at=written_at, sighted=pose))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
