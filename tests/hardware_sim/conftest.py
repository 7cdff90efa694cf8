"""A farm inside the process for each test that asks for one, with a camera that draws no pictures."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from hardware_sim import inprocess
from hardware_sim.inprocess import SimulatedClock


class QuickPhotographer:
    """A photograph is its frame number in a JPEG's brackets; the truth is how many poses there were."""

    def __init__(self, *args: Any) -> None:
        pass

    def jpeg(self, world_from_camera: np.ndarray, frame: int, twist: np.ndarray | None = None) -> bytes:
        assert world_from_camera.shape == (4, 4)
        return b"\xff\xd8" + f"frame {frame}".encode() * 20 + b"\xff\xd9"

    def truth(self, name: str, world_from_cameras: np.ndarray) -> dict[str, Any]:
        assert world_from_cameras.shape[1:] == (4, 4)
        return {"plant": name, "views": len(world_from_cameras)}


@pytest.fixture
def farm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., SimulatedClock]]:
    monkeypatch.setattr("hardware_sim.camera_server.Photographer", QuickPhotographer)

    def start(**options: Any) -> SimulatedClock:
        clock = inprocess.start_clock(**{"seed": 3, "start": "2026-06-01T06:00:00Z", **options})
        assert isinstance(clock, SimulatedClock)
        return clock

    yield start
    inprocess.switch_off()
