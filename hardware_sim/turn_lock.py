"""A lock that is handed on in the order of asking, so that a busy thread cannot starve one that wants to stop it."""

import threading
from collections import deque
from types import TracebackType


class TurnLock:
    """Not re-entrant. Python's own locks let the thread that releases one take it again at once."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held = False
        self._queue: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._queue.append(turn)
        turn.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._guard:
            if self._queue:
                self._queue.popleft().release()
            else:
                self._held = False
