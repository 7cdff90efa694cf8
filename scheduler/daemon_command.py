"""`trellis daemon`: the farm's headless half, put together from a configuration."""

import threading
from importlib import import_module

from scan.board import wall_board
from scan.config import ViewsSection, WallSection
from scan.hardware import CellHardware
from scheduler.command import DEFAULT_CONFIG, ConfigPath
from scheduler.config import FarmSection, data_folder
from scheduler.daemon import Daemon, Workers
from scheduler.daemon_signals import end_on_signals
from scheduler.disk import Disk
from scheduler.farm import only_daemon, open_store
from scheduler.flight_book import Flights
from scheduler.forecast import Durations
from scheduler.hand_moves import CellMoves
from scheduler.learning import Learning
from scheduler.logs import log_to_stderr
from scheduler.preflight import Preflight
from scheduler.reconstructions import Reconstructions, reconstruct_command
from scheduler.rescue import open_or_rescue
from scheduler.robot import Robot
from scheduler.room import when_there_is_room
from scheduler.store import Store, store_url
from scheduler.survey import CellSurvey
from scheduler.waiting import Begin
from trellis.clock import SystemClock
from trellis.config import Configuration, load_configuration
from trellis.errors import InputError
from trellis.folders import DataFolder


def daemon(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Run the farm: own the robot, follow the schedules, do what is asked for. Ends on SIGTERM or Ctrl-C."""
    log_to_stderr()
    configuration = load_configuration(config)
    folder = data_folder(configuration)
    ending = threading.Event()
    end_on_signals(ending)
    with only_daemon(folder), when_there_is_room(lambda: _open(configuration), ending) as store:
        _daemon(configuration, store, ending).run()


def _open(configuration: Configuration) -> Store:
    """The store; an SQLite database inside the data folder is rescued if it must be."""
    if configuration.section(FarmSection).database_url:
        return open_store(configuration)
    return open_or_rescue(lambda: open_store(configuration), data_folder(configuration), SystemClock().utc())


def _daemon(configuration: Configuration, store: Store, ending: threading.Event) -> Daemon:
    farm, folder, clock = configuration.section(FarmSection), data_folder(configuration), SystemClock()
    hardware = CellHardware(configuration, folder.carriage)
    survey = CellSurvey(configuration, hardware, clock)
    views = configuration.section(ViewsSection).count
    begin = Begin(farm.hours, lambda: Durations.of(store.scans(limit=500), views))
    disk = Disk(store, folder, farm.disk.keep_free_bytes)
    check = Preflight(hardware, hardware.cell.lens, wall_board(configuration), disk.check)
    robot = Robot(
        store, folder, hardware, survey, clock, farm.reconstruct, ending, begin.why_not, check, Flights(hardware),
        CellMoves(configuration, hardware, clock),
    )  # fmt: skip
    command = reconstruct_command(configuration.path.resolve(), configuration.section(WallSection))
    learning = Learning(configuration, store, clock)
    reconstructions: Workers = Reconstructions(store, folder, command, farm.workers, ending, learning.after)
    if farm.workers.scheduler:
        reconstructions = _cluster(configuration, store, folder, ending)
    return Daemon(farm, folder, store, robot, reconstructions, clock, ending, disk)


def _cluster(configuration: Configuration, store: Store, folder: DataFolder, ending: threading.Event) -> Workers:
    """Workers on other machines. Only a farm that has some needs Dask."""
    try:
        module = import_module("scheduler.cluster")
    except ModuleNotFoundError as error:
        raise InputError(
            f"[farm.workers] scheduler needs {error.name}: install trellis-farm[cluster] on every machine"
        ) from error
    farm, path = configuration.section(FarmSection), str(configuration.path.resolve())
    limits = farm.workers
    url, wall = store_url(configuration), configuration.section(WallSection)
    work = module.Work(url, str(folder.path), limits.storage_url, configuration=path, limits=limits, wall=wall)
    workers: Workers = module.Cluster(limits.scheduler, store, folder, work, ending)
    return workers
