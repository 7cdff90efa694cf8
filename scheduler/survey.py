"""Planning a plant's scan and taking its photographs with the configured cell, for the robot's thread."""

from collections.abc import Iterator
from datetime import date

from scan.board import wall_board
from scan.capture import capture
from scan.config import ViewsSection, WallSection
from scan.hardware import CellHardware
from scan.plan import Plan, plan
from scan.sizes import age_days, obstacles, one_of
from scheduler.config import FarmSection
from trellis.clock import Clock
from trellis.config import Configuration
from trellis.folders import ScanFolder
from trellis.manifest import ViewRecord


class CellSurvey:
    """The real `scheduler.robot.Survey`.

    Args:
        configuration: Sections `[wall]`, `[views]` and `[farm]`.
        hardware: The cell; connected and homed before `photographs`.
        clock: Says how old plants are today.
    """

    def __init__(self, configuration: Configuration, hardware: CellHardware, clock: Clock) -> None:
        self._configuration, self._hardware, self._clock = configuration, hardware, clock
        self._wall = configuration.section(WallSection)
        self._last: tuple[str, date, Plan] | None = None

    def plan(self, plant: str) -> Plan:
        """The drive around a plant, its neighbours at the size that they are likely to have today.

        Raises:
            InputError: The wall names no such plant.
            Unreachable: Too few views of it can be had.
        """
        today = self._today()
        if self._last is None or self._last[:2] != (plant, today):
            wanted, others = one_of(obstacles(self._wall, today), plant)
            views, start = self._configuration.section(ViewsSection), self._hardware.standing
            self._last = plant, today, plan(self._hardware.cell, wanted, others, views, start=start)
        return self._last[2]  # a scan that goes on after a stop does not wait to be planned again

    def photographs(self, plan: Plan, folder: ScanFolder, scan: str) -> Iterator[ViewRecord]:
        """What is missing of the plan; see `scan.capture.capture`."""
        self._hardware.renew_beliefs()
        table = next(table for table in self._wall.plants if table.name == plan.plant)
        return capture(
            self._hardware,
            plan,
            folder,
            scan=scan,
            cultivar=table.cultivar,
            age_days=age_days(table, self._today()),
            board=wall_board(self._configuration),
        )

    def _today(self) -> date:
        return self._clock.utc().astimezone(self._configuration.section(FarmSection).zone).date()
