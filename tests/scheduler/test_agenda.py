"""When schedules are due: across changes of the clock in several zones, late, and with clocks that cannot be right."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.agenda import Turn, due, next_due
from scheduler.agenda_keeper import AgendaKeeper
from scheduler.config import ScheduleTable
from scheduler.recurrence import due_times
from scheduler.store import PlantRow, Store
from scheduler.wall_clock import WallClockJudge

BERLIN = ZoneInfo("Europe/Berlin")


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _one(zone: str, at: str, day: str) -> datetime:
    """The one instant at which the local time falls on a day."""
    midnight = datetime.combine(date.fromisoformat(day), time(0), tzinfo=ZoneInfo(zone)).astimezone(UTC)
    after, until = midnight - timedelta(minutes=1), midnight + timedelta(hours=12)
    (instant,) = due_times(ScheduleTable(daily_at=at), ZoneInfo(zone), after, until)
    return instant


# The right-hand sides are the published changes of each zone, worked out by hand.
@pytest.mark.parametrize(
    ("zone", "at", "day", "expected"),
    [
        ("UTC", "06:00", "2026-03-29", "2026-03-29T06:00"),
        ("Europe/Berlin", "06:00", "2026-03-28", "2026-03-28T05:00"),  # winter, +1
        ("Europe/Berlin", "06:00", "2026-03-29", "2026-03-29T04:00"),  # summer, +2
        ("Europe/Berlin", "02:30", "2026-03-29", "2026-03-29T01:00"),  # gap 02:00 to 03:00: at 03:00 local
        ("Europe/Berlin", "02:00", "2026-03-29", "2026-03-29T01:00"),
        ("Europe/Berlin", "02:30", "2026-10-25", "2026-10-25T00:30"),  # twice: the first, +2
        ("America/New_York", "02:30", "2026-03-08", "2026-03-08T07:00"),  # gap: at 03:00 EDT
        ("America/New_York", "01:30", "2026-11-01", "2026-11-01T05:30"),  # twice: the first, EDT
        ("Australia/Lord_Howe", "02:15", "2026-10-04", "2026-10-03T15:30"),  # a gap of half an hour, to +11
        ("Australia/Lord_Howe", "01:45", "2026-04-05", "2026-04-04T14:45"),  # half an hour twice: the first, +11
        ("America/Sao_Paulo", "00:00", "2018-11-04", "2018-11-04T03:00"),  # the gap is at midnight
        ("Asia/Kathmandu", "06:00", "2026-06-01", "2026-06-01T00:15"),  # +5:45
        ("Africa/Casablanca", "06:00", "2026-06-01", "2026-06-01T05:00"),
    ],
)  # fmt: skip
def test_a_local_time_of_day_falls_where_the_zone_says(zone: str, at: str, day: str, expected: str) -> None:
    assert _one(zone, at, day) == _utc(expected)


@given(
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tehran", "UTC"]),
    st.times().map(lambda value: value.replace(second=0, microsecond=0)),
    st.dates(date(2024, 1, 2), date(2030, 1, 1)),
)
def test_a_daily_time_comes_once_a_day_whatever_the_zone_does(zone: str, at: time, first: date) -> None:
    start = datetime.combine(first, at, tzinfo=ZoneInfo(zone)).astimezone(UTC) - timedelta(hours=3)
    table = ScheduleTable(daily_at=f"{at:%H:%M}")
    assert len(due_times(table, ZoneInfo(zone), start, start + timedelta(days=365))) == 365


def test_neighbouring_spans_share_no_instant_and_lose_none() -> None:
    instants = due_times(ScheduleTable(), BERLIN, _utc("2026-03-01T00:00"), _utc("2026-04-10T00:00"))
    at = instants[10]
    before = due_times(ScheduleTable(), BERLIN, _utc("2026-03-01T00:00"), at)
    after = due_times(ScheduleTable(), BERLIN, at, _utc("2026-04-10T00:00"))
    assert before + after == instants
    assert before[-1] == at


def test_a_turn_that_is_due_now_runs() -> None:
    table = ScheduleTable(name="daily", daily_at="06:00")
    turns = due([table], BERLIN, {"daily": _utc("2026-06-01T03:59")}, _utc("2026-06-01T04:00:10"))
    assert turns == [Turn("daily", _utc("2026-06-01T04:00"), "run")]


def test_a_new_schedule_has_missed_nothing() -> None:
    assert due([ScheduleTable()], BERLIN, {}, _utc("2026-06-01T04:00:10")) == []


def test_a_schedule_that_is_switched_off_has_no_turns() -> None:
    table = ScheduleTable(enabled=False)
    assert due([table], BERLIN, {"daily": _utc("2026-05-01T00:00")}, _utc("2026-06-01T04:00:10")) == []
    assert next_due(table, BERLIN, _utc("2026-06-01T00:00")) is None


def test_after_three_days_of_nothing_only_the_last_turn_runs_and_says_how_late() -> None:
    table = ScheduleTable(daily_at="06:00", missed="run", within_hours=6)
    turns = due([table], BERLIN, {"daily": _utc("2026-06-01T05:00")}, _utc("2026-06-04T06:30"))
    assert [turn.verdict for turn in turns] == ["missed", "missed", "run"]
    assert turns[2].reason == "2 h late: nothing ran when it was due"
    assert "a newer turn had come" in (turns[0].reason or "")


def test_too_late_is_missed_with_the_limit_as_reason() -> None:
    table = ScheduleTable(daily_at="06:00", missed="run", within_hours=2)
    (turn,) = due([table], BERLIN, {"daily": _utc("2026-06-01T03:00")}, _utc("2026-06-01T06:30"))
    assert turn.verdict == "missed"
    assert "more than the allowed 2 h late" in (turn.reason or "")


def test_the_policy_skip_never_runs_late() -> None:
    table = ScheduleTable(daily_at="06:00", missed="skip")
    (turn,) = due([table], BERLIN, {"daily": _utc("2026-06-01T03:00")}, _utc("2026-06-01T04:10"))
    assert (turn.verdict, "skip" in (turn.reason or "")) == ("missed", True)


def test_the_next_turn_is_told() -> None:
    assert next_due(ScheduleTable(daily_at="06:00"), BERLIN, _utc("2026-06-01T04:00")) == _utc("2026-06-02T04:00")


@pytest.fixture
def store(tmp_path: Path):
    with Store(f"sqlite:///{tmp_path / 'trellis.db'}") as opened:
        opened.sync_plants([PlantRow("p01", (0.7, 0.8, 0.0)), PlantRow("p02", (1.4, 1.0, 0.0))])
        yield opened


def _keeper(
    store: Store, *schedules: ScheduleTable, warnings: list[str] | None = None, synchronised: bool = False
) -> AgendaKeeper:
    judge = WallClockJudge(synchronised=lambda: synchronised)
    return AgendaKeeper(store, schedules, BERLIN, (warnings if warnings is not None else []).append, judge=judge)


def _live(keeper: AgendaKeeper, now: datetime) -> None:
    """Let the keeper look while the clock runs as it should."""
    keeper.follow(now, now.timestamp())


def test_a_turn_queues_a_scan_of_every_plant_once(store: Store) -> None:
    keeper = _keeper(store, ScheduleTable(daily_at="06:00"))
    for second in range(0, 180, 20):
        _live(keeper, _utc("2026-06-01T03:59") + timedelta(seconds=second))
    assert sorted(job.plant for job in store.jobs()) == ["p01", "p02"]
    assert [turn.state for turn in store.occurrences()] == ["started", "started"]


def test_days_without_a_daemon_are_rows_with_reasons(store: Store) -> None:
    table = ScheduleTable(daily_at="06:00", missed="skip", plants=("p01",))
    _keeper(store, table).follow(_utc("2026-06-01T12:00"))
    _keeper(store, table).follow(_utc("2026-06-03T12:00"))
    turns = store.occurrences()
    assert [(turn.due_at, turn.state) for turn in turns] == [
        (_utc("2026-06-03T04:00"), "missed"),
        (_utc("2026-06-02T04:00"), "missed"),
    ]
    assert all(turn.reason for turn in turns)
    assert store.jobs() == []


def test_a_plant_that_left_the_wall_is_skipped_with_that_reason(store: Store) -> None:
    keeper = _keeper(store, ScheduleTable(daily_at="06:00", plants=("p01", "p09")))
    store.sync_plants([PlantRow("p01", (0.7, 0.8, 0.0))])
    store.remember_plant(PlantRow("p09", (0.9, 0.8, 0.0), active=False))
    _live(keeper, _utc("2026-06-01T03:59"))
    _live(keeper, _utc("2026-06-01T04:00:30"))
    assert {turn.plant: (turn.state, turn.reason) for turn in store.occurrences()} == {
        "p01": ("started", None),
        "p09": ("skipped", "it is not on the wall"),
    }


def test_a_plant_whose_last_scan_still_waits_is_skipped_with_that_reason(store: Store) -> None:
    keeper = _keeper(store, ScheduleTable(daily_at="06:00", plants=("p01",)))
    _live(keeper, _utc("2026-06-01T03:59"))
    _live(keeper, _utc("2026-06-01T04:00:30"))
    _live(keeper, _utc("2026-06-02T04:00:30"))
    assert [turn.state for turn in store.occurrences()] == ["skipped", "started"]
    assert len(store.jobs()) == 1


def test_a_clock_in_1970_is_not_believed_and_it_says_so_once(store: Store) -> None:
    warnings: list[str] = []
    keeper = _keeper(store, ScheduleTable(daily_at="06:00"), warnings=warnings)
    _live(keeper, _utc("1970-01-01T05:59"))
    _live(keeper, _utc("1970-01-01T06:01"))
    assert store.occurrences() == []
    assert store.seen_until() == {}
    assert len(warnings) == 1
    assert "the clock says 1970-01-01, which cannot be; the agenda waits" in warnings[0]


def test_a_clock_that_went_back_runs_nothing_twice_and_says_so(store: Store) -> None:
    warnings: list[str] = []
    keeper = _keeper(store, ScheduleTable(daily_at="06:00", plants=("p01",)), warnings=warnings)
    _live(keeper, _utc("2026-06-01T03:59"))
    _live(keeper, _utc("2026-06-01T04:01"))
    _live(keeper, _utc("2026-06-01T03:30"))
    _live(keeper, _utc("2026-06-01T04:00:30"))
    assert len(store.occurrences()) == 1
    assert "went back" in warnings[0]
