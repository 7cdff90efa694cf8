"""The nominal cell, and a carelessly built one with what its devices read, built once."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from arm.config import ArmSection
from cdpr.config import CablesSection
from scan.board import lattice_board
from scan.calibrated import nominal_model
from scan.cell import Cell
from scan.cell_model import CellModel
from scan.cell_readings import Reading
from scan.cell_solver import Solution, solve
from scan.config import CameraSection, CellSection, LatticeTable
from trellis.board import TagBoard
from trellis.config import load_configuration
from trellis.geometry import Pose
from trellis.presets import preset


@pytest.fixture(scope="session")
def cell() -> Cell:
    return Cell.of_sections(CablesSection(), ArmSection(), CameraSection(), CellSection())


@dataclass(frozen=True, eq=False)
class CarelessCell:
    """What the devices of a cell with a builder's errors read in 60 postures, and where its camera truly was.

    The first `solved` readings are for the solver, the others for judging. Simulated farm, seed 101; the file says how.
    """

    readings: list[Reading]
    starts: np.ndarray
    true: list[Pose]
    board: TagBoard
    solved: int = 32


@pytest.fixture(scope="session")
def careless() -> CarelessCell:
    rows = json.loads((Path(__file__).parent / "data/cell_readings.json").read_text())["rows"]
    readings = [
        Reading(
            np.array(row["turns"]),
            np.array(row["tensions_n"]),
            np.array(row["joints_rad"]),
            {int(tag): np.array(corners) for tag, corners in row["tags"].items()},
        )
        for row in rows
    ]
    cameras = [np.array(row["true_world_from_camera"]) for row in rows]
    true = [Pose(camera[:, :3], camera[:, 3]) for camera in cameras]
    return CarelessCell(readings, np.array([row["start"] for row in rows]), true, lattice_board(LatticeTable()))


@pytest.fixture(scope="session")
def nominal() -> CellModel:
    return nominal_model(load_configuration(preset("hydroponic")))


@pytest.fixture(scope="session")
def solution(nominal: CellModel, careless: CarelessCell) -> Solution:
    n = careless.solved
    return solve(nominal, careless.readings[:n], careless.board, careless.starts[:n])
