"""One person drives at a time; everybody may stop; a hand that does not hold the controls moves nothing."""

import json

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.web.conftest import Robot
from tests.web.door import KEY, SCOPES


def _as(api: httpx.Client, name: str) -> dict[str, str]:
    return {"authorization": f"Bearer trellis_key-of-{name}"}


def _line(api: httpx.Client, key: str) -> ClientConnection:
    url = str(api.base_url).rstrip("/").replace("http", "ws", 1)
    return connect(f"{url}/api/v1/robot/line", proxy=None, additional_headers={"authorization": f"Bearer {key}"})


def _say(line: ClientConnection, word: str, **more: object) -> dict[str, object]:
    line.send(json.dumps({"do": word, "n": 1, **more}))
    answer: dict[str, object] = json.loads(line.recv(timeout=30))
    return answer


@pytest.fixture
def api(own_api: httpx.Client, robot: Robot) -> httpx.Client:
    return own_api


def test_who_takes_the_controls_has_them_until_they_let_go(api: httpx.Client, robot: Robot) -> None:
    driver, manager = _as(api, "driver"), _as(api, "manager")
    assert api.get("/api/v1/robot/controls").json()["holder"] is None
    taken = api.post("/api/v1/robot/controls/take", headers=driver).json()
    assert (taken["holder"], taken["mine"]) == ("driver", True)
    assert taken["since"] is not None
    refused = api.post("/api/v1/robot/controls/take", headers=manager)
    assert refused.status_code == 409
    assert "driver holds the controls" in refused.json()["error"]
    for path, content in (("move", {"kind": "park"}), ("clear", None)):
        assert api.post(f"/api/v1/robot/{path}", headers=manager, json=content).status_code == 409
    assert api.post("/api/v1/robot/controls/let-go", headers=driver).json()["holder"] is None
    assert robot.driven == [{"word": "leave", "do": "drive"}]
    assert api.post("/api/v1/robot/move", headers=manager, json={"kind": "park"}).status_code == 202


def test_everybody_may_stop_while_another_drives(api: httpx.Client, robot: Robot) -> None:
    api.post("/api/v1/robot/controls/take", headers=_as(api, "driver"))
    for name in SCOPES:
        assert api.post("/api/v1/robot/stop", headers=_as(api, name)).status_code == 200
    assert robot.asked == ["stop"] * len(SCOPES)


def test_the_controls_are_handed_over_to_who_may_drive(api: httpx.Client, robot: Robot) -> None:
    driver = _as(api, "driver")
    path = "/api/v1/robot/controls/hand-over"
    assert api.post(path, params={"to": "operator"}, headers=driver).status_code == 409
    api.post("/api/v1/robot/controls/take", headers=driver)
    assert api.post(path, params={"to": "viewer"}, headers=driver).status_code == 409
    assert api.post(path, params={"to": "nobody"}, headers=driver).status_code == 404
    assert api.post(path, params={"to": "operator"}, headers=driver).json()["holder"] == "operator"
    assert api.post("/api/v1/robot/move", headers=driver, json={"kind": "park"}).status_code == 409


def test_a_step_reaches_the_daemon_and_its_refusal_comes_back(api: httpx.Client, robot: Robot) -> None:
    step = {"kind": "step", "axis": "x", "by": 0.02}
    assert api.post("/api/v1/robot/move", json=step).status_code == 202
    assert robot.driven == [{"word": "ask", "do": "drive", **step}]
    robot.refusing = "a scan is under way"
    refused = api.post("/api/v1/robot/move", json=step)
    assert (refused.status_code, refused.json()["error"]) == (409, "a scan is under way")
    for wrong in ({"kind": "step"}, {"kind": "step", "axis": "x", "by": 0}):
        assert api.post("/api/v1/robot/move", json=wrong).status_code == 409
    for wrong in ({"kind": "hold", "axis": "x", "by": 1}, {"kind": "park", "speed": 3}):
        assert api.post("/api/v1/robot/move", json=wrong).status_code == 422


def test_a_held_motion_goes_over_the_line_and_ends_with_it(api: httpx.Client, robot: Robot) -> None:
    with _line(api, KEY) as line:
        assert "error" not in _say(line, "hold", axis="y", by=-1)
        _say(line, "keep")
        _say(line, "release")
        _say(line, "hold", axis="y", by=-1)
    words = [request["word"] for request in robot.driven[:4]]
    assert words == ["ask", "keep", "release", "ask"]
    while len(robot.driven) < 5:  # the line has ended: the server finds out and lets go
        api.get("/api/v1/health")
    assert robot.driven[4]["word"] == "release"


def test_a_hand_that_does_not_hold_the_controls_moves_nothing(api: httpx.Client, robot: Robot) -> None:
    api.post("/api/v1/robot/controls/take", headers=_as(api, "driver"))
    with _line(api, KEY) as line:
        assert "driver holds the controls" in str(_say(line, "hold", axis="x", by=1)["error"])
        _say(line, "keep")
        _say(line, "release")
    with _line(api, "trellis_key-of-reader") as line:
        assert "may not drive" in str(_say(line, "hold", axis="x", by=1)["error"])
    assert robot.driven == []


def test_the_twin_tells_where_arm_and_camera_are(api: httpx.Client, robot: Robot) -> None:
    # The first to ask waits for the carriage's yaw to be worked out all over its workspace.
    still, live = (api.get(f"/api/v1/robot/{what}", timeout=100).json() for what in ("cell", "twin"))
    assert len(still["pulleys_m"]) == 4
    assert {plant["name"] for plant in still["plants"]} >= {"p01", "p02"}
    assert [len(live[name]) for name in ("corners_m", "arm_m", "cone_m")] == [4, 5, 5]
    x, y, _ = (sum(corner[k] for corner in live["corners_m"]) / 4 for k in range(3))
    assert (x, y) == pytest.approx((0.9, 1.0), abs=0.02)
