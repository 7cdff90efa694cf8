"""A filled farm, a socket server that stands where the daemon would, and the API over both."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import uvicorn

from scheduler.socket import SocketServer
from tests.web.door import let_in
from tests.web.farm_fixture import fill, write_config
from trellis.config import load_configuration
from trellis.errors import DeviceError
from web.app import api_only
from web.command import listen
from web.farm import Farm

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


class Robot:
    """What a daemon does with the three words; `broken` makes the devices refuse to stop."""

    def __init__(self) -> None:
        self.stopped, self.broken = False, False
        self.asked: list[str] = []
        self.driven: list[dict[str, object]] = []
        self.refusing: str | None = None
        self._lock = threading.Lock()

    def stop(self) -> dict[str, object]:
        with self._lock:
            self.asked.append("stop")
        if self.broken:
            raise DeviceError("the lower winches did not confirm")
        self.stopped = True
        return {"stopped": True}

    def clear(self) -> dict[str, object]:
        with self._lock:
            self.asked.append("clear")
        self.stopped = False
        return {"stopped": False}

    def drive(self, request: dict[str, object]) -> dict[str, object]:
        with self._lock:
            self.driven.append(request)
        if self.refusing:
            raise DeviceError(self.refusing)
        return {"hands": {"driven": True, "motion": None, "refusal": None}}

    def state(self) -> dict[str, object]:
        cell = {"x_m": 0.9, "y_m": 1.0, "yaw_rad": 0.02, "camera_m": [0.8, 0.9, 0.3],
                "joints_rad": [0.0, -1.7, 2.2, 1.0], "lengths_m": [1.2] * 4, "tensions_n": [50.0] * 4}  # fmt: skip
        return {"stopped": self.stopped, "job": None, "cell": cell, "cell_age_s": 0.2}


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a farm that is read only: two days, twelve viewpoints a scan."""
    folder = tmp_path_factory.mktemp("farm")
    path = write_config(folder)
    fill(folder / "data", now=NOW, days=2, views=12, size=(324, 243))
    return path


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The configuration of a farm that a test may change."""
    path = write_config(tmp_path)
    fill(tmp_path / "data", now=NOW, days=1, views=6, size=(324, 243))
    return path


@contextmanager
def answering(configuration: Path) -> Iterator[Robot]:
    """A daemon's socket beside a farm."""
    found = Robot()
    actions = {"stop": found.stop, "clear": found.clear, "state": found.state}
    with SocketServer(configuration.parent / "data" / "daemon.sock", actions, {"drive": found.drive}):
        yield found


@pytest.fixture
def robot(own: Path) -> Iterator[Robot]:
    """A daemon's socket on the farm that a test may change."""
    with answering(own) as found:
        yield found


@contextmanager
def served(configuration: Path, *, people: bool = True) -> Iterator[httpx.Client]:
    """The API of a farm on a port of its own, over real HTTP; the client has `farm`, and a key if `people`."""
    listener = listen("127.0.0.1", 0)
    shown = let_in(configuration.parent / "data").headers if people else {}
    farm = Farm.of(load_configuration(configuration))
    app = api_only(farm)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=3, timeout_keep_alive=60))
    thread = threading.Thread(target=server.run, args=([listener],), name="api")
    thread.start()
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=url, trust_env=False, headers=shown) as client:
            client.farm = farm  # type: ignore[attr-defined]
            yield client
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="session")
def api(filled: Path) -> Iterator[httpx.Client]:
    """The API over the farm that is read only, without a daemon."""
    with served(filled) as client:
        yield client


@pytest.fixture
def own_api(own: Path) -> Iterator[httpx.Client]:
    """The API over the farm that a test may change."""
    with served(own) as client:
        yield client
