"""A clock that jumps, goes back or starts in 1970: the agenda waits, says so, and runs nothing twice."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from scheduler.agenda_keeper import AgendaKeeper
from scheduler.config import ScheduleTable
from scheduler.store import PlantRow, Store
from scheduler.wall_clock import WallClockJudge, set_by_a_time_service

NOW = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


class _Farm:
    """A keeper of one daily schedule at 04:00 UTC, and a machine with two clocks."""

    def __init__(self, store: Store, synchronised: bool = False) -> None:
        self.store, self.said, self.synchronised = store, [], synchronised
        self.keeper = AgendaKeeper(
            store,
            (ScheduleTable(daily_at="04:00", plants=("p01",)),),
            ZoneInfo("UTC"),
            self.said.append,
            judge=WallClockJudge(lambda: self.synchronised),
        )
        self.wall, self.monotonic_s = NOW, 1000.0

    def live(self, span: timedelta, step: timedelta = timedelta(minutes=2)) -> None:
        for _ in range(int(span / step)):
            self.wall, self.monotonic_s = self.wall + step, self.monotonic_s + step.total_seconds()
            self.keeper.follow(self.wall, self.monotonic_s)

    def turns(self) -> list[tuple[int, str]]:
        return sorted((turn.due_at.day, turn.state) for turn in self.store.occurrences())


@pytest.fixture
def store(tmp_path: Path):
    with Store(f"sqlite:///{tmp_path / 'trellis.db'}") as opened:
        opened.sync_plants([PlantRow("p01", (0.7, 0.8, 0.0))])
        yield opened


def _scan(store: Store) -> None:
    for job in store.queue():
        store.finish_job(job.id, "done")


def test_an_hour_forward_is_watched_for_five_minutes_and_then_believed(store: Store) -> None:
    farm = _Farm(store)
    farm.live(timedelta(minutes=20))
    farm.wall += HOUR
    farm.live(timedelta(minutes=4))
    assert farm.turns() == []
    assert "the clock jumped forward by 60 min; the agenda waits for 5 min" in farm.said[0]
    farm.live(timedelta(minutes=4))
    assert farm.turns() == [(1, "started")]
    assert farm.said[-1] == "the clock is believed again; the agenda goes on"


def test_a_jump_that_is_taken_back_within_five_minutes_leaves_no_trace(store: Store) -> None:
    farm = _Farm(store)
    farm.live(timedelta(minutes=20))
    farm.wall += timedelta(days=30)
    farm.live(timedelta(minutes=4))
    farm.wall -= timedelta(days=30)
    farm.live(timedelta(minutes=10))
    assert farm.turns() == []
    farm.live(HOUR)
    assert farm.turns() == [(1, "started")]


def test_a_clock_set_back_by_a_time_service_runs_nothing_twice(store: Store) -> None:
    farm = _Farm(store, synchronised=True)
    farm.live(2 * HOUR)
    _scan(store)
    farm.wall -= 2 * HOUR
    farm.live(3 * HOUR)
    assert farm.turns() == [(1, "done")]
    assert any("the clock was ahead: the schedules daily go on from" in line for line in farm.said)


def test_days_that_were_missed_by_a_false_clock_get_their_turn_when_they_come(store: Store) -> None:
    farm = _Farm(store, synchronised=True)
    farm.live(2 * HOUR)
    _scan(store)
    farm.wall += timedelta(days=3)
    farm.live(timedelta(minutes=10))
    assert farm.turns() == [(1, "done"), (2, "missed"), (3, "missed"), (4, "started")]
    _scan(store)
    farm.wall -= timedelta(days=3)
    for _ in range(3):
        farm.live(24 * HOUR, timedelta(hours=0.25))
        _scan(store)
    # The scan that the false fourth day had is not made again; the other days had none.
    assert farm.turns() == [(1, "done"), (2, "done"), (3, "done"), (4, "done")]


def test_without_a_time_service_a_clock_that_went_back_waits_for_a_word(store: Store) -> None:
    farm = _Farm(store)
    farm.live(2 * HOUR)
    _scan(store)
    farm.wall -= timedelta(days=2)
    farm.live(20 * HOUR)  # until the last of May, an hour after midnight
    assert farm.turns() == [(1, "done")]
    assert "this farm has already seen" in farm.said[0]
    assert "trellis agenda believe-clock" in farm.said[0]
    farm.keeper.judge.believe()
    farm.live(24 * HOUR)
    assert farm.turns() == [(1, "done"), (31, "started")]


def test_a_farm_that_starts_in_1970_goes_on_when_the_clock_is_set(store: Store) -> None:
    farm = _Farm(store)
    farm.wall = datetime(1970, 1, 1, 3, 30, tzinfo=UTC)
    farm.live(HOUR)
    assert farm.turns() == []
    farm.wall = NOW
    farm.live(2 * HOUR)
    assert farm.turns() == [(1, "started")]


def test_a_clock_years_ahead_is_not_believed_without_a_time_service(store: Store) -> None:
    farm = _Farm(store)
    farm.live(2 * HOUR)
    _scan(store)
    farm.wall += timedelta(days=3000)
    farm.live(2 * HOUR)
    assert farm.turns() == [(1, "done")]
    assert "more than a year after" in farm.said[0]


def test_the_kernel_is_asked_without_an_error() -> None:
    assert set_by_a_time_service() in (True, False)
