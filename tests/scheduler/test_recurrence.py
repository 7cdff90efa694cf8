"""Which instants schedules name, against brute force over every minute of many zones; and rules that are refused."""

import hashlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pytest
from pydantic import ValidationError

from scheduler.config import ScheduleTable
from scheduler.recurrence import due_times, next_time
from tests.scheduler.zone_oracle import instants, local_minutes, wall_clock

RULES = {
    "daily 02:30": ScheduleTable(daily_at="02:30"),
    "daily 00:00": ScheduleTable(daily_at="00:00"),
    "mon thu 06:15": ScheduleTable(daily_at="06:15", days=("mon", "thu")),
    "cron */30 0-3 * 3,4,9-11 *": ScheduleTable(cron="*/30 0-3 * 3,4,9-11 *"),
    "cron 15 2 1,15 3-11 *": ScheduleTable(cron="15 2 1,15 3-11 *"),
    "cron 30 1 * * 0": ScheduleTable(cron="30 1 * * 0"),
    "rrule every other week": ScheduleTable(rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;BYHOUR=2"),
    "rrule last day": ScheduleTable(rrule="FREQ=MONTHLY;BYMONTHDAY=-1;BYHOUR=1"),
}
# Half-hour changes, changes at midnight, Ramadan in the middle of summer time, a gap of two hours.
HARD = ("Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "Africa/Casablanca", "Asia/Gaza", "Antarctica/Troll")
WIDE = timedelta(days=9)


def compare(zone_name: str, first: datetime, last: datetime, rules: dict[str, ScheduleTable]) -> int:
    """How many instants were compared; the oracle sees some days more, for what lies at the ends."""
    zone = ZoneInfo(zone_name)
    begin_min, wall_min = wall_clock(zone, first - WIDE, last + WIDE)
    total = 0
    for name, table in rules.items():
        wanted_min = local_minutes(first - WIDE / 2, last + WIDE / 2, name)
        found = instants(begin_min, wall_min, wanted_min)
        low, high = (int(at.timestamp()) // 60 for at in (first, last))
        expected = found[(found > low) & (found <= high)]
        told = np.array([int(at.timestamp()) // 60 for at in due_times(table, zone, first, last)])
        np.testing.assert_array_equal(told, expected, err_msg=f"{zone_name}, {name}")
        total += len(expected)
    return total


@pytest.mark.parametrize("zone", HARD)
def test_a_year_of_every_kind_of_rule_match_brute_force(zone: str) -> None:
    rules = {name: table for name, table in RULES.items() if table.starts.year == 2024}
    total = compare(zone, datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), rules)
    assert total > 1_500  # 8 a day in five months from one of the rules alone


@pytest.mark.slow
@pytest.mark.timeout(5400)
def test_all_zones_from_2020_to_2037_match_brute_force() -> None:
    first, last = datetime(2020, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
    # Rules that count from 2024 say nothing about the years before.
    rules = {name: table for name, table in RULES.items() if not table.rrule}
    later = {name: table for name, table in RULES.items() if table.rrule}
    seen = set()
    for zone in sorted(available_timezones()):
        digest = hashlib.sha256(wall_clock(ZoneInfo(zone), first, last)[1].tobytes()).digest()
        if digest in seen:
            continue  # another name for a clock that was compared already
        seen.add(digest)
        assert compare(zone, first, last, rules) > 30_000
        assert compare(zone, datetime(2024, 2, 1, tzinfo=UTC), last, later) > 100
    assert len(seen) > 100


def test_a_rule_that_never_comes_again_has_no_next_turn() -> None:
    table = ScheduleTable(rrule="FREQ=DAILY;COUNT=3;BYHOUR=6")
    assert next_time(table, ZoneInfo("UTC"), datetime(2024, 1, 2, 7, tzinfo=UTC)) == datetime(2024, 1, 3, 6, tzinfo=UTC)
    assert next_time(table, ZoneInfo("UTC"), datetime(2024, 1, 3, 6, tzinfo=UTC)) is None


def test_a_leap_day_is_found_years_ahead() -> None:
    table = ScheduleTable(cron="0 6 29 2 *")
    assert next_time(table, ZoneInfo("UTC"), datetime(2024, 3, 1, tzinfo=UTC)) == datetime(2028, 2, 29, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"cron": "0 6 * *"}, "five fields"),
        ({"cron": "0 25 * * *"}, "Bad hour"),
        ({"cron": "0 6 31 2 *"}, "Bad day-of-month"),
        ({"rrule": "FREQ=MINUTELY"}, "FREQ of an rrule is DAILY, WEEKLY, MONTHLY, YEARLY"),
        ({"rrule": "BYHOUR=6"}, "FREQ of an rrule"),
        ({"rrule": "FREQ=DAILY;BYHOUR=25"}, "hour must be in 0..23"),
        ({"rrule": "FREQ=DAILY;TEA=5"}, "unknown parameter"),
        ({"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "never comes"),
        ({"cron": "0 6 * * *", "rrule": "FREQ=DAILY"}, "one of daily_at"),
        ({"cron": "0 6 * * *", "days": ("mon",)}, "one of daily_at"),
        ({"days": ("monday",)}, "days are mon, tue"),
        ({"daily_at": "24:00"}, "HH:MM"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_the_reason(keys: dict, complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        ScheduleTable(**keys)
