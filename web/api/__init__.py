"""The REST API under `/api/v1`: everything that the pages know and do, for programs."""

from fastapi import APIRouter

from web.api import calibrate, controls, entered, jobs, line, people, plants, queue, robot, scans, stream, trials
from web.farm import Farm

PREFIX = "/api/v1"


def api(farm: Farm) -> APIRouter:
    """Every route of the API."""
    router = APIRouter(prefix=PREFIX)
    for room in (plants, scans, jobs, queue, robot, controls, calibrate, line, stream, people, entered, trials):
        router.include_router(room.routes(farm))
    return router
