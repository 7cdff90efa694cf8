"""A daemon is asked to end by signals, which come when they like: also twice, and also at the worst moment."""

import signal
import subprocess
import sys

WORST_MOMENT = """
import os, signal, sys, threading
from scheduler import daemon_signals
daemon_signals._ECHO_S = float(sys.argv[1])
ending = threading.Event()
daemon_signals.end_on_signals(ending)
with ending._cond:  # as the main thread does for some microseconds, each time that it waits
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
sys.exit(0 if ending.wait(10) else 1)
"""


def _status(echo_s: float) -> int:
    # A handler that waits for the lock that its own thread holds would never end: 20 s tell.
    return subprocess.run([sys.executable, "-c", WORST_MOMENT, str(echo_s)], timeout=20, check=False).returncode


def test_two_signals_while_the_event_is_locked_end_it_politely() -> None:
    assert _status(echo_s=5.0) == 0


def test_another_signal_later_ends_the_process_at_once() -> None:
    assert _status(echo_s=-1.0) == -signal.SIGINT
