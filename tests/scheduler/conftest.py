"""A farm whose cell follows a script: real store, real folders and manifests, no devices."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from scheduler.robot import Robot
from scheduler.store import PlantRow, Store
from trellis.clock import SystemClock
from trellis.durable import write_durably
from trellis.errors import Stopped, TrellisError
from trellis.folders import DataFolder, ScanFolder
from trellis.geometry import Pose
from trellis.manifest import Outcome, PoseRecord, ScanManifest, ViewRecord, read_manifest, write_manifest

HERE = PoseRecord.of(Pose.from_rotation_vector(np.zeros(3), (0.0, 0.0, 0.3)), 0.006, 0.02)


@dataclass
class ScriptedCell:
    """Stands in for `scan.hardware.CellHardware` and for the survey; `script` is called before each view."""

    views: int = 6
    calls: list[str] = field(default_factory=list)
    failing: dict[str, TrellisError] = field(default_factory=dict)
    script: Callable[[int], None] = lambda view: None
    bad_views: frozenset[int] = frozenset()
    frozen: threading.Event = field(default_factory=threading.Event)

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if name in self.failing:
            raise self.failing[name]

    def connect(self) -> None:
        self._called("connect")

    def close(self) -> None:
        self._called("close")

    def home(self) -> None:
        self._called("home")

    def park(self) -> None:
        self._called("park")

    def stop(self) -> None:
        self.frozen.set()
        self._called("stop")

    def clear_stop(self) -> None:
        self.frozen.clear()
        self._called("clear_stop")

    def state(self) -> Any:
        self._called("state")
        return SimpleNamespace(as_json=lambda: {"x_m": 1.1, "stopped": self.frozen.is_set()})

    def plan(self, plant: str) -> Any:
        self._called("plan")
        return SimpleNamespace(plant=plant, stops=tuple(range(self.views)))

    def photographs(self, plan: Any, folder: ScanFolder, scan: str) -> Iterator[ViewRecord]:
        """As `scan.capture.capture` does: what is missing, each counted only once it is recorded."""
        manifest = read_manifest(folder.manifest) if folder.manifest.exists() else self._new(plan, scan)
        for view in manifest.missing:
            self.script(view.view)
            if self.frozen.is_set():
                raise Stopped("the cell is stopped; clear the stop before moving")
            record = self._photograph(folder, view)
            manifest = manifest.with_view(record)
            write_manifest(folder.manifest, manifest)
            yield record
        write_manifest(folder.manifest, manifest.model_copy(update={"finished_at": datetime.now(UTC)}))

    def _photograph(self, folder: ScanFolder, view: ViewRecord) -> ViewRecord:
        if view.view in self.bad_views:
            return view.model_copy(update={"outcome": Outcome.FAILED, "reason": "too dark"})
        jpeg = f"photograph {view.view}".encode()
        write_durably(folder.image(view.view), jpeg)
        taken = {
            "outcome": Outcome.TAKEN,
            "image": folder.image(view.view).name,
            "sha256": hashlib.sha256(jpeg).hexdigest(),
            "bytes": len(jpeg),
            "taken_at": datetime.now(UTC),
            "believed": HERE,
        }
        return view.model_copy(update=taken)

    def _new(self, plan: Any, scan: str) -> ScanManifest:
        views = tuple(ViewRecord(view=view, planned=HERE) for view in plan.stops)
        return ScanManifest(
            scan=scan,
            plant=plan.plant,
            plant_position_m=(0.7, 0.8, 0.0),
            plant_radius_m=0.1,
            plant_height_m=0.1,
            started_at=datetime.now(UTC),
            views=views,
        )


@dataclass
class ScriptedFarm:
    """Everything about one farm with a scripted cell."""

    folder: DataFolder
    store: Store
    cell: ScriptedCell
    ending: threading.Event

    def robot(self) -> Robot:
        return Robot(self.store, self.folder, self.cell, self.cell, SystemClock(), True, self.ending)


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[ScriptedFarm]:
    folder = DataFolder(tmp_path / "data")
    with Store(f"sqlite:///{folder.database}") as store:
        store.sync_plants([PlantRow("p01", (0.7, 0.8, 0.0)), PlantRow("p02", (1.4, 1.0, 0.0))])
        yield ScriptedFarm(folder, store, ScriptedCell(), threading.Event())
