"""The line that stays open for a stop: it answers each message, and no stranger's page may open it."""

import json
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.web.conftest import Robot
from tests.web.door import KEY


def _open(api: httpx.Client, origin: str | None = None) -> ClientConnection:
    url = str(api.base_url).rstrip("/").replace("http", "ws", 1)
    return connect(
        f"{url}/api/v1/robot/line", origin=origin, proxy=None, additional_headers={"authorization": f"Bearer {KEY}"}
    )  # type: ignore[arg-type]


def _ask(line: ClientConnection, message: str) -> dict[str, Any]:
    line.send(message)
    answer: dict[str, Any] = json.loads(line.recv(timeout=30))
    return answer


def test_the_line_stops_the_robot_and_tells_its_state(own_api: httpx.Client, robot: Robot) -> None:
    with _open(own_api) as line:
        before = _ask(line, '{"do": "state", "n": 1}')
        assert (before["n"], before["robot"]["stopped"]) == (1, False)
        after = _ask(line, '{"do": "stop", "n": 2}')
        assert (after["n"], after["robot"]["stopped"]) == (2, True)
        robot.broken = True
        assert "did not confirm the stop" in _ask(line, '{"do": "stop", "n": 3}')["error"]
        assert "a message is" in _ask(line, "nonsense")["error"]
        assert _ask(line, '{"do": "home", "n": 5}')["n"] == 5
    assert robot.asked == ["stop", "stop"]


def test_a_strangers_page_may_not_open_the_line(own_api: httpx.Client, robot: Robot) -> None:
    with pytest.raises(InvalidStatus, match="403"), _open(own_api, "http://evil.example") as line:
        _ask(line, '{"do": "stop", "n": 1}')
    assert robot.asked == []
