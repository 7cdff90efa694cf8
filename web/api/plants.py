"""`/api/v1/plants`: the wall, one plant, and asking for a scan."""

from fastapi import APIRouter, Response
from pydantic import TypeAdapter

from web import reading
from web.answers import JobAnswer, PlantAnswer, PlantDetailAnswer
from web.api.errors import NOT_FOUND
from web.farm import Farm

_PLANTS = TypeAdapter(list[PlantAnswer])


def routes(farm: Farm) -> APIRouter:
    """The routes about plants."""
    router = APIRouter(prefix="/plants", tags=["plants"])

    @router.get("", response_model=list[PlantAnswer])
    def list_plants() -> Response:
        """Every plant on the wall with its latest measurement."""
        # Written at once: the library would check a thousand answers that are checked already.
        return Response(_PLANTS.dump_json(reading.plants(farm)), media_type="application/json")

    @router.get("/{plant}", response_model=PlantDetailAnswer, responses=NOT_FOUND)
    def get_plant(plant: str) -> Response:
        """One plant with its scans and measurements, newest first."""
        return Response(reading.plant(farm, plant).model_dump_json(), media_type="application/json")

    @router.post("/{plant}/scans", status_code=202, responses=NOT_FOUND)
    def request_scan(plant: str) -> JobAnswer:
        """Ask for a scan. The daemon takes it when the robot is free; a scan that waits already is answered again."""
        return reading.job_answer(farm, farm.store.request_scan(plant))

    return router
