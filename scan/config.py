"""The sections that describe the cell: `[camera]`, `[cell]`, `[wall]` and `[views]`."""

from scan.camera_section import CameraSection, LensTable
from scan.cell_section import CellSection, MountTable
from scan.views_section import ViewsSection
from scan.wall_section import LatticeTable, PlantTable, WallSection

__all__ = [
    "CameraSection",
    "CellSection",
    "LatticeTable",
    "LensTable",
    "MountTable",
    "PlantTable",
    "ViewsSection",
    "WallSection",
]
