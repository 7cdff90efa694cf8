"""A full disk is waited for: nothing that had to be written down is dropped because there was no room for it."""

import threading
from collections.abc import Callable
from typing import TypeVar

import structlog

from trellis.errors import OutOfSpace

log = structlog.get_logger("disk")

_Result = TypeVar("_Result")
_AGAIN_S = 1.0
_SAY_AGAIN = 60


def when_there_is_room(do: Callable[[], _Result], ending: threading.Event, *, again_s: float | None = None) -> _Result:
    """Do it, again and again until the disk takes it.

    Args:
        do: May raise `OutOfSpace`; must then be as if it had never begun.
        ending: Whether the daemon is to end; then nothing is waited for.
        again_s: How long to wait between attempts; a second, if not given.

    Raises:
        OutOfSpace: There was no room until the daemon had to end.
    """
    attempts = 0
    while True:
        try:
            return do()
        except OutOfSpace as error:
            if attempts % _SAY_AGAIN == 0:
                log.error("waits for room on the disk", reason=str(error))
            attempts += 1
            if ending.wait(_AGAIN_S if again_s is None else again_s):
                raise
