"""Where each artefact lies, so that no other file spells a path."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ScanFolder:
    """One scan of one plant: photographs, manifest, and what was made of them."""

    path: Path

    @property
    def manifest(self) -> Path:
        return self.path / "scan.json"

    @property
    def images(self) -> Path:
        return self.path / "images"

    @property
    def poses(self) -> Path:
        return self.path / "poses.csv"

    @property
    def camera(self) -> Path:
        return self.path / "camera.toml"

    @property
    def board(self) -> Path:
        return self.path / "board.toml"

    @property
    def flight(self) -> Path:
        """What the flight recorder took down; see `scheduler.flight`."""
        return self.path / "flight.mcap"

    @property
    def reconstruction(self) -> Path:
        return self.path / "reconstruction"

    def image(self, view: int) -> Path:
        """The photograph of viewpoint `view`, counted from 0."""
        return self.images / f"{view:03d}.jpg"


@dataclass(frozen=True)
class DataFolder:
    """The farm's data: one database, and a folder for each scan of each plant."""

    path: Path

    @property
    def database(self) -> Path:
        return self.path / "trellis.db"

    @property
    def daemon_lock(self) -> Path:
        return self.path / "daemon.lock"

    @property
    def daemon_socket(self) -> Path:
        return self.path / "daemon.sock"

    @property
    def carriage(self) -> Path:
        """What is remembered of the carriage's place."""
        return self.path / "carriage.json"

    @property
    def plants(self) -> Path:
        return self.path / "plants"

    def scan(self, plant: str, scan: str) -> ScanFolder:
        return ScanFolder(self.plants / plant / scan)

    def scans(self, plant: str) -> list[ScanFolder]:
        """Every scan of a plant that has a manifest, oldest first."""
        return [ScanFolder(path.parent) for path in sorted((self.plants / plant).glob("*/scan.json"))]
