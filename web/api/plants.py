"""`/api/v1/plants`: the wall, one plant, and asking for a scan."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import TypeAdapter

from web import reading
from web.answers import JobAnswer, PlantAnswer, PlantDetailAnswer
from web.api.errors import NOT_FOUND, REFUSED, Responses
from web.farm import Farm
from web.forecasts import ForecastAnswer, forecast_of
from web.through_days import LeafAnswer, leaves_of, strip_of

_PNG: Responses = {200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}}
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

    @router.get("/{plant}/forecast", responses=NOT_FOUND | REFUSED)
    def get_forecast(
        plant: str,
        target_kg: Annotated[float | None, Query(gt=0, le=5)] = None,
        days: Annotated[int, Query(ge=1, le=60)] = 21,
    ) -> ForecastAnswer:
        """How it grew and is likely to grow, and when it reaches a target mass, with 90 % intervals."""
        return forecast_of(farm, plant, target_kg, days)

    @router.get("/{plant}/strip.png", response_class=Response, responses=NOT_FOUND | _PNG)
    def get_strip(plant: str) -> Response:
        """Its straightest photograph of each of the last days, one place and one scale."""
        return Response(strip_of(farm, plant), media_type="image/png", headers={"cache-control": "private, no-cache"})

    @router.get("/{plant}/leaves", responses=NOT_FOUND)
    def get_leaves(plant: str) -> list[LeafAnswer]:
        """Each leaf of its last meshes under a number that it keeps: area, growth, and whether it is new or lost."""
        return leaves_of(farm, plant)

    @router.post("/{plant}/scans", status_code=202, responses=NOT_FOUND)
    def request_scan(plant: str) -> JobAnswer:
        """Ask for a scan. The daemon takes it when the robot is free; a scan that waits already is answered again."""
        return reading.job_answer(farm, farm.store.request_scan(plant))

    return router
