"""The daemon as it is, with `scan.capture.capture`, on a cell that stands still and a camera that draws bytes.

Every photograph is another one, of some kilobytes, and each time the shutter opens a line goes to `shutter.log`, so
that views that were taken again can be counted.
"""

import os
import random
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from scan.capture import capture
from scan.cell import CellPosture
from scan.cell_state import Believed, Photograph
from scan.plan import Plan, PlannedView
from scheduler.config import FarmSection
from scheduler.daemon import Daemon
from scheduler.disk import Disk
from scheduler.farm import only_daemon
from scheduler.reconstructions import Reconstructions
from scheduler.robot import Robot
from scheduler.room import when_there_is_room
from scheduler.store import PlantRow, Store
from trellis.clock import Clock, SystemClock
from trellis.folders import DataFolder, ScanFolder
from trellis.geometry import Pose
from trellis.lens import Lens
from trellis.manifest import ViewRecord

HERE = Pose.from_rotation_vector(np.zeros(3), (0.0, 0.0, 0.3))
LENS = Lens("PINHOLE", 1296, 972, (1000.0, 1000.0, 648.0, 486.0))
STILL = CellPosture(1.1, 1.0, 0.0, (0.0, 0.0, 0.0, 0.0))


@dataclass
class QuickCell:
    """Stands in for `scan.hardware.CellHardware` and plans as `scheduler.survey.CellSurvey` does.

    `before_view` is called before each view, with its number among those that this cell has photographed.
    """

    folder: DataFolder
    views: int = 64
    photograph_bytes: int = 4000
    pause_s: float = 0.0
    clock: Clock = field(default_factory=SystemClock)
    before_view: Callable[[int], None] = lambda number: None
    attempts: int = 2
    cell: Any = field(default_factory=lambda: SimpleNamespace(lens=LENS))

    def __post_init__(self) -> None:
        self._number = 0
        self._chance = random.Random(os.urandom(8))

    def connect(self) -> None: ...
    def close(self) -> None: ...
    def home(self) -> None: ...
    def park(self) -> None: ...
    def stop(self) -> None: ...
    def clear_stop(self) -> None: ...
    def go(self, posture: CellPosture) -> None: ...
    def approach(self, posture: CellPosture) -> None: ...

    def state(self) -> Any:
        return SimpleNamespace(as_json=dict)

    def photograph(self) -> Photograph:
        self.before_view(self._number)
        self._number += 1
        self.clock.sleep(self.pause_s)
        log = os.open(self.folder.path / "shutter.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(log, b"click\n")
        os.close(log)
        jpeg = self._chance.randbytes(self.photograph_bytes)
        return Photograph(jpeg, self.clock.utc(), Believed.of(HERE, 0.006, 0.02))

    def plan(self, plant: str) -> Plan:
        stops = tuple(PlannedView(number, HERE, STILL, (STILL,)) for number in range(self.views))
        return Plan(plant, (0.7, 0.8, 0.0), 0.1, 0.1, stops, (), 60.0)

    def photographs(self, plan: Plan, folder: ScanFolder, scan: str) -> Iterator[ViewRecord]:
        return capture(self, plan, folder, scan=scan)


def prepare(path: Path, plants: int = 1) -> DataFolder:
    """A farm with so many plants and nothing done."""
    folder = DataFolder(path)
    with Store(f"sqlite:///{folder.database}") as store:
        store.sync_plants([PlantRow(f"p{number + 1:02d}", (0.7, 0.8, 0.0)) for number in range(plants)])
    return folder


def run(
    folder: DataFolder, cell: QuickCell, ending: threading.Event, free_bytes: Callable[[], int] | None = None
) -> None:
    """The daemon, until `ending` is set; `free_bytes` stands in for what the disk says of itself."""
    section = FarmSection(reconstruct=False)
    opened = when_there_is_room(lambda: Store(f"sqlite:///{folder.database}"), ending)
    with only_daemon(folder), opened as store:
        robot = Robot(store, folder, cell, cell, cell.clock, False, ending)
        reconstructions = Reconstructions(store, folder, lambda _: ["true"], section.workers, ending)
        disk = Disk(store, folder, 0, free_bytes)
        Daemon(section, folder, store, robot, reconstructions, cell.clock, ending, disk).run()


def run_until_idle(folder: DataFolder, cell: QuickCell, free_bytes: Callable[[], int] | None = None) -> None:
    """The daemon, until no job is open."""
    ending = threading.Event()

    def watch() -> None:
        with Store(f"sqlite:///{folder.database}") as store:
            while not ending.is_set():
                if not store.queue():
                    ending.set()
                time.sleep(0.02)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    run(folder, cell, ending, free_bytes)
    watcher.join()


def fork(do: Callable[..., None], *arguments: Any) -> int:
    """Do it in a process of its own, which ends without any clearing up; its process id.

    Forked before this process has threads, so that two hundred daemons need not be imported two hundred times.
    """
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        do(*arguments)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
