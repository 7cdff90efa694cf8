"""Calibrations are kept, put in force, applied and rolled back; nothing is lost."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from arm.config import ArmSection
from arm.servo_table import counts_from_angles
from cdpr.config import CablesSection, CalibrationSection
from cdpr.counts import counts_from, docked_lengths_m
from scan.calibrated import nominal_model, recorded_model, sections_of
from scan.calibrated_sections import CellRecord, calibrated, nominal_name
from scan.cell import Cell, CellPosture
from scan.cell_model import CAMERA, COUNT, DRUMS, LENS, ZEROS
from scan.cell_record import CellHistory
from scan.config import CameraSection
from trellis.config import Configuration, load_configuration
from trellis.errors import InputError
from trellis.presets import preset

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


@pytest.fixture
def farm(tmp_path: Path) -> Configuration:
    path = tmp_path / "trellis.toml"
    path.write_text(preset("hydroponic").read_text())
    return load_configuration(path)


def a_record(farm: Configuration, seed: int, at: datetime = NOW) -> CellRecord:
    vector = np.zeros(COUNT)
    rng = np.random.default_rng(seed)
    vector[LENS], vector[CAMERA], vector[ZEROS] = rng.normal(0, 0.01, 8), rng.normal(0, 0.01, 6), rng.normal(0, 0.02, 4)
    vector[DRUMS] = rng.normal(0, 0.02, 4)
    return CellRecord(
        made_at=at,
        kind="calibration",
        nominal=nominal_name(farm),
        vector=tuple(vector),
        covariance=tuple(map(tuple, 1e-6 * np.eye(COUNT))),
        noise=(0.0005, 0.1, 0.002, 0.1),
        readings=40,
        sections=sections_of(farm, nominal_model(farm).at(vector)),
    )


def test_without_a_calibration_everything_is_as_configured(farm: Configuration) -> None:
    assert calibrated(farm) is farm
    assert CellHistory(farm).current() is None


def test_the_cell_in_force_is_the_one_that_was_found(farm: Configuration) -> None:
    record = a_record(farm, 1)
    CellHistory(farm).add(record, "calibrated")
    model, cell = recorded_model(farm, record), Cell.of(farm)
    section = calibrated(farm).section(ArmSection)
    # The same counts on the bus: what a servo reports is turned into an angle with the zero that was found.
    joints = np.array([0.3, -0.6, 1.1, 0.4])
    true = joints + model.vector[ZEROS]
    assert (
        counts_from_angles(true, section.zero_counts, section.directions).tolist()
        == counts_from_angles(joints, farm.section(ArmSection).zero_counts, section.directions).tolist()
    )
    rotation, place = model.cameras(np.array([[0.8, 0.9, 0.02]]), joints[None])
    there = cell.world_from_camera(CellPosture(0.8, 0.9, 0.02, tuple(true)))
    assert there.translation_m == pytest.approx(place[0], abs=1e-9)
    assert there.rotation == pytest.approx(rotation[0], abs=1e-9)
    assert calibrated(farm).section(CameraSection).lens.value() == model.lens
    assert cell.lens == model.lens


def test_rolling_back_goes_step_by_step_and_deletes_nothing(farm: Configuration) -> None:
    history = CellHistory(farm)
    records = [a_record(farm, seed, NOW + timedelta(days=seed)) for seed in (1, 2, 3)]
    for record in records:
        history.add(record, "calibrated")
    assert history.roll_back(NOW) == records[1].name
    assert history.roll_back(NOW) == records[0].name
    assert history.current() == records[0]
    assert history.roll_back(NOW) is None
    assert calibrated(farm) is farm
    with pytest.raises(InputError, match="nothing is left to roll back"):
        history.roll_back(NOW)
    assert history.names() == [record.name for record in records]
    history.choose(records[2].name, NOW)
    assert history.current() == records[2]
    assert [step.why for step in history.steps()].count("rolled back") == 3


def test_a_calibration_of_another_configuration_is_refused(farm: Configuration, tmp_path: Path) -> None:
    CellHistory(farm).add(a_record(farm, 1), "calibrated")
    changed = farm.path.read_text().replace("mass_kg = 3.55", "mass_kg = 4.55")
    farm.path.write_text(changed)
    with pytest.raises(InputError, match=r"made for other numbers in \[cables\].*rollback --to none"):
        Cell.of(load_configuration(farm.path))


def test_a_torn_file_is_said_so(farm: Configuration) -> None:
    history, record = CellHistory(farm), a_record(farm, 1)
    history.add(record, "calibrated")
    file = history.folder / f"{record.name}.json"
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(InputError, match="no calibration of format 1"):
        calibrated(farm)
    assert farm.section(CablesSection).home_m == (1.10, 1.00)


def test_the_winches_count_as_the_calibration_says(farm: Configuration) -> None:
    record = a_record(farm, 4)
    CellHistory(farm).add(record, "calibrated")
    model, found = recorded_model(farm, record), calibrated(farm)
    cables, calibration = found.section(CablesSection), found.section(CalibrationSection)
    # A turn of a drum pays out what the drum's share says, from where the dock leaves it.
    turns = np.array([3.0, -2.0, 1.0, 0.5])
    counts = counts_from(cables, calibration, docked_lengths_m(cables, calibration), np.zeros(4))
    assert counts.paid_at(turns) == pytest.approx(model.paid_m(turns[None])[0], abs=1e-9)
