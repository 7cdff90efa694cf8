"""How a daemon is asked to end."""

import signal
import threading


def end_on_signals(ending: threading.Event) -> None:
    """Set `ending` on SIGTERM or Ctrl-C; a second one ends the process at once."""

    def end(number: int, _frame: object) -> None:
        ending.set()
        # What was photographed is safe, and the drives hold: nothing is lost by dying here.
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
