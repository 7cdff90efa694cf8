"""A whole simulated farm in real time for any program: pseudo-terminals and the camera's address, until it is ended."""

import signal
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from hardware_sim.camera_server import CameraServer
from hardware_sim.farm import PORTS, Farm
from hardware_sim.lettuce_kinds import STANDARD
from hardware_sim.optics import Camera
from hardware_sim.photograph import PlantSpec
from hardware_sim.planting import SITES, plant_specs
from hardware_sim.ptys import PtyFarm

_MEANING = {
    "winches0": "winches, right: bottom axis 0, top axis 1",
    "winches1": "winches, left: top axis 0, bottom axis 1",
    "servos": "arm",
}


def plants_on_wall(count: int, day: float, cultivar: str, seed: int, treatment: str = STANDARD) -> list[PlantSpec]:
    """So many plants named p01, p02 ..., from the middle of the wall outwards."""
    columns, rows = SITES
    sites = [(column, row) for row in range(rows) for column in range(columns)]
    sites.sort(key=lambda site: ((site[0] - (columns - 1) / 2) ** 2 + (site[1] - (rows - 1) / 2) ** 2, site))
    tables = [
        {"name": f"p{number + 1:02d}", "column": column, "row": row, "day": day, "cultivar": cultivar,
         "treatment": treatment}
        for number, (column, row) in enumerate(sites[:count])
    ]  # fmt: skip
    return plant_specs(tables, seed)


class RealTimeServer:
    """Terminals and camera of one farm.

    Args:
        farm: The farm.
        plants: On its wall.
        seed: Of the camera's noise.
        port: Of the camera; 0 takes a free one.
        links: A folder for links to the terminals.
        camera: Its settings.
    """

    def __init__(
        self,
        farm: Farm,
        plants: Sequence[PlantSpec],
        seed: int,
        port: int,
        links: Path | None,
        camera: Camera | None = None,
    ) -> None:
        self._farm, self._plants = farm, list(plants)
        self._start = datetime.now(UTC)
        self._ptys = PtyFarm(farm, links)
        self._camera = CameraServer(farm, plants, self._utc, port, seed, camera)
        self._ending = False

    def __enter__(self) -> Self:
        self._ptys.start()
        self._camera.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._camera.stop()
        self._ptys.stop()

    def describe(self) -> Iterator[str]:
        """What a person needs to use it, line by line."""
        paths = self._ptys.paths()
        for name in PORTS:
            yield f"{name:9} {paths[name]}  ({_MEANING[name]})"
        yield f"camera    {self._camera.address}/snapshot.jpg"
        yield f"state     {self._camera.address}/state.json"
        yield f"faults    {self._camera.address}/faults.json"
        for plant in self._plants:
            x, y, _ = plant.position_m
            yield f"{plant.name:9} x {x:.3f} m, y {y:.3f} m; truth {self._camera.address}/truth/{plant.name}.json"
        yield "Ctrl-C ends it."

    def wait(self) -> None:
        """Until Ctrl-C or a request to terminate."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._end)
        # In short waits: a wait without end would not let Python handle the signal on every system.
        while not self._ending:
            time.sleep(0.2)

    def _end(self, number: int, frame: FrameType | None) -> None:
        # A flag and no event: a handler may come while an event's own lock is held, and would wait for itself.
        self._ending = True

    def _utc(self) -> datetime:
        return self._start + timedelta(seconds=self._farm.now_s)
