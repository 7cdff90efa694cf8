"""What a daemon asked of the disk, from a trace of its system calls: files, writes, renames, flushes, in order.

`strace` sees every call, SQLite's too. Only what concerns the farm's folder is kept. A line that the daemon prints
(`said`) is kept in its place, so that one knows what it had promised by then.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_CALLS = "openat,write,pwrite64,fsync,fdatasync,rename,renameat,unlink,unlinkat,mkdir,ftruncate"
_LINE = re.compile(r"^(\d+) +(.*)$")
_CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_HANDLE = re.compile(r"(\d+)<((?:\\x[0-9a-f]{2})+)>")


@dataclass(frozen=True)
class Step:
    """One thing asked of the disk; `at` is an offset, or a size for `truncated`; -1 is the end of the file."""

    what: Literal["made", "written", "flushed", "renamed", "removed", "folder", "truncated", "said"]
    path: str = ""
    to: str = ""
    data: bytes = b""
    at: int = -1


def trace(folder: Path, views: int, log: Path) -> list[Step]:
    """The steps of one scan of so many views by the daemon on a prepared farm."""
    command = [sys.executable, "-m", "benchmarks.quick.one_scan", str(folder), str(views)]
    options = ["-f", "-y", "-xx", "-s", "10000000", "-e", f"trace={_CALLS}", "-o", str(log)]
    subprocess.run(["strace", *options, *command], check=True, stdout=subprocess.DEVNULL, timeout=600)
    return list(_steps(log, str(folder)))


def _steps(log: Path, folder: str) -> Iterator[Step]:
    unfinished: dict[str, str] = {}
    with log.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            found = _LINE.match(line.rstrip("\n"))
            if found is None:
                continue
            thread, text = found.groups()
            if text.endswith("<unfinished ...>"):
                unfinished[thread] = text.removesuffix("<unfinished ...>").rstrip()
                continue
            if text.startswith("<... "):
                text = unfinished.pop(thread, "") + text.split("resumed>", 1)[1]
            call = _CALL.match(text)
            if call is not None and int(call[3]) >= 0:
                yield from (step for step in _step(call[1], call[2]) if step.what == "said" or _in(step.path, folder))


def _step(name: str, arguments: str) -> Iterator[Step]:
    texts = [bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(arguments)]
    handle = _HANDLE.search(arguments)
    path = _unhex(handle[2]) if handle else ""
    if name == "openat" and ("O_CREAT" in arguments or "O_TRUNC" in arguments):
        yield Step("made", texts[0].decode(), to="anew" if "O_TRUNC" in arguments else "")
    elif name == "write" and handle is not None and handle[1] == "1":
        yield Step("said", data=texts[0])
    elif name == "write":
        yield Step("written", path, data=texts[0] if texts else b"")
    elif name == "pwrite64":
        yield Step("written", path, data=texts[0] if texts else b"", at=int(arguments.rsplit(",", 1)[1], 0))
    elif name in ("fsync", "fdatasync"):
        yield Step("flushed", path)
    elif name in ("rename", "renameat"):
        yield Step("renamed", texts[0].decode(), to=texts[1].decode())
    elif name in ("unlink", "unlinkat"):
        yield Step("removed", texts[0].decode())
    elif name == "mkdir":
        yield Step("folder", texts[0].decode())
    elif name == "ftruncate":
        yield Step("truncated", path, at=int(arguments.rsplit(",", 1)[1], 0))


def _in(path: str, folder: str) -> bool:
    return f"{path}/".startswith(folder + "/") and not path.endswith(("-shm", ".sock", ".lock", "shutter.log"))


def _unhex(text: str) -> str:
    return bytes.fromhex(text.replace("\\x", "")).decode(errors="replace")
