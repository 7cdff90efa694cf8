"""Child processes that end with their parent: each in a group of its own, its output in a log, watched."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from trellis.errors import TrellisError

_TAIL_LINES = 6
#: How this program is started again.
PROGRAM = (sys.executable, "-m", "trellis")
#: How long a child may take to end when it is asked to.
PATIENCE_S = 20.0


class ChildDied(TrellisError):
    """A process that was to stay up has ended; the last lines of its log say why."""

    def __init__(self, name: str, status: int, log: Path) -> None:
        said = " | ".join(tail(log, _TAIL_LINES)) or "it said nothing"
        super().__init__(f"the {name} ended with status {status}: {said} (its log: {log})")


class Children:
    """Processes of this program, started by name; leaving the block ends every one and all that they started.

    Args:
        folder: Where logs go, one for each process.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, tuple[subprocess.Popen[bytes], Path]] = {}

    def start(self, name: str, *arguments: str) -> int:
        """Start `trellis ARGUMENTS` under this interpreter; its process number."""
        log = self._folder / f"{name}.log"
        with log.open("ab") as out:
            out.truncate(0)
            process = subprocess.Popen(
                [*PROGRAM, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | {"PYTHONUNBUFFERED": "1", "NO_COLOR": "1"},
            )
        self._running[name] = (process, log)
        return process.pid

    def check(self) -> None:
        """See that all still run.

        Raises:
            ChildDied: One does not.
        """
        for name, (process, log) in self._running.items():
            status = process.poll()
            if status is not None:
                raise ChildDied(name, status, log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def end(self) -> None:
        """End all: asked to, and after some seconds, or when somebody is impatient, made to."""
        processes = [process for process, _ in self._running.values()]
        family = _family([process.pid for process in processes])
        for process in processes:
            _signal_group(process.pid, signal.SIGTERM)
        until = time.monotonic() + PATIENCE_S
        try:
            while time.monotonic() < until and any(process.poll() is None for process in processes):
                time.sleep(0.05)
        finally:
            for process in processes:
                if process.poll() is None:
                    _signal_group(process.pid, signal.SIGKILL)
                process.wait()
            for orphan in family:
                if orphan.is_running():
                    orphan.kill()
            psutil.wait_procs(family, timeout=2)
            self._running.clear()


def tail(log: Path, lines: int) -> list[str]:
    """The last lines of a log that say something."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    bare = (line.strip("│╭╮╰╯─ \t") for line in text.splitlines())  # without the frames that are drawn for a terminal
    return [line for line in bare if line][-lines:]


def _family(pids: list[int]) -> list[psutil.Process]:
    """Everything that these processes started, taken down while their parents still live."""
    found: list[psutil.Process] = []
    for pid in pids:
        try:
            found += psutil.Process(pid).children(recursive=True)
        except psutil.NoSuchProcess:
            continue
    return found


def _signal_group(pid: int, what: signal.Signals) -> None:
    try:
        os.killpg(pid, what)
    except ProcessLookupError:
        return  # it has ended by itself
