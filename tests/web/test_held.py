"""What was read is read again exactly when something was written, or when it is old."""

from pathlib import Path

import pytest

from scheduler.store import Store
from web.held import HOLDS_S, Held


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'farm.db'}"


def test_the_mark_changes_with_every_commit_and_by_nothing_else(url: str) -> None:
    with Store(url) as store, Store(url) as another:
        first = store.change_mark()
        assert store.change_mark() == first
        store.events()
        assert store.change_mark() == first
        store.add_event("by the same process")
        second = store.change_mark()
        assert second != first
        another.add_event("by another")
        assert store.change_mark() != second


def test_a_value_holds_until_something_is_written_or_it_is_old(url: str) -> None:
    now_s, readings = [0.0], []
    with Store(url) as store:
        held = Held(store.change_mark, lambda: now_s[0])

        def read() -> int:
            readings.append(len(readings))
            return readings[-1]

        assert [held.get("it", read), held.get("it", read)] == [0, 0]
        store.add_event("something")
        assert held.get("it", read) == 1
        now_s[0] = HOLDS_S
        assert held.get("it", read) == 2
        assert held.get("another", read) == 3
