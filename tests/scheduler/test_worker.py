"""Worker processes: followed line by line, limited, and ended with all their children."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from scheduler.config import WorkersTable
from scheduler.worker import WorkerEnd, run_worker


def _run(
    code: str, *arguments: str, limits: WorkersTable | None = None, end_after_line: str | None = None
) -> tuple[WorkerEnd, list[str], int]:
    lines: list[str] = []
    pids: list[int] = []
    end = run_worker(
        [sys.executable, "-u", "-c", code, *arguments],
        limits or WorkersTable(),
        on_start=pids.append,
        on_line=lines.append,
        must_end=lambda: "told to" if end_after_line in lines else None,
    )
    return end, lines, pids[0]


def test_lines_arrive_and_a_good_end_is_done() -> None:
    end, lines, _ = _run("print('one'); print('two')")
    assert (end.how, end.reason, lines) == ("done", None, ["one", "two"])


def test_status_2_is_a_refusal_with_its_one_line() -> None:
    end, _, _ = _run("import sys; print('noise\\nerror: only 2 photographs', file=sys.stderr); sys.exit(2)")
    assert (end.how, end.reason) == ("refused", "only 2 photographs")


def test_a_traceback_is_a_death_with_its_last_line() -> None:
    end, _, _ = _run("raise RuntimeError('boom')")
    assert (end.how, end.reason) == ("died", "the worker failed: RuntimeError: boom")
    assert "Traceback" in end.last_words


def test_a_killed_worker_says_by_what() -> None:
    end, _, _ = _run("import os; os.kill(os.getpid(), 9)")
    assert (end.how, end.reason) == ("died", "the worker was killed by SIGKILL; is there enough memory?")


def test_a_worker_that_neither_speaks_nor_computes_is_ended() -> None:
    end, lines, _ = _run("import time; print('hello'); time.sleep(600)", limits=WorkersTable(silent_s=1.5))
    assert lines == ["hello"]
    assert (end.how, end.reason) == ("died", "the worker hung: it neither spoke nor computed for 1.5 s")


def test_a_worker_that_computes_in_silence_is_left_alone() -> None:
    code = "import time\nuntil = time.monotonic() + 3\nwhile time.monotonic() < until: pass\nprint('done')"
    end, lines, _ = _run(code, limits=WorkersTable(silent_s=1.5))
    assert (end.how, lines) == ("done", ["done"])


def test_a_worker_that_must_end_takes_its_children_with_it(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid); print('ready'); time.sleep(600)"
    )
    end, lines, pid = _run(code, end_after_line="ready")
    assert (end.how, end.reason) == ("stopped", "told to")
    for gone in (pid, int(lines[0])):
        _wait_until_gone(gone)


def _wait_until_gone(pid: int) -> None:
    for _ in range(100):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return  # dead; its parent here is whoever adopts orphans, and may take its time to say goodbye
        except psutil.NoSuchProcess:
            return
        time.sleep(0.05)
    pytest.fail(f"process {pid} still runs")


def test_a_worker_that_ignores_a_polite_end_is_killed() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready'); time.sleep(600)"
    end, _, pid = _run(code, end_after_line="ready")
    assert end.how == "stopped"
    _wait_until_gone(pid)


def test_limits_are_those_that_were_asked_for() -> None:
    code = (
        "import os, resource; print(os.nice(0), resource.getrlimit(resource.RLIMIT_AS)[0], "
        "len(os.sched_getaffinity(0)), os.getpgid(0) == os.getpid())"
    )
    nice = os.nice(0)
    _, lines, _ = _run(code, limits=WorkersTable(nice=3, memory_bytes=2_000_000_000, threads=1))
    assert lines == [f"{nice + 3} 2000000000 1 True"]


def test_a_worker_dies_with_a_daemon_that_was_killed(tmp_path: Path) -> None:
    daemon = (
        "import sys\n"
        "from scheduler.config import WorkersTable\n"
        "from scheduler.worker import run_worker\n"
        "run_worker([sys.executable, '-c', 'import time; time.sleep(600)'], WorkersTable(), \n"
        "    on_start=lambda pid: print(pid, flush=True), on_line=print, must_end=lambda: None)"
    )
    with psutil.Popen([sys.executable, "-c", daemon], stdout=-1, text=True) as process:
        pid = int(process.stdout.readline())
        process.kill()
    _wait_until_gone(pid)


def test_a_worker_that_takes_too_much_memory_is_ended_and_says_how_much() -> None:
    code = "import time; held = bytearray(300_000_000); held[::4096] = b'x' * len(held[::4096]); time.sleep(600)"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scheduler.worker._SHARE_OF_MEMORY", 200_000_000 / psutil.virtual_memory().total)
        end, _, pid = _run(code)
    assert end.how == "died"
    assert end.reason is not None
    assert end.reason.startswith("the worker held 0.3 GB of memory, 0.2 GB are allowed")
    _wait_until_gone(pid)
