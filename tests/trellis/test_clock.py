"""Time is a value that is passed in."""

from datetime import UTC, datetime, timedelta

import pytest

from trellis.clock import ManualClock, SystemClock, clock_named
from trellis.errors import InputError

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_a_manual_clock_moves_only_when_somebody_sleeps() -> None:
    seen: list[float] = []
    clock = ManualClock(NOON, on_advance=seen.append)
    clock.sleep(1.5)
    clock.sleep(0.0)
    clock.sleep(-1.0)
    assert clock.monotonic_s() == 1.5
    assert clock.utc() == NOON + timedelta(seconds=1.5)
    assert seen == [1.5]


def test_the_system_clock_knows_its_zone() -> None:
    assert SystemClock().utc().tzinfo is UTC
    assert isinstance(clock_named("system"), SystemClock)


def test_an_unknown_clock_names_those_there_are() -> None:
    with pytest.raises(InputError, match="system"):
        clock_named("sundial")
