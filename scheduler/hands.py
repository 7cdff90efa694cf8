"""A person's hands on the robot: one motion at a time, and one that is held ends when it is let go.

Who holds a motion says so again every few hundredths of a second; silence is letting go. Threads of the socket ask, the
robot's thread moves.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal, Protocol, cast

from trellis.errors import InputError, TrellisError

#: So long without a word, a held motion is let go. With braking from `scheduler.hand_moves.SPEED_M_S` it is 0.3 s.
HOLD_S = 0.11
#: So long after a hand's last word no scan begins.
DRIVEN_S = 20.0

Kind = Literal["home", "park", "step", "hold", "calibrate"]
_KINDS = ("home", "park", "step", "hold", "calibrate")
_BY_MAX = 500
AXES = ("x", "y", "base", "shoulder", "elbow", "wrist")


class InUse(TrellisError):
    """The robot moves already, or does something that hands must not come between."""


@dataclass(frozen=True)
class Motion:
    """What hands want: `home`, `park`, a `step` along an axis, to move along it for as long as it is held, `calibrate`.

    Args:
        kind: Which of these.
        axis: One of `AXES`: carriage (world) or joint.
        by: Of a step, metres or radians; of a held motion its sign; of a calibration how many postures, 0: as usual.
    """

    kind: Kind
    axis: str = ""
    by: float = 0.0

    @staticmethod
    def of(request: Mapping[str, Any]) -> "Motion":
        """From a request's `kind`, `axis` and `by`. Raises `InputError`."""
        kind, axis, by = request.get("kind"), request.get("axis", ""), request.get("by", 0.0)
        if kind not in _KINDS:
            raise InputError(f"a motion is one of {', '.join(_KINDS)}, not {kind!r}")
        if kind in ("step", "hold") and axis not in AXES:
            raise InputError(f"an axis is one of {', '.join(AXES)}, not {axis!r}")
        if isinstance(by, bool) or not isinstance(by, int | float) or not isfinite(by) or abs(by) > _BY_MAX:
            raise InputError(f"a step is a number of metres or radians, {_BY_MAX} at most, not {by!r}")
        return Motion(cast(Kind, kind), axis, float(by))


class Moves(Protocol):
    """What moves; `scheduler.hand_moves.CellMoves` is the real one."""

    def do(self, motion: Motion, held: Callable[[], bool], tell: Callable[[str], None]) -> None: ...
    def look(self) -> bytes: ...


class Hands:
    """What hands want, and what became of it; every method from any thread.

    Args:
        clock_s: A clock that only goes forward.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s, self._lock = clock_s, threading.Lock()
        self.called = threading.Event()
        self._wanted: Motion | None = None
        self._now: Motion | None = None
        self._held_until_s = self._seen_s = float("-inf")
        self._refusal: str | None = None
        self._told: str | None = None

    @property
    def driven(self) -> bool:
        """Whether a hand is on the robot, or was a moment ago."""
        with self._lock:
            return bool(self._wanted or self._now) or self._clock_s() - self._seen_s < DRIVEN_S

    def ask(self, motion: Motion) -> None:
        """Want a motion; a held one then lives from word to word. Raises `InUse` while another is under way."""
        with self._lock:
            if self._wanted or self._now:
                raise InUse("the robot still moves; let it come to rest first")
            self._wanted, self._refusal, self._told = motion, None, None
            self._word()
        self.called.set()

    def keep(self) -> None:
        """The held motion is held still; where it has ended nothing begins again."""
        with self._lock:
            if (self._wanted or self._now) and self._clock_s() < self._held_until_s:
                self._word()

    def release(self) -> None:
        """The held motion is let go."""
        with self._lock:
            self._held_until_s = float("-inf")

    def leave(self) -> None:
        """The hands are off the robot: what waits may begin."""
        with self._lock:
            self._held_until_s = self._seen_s = float("-inf")

    def held(self) -> bool:
        """For the thread that moves: whether to go on."""
        with self._lock:
            return self._clock_s() < self._held_until_s

    def take(self) -> Motion | None:
        """For the thread that moves: what is wanted, now under way."""
        with self._lock:
            self._now, self._wanted = self._wanted, None
            self.called.clear()
            return self._now

    def tell(self, line: str) -> None:
        """For the thread that moves: how far it is."""
        with self._lock:
            self._told = line

    def ended(self, refusal: str | None) -> None:
        """For the thread that moves: it is over, and why, if not as it was wanted."""
        with self._lock:
            self._now, self._refusal = None, refusal
            if self._seen_s > float("-inf"):  # not left meanwhile
                self._seen_s = self._clock_s()

    def as_json(self) -> dict[str, Any]:
        """For those who watch."""
        driven = self.driven
        with self._lock:
            motion = self._now or self._wanted
            return {"driven": driven, "motion": motion and motion.kind, "axis": motion and motion.axis,
                    "refusal": self._refusal, "told": self._told}  # fmt: skip

    def _word(self) -> None:
        self._seen_s = self._clock_s()
        self._held_until_s = self._seen_s + HOLD_S
