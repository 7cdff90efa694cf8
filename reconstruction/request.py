"""What is asked of a reconstruction: the photographs, what is believed about them, and where the result goes."""

from dataclasses import dataclass, field
from pathlib import Path

from reconstruction.config import ReconstructionSection
from trellis.folders import ScanFolder
from trellis.manifest import read_manifest

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Request:
    """One reconstruction, by paths.

    Args:
        images: Folder of photographs.
        out: Folder for the results; made where it is missing.
        poses: Pose file (`poses.csv`), or None: the result then has no scale unless a board gives one.
        camera: Lens file (`camera.toml`), or None to start from COLMAP's guess.
        board: File of known tags (`board.toml`), or None.
        plant_position_m: The plant's collar in the world frame, or None to find the plant by itself.
        plant_radius_m: How far from there the plant may reach, or None.
        neighbours_m: Collars of the plants around it, whose leaves are not its own.
        age_days: Of the plant, for a mass model that uses it.
        cultivar: Likewise.
        yesterday: `traits.json` of an earlier reconstruction of the same plant, or None.
        days_since: Days between that one and this.
        options: Cost and quality.
    """

    images: Path
    out: Path
    poses: Path | None = None
    camera: Path | None = None
    board: Path | None = None
    plant_position_m: Point | None = None
    plant_radius_m: float | None = None
    neighbours_m: tuple[Point, ...] = ()
    age_days: float | None = None
    cultivar: str | None = None
    yesterday: Path | None = None
    days_since: float = 1.0
    options: ReconstructionSection = field(default_factory=ReconstructionSection)

    @staticmethod
    def of_scan(scan: ScanFolder, options: ReconstructionSection | None = None) -> "Request":
        """A finished scan: its photographs with everything that its manifest and the files beside it say.

        Raises:
            InputError: The manifest is missing, torn or of another format.
        """
        manifest = read_manifest(scan.manifest)
        return Request(
            images=scan.images,
            out=scan.reconstruction,
            poses=_if_there(scan.poses),
            camera=_if_there(scan.camera),
            board=_if_there(scan.board),
            plant_position_m=manifest.plant_position_m,
            plant_radius_m=manifest.plant_radius_m,
            age_days=manifest.age_days,
            cultivar=manifest.cultivar,
            options=_of_a_farm(options or ReconstructionSection()),
        )

    @staticmethod
    def of_folder(path: Path, options: ReconstructionSection | None = None) -> "Request":
        """A scan, a folder laid out like one (`images/` and the files beside it), or a plain folder of photographs.

        The result goes into `reconstruction/`: inside of the first two, beside the last.
        """
        scan = ScanFolder(path)
        if scan.manifest.exists():
            return Request.of_scan(scan, options)
        options = options or ReconstructionSection()
        if not scan.images.is_dir():
            return Request(path, path.absolute().parent / "reconstruction", options=options)
        beside = (_if_there(file) for file in (scan.poses, scan.camera, scan.board))
        return Request(scan.images, scan.reconstruction, *beside, options=options)


def _if_there(file: Path) -> Path | None:
    return file if file.exists() else None


def _of_a_farm(options: ReconstructionSection) -> ReconstructionSection:
    """A farm scans every plant every day: what a stage leaves for the next run is not kept unless that is asked for."""
    if "keep_stages" in options.model_fields_set:
        return options
    return options.model_copy(update={"keep_stages": False})
