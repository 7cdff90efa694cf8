"""`/api/v1/robot/controls`, `/move`, `/twin` and `/picture.jpg`: who drives, moving by hand, and seeing it."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from trellis.errors import DeviceError, TrellisError
from web import reading
from web.answers import Answer, Asked, RobotAnswer, ViewsAnswer
from web.api.asked import Asker
from web.api.errors import NOT_FOUND, REFUSED, UNREACHABLE, NotThere, Refused, Responses
from web.api.told import told
from web.farm import Farm
from web.robot import robot
from web.twin import StillAnswer, TwinAnswer

_JPEG: Responses = {200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}}
Axis = Literal["", "x", "y", "base", "shoulder", "elbow", "wrist"]


class ControlsAnswer(Answer):
    """Who drives the robot by hand, since when, and for how long without another sign of life; `mine`: who asks."""

    holder: str | None
    since: datetime | None
    lasts_s: float | None
    mine: bool


class NewMotion(Asked):
    """A motion by hand: `home`, `park`, a `step` along an axis by metres (carriage, world) or radians (a joint), or to
    `calibrate` from `by` postures (45, if 0).
    """

    kind: Literal["home", "park", "step", "calibrate"]
    axis: Axis = ""
    by: Annotated[float, Field(ge=-3.2, le=500)] = 0.0


def routes(farm: Farm) -> APIRouter:
    """The routes about driving by hand."""
    router = APIRouter(prefix="/robot", tags=["robot"])

    @router.get("/controls")
    def get_controls(who: Asker) -> ControlsAnswer:
        """Who holds the controls."""
        return _controls(farm, who.name)

    @router.post("/controls/take", responses=REFUSED)
    def take(who: Asker) -> ControlsAnswer:
        """Take the controls, or keep them for another while. No scan begins while they are used."""
        take_controls(farm, who.name)
        return _controls(farm, who.name)

    @router.post("/controls/let-go")
    def let_go(who: Asker) -> ControlsAnswer:
        """Give them back; the robot parks, and what waits goes on."""
        if farm.controls.holder == who.name:
            farm.controls.let_go(who.name)
            farm.note(f"{who.name} let go of the controls")
            _tell(farm, {"word": "leave"})
        return _controls(farm, who.name)

    @router.post("/controls/hand-over", responses=NOT_FOUND | REFUSED)
    def hand_over(who: Asker, to: Annotated[str, Query(min_length=1, max_length=64)]) -> ControlsAnswer:
        """Give the controls to another person who may drive."""
        row = farm.store.user(to)
        if row is None:
            raise NotThere(f"there is no user {to!r}")
        if row.role == "viewer":
            raise Refused(f"{to} may not drive: the role viewer only sees and stops")
        farm.controls.hand_over(who.name, row.name)
        farm.note(f"{who.name} handed the controls to {row.name}")
        return _controls(farm, who.name)

    @router.post("/move", status_code=202, responses=REFUSED | UNREACHABLE)
    def move(who: Asker, new: NewMotion) -> RobotAnswer:
        """Move by hand, if nobody else holds the controls and no scan runs. What is in the way stands in `refusal`."""
        if new.kind == "step" and (not new.axis or not new.by):
            raise Refused("a step needs an axis and a way other than 0")
        take_controls(farm, who.name)
        told(farm.daemon.state, "motion")  # one that is silent is not one that refuses
        try:
            farm.daemon.drive({"word": "ask", **new.model_dump()})
        except DeviceError as error:
            raise Refused(str(error)) from error
        return robot(farm)

    @router.get("/cell")
    def get_cell() -> StillAnswer:
        """What of the cell does not move: pulleys, workspace, plants, limits."""
        return farm.twin.still()

    @router.get("/twin")
    def get_twin() -> TwinAnswer:
        """Where everything that moves is, in space."""
        return farm.twin.live(robot(farm), _newest(farm), farm.controls.holder)

    @router.get("/picture.jpg", response_class=Response, responses=_JPEG | REFUSED | UNREACHABLE)
    def get_picture() -> Response:
        """What the camera sees now, while no scan runs."""
        told(farm.daemon.state, "request")
        try:
            jpeg = farm.daemon.picture()
        except DeviceError as error:
            raise Refused(str(error)) from error
        return Response(jpeg, media_type="image/jpeg", headers={"cache-control": "no-store"})

    return router


def take_controls(farm: Farm, who: str) -> None:
    """Take the controls or keep them, and write down who took them. Raises `SomebodyDrives`."""
    if farm.controls.take(who):
        farm.note(f"{who} took the controls")


def _tell(farm: Farm, request: dict[str, object]) -> None:
    try:
        farm.daemon.drive(request)
    except (TrellisError, OSError):
        return  # a daemon that is gone drives nothing


def _controls(farm: Farm, who: str) -> ControlsAnswer:
    lease = farm.controls.lease
    if lease is None:
        return ControlsAnswer(holder=None, since=None, lasts_s=None, mine=False)
    return ControlsAnswer(holder=lease.holder, since=lease.since, lasts_s=lease.lasts_s, mine=lease.holder == who)


def _newest(farm: Farm) -> ViewsAnswer | None:
    """The viewpoints of the scan that is under way."""
    for job in farm.store.jobs(states=["running", "paused"], kind="scan", limit=1):
        if job.scan is not None:
            try:
                return reading.views(farm, job.scan)
            except TrellisError:
                return None  # it has just begun
    return None
