"""Time as a value that is passed in: the machine's clock, or one that a simulation moves.

Nothing below the scheduler reads the wall clock. What needs time takes a `Clock`, so that a scan in simulated time
runs as fast as the computer can, and gives the same result as in real time.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.metadata import entry_points
from typing import Any, Protocol

from trellis.errors import InputError

_GROUP = "trellis.clocks"


class Clock(Protocol):
    """A clock to live by: `monotonic_s` never goes back, `utc` is what a calendar says."""

    def monotonic_s(self) -> float:
        """Seconds since an arbitrary start."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass; nothing happens for zero or less."""
        ...

    def utc(self) -> datetime:
        """Now, timezone-aware, in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def monotonic_s(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)

    def utc(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that moves only when somebody sleeps; `on_advance` lets a simulation follow it."""

    def __init__(self, start: datetime, on_advance: Callable[[float], None] | None = None) -> None:
        self._start = start.astimezone(UTC)
        self._elapsed_s = 0.0
        self._on_advance = on_advance

    def monotonic_s(self) -> float:
        return self._elapsed_s

    def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        self._elapsed_s += seconds
        if self._on_advance is not None:
            self._on_advance(seconds)

    def utc(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed_s)


def known_clocks() -> list[str]:
    """The names that `clock_named` takes."""
    return ["system", *sorted(point.name for point in entry_points(group=_GROUP))]


def clock_named(name: str, options: dict[str, Any] | None = None) -> Clock:
    """The clock that devices live by: `system`, or one that an installed package offers.

    Args:
        name: `system`, or the name of an entry point in the group `trellis.clocks`, a callable that takes `options`
            as keyword arguments and returns a `Clock`. The simulator offers `sim`.
        options: Passed to that callable; `system` takes none.
    """
    if name == "system":
        return SystemClock()
    found = {point.name: point for point in entry_points(group=_GROUP)}
    if name not in found:
        raise InputError(f"no clock is called {name!r}; known are {', '.join(known_clocks())}")
    clock: Clock = found[name].load()(**(options or {}))
    return clock
