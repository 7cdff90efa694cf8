"""The next turns: when they are likely to begin and end, and what is said about conflicts."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from scheduler.config import ScheduleTable
from scheduler.forecast import Durations
from scheduler.hours import Hours
from scheduler.preview import ComingTurn, coming_turns

UTC_ZONE = ZoneInfo("UTC")
NOW = datetime(2026, 6, 1, 0, 0, tzinfo=UTC)
TEN_MINUTES = Durations({}, 600.0)


def _turns(*schedules: ScheduleTable, hours: Hours | None = None, plants: int = 3, count: int = 10) -> list[ComingTurn]:
    names = [f"p{number:02d}" for number in range(plants)]
    return coming_turns(schedules, UTC_ZONE, hours or Hours((), (), UTC_ZONE), TEN_MINUTES, names, NOW, count=count)


def test_ten_turns_of_two_schedules_come_in_order_with_their_ends() -> None:
    turns = _turns(ScheduleTable(daily_at="06:00"), ScheduleTable(name="one", daily_at="18:00", plants=("p01",)))
    assert len(turns) == 10
    assert [turn.schedule for turn in turns[:4]] == ["daily", "one", "daily", "one"]
    assert turns[0].ends_at == datetime(2026, 6, 1, 6, 30, tzinfo=UTC)
    assert turns[1].ends_at == datetime(2026, 6, 1, 18, 10, tzinfo=UTC)
    assert all(turn.conflicts == () for turn in turns)


def test_a_turn_that_comes_while_another_lasts_begins_late_and_says_so() -> None:
    turns = _turns(
        ScheduleTable(daily_at="06:00"), ScheduleTable(name="two", daily_at="06:10", plants=("p00",)), count=2
    )
    assert turns[1].begins_at == datetime(2026, 6, 1, 6, 30, tzinfo=UTC)
    assert turns[1].conflicts[0].startswith("begins 20 min late: the robot is busy")


def test_a_plant_whose_scan_will_not_have_ended_is_skipped_and_says_until_when() -> None:
    turns = _turns(
        ScheduleTable(daily_at="06:00"), ScheduleTable(name="two", daily_at="06:10", plants=("p02",)), count=2
    )
    assert turns[1].begins_at is None
    assert turns[1].conflicts == ("p02 skipped: an earlier scan is likely to last until 2026-06-01 06:30",)


def test_more_plants_than_the_day_has_light_for_go_on_the_next_day() -> None:
    hours = Hours.of(["06:00-07:00"], [], UTC_ZONE)
    first, second = _turns(ScheduleTable(daily_at="06:00"), hours=hours, plants=8, count=2)
    assert first.ends_at == datetime(2026, 6, 2, 6, 20, tzinfo=UTC)
    assert "p06, p07 skipped: an earlier scan is likely to last until 2026-06-02 06:20" in second.conflicts
    assert second.begins_at == datetime(2026, 6, 2, 6, 20, tzinfo=UTC)


def test_a_turn_outside_the_hours_waits_or_is_skipped() -> None:
    hours = Hours.of(["08:00-20:00"], [], UTC_ZONE)
    (waits,) = _turns(ScheduleTable(daily_at="06:00"), hours=hours, count=1)
    assert (waits.begins_at, waits.conflicts) == (NOW + timedelta(hours=8), ("begins 2.0 h late: the lights are off",))
    (skipped,) = _turns(ScheduleTable(daily_at="06:00", closed="skip"), hours=hours, count=1)
    assert (skipped.begins_at, skipped.conflicts) == (None, ("skipped: the lights are off",))


def test_a_scan_that_never_fits_the_hours_is_said() -> None:
    hours = Hours.of(["06:00-06:05"], [], UTC_ZONE)
    (turn,) = _turns(ScheduleTable(daily_at="06:00", plants=("p00",)), hours=hours, count=1)
    assert "p00 never fits" in turn.conflicts[0]
