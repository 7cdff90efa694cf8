"""The farm as the web process sees it: its wall, its store, its folders, and the line to the daemon."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from cdpr.config import CablesSection
from scan.cell_record import CellHistory
from scan.config import PlantTable, ViewsSection, WallSection
from scheduler.config import FarmSection, ScheduleTable, data_folder
from scheduler.disk import Disk
from scheduler.hours import Hours
from scheduler.socket import DaemonClient
from scheduler.store import Store, store_url
from trellis.config import Configuration
from trellis.durable import make_folder
from trellis.errors import TrellisError
from trellis.folders import DataFolder
from web.config import WebSection
from web.controls import Controls
from web.disk import DiskWatch
from web.growth import Growth
from web.held import Held
from web.people import People
from web.twin import Twin


@dataclass(frozen=True)
class Farm:
    """Everything that pages and the API read; nothing here touches hardware.

    Args:
        name: The farm's name, for titles.
        zone: The zone in which people read times.
        folder: Where scans lie.
        store: The database.
        daemon: The line for what cannot wait: stop, clear, state.
        plants: The plants that hang on the wall now.
        pulleys_m: Where the cables leave the frame, (x, y) in the world, in the order of the cables.
        refresh_s: How often live values are read.
        names: Names that the server goes by behind a proxy.
        config_path: The configuration file, for messages that name a command to type.
        schedules: What is due when.
        hours: When what is scheduled may run.
        views_count: How many viewpoints a scan has.
        disk: How long the disk lasts.
        growth: How fast plants grow.
        urgent: Threads kept free for stop and clear, so that no thumbnail and no reading is ever in their way.
        watching: Threads that ask for the robot's state; a daemon that hangs holds up these only.
        asking: Threads that ask the database who somebody is.
        signing: One thread for passwords: whoever floods it with guesses takes one core at most, and no other thread.
        people: Who may sign in.
        twin: The cell in space.
        calibrations: Of the cell.
        held: What was read and holds until the database changes, by what it is.
        remembered: What was worked out and holds for a while, by what it is.
        controls: Who drives the robot by hand.
    """

    name: str
    zone: ZoneInfo
    folder: DataFolder
    store: Store
    daemon: DaemonClient
    plants: tuple[PlantTable, ...]
    pulleys_m: tuple[tuple[float, float], ...]
    refresh_s: float
    names: tuple[str, ...]
    config_path: str
    schedules: tuple[ScheduleTable, ...]
    hours: Hours
    views_count: int
    disk: DiskWatch
    growth: Growth
    people: People
    twin: Twin
    calibrations: CellHistory
    held: Held
    remembered: dict[str, Any] = field(default_factory=dict)
    controls: Controls = field(default_factory=Controls)
    urgent: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4, "urgent"))
    watching: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4, "watching"))
    asking: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2, "asking"))
    signing: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "signing"))

    @staticmethod
    def of(configuration: Configuration) -> "Farm":
        """The farm that a configuration describes; opens its database."""
        section = configuration.section(FarmSection)
        folder = data_folder(configuration)
        make_folder(folder.path)
        store, plants = Store(store_url(configuration)), configuration.section(WallSection).plants
        disk = Disk(store, folder, section.disk.keep_free_bytes)
        return Farm(
            name=section.name,
            zone=section.zone,
            folder=folder,
            store=store,
            daemon=DaemonClient(folder.daemon_socket),
            plants=plants,
            pulleys_m=tuple((float(x), float(y)) for x, y in configuration.section(CablesSection).pulleys_m),
            refresh_s=configuration.section(WebSection).refresh_s,
            names=configuration.section(WebSection).names,
            config_path=str(configuration.path),
            schedules=section.schedules,
            hours=section.hours,
            views_count=configuration.section(ViewsSection).count,
            disk=DiskWatch(disk, section.schedules, len(plants), section.zone),
            growth=Growth(store),
            people=People(store),
            twin=Twin(configuration),
            calibrations=CellHistory(configuration),
            held=Held(store.change_mark),
        )

    def plant(self, name: str) -> PlantTable | None:
        """The plant of this name on the wall now."""
        return next((plant for plant in self.plants if plant.name == name), None)

    def note(self, line: str) -> None:
        """Write down what somebody did, soon; what they did does not wait for it."""

        def write() -> None:
            with suppress(TrellisError):  # a full disk keeps nobody from stopping the robot
                self.store.add_event(line)

        self.asking.submit(write)

    def close(self) -> None:
        """Let go of the database and the threads."""
        for threads in (self.urgent, self.watching, self.asking, self.signing):
            threads.shutdown(wait=False, cancel_futures=True)
        self.people.close()
        self.store.close()
