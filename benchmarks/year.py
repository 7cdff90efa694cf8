"""A year of a whole wall in simulated time: each plant every day, a power cut a day, and devices that fail.

python -m benchmarks.year [--days 365] [--plants 54] [--seed 1] [-o benchmarks/results/year.json]    ten minutes

Agenda, queue, store, robot thread, capture and manifests are the real ones, on a simulated clock and a cell that stands
still; scans have 3 views to be quick, and take as long as one of 64 would. Each scan fails with the given chance, half
way. Power fails at a random moment of each day, in the middle of whatever is going on, and stays away for a while.
"""

import random
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from benchmarks.quick.farm import QuickCell, prepare
from benchmarks.quick.result import write_result
from benchmarks.quick.truth import taken
from scheduler.agenda_keeper import AgendaKeeper
from scheduler.config import FarmSection, ScheduleTable
from scheduler.daemon import take_up
from scheduler.recurrence import due_times
from scheduler.robot import Robot
from scheduler.store import Store
from scheduler.wall_clock import WallClockJudge
from trellis.clock import ManualClock
from trellis.errors import DeviceFault
from trellis.folders import DataFolder

BEGIN = datetime(2025, 1, 1, 3, 0, tzinfo=UTC)
ZONE = "Europe/Berlin"
VIEWS = 3
SCAN_S = 600.0
OFF_S = (60.0, 5400.0)


class PowerCut(BaseException):
    """Everything ends here; nothing may catch it."""


class YearCell(QuickCell):
    """Photographs take their time, power fails when it is due, and some scans fail half way."""

    def __init__(self, folder: DataFolder, clock: ManualClock, chance: random.Random, faults: float) -> None:
        super().__init__(folder, VIEWS, photograph_bytes=64, pause_s=SCAN_S / VIEWS, clock=clock)
        self.chance, self.faults, self.fails_at = chance, faults, BEGIN
        self.failed = 0
        self.before_view = self._go_wrong

    def photograph(self) -> Any:
        shot = super().photograph()
        if self.clock.utc() >= self.fails_at:
            raise PowerCut
        return shot

    def _go_wrong(self, _: int) -> None:
        if self.chance.random() < self.faults / VIEWS:
            self.failed += 1
            raise DeviceFault("winch 2 reports: motor failed; clear the cause, then recover")


def main(
    days: int = 365,
    plants: int = 54,
    faults: float = 0.02,
    seed: int = 1,
    where: Path = Path("/dev/shm"),
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/year.json"),
) -> None:
    """Live through it; fails if a turn is unaccounted for, or fewer than 99.5 % of plant-days are complete."""
    with tempfile.TemporaryDirectory(dir=where) as place:
        figures = year(Path(place) / "data", days, plants, faults, seed)
    command = f"python -m benchmarks.year --days {days} --plants {plants} --faults {faults} --seed {seed}"
    write_result(out, command, figures)
    assert figures["planned"] == figures["rows"], "planned is not done + missed + failed + skipped"
    assert figures["complete_share"] >= 0.995


def year(path: Path, days: int, plants: int, faults: float, seed: int) -> dict[str, Any]:
    """So many days of so many plants."""
    chance, folder = random.Random(seed), prepare(path, plants)
    clock, end = ManualClock(BEGIN), BEGIN + timedelta(days=days)
    table = ScheduleTable(daily_at="05:00", retries=2, within_hours=12)
    cell = YearCell(folder, clock, chance, faults)
    cuts = 0
    for cell.fails_at in _power_cuts(chance, days):
        cuts += _live(folder, cell, clock, table, end)
    cell.fails_at = datetime.max.replace(tzinfo=UTC)
    _live(folder, cell, clock, table, end)
    with Store(f"sqlite:///{folder.database}") as store:
        rows = store.occurrences(limit=10_000_000)
        states = Counter(row.state for row in rows)
        planned = plants * len(due_times(table, ZoneInfo(ZONE), BEGIN, end))
        without_reason = sum(row.state in ("missed", "failed", "skipped") and not row.reason for row in rows)
    return {
        "days": days,
        "plants": plants,
        "planned": planned,
        "rows": len(rows),
        **{state: states[state] for state in ("done", "missed", "failed", "skipped", "started")},
        "without_a_reason": without_reason,
        "complete_share": round(states["done"] / planned, 5),
        "power_cuts": cuts,
        "device_faults": cell.failed,
        "photographs": len(taken(folder)),
    }


def _power_cuts(chance: random.Random, days: int) -> Iterator[datetime]:
    for day in range(days):
        yield BEGIN + timedelta(days=day, seconds=chance.uniform(0, 86_000))


def _live(folder: DataFolder, cell: YearCell, clock: ManualClock, table: ScheduleTable, end: datetime) -> int:
    """One life of the daemon, from power to power cut; whether it was cut off."""
    with Store(f"sqlite:///{folder.database}", clock) as store:
        take_up(store, folder)
        farm = FarmSection(timezone=ZONE, schedules=(table,))
        keeper = AgendaKeeper(
            store, farm.schedules, farm.zone, lambda line: None, farm.hours, WallClockJudge(lambda: True)
        )
        robot = Robot(store, folder, cell, cell, clock, False, threading.Event())
        try:
            while clock.utc() < end:
                keeper.follow(clock.utc(), clock.monotonic_s())
                job = robot.next_job()
                if job is not None:
                    robot.do(job)
                else:
                    _sleep(cell, clock, end)
        except PowerCut:
            clock.sleep(cell.chance.uniform(*OFF_S))
            return 1
        keeper.follow(end, clock.monotonic_s())
        return 0


def _sleep(cell: YearCell, clock: ManualClock, end: datetime) -> None:
    """Nothing to do: a while passes, in which power may fail too."""
    clock.sleep(min(240.0, max((end - clock.utc()).total_seconds(), 1.0)))
    if clock.utc() >= cell.fails_at:
        raise PowerCut


if __name__ == "__main__":
    typer.run(main)
