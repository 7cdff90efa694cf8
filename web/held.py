"""What was read holds until the database changes; those who ask meanwhile share it."""

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

Value = TypeVar("Value")
#: What does not stand in the database (a plant's age, a file beside a scan) is looked at again after so long.
HOLDS_S = 5.0
_MOST = 64


@dataclass
class _Kept:
    """One thing that was read, by which mark and when."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    mark: Hashable = None
    until_s: float = float("-inf")
    value: Any = None


class Held:
    """Values by name.

    Args:
        mark: Something that differs when anything was written (`Store.change_mark`).
        clock_s: A clock that only goes forward.
    """

    def __init__(self, mark: Callable[[], Hashable], clock_s: Callable[[], float] = time.monotonic) -> None:
        self._mark, self._clock_s, self._lock = mark, clock_s, threading.Lock()
        self._kept: dict[Hashable, _Kept] = {}

    def get(self, name: Hashable, read: Callable[[], Value]) -> Value:
        """What `read` gave, if nothing was written since; those who ask at once wait for one reading."""
        with self._lock:
            kept = self._kept.pop(name, None) or _Kept()
            self._kept[name] = kept  # behind all others: what was asked for longest ago goes first
            if len(self._kept) > _MOST:
                del self._kept[next(iter(self._kept))]
        with kept.lock:
            mark = self._mark()  # before reading: what is written meanwhile is read the next time
            if mark != kept.mark or self._clock_s() >= kept.until_s:
                kept.value = read()
                kept.mark, kept.until_s = mark, self._clock_s() + HOLDS_S
            return cast(Value, kept.value)
