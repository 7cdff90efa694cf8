"""Scans as they lie in a farm's folders teach the cell; the grower is told, and all of it can be taken back."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scan.calibrated import sections_of
from scan.calibrated_sections import CellRecord, nominal_name
from scan.cell_model import SLACKS, ZEROS, CellModel
from scan.cell_record import CellHistory
from scan.cell_solver import Solution
from scan.learning import Outcome
from scheduler.learning import SUSPICION, Learning
from scheduler.store import PlantRow, Store
from trellis.clock import ManualClock
from trellis.config import Configuration, load_configuration
from trellis.folders import ScanFolder
from trellis.geometry import Pose
from trellis.manifest import DevicesRecord, PoseRecord, ScanManifest, ViewRecord, write_manifest
from trellis.manifest import Outcome as ViewOutcome
from trellis.pose_file import CameraPose, poses_text
from trellis.presets import preset
from trellis.records import Traits

NOW = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)
FIRST, SECOND, THIRD = range(20), range(20, 40), range(40, 60)


class Farm:
    """A calibrated cell's history, a store for what is told, and scans made from true readings and poses."""

    def __init__(self, path: Path, store: Store, solution: Solution, careless: Any) -> None:
        self.configuration = Configuration(path / "farm.toml", load_configuration(preset("hydroponic")).sections)
        self.path, self.store, self.careless = path, store, careless
        self.clock = ManualClock(NOW)
        self.history = CellHistory(self.configuration)
        self.learning = Learning(self.configuration, store, self.clock)
        self.history.add(self._record(solution), "calibrated")

    def _record(self, solution: Solution) -> CellRecord:
        noise = solution.noise
        return CellRecord(
            made_at=NOW - timedelta(days=1),
            kind="calibration",
            nominal=nominal_name(self.configuration),
            vector=tuple(solution.model.vector.tolist()),
            covariance=tuple(map(tuple, solution.covariance.tolist())),
            noise=(noise.length_m, noise.moment_n_m, noise.joint_rad, noise.tag_px),
            readings=32,
            sections=sections_of(self.configuration, solution.model),
        )

    def scan(self, name: str, plant: str, rows: range, slip: Any = None, moved: Pose | None = None) -> Any:
        """A scan after a slip of (cables in metres, joints in radians), reconstructed; what it taught."""
        cables_m, joints_rad = (np.zeros(4), np.zeros(4)) if slip is None else slip
        folder = ScanFolder(self.path / plant / name)
        folder.reconstruction.mkdir(parents=True)
        views, poses = [], []
        for number, row in enumerate(rows):
            reading, true = self.careless.readings[row], self.careless.true[row]
            devices = DevicesRecord(
                turns=tuple((reading.turns + cables_m / (2 * np.pi * 0.0127)).tolist()),
                tensions_n=tuple(reading.tensions_n.tolist()),
                joints_rad=tuple((reading.joints_rad + joints_rad).tolist()),
                carriage=tuple(map(float, self.careless.starts[row][:3])),
            )
            found = true if moved is None else moved @ true
            image, planned = f"{number:03d}.jpg", PoseRecord.of(true, 0.0, 0.0)
            views.append(
                ViewRecord(view=number, planned=planned, outcome=ViewOutcome.TAKEN, image=image, devices=devices)
            )
            poses.append(CameraPose(image, found))
        manifest = ScanManifest(scan=name, plant=plant, plant_position_m=(0.7, 0.8, 0.0), plant_radius_m=0.1,
                                plant_height_m=0.1, started_at=NOW, views=tuple(views))  # fmt: skip
        write_manifest(folder.manifest, manifest)
        (folder.reconstruction / "found_poses.csv").write_text(poses_text(poses))
        self.clock.sleep(3600)
        return self.learning.after(folder, traits("poses" if moved is not None else "poses and board"))

    def told(self) -> list[str]:
        return [event.message for event in reversed(self.store.events(50)) if event.level == "warning"]


def traits(scale_source: str) -> Traits:
    return Traits(images_given=20, images_registered=20, reprojection_error_px=0.5, scale_source=scale_source,
                  leaf_area_m2=0.05, leaf_area_std_m2=0.004)  # fmt: skip


@pytest.fixture
def farm(tmp_path: Path, solution: Solution, careless: Any, nominal: CellModel) -> Any:
    with Store(f"sqlite:///{tmp_path / 'trellis.db'}") as store:
        store.sync_plants([PlantRow(name, (0.7, 0.8, 0.0)) for name in ("p01", "p02")])
        yield Farm(tmp_path, store, solution, careless)


@pytest.mark.parametrize(
    ("slip", "index", "value", "words"),
    [
        ((np.array([0.0, 0.0, 0.005, 0.0]), np.zeros(4)), SLACKS.start + 2, -0.005, "top left cable has slipped"),
        ((np.zeros(4), np.radians([0.0, 0.0, 0.0, 2.0])), ZEROS.start + 3, -np.radians(2), "wrist joint has slipped"),
    ],
)
def test_a_slip_is_told_at_the_next_scan_and_corrected_by_the_one_after(
    farm: Farm, slip: Any, index: int, value: float, words: str
) -> None:
    before = farm.history.current()
    assert farm.scan("s1", "p01", FIRST, slip).outcome is Outcome.SUSPECTED
    assert farm.history.current() == before
    assert [words in line for line in farm.told()] == [True]
    assert farm.scan("s2", "p02", SECOND, slip).outcome is Outcome.CORRECTED
    after = farm.history.current()
    assert before is not None
    assert after is not None
    assert after.kind == "learned"
    # A fifth of the slip: what one scan's noise leaves of it.
    assert after.vector[index] - before.vector[index] == pytest.approx(value, rel=0.2)
    assert "two scans agree" in farm.told()[-1]
    assert farm.history.steps()[-1].why == "learned from scan s2"
    assert not (farm.history.folder / SUSPICION).exists()
    # The scan after that finds nothing wrong any more.
    assert farm.scan("s3", "p01", THIRD, slip).outcome in (Outcome.NOTHING, Outcome.ADJUSTED)
    # And all of it can be taken back.
    while farm.history.current() != before:
        farm.history.roll_back(farm.clock.utc())


def test_the_same_scan_reconstructed_again_confirms_nothing(farm: Farm) -> None:
    slip = np.array([0.0, 0.0, 0.005, 0.0]), np.zeros(4)
    farm.scan("s1", "p01", FIRST, slip)
    again = farm.learning.after(ScanFolder(farm.path / "p01" / "s1"), traits("poses and board"))
    assert again is not None
    assert again.outcome is Outcome.SUSPECTED


def test_a_plant_that_moved_changes_nothing_of_the_cell(farm: Farm) -> None:
    before = farm.history.current()
    assert before is not None
    moved = Pose.from_rotation_vector((0.0, 0.0, np.radians(1.0)), (0.001, 0.005, 0.0))
    farm.scan("s1", "p01", FIRST, moved=moved)
    farm.scan("s2", "p02", SECOND)
    after = farm.history.current()
    assert after is not None
    slips = [*range(SLACKS.start, SLACKS.stop), *range(ZEROS.start, ZEROS.stop)]
    changed = np.abs(np.subtract(after.vector, before.vector))[slips]
    # Within a lesson's limits: 5 % of a prior deviation, which is far from 5 mm and 2 deg.
    assert changed[:4].max() < 0.0005
    assert changed[4:].max() < np.radians(0.2)


def test_a_cell_that_was_never_calibrated_or_a_scan_without_readings_teaches_nothing(farm: Farm) -> None:
    farm.history.choose(None, farm.clock.utc())
    assert farm.scan("s1", "p01", FIRST) is None
    assert farm.told() == []


def test_what_cannot_be_read_is_told_and_ends_nothing(farm: Farm) -> None:
    (farm.history.folder / SUSPICION).write_text("{")
    assert farm.scan("s1", "p01", FIRST) is None
    assert "nothing was learned" in farm.told()[0]
