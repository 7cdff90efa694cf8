"""`trellis queue` and `trellis agenda` as they are typed."""

from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from scheduler import agenda_command, queue_command
from trellis.errors import InputError

CONFIGURATION = """
[farm]
timezone = "Europe/Berlin"

[[farm.schedules]]
name = "morning"
daily_at = "06:00"

[[farm.schedules]]
name = "weekly"
cron = "30 6 * * 1"
plants = ["p01"]

[[wall.plants]]
name = "p01"
position_m = [0.7, 0.8]

[[wall.plants]]
name = "p02"
position_m = [1.4, 1.0]
"""


@pytest.fixture
def config(farm: Any) -> str:
    path: Path = farm.folder.path.parent / "farm.toml"
    path.write_text(CONFIGURATION)
    return str(path)


def _type(app: typer.Typer, *words: str) -> str:
    result = CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_the_queue_shows_order_state_and_likely_ends(farm: Any, config: str) -> None:
    for plant in ("p01", "p02"):
        farm.store.request_scan(plant)
    _type(queue_command.app, "first", "2", "--config", config)
    lines = _type(queue_command.app, "--config", config).splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [["2", "p02", "queued"], ["1", "p01", "queued"]]
    assert "likely from" in lines[0]


def test_holding_and_letting_go_is_said(farm: Any, config: str) -> None:
    assert "the queue is held" in _type(queue_command.app, "pause", "--config", config)
    assert farm.store.held()
    assert "the queue is held" in _type(queue_command.app, "--config", config)
    assert "goes on" in _type(queue_command.app, "resume", "--config", config)
    assert not farm.store.held()


def test_one_job_is_paused_resumed_cancelled_and_retried(farm: Any, config: str) -> None:
    farm.store.request_scan("p01")
    for word, state in (("pause", "paused"), ("resume", "queued"), ("cancel", "cancelled")):
        _type(queue_command.app, word, "1", "--config", config)
        assert farm.store.job(1).state == state
    assert "job 2 (scan of p01) is asked for" in _type(queue_command.app, "retry", "1", "--config", config)
    with pytest.raises(InputError, match="there is no job 9"):
        _type(queue_command.app, "cancel", "9", "--config", config)
    with pytest.raises(InputError, match="has no views yet"):
        _type(queue_command.app, "skip", "2", "5", "--config", config)


def test_the_agenda_shows_ten_turns_and_their_conflicts(farm: Any, config: str) -> None:
    output = _type(agenda_command.app, "--config", config)
    lines = output.splitlines()
    assert len([line for line in lines if " morning " in line or " weekly " in line]) == 10
    assert any(" weekly " in line for line in lines)  # ten turns reach beyond a Monday


def test_past_turns_are_listed_with_their_reasons(farm: Any, config: str) -> None:
    farm.store.record_turn("morning", "p01", farm.store._now(), "missed", "no daemon ran when it was due")
    assert "no daemon ran when it was due" in _type(agenda_command.app, "--past", "--config", config)


def test_a_person_can_vouch_for_the_clock(farm: Any, config: str) -> None:
    _type(agenda_command.app, "believe-clock", "--config", config)
    assert [command.what for command in farm.store.pending_commands()] == ["believe"]
