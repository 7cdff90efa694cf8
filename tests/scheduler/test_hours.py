"""Lights and quiet hours, over midnight and changes of the clock; when a scan may begin so that it ends in time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from scheduler.config import FarmSection
from scheduler.forecast import Durations, Slot, lay_out, place
from scheduler.hours import Hours
from scheduler.rows import JobRow, ScanRow

BERLIN = ZoneInfo("Europe/Berlin")
ALWAYS = Hours((), (), BERLIN)


def _at(text: str) -> datetime:
    """A local time in Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def test_lights_over_midnight_and_a_quiet_noon() -> None:
    hours = Hours.of(["22:00-14:00"], ["12:00-13:00"], BERLIN)
    open_at = {
        text: hours.why_closed(_at(f"2026-06-01T{text}")) for text in ("21:59", "22:00", "03:00", "12:30", "13:00")
    }
    assert open_at == {
        "21:59": "the lights are off",
        "22:00": None,
        "03:00": None,
        "12:30": "quiet hours until 13:00",
        "13:00": None,
    }
    assert hours.opens(_at("2026-06-01T12:10")) == _at("2026-06-01T13:00")
    assert hours.opens(_at("2026-06-01T15:00")) == _at("2026-06-01T22:00")
    assert hours.closes(_at("2026-06-01T22:00")) == _at("2026-06-02T12:00")


def test_hours_are_local_when_clocks_change() -> None:
    hours = Hours.of(["06:00-22:00"], [], BERLIN)
    # On the day that has 23 hours the lights come on at 04:00 UTC, the day before at 05:00.
    assert hours.opens(_at("2026-03-28T23:00")) == datetime(2026, 3, 29, 4, tzinfo=UTC)
    assert hours.opens(_at("2026-03-27T23:00")) == datetime(2026, 3, 28, 5, tzinfo=UTC)


def test_hours_that_never_open_are_none_and_without_hours_it_is_always_open() -> None:
    assert Hours.of(["08:00-10:00"], ["07:00-11:00"], BERLIN).opens(_at("2026-06-01T09:00")) is None
    assert ALWAYS.opens(_at("2026-06-01T03:00")) == _at("2026-06-01T03:00")
    assert ALWAYS.closes(_at("2026-06-01T03:00")) is None


@pytest.mark.parametrize("span", ["6-22", "06:00", "06:00-24:00", "06:00-06:00", "aa:bb-cc:dd"])
def test_a_span_that_is_none_is_refused(span: str) -> None:
    with pytest.raises(ValidationError, match="span of the day"):
        FarmSection(lights_on=(span,))


def test_a_scan_that_would_not_end_before_dark_waits_for_the_morning() -> None:
    hours = Hours.of(["06:00-22:00"], [], BERLIN)
    takes = timedelta(minutes=20)
    assert place(_at("2026-06-01T21:40"), takes, hours) == Slot(_at("2026-06-01T21:40"), _at("2026-06-01T22:00"))
    assert place(_at("2026-06-01T21:41"), takes, hours) == Slot(_at("2026-06-02T06:00"), _at("2026-06-02T06:20"))
    assert place(_at("2026-06-01T12:00"), timedelta(hours=17), hours) is None


def _scan(plant: str, minutes: float, day: int) -> ScanRow:
    begun = datetime(2026, 6, day, 4, tzinfo=UTC)
    return ScanRow(f"{day}{plant}", plant, "done", begun, begun + timedelta(minutes=minutes), 64, 64, 0, "")


def test_durations_are_medians_that_a_night_in_between_does_not_spoil() -> None:
    scans = [_scan("p01", minutes, day) for day, minutes in enumerate((12, 10, 700, 11, 10), 1)]
    found = Durations.of([*scans, _scan("p02", 20, 1)], views=64)
    assert found.of_plant("p01") == timedelta(minutes=11)
    assert found.of_plant("p99") == timedelta(minutes=15.5)
    assert Durations.of([], views=64).of_plant("p01") == timedelta(seconds=15 * 64)


def _job(number: int, plant: str, state: str = "queued", **more: object) -> JobRow:
    return JobRow(number, "scan", plant, None, state, _at("2026-06-01T05:00"), **more)  # type: ignore[arg-type]


def test_the_queue_is_laid_out_behind_what_runs_and_around_the_hours() -> None:
    hours = Hours.of(["06:00-22:00"], [], BERLIN)
    durations = Durations({"p01": 1200.0, "p02": 1800.0}, 600.0)
    queue = [_job(1, "p01", "running", share=0.5), _job(2, "p02", asked_by="agenda"), _job(3, "p03")]
    found = lay_out(queue, durations, hours, _at("2026-06-01T21:30"))
    assert found[1] == Slot(_at("2026-06-01T21:30"), _at("2026-06-01T21:40"))
    assert found[2] == Slot(_at("2026-06-02T06:00"), _at("2026-06-02T06:30"))
