"""Becoming a worker: give way to the robot, keep to the limits, die with the daemon, then run a command in its place.

Run as `python -m scheduler.polite NICE MEMORY_BYTES THREADS PARENT_PID COMMAND...`. It imports almost nothing, because
it is started for every reconstruction, and does between fork and exec what a program with threads must not do there.
"""

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(nice: str, memory_bytes: str, threads: str, parent_pid: str, *command: str) -> None:
    """Take on the limits and become `command`; see `scheduler.config.WorkersTable`."""
    # Should the daemon be killed, nobody is left to watch this process: the kernel ends it with its parent.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent_pid):
        sys.exit("the daemon ended before its worker had begun")
    os.nice(int(nice))
    if int(memory_bytes):
        resource.setrlimit(resource.RLIMIT_AS, (int(memory_bytes), int(memory_bytes)))
    if int(threads):
        # Every library counts the processors it may use; so this bounds all of their threads at once.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-int(threads) :])
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
