"""A worker process: started politely, followed line by line, killed with all its children when it must go."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Literal

import psutil

from scheduler.config import WorkersTable

#: A worker that computes but says nothing may take this many times `silent_s` before it counts as running in circles.
_MUTE_FACTOR = 15
_POLL_S = 0.25
_LAST_WORDS = 40
#: A grandchild that left the group may hold a pipe open after the worker's death; nobody waits for it longer.
_PIPE_PATIENCE_S = 5.0
#: Less processor time than this between two looks is what an idle interpreter uses.
_IDLE_SHARE = 0.02
_SHARE_OF_MEMORY = 0.75
#: Between two looks at how much memory it holds.
_WEIGH_S = 1.0


@dataclass(frozen=True)
class WorkerEnd:
    """How a worker ended: `done`, `refused` (it said why, and would again), `died`, or `stopped` because it had to.

    Args:
        how: As above.
        reason: One line for a person; None if done.
        last_words: The end of its standard error, for the log.
    """

    how: Literal["done", "refused", "died", "stopped"]
    reason: str | None
    last_words: str


def run_worker(
    command: Sequence[str],
    limits: WorkersTable,
    *,
    on_start: Callable[[int], None],
    on_line: Callable[[str], None],
    must_end: Callable[[], str | None],
) -> WorkerEnd:
    """Run a command to its end, or to the end that it must have.

    Args:
        command: What to run.
        limits: Niceness, memory, threads, and how long it may be silent.
        on_start: Called with the process id, which is also its process group's.
        on_line: Called with each line on its standard output.
        must_end: Asked often; a reason ends the worker and its children.
    """
    polite = [sys.executable, "-m", "scheduler.polite", str(limits.nice), str(limits.memory_bytes)]
    process = subprocess.Popen(
        [*polite, str(limits.threads), str(os.getpid()), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        on_start(process.pid)
        return _Watch(process, limits, on_line, must_end).follow()
    finally:
        _kill(process)


class _Watch:
    """Follows one process."""

    def __init__(
        self,
        process: subprocess.Popen[str],
        limits: WorkersTable,
        on_line: Callable[[str], None],
        must_end: Callable[[], str | None],
    ) -> None:
        self._process, self._silent_s, self._on_line, self._must_end = process, limits.silent_s, on_line, must_end
        self._most_bytes = memory_limit_bytes(limits)
        self._weigh_at_s = 0.0
        self._lines: queue.Queue[str] = queue.Queue()
        self._errors: deque[str] = deque(maxlen=_LAST_WORDS)
        self._spoke_s = self._alive_s = time.monotonic()
        self._busy_s = 0.0

    def follow(self) -> WorkerEnd:
        """Until it ends."""
        readers = [
            threading.Thread(target=_drain, args=(self._process.stdout, self._lines.put), daemon=True),
            threading.Thread(target=_drain, args=(self._process.stderr, self._errors.append), daemon=True),
        ]
        for reader in readers:
            reader.start()
        reason = None
        while reason is None and self._process.poll() is None:
            self._pass_on(_POLL_S)
            reason = self._must_end()
            silence = (self._silence() or self._too_big()) if reason is None else None
            if silence is not None:
                break
        stopped_by_us = reason is not None or self._process.poll() is None
        _kill(self._process)
        for reader in readers:
            reader.join(_PIPE_PATIENCE_S)
        self._pass_on(0.0)
        if reason is not None:
            return WorkerEnd("stopped", reason, self._last_words())
        return WorkerEnd("died", silence, self._last_words()) if stopped_by_us else self._judge()

    def _pass_on(self, wait_s: float) -> None:
        """Hand lines on; waits for the first one."""
        with contextlib.suppress(queue.Empty):
            line = self._lines.get(timeout=wait_s) if wait_s else self._lines.get_nowait()
            while True:
                self._spoke_s = self._alive_s = time.monotonic()
                self._on_line(line)
                line = self._lines.get_nowait()

    def _silence(self) -> str | None:
        """Why it counts as hanging, or None. Computing is a sign of life too, though not for ever."""
        now_s, busy_s = time.monotonic(), _busy_s(self._process.pid)
        if busy_s - self._busy_s > _IDLE_SHARE * max(now_s - self._alive_s, _POLL_S):
            self._busy_s, self._alive_s = busy_s, now_s
        if now_s - self._alive_s > self._silent_s:
            return f"the worker hung: it neither spoke nor computed for {self._silent_s:g} s"
        if now_s - self._spoke_s > _MUTE_FACTOR * self._silent_s:
            return f"the worker ran in circles: it said nothing for {_MUTE_FACTOR * self._silent_s:g} s"
        return None

    def _too_big(self) -> str | None:
        """Why it has to go before the machine has no memory left for the robot, or None."""
        if time.monotonic() < self._weigh_at_s:
            return None
        self._weigh_at_s = time.monotonic() + _WEIGH_S
        held = held_bytes(self._process.pid)
        if held <= self._most_bytes:
            return None
        return (
            f"the worker held {held / 1e9:.1f} GB of memory, {self._most_bytes / 1e9:.1f} GB are allowed "
            "([farm.workers] memory_bytes); use fewer or smaller photographs, or a machine with more"
        )

    def _judge(self) -> WorkerEnd:
        status = self._process.returncode
        if status == 0:
            return WorkerEnd("done", None, self._last_words())
        if status == 2:
            return WorkerEnd("refused", self._complaint(), self._last_words())
        if status < 0:
            name = signal.Signals(-status).name
            hint = "; is there enough memory?" if -status == signal.SIGKILL else ""
            return WorkerEnd("died", f"the worker was killed by {name}{hint}", self._last_words())
        return WorkerEnd("died", f"the worker failed: {self._complaint()}", self._last_words())

    def _complaint(self) -> str:
        said = [line.strip() for line in self._errors if line.strip()]
        marked = [line.removeprefix("error:").strip() for line in said if line.startswith("error:")]
        return (marked or said or [f"exit status {self._process.returncode}, and it did not say why"])[-1]

    def _last_words(self) -> str:
        return "\n".join(self._errors)


def memory_limit_bytes(limits: WorkersTable) -> float:
    """What one worker and its children may hold: as configured, or its share of three quarters of the machine."""
    return limits.memory_bytes or _SHARE_OF_MEMORY * psutil.virtual_memory().total / limits.count


def held_bytes(pid: int) -> int:
    """Memory that a process and its children hold."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                total += one.memory_info().rss
    return total


def _drain(stream: IO[str] | None, take: Callable[[str], None]) -> None:
    assert stream is not None
    with stream:
        for line in stream:
            take(line.rstrip("\n"))


def _busy_s(pid: int) -> float:
    """Processor time of a process and its children so far."""
    total_s = 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                times = one.cpu_times()
                total_s += times.user + times.system
    return total_s


def _kill(process: subprocess.Popen[str]) -> None:
    """End a process and everything in its group: asked first, then killed."""
    for sign, patience_s in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 10.0)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
            if sign == signal.SIGKILL or not _group_lives(process.pid):
                return


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
