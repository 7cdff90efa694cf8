"""The manifest of a scan, `scan.json`: what was planned, and for each viewpoint what happened.

The folder is the truth about photographs: a photograph counts as taken only once this file, written durably after the
photograph itself, says so with its hash.
"""

from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from trellis.durable import write_durably
from trellis.errors import InputError
from trellis.geometry import Pose

FORMAT = 1
Four = tuple[float, float, float, float]
Six = tuple[float, float, float, float, float, float]


class Outcome(StrEnum):
    """What became of a viewpoint."""

    PENDING = "pending"
    TAKEN = "taken"
    FAILED = "failed"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PoseRecord(_Record):
    """A `world_from_camera` (OpenCV axes) as it stands in JSON, with standard deviations.

    `covariance` is of its place (m) and its turn (rad) about the world's axes, 6 x 6, where it is known.
    """

    position_m: tuple[float, float, float]
    quaternion_wxyz: tuple[float, float, float, float]
    position_std_m: float
    rotation_std_rad: float
    covariance: tuple[Six, Six, Six, Six, Six, Six] | None = None

    @staticmethod
    def of(world_from_camera: Pose, position_std_m: float, rotation_std_rad: float) -> "PoseRecord":
        x, y, z = map(float, world_from_camera.translation_m)
        qw, qx, qy, qz = map(float, world_from_camera.quaternion_wxyz)
        return PoseRecord(
            position_m=(x, y, z),
            quaternion_wxyz=(qw, qx, qy, qz),
            position_std_m=position_std_m,
            rotation_std_rad=rotation_std_rad,
        )

    @property
    def world_from_camera(self) -> Pose:
        return Pose.from_quaternion(*self.quaternion_wxyz, self.position_m)


class DevicesRecord(_Record):
    """What the devices said at the shutter, in the configuration's own counting: what a cell learns from.

    `turns` of the drums since the dock and `tensions_n` asked of the winches, in the order of the cables; `joints_rad`
    by the servos; `carriage` is its x, y (m) and yaw (rad) as the winches make it out of that.
    """

    turns: Four
    tensions_n: Four
    joints_rad: Four
    carriage: tuple[float, float, float]


class ViewRecord(_Record):
    """One viewpoint: what was planned, what came of it.

    `planned` is where the camera was meant to be. `believed`, `taken_at`, `image`, `sha256` and `bytes` are there
    exactly when the outcome is `taken`; `believed` is the pose by kinematics from what the devices reported at the
    shutter, `devices` what they reported. `reason` says why a view failed.
    """

    view: int
    planned: PoseRecord
    outcome: Outcome = Outcome.PENDING
    attempts: int = 0
    image: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    taken_at: datetime | None = None
    believed: PoseRecord | None = None
    devices: DevicesRecord | None = None
    reason: str | None = None


class ScanManifest(_Record):
    """One scan of one plant.

    `plant_position_m` is the plant's collar in the world frame; `plant_radius_m` and `plant_height_m` are the size
    that was planned for. `events` are lines for a person, oldest first.
    """

    format: int = FORMAT
    scan: str
    plant: str
    cultivar: str | None = None
    age_days: float | None = None
    plant_position_m: tuple[float, float, float]
    plant_radius_m: float
    plant_height_m: float
    started_at: datetime
    finished_at: datetime | None = None
    views: tuple[ViewRecord, ...]
    events: tuple[str, ...] = ()

    @property
    def taken(self) -> tuple[ViewRecord, ...]:
        return tuple(view for view in self.views if view.outcome is Outcome.TAKEN)

    @property
    def missing(self) -> tuple[ViewRecord, ...]:
        """Views that have neither been taken nor given up."""
        return tuple(view for view in self.views if view.outcome is Outcome.PENDING)

    def with_view(self, record: ViewRecord) -> "ScanManifest":
        """The same manifest with one view's record replaced."""
        views = tuple(record if view.view == record.view else view for view in self.views)
        return self.model_copy(update={"views": views})

    def with_event(self, line: str) -> "ScanManifest":
        return self.model_copy(update={"events": (*self.events, line)})


def read_manifest(path: Path) -> ScanManifest:
    """Read `scan.json`.

    Raises:
        InputError: It is missing, torn, or of a format that this version does not know.
    """
    try:
        return ScanManifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot read the manifest: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(f"{path}: not a manifest of format {FORMAT}: {place}: {first['msg']}") from error


def write_manifest(path: Path, manifest: ScanManifest) -> None:
    """Write `scan.json` durably: after this returns, a power cut does not undo it."""
    write_durably(path, manifest.model_dump_json(indent=1).encode())
