"""The public file `plan.json`: a `Plan` as text and back, strictly."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from scan.cell import CellPosture, Joints
from scan.plan import DroppedView, Plan, PlannedView, Triple
from trellis.errors import InputError
from trellis.geometry import Pose

FORMAT = 1


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Posture(_Record):
    x_m: float
    y_m: float
    yaw_rad: float
    joints_rad: Joints

    @staticmethod
    def of(posture: CellPosture) -> "_Posture":
        return _Posture(x_m=posture.x_m, y_m=posture.y_m, yaw_rad=posture.yaw_rad, joints_rad=posture.joints_rad)

    def value(self) -> CellPosture:
        return CellPosture(self.x_m, self.y_m, self.yaw_rad, self.joints_rad)


class _Stop(_Record):
    view: int
    camera_position_m: Triple
    camera_quaternion_wxyz: tuple[float, float, float, float]
    posture: _Posture
    via: tuple[_Posture, ...]

    @staticmethod
    def of(stop: PlannedView) -> "_Stop":
        x, y, z = map(float, stop.world_from_camera.translation_m)
        qw, qx, qy, qz = map(float, stop.world_from_camera.quaternion_wxyz)
        return _Stop(
            view=stop.view,
            camera_position_m=(x, y, z),
            camera_quaternion_wxyz=(qw, qx, qy, qz),
            posture=_Posture.of(stop.posture),
            via=tuple(_Posture.of(posture) for posture in stop.via),
        )

    def value(self) -> PlannedView:
        world_from_camera = Pose.from_quaternion(*self.camera_quaternion_wxyz, self.camera_position_m)
        via = tuple(posture.value() for posture in self.via)
        return PlannedView(self.view, world_from_camera, self.posture.value(), via)


class _Dropped(_Record):
    view: int
    reason: str


class _PlanFile(_Record):
    format: int
    plant: str
    position_m: Triple
    radius_m: float
    height_m: float
    duration_s: float
    stops: tuple[_Stop, ...]
    dropped: tuple[_Dropped, ...]


def plan_text(plan: Plan) -> str:
    """The text of `plan.json`; `read_plan` gives the same plan back."""
    file = _PlanFile(
        format=FORMAT,
        plant=plan.plant,
        position_m=plan.position_m,
        radius_m=plan.radius_m,
        height_m=plan.height_m,
        duration_s=plan.duration_s,
        stops=tuple(_Stop.of(stop) for stop in plan.stops),
        dropped=tuple(_Dropped(view=view.view, reason=view.reason) for view in plan.dropped),
    )
    return file.model_dump_json(indent=1) + "\n"


def read_plan(path: Path) -> Plan:
    """Read `plan.json`.

    Raises:
        InputError: It is missing, or is not a plan of the format that this version writes.
    """
    try:
        file = _PlanFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot read the plan: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(f"{path}: not a plan of format {FORMAT}: {place}: {first['msg']}") from error
    if file.format != FORMAT:
        raise InputError(f"{path}: a plan of format {file.format}; this version reads format {FORMAT}: plan again")
    return Plan(
        file.plant,
        file.position_m,
        file.radius_m,
        file.height_m,
        tuple(stop.value() for stop in file.stops),
        tuple(DroppedView(view.view, view.reason) for view in file.dropped),
        file.duration_s,
    )
