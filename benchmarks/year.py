"""A year of a whole wall in simulated time: each plant every day, a power cut a day, and devices that fail.

python -m benchmarks.year [--days 365] [--plants 54] [--seed 1] [-o benchmarks/results/year.json]    half an hour
python -m benchmarks.year --keep FOLDER --for-s 200      in pieces, each going on where the last one was; status 3

Agenda, queue, store, robot thread, capture and manifests are the real ones, on a simulated clock and a cell that stands
still; scans have 3 views to be quick, and take as long as one of 64 would. Each scan fails with the given chance, half
way. Power fails at a random moment of each day, in the middle of whatever is going on, and stays away for a while.
"""

import pickle
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
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
    keep: Annotated[Path | None, typer.Option(help="Where a year that is lived in pieces is kept.")] = None,
    for_s: Annotated[float, typer.Option(help="End this piece after so many seconds.")] = float("inf"),
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/year.json"),
) -> None:
    """Live through it; fails if a turn is unaccounted for, or fewer than 99.5 % of plant-days are complete."""
    with tempfile.TemporaryDirectory(dir=where) as place:
        figures = year(keep or Path(place) / "data", days, plants, faults, seed, for_s)
    if figures is None:
        raise typer.Exit(3)
    command = f"python -m benchmarks.year --days {days} --plants {plants} --faults {faults} --seed {seed}"
    write_result(out, command, figures)
    assert figures["planned"] == figures["rows"], "planned is not done + missed + failed + skipped"
    assert figures["complete_share"] >= 0.995


def year(
    path: Path, days: int, plants: int, faults: float, seed: int, for_s: float = float("inf")
) -> dict[str, Any] | None:
    """So many days of so many plants; None if the time was up before, and the same call goes on."""
    until_s = time.monotonic() + for_s
    table = ScheduleTable(daily_at="05:00", retries=2, within_hours=12)
    kept = path / "year.pickle"
    life = pickle.loads(kept.read_bytes()) if kept.exists() else Life.begun(path, days, plants, seed)
    folder, end = DataFolder(path), BEGIN + timedelta(days=days)
    clock = ManualClock(life.now)
    cell = YearCell(folder, clock, life.chance, faults)
    cell.failed = life.device_faults
    while life.cuts_to_come:
        if time.monotonic() > until_s:
            print(f"{life.now:%Y-%m-%d}: {len(life.cuts_to_come)} days to come", flush=True)
            return None
        cell.fails_at = life.cuts_to_come.pop(0)
        life.cuts += _live(folder, cell, clock, table, end)
        life.now, life.device_faults = clock.utc(), cell.failed
        kept.write_bytes(pickle.dumps(life))
    cell.fails_at = datetime.max.replace(tzinfo=UTC)
    _live(folder, cell, clock, table, end)
    return _figures(folder, life, table, end, days, plants) | {"device_faults": cell.failed}


@dataclass
class Life:
    """Where a year stands between two lives of the daemon."""

    chance: random.Random
    cuts_to_come: list[datetime]
    now: datetime = BEGIN
    cuts: int = 0
    device_faults: int = 0

    @classmethod
    def begun(cls, path: Path, days: int, plants: int, seed: int) -> "Life":
        chance = random.Random(seed)
        prepare(path, plants)
        return cls(chance, list(_power_cuts(chance, days)))


def _figures(
    folder: DataFolder, life: Life, table: ScheduleTable, end: datetime, days: int, plants: int
) -> dict[str, Any]:
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
        "power_cuts": life.cuts,
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
