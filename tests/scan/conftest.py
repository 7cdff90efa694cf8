"""The nominal cell, built once."""

import pytest

from arm.config import ArmSection
from cdpr.config import CablesSection
from scan.cell import Cell
from scan.config import CameraSection, CellSection


@pytest.fixture(scope="session")
def cell() -> Cell:
    return Cell.of_sections(CablesSection(), ArmSection(), CameraSection(), CellSection())
