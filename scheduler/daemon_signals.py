"""How a daemon is asked to end."""

import signal
import threading
import time
from queue import SimpleQueue
from types import FrameType

#: A signal that comes later than this after the first is somebody's impatience, not an echo: `timeout`, `systemd` and a
#: terminal may each send the first one twice.
_ECHO_S = 1.0


def end_on_signals(ending: threading.Event) -> None:
    """Set `ending` on SIGTERM or Ctrl-C; another one a second later or more ends the process at once.

    A handler runs between any two steps of the main thread, also while that thread holds the event's own lock: to set
    the event there would wait for itself for ever. `SimpleQueue.put` may be interrupted anywhere, so a thread is told
    by it, and sets the event.
    """
    asked: SimpleQueue[float] = SimpleQueue()
    first_s: list[float] = []

    def end(number: int, _frame: FrameType | None) -> None:
        now_s = time.monotonic()
        if first_s and now_s - first_s[0] > _ECHO_S:
            # What was photographed is safe, and the drives hold: nothing is lost by dying here.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        first_s.append(now_s)
        asked.put(now_s)

    def tell() -> None:
        asked.get()
        ending.set()

    threading.Thread(target=tell, daemon=True, name="signals").start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
