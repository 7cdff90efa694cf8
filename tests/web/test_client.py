"""The example client against a real server: pages, photographs by ETag, the stream of what happens."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from scheduler.store import Store
from tests.web.conftest import Robot
from tests.web.door import KEY

_EXAMPLE = Path(__file__).parents[2] / "examples" / "farm_client.py"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("farm_client", _EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def _timeless(row: dict[str, Any]) -> dict[str, Any]:
    """A row without the values that grow from one asking to the next."""
    return {key: value for key, value in row.items() if key not in ("run_s", "silent_s")}


def test_pages_together_are_the_whole_list(api: httpx.Client, example: ModuleType) -> None:
    client = example.FarmClient(str(api.base_url), KEY)
    for path in ("/jobs", "/scans", "/events"):
        whole = api.get(f"/api/v1{path}?limit=1000").json()
        assert len(whole) > 3
        assert [_timeless(one) for one in client.all_of(f"{path}?limit=3")] == [_timeless(one) for one in whole]
    assert "link" not in api.get("/api/v1/jobs?limit=1000").headers
    client.close()


def test_a_photograph_is_fetched_once(api: httpx.Client, example: ModuleType, tmp_path: Path) -> None:
    client = example.FarmClient(str(api.base_url), KEY)
    scan = api.get("/api/v1/plants/p02").json()["scans"][0]["id"]
    fetched = [client.keep_photograph(scan, 3, tmp_path / "3.jpg") for _ in range(2)]
    assert fetched == [True, False]
    assert (tmp_path / "3.jpg").read_bytes()[:2] == b"\xff\xd8"
    with pytest.raises(httpx.HTTPStatusError, match="there is no viewpoint 99"):
        client.keep_photograph(scan, 99, tmp_path / "99.jpg")
    client.close()


def test_the_stream_tells_the_state_and_what_happens_and_goes_on_where_it_was(
    own_api: httpx.Client, own: Path, robot: Robot, example: ModuleType
) -> None:
    client = example.FarmClient(str(own_api.base_url), KEY)
    stream = client.follow()
    kind, state = next(stream)
    assert (kind, state["robot"]["stopped"], state["jobs"][0]["plant"]) == ("state", False, "p01")
    client.scan("p03")
    client.stop()
    said = [next(what for kind, what in stream if kind == "event")]
    assert said[0]["message"] == "scan of p03 asked for"
    assert next(what for kind, what in stream if kind == "state" and what["robot"]["stopped"])
    stream.close()
    with Store(f"sqlite:///{own.parent / 'data' / 'trellis.db'}") as store:
        newest = store.events(1)[0].id
        store.add_event("while nobody listened")
    again = client.follow(after=newest)
    assert next(what for kind, what in again if kind == "event")["message"] == "while nobody listened"
    again.close()
    client.close()
