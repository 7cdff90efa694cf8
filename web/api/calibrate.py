"""`/api/v1/calibrations`: what each calibration of the cell found, and which is in force."""

from datetime import UTC, datetime

from fastapi import APIRouter

from trellis.errors import InputError
from web.api.asked import Asker
from web.api.errors import NOT_FOUND, REFUSED, NotThere, Refused
from web.calibrations import CalibrationsAnswer, calibrations
from web.farm import Farm

AS_CONFIGURED = "none"


def routes(farm: Farm) -> APIRouter:
    """The routes about calibrations. To make one is a motion: `POST /robot/move` with `calibrate`."""
    router = APIRouter(prefix="/calibrations", tags=["robot"])

    @router.get("")
    def list_calibrations() -> CalibrationsAnswer:
        """Every calibration with what was left over, newest first, and what came into force when."""
        return calibrations(farm.calibrations)

    @router.post("/roll-back", responses=REFUSED)
    def roll_back(who: Asker) -> CalibrationsAnswer:
        """Put in force what was in force before; nothing is deleted. Drivers take it up when the daemon next starts."""
        try:
            name = farm.calibrations.roll_back(datetime.now(UTC))
        except InputError as error:
            raise Refused(str(error)) from error
        farm.note(f"{who.name} rolled the calibration back to {name or 'the cell as configured'}")
        return calibrations(farm.calibrations)

    @router.post("/{name}/choose", responses=NOT_FOUND | REFUSED)
    def choose(name: str, who: Asker) -> CalibrationsAnswer:
        """Put a calibration in force; `none` takes the cell as configured."""
        if name != AS_CONFIGURED and name not in farm.calibrations.names():
            raise NotThere(f"there is no calibration {name!r}")
        try:
            farm.calibrations.choose(None if name == AS_CONFIGURED else name, datetime.now(UTC))
        except InputError as error:
            raise Refused(str(error)) from error
        farm.note(f"{who.name} put {name} in force")
        return calibrations(farm.calibrations)

    return router
