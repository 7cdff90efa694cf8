"""`trellis doctor`: looks at everything that a farm needs, without touching the robot, and says what to do."""

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil
from rich.console import Console
from rich.table import Table

from arm.config import ArmSection
from cdpr.config import CablesSection
from scheduler.backups import backups, fault_in
from scheduler.command import DEFAULT_CONFIG, ConfigPath
from scheduler.config import FarmSection, data_folder
from scheduler.disk import Disk, words
from scheduler.socket import DaemonClient, NoDaemon
from scheduler.store import Store, store_url
from scheduler.wall_clock import BELIEVED_FROM, set_by_a_time_service
from trellis.clock import SystemClock
from trellis.config import Configuration, load_configuration
from trellis.errors import InputError, TrellisError
from trellis.folders import DataFolder

Verdict = Literal["good", "doubtful", "bad"]
#: Beyond this a flush delays every photograph noticeably: a worn card, or a disk that is busy with something else.
_SLOW_FLUSH_S = 0.1
#: A reconstruction of 64 photographs takes about this much memory.
_MEMORY_BYTES = 4_000_000_000


@dataclass(frozen=True)
class Finding:
    """What was looked at, the verdict, and one line: what was found, and what to do if it is not good."""

    what: str
    verdict: Verdict
    line: str


def doctor(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Look at configuration, disk, database, clock, ports, memory and daemon; status 2 if something is bad."""
    configuration = load_configuration(config)
    found = [Finding("configuration", "good", f"{config} is usable"), *look(configuration)]
    table = Table("", "what", "found", box=None)
    for finding in found:
        table.add_row({"good": "ok", "doubtful": "??", "bad": "!!"}[finding.verdict], finding.what, finding.line)
    Console(soft_wrap=True, highlight=False, markup=False).print(table)
    bad = [finding.what for finding in found if finding.verdict == "bad"]
    if bad:
        raise InputError(f"not well: {', '.join(bad)}; see the lines marked with !!")


def look(configuration: Configuration) -> Iterator[Finding]:
    """Every finding, one after the other."""
    farm, folder = configuration.section(FarmSection), data_folder(configuration)
    yield from _data(folder)
    yield from _database(configuration, farm, folder)
    yield _clock()
    yield from _ports(configuration)
    yield _memory()
    yield _daemon(folder)


def _data(folder: DataFolder) -> Iterator[Finding]:
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        took_s = _flush_s(folder.path)
    except OSError as error:
        line = f"{folder.path} cannot be written: {error.strerror}; check who it belongs to and [farm] data_folder"
        yield Finding("data folder", "bad", line)
        return
    verdict: Verdict = "good" if took_s < _SLOW_FLUSH_S else "doubtful"
    advice = "" if verdict == "good" else "; a worn card? An SSD lasts longer and waits less"
    yield Finding("data folder", verdict, f"{folder.path}; a flush takes {1000 * took_s:.0f} ms{advice}")


def _flush_s(folder: Path) -> float:
    """Seconds that a small file takes to be on the disk, the best of three."""
    path, taken = folder / ".doctor", []
    for _ in range(3):
        begun_s = time.perf_counter()
        with path.open("wb") as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
        taken.append(time.perf_counter() - begun_s)
    path.unlink()
    return min(taken)


def _database(configuration: Configuration, farm: FarmSection, folder: DataFolder) -> Iterator[Finding]:
    url = store_url(configuration)
    if not farm.database_url and not folder.database.exists():
        yield Finding("database", "good", "none yet; the first command makes it")
        return
    if not farm.database_url and (fault := fault_in(folder.database)) is not None:
        yield Finding("database", "bad", f"damaged: {fault}; `trellis daemon` puts it aside and makes a new one")
        return
    try:
        with Store(url) as store:
            room = Disk(store, folder, farm.disk.keep_free_bytes).room()
    except TrellisError as error:
        yield Finding("database", "bad", str(error))
        return
    yield Finding("database", "good", "sound, every page")
    if room.lacking is not None:
        yield Finding("disk", "bad", room.lacking)
    else:
        verdict: Verdict = "good" if room.scans_left() > 100 else "doubtful"
        yield Finding("disk", verdict, f"{words(room.free_bytes)} free, room for {room.scans_left()} more scans")
    copies = backups(folder)
    if not farm.database_url:
        last = copies[0].name if copies else "none; the daemon makes one a day"
        yield Finding("copies of the database", "good" if copies else "doubtful", f"{len(copies)}, the newest {last}")


def _clock() -> Finding:
    now = SystemClock().utc()
    if now < BELIEVED_FROM:
        return Finding("clock", "bad", f"says {now:%Y-%m-%d}; set it, the agenda waits (timedatectl set-ntp true)")
    if not set_by_a_time_service():
        return Finding("clock", "doubtful", f"says {now:%Y-%m-%d %H:%M} UTC; no time service keeps it")
    return Finding("clock", "good", "kept by a time service")


def _ports(configuration: Configuration) -> Iterator[Finding]:
    ports = [*configuration.section(CablesSection).ports, configuration.section(ArmSection).port]
    for port in ports:
        if "://" in port:
            yield Finding("port", "good", f"{port} (not a device of this machine)")
        elif not Path(port).exists():
            yield Finding("port", "bad", f"{port} is not there; check cable, power and udev rule")
        elif not os.access(port, os.R_OK | os.W_OK):
            yield Finding("port", "bad", f"{port} may not be used by this user; add it to the group dialout")
        else:
            yield Finding("port", "good", port)


def _memory() -> Finding:
    free = psutil.virtual_memory().available
    line = f"{words(free)} of memory to be had, {os.cpu_count()} processors"
    if free < _MEMORY_BYTES:
        return Finding("memory", "doubtful", f"{line}; a reconstruction takes up to {words(_MEMORY_BYTES)}")
    return Finding("memory", "good", line)


def _daemon(folder: DataFolder) -> Finding:
    try:
        state = DaemonClient(folder.daemon_socket).state()
    except NoDaemon:
        supervised = " (`trellis install-service`)" if shutil.which("systemctl") else ""
        return Finding("daemon", "doubtful", f"does not run; start it{supervised}")
    except TrellisError as error:
        return Finding("daemon", "bad", str(error))
    if state["stopped"]:
        return Finding("daemon", "doubtful", "runs, and is stopped; `trellis clear` lets it go on")
    if state.get("waits_for"):
        return Finding("daemon", "doubtful", f"runs, and waits: {state['waits_for']}")
    return Finding("daemon", "good", f"runs (process {state['pid']})")
