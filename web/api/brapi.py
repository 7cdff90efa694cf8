"""`/brapi/v2`: the farm for programs of breeders, read only (BrAPI v2.1)."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request

from web import brapi
from web.api.errors import NOT_FOUND, NotThere
from web.farm import Farm
from web.version import version

PREFIX = "/brapi/v2"
Page = Annotated[int, Query(ge=0, le=100_000)]
Size = Annotated[int, Query(ge=1, le=1000)]
Variable = Literal["fresh_mass", "dry_mass", "leaf_area", "height", "diameter"]
_CALLS = ("serverinfo", "studies", "studies/{studyDbId}", "observationunits", "variables", "observations", "images")
_ROWS_MAX = 20_000


def routes(farm: Farm) -> APIRouter:
    """The standard's calls that read; each answers in its envelope, page by page."""
    router = APIRouter(prefix=PREFIX, tags=["BrAPI"])

    @router.get("/serverinfo")
    def get_server() -> dict[str, Any]:
        """Which calls there are."""
        calls = [
            {"service": call, "methods": ["GET"], "versions": ["2.1"], "contentTypes": ["application/json"]}
            for call in _CALLS
        ]
        return brapi.single({"serverName": f"Trellis {version()}", "organizationName": farm.name, "calls": calls})

    @router.get("/studies")
    def list_studies(page: Page = 0, pageSize: Size = 1000) -> dict[str, Any]:
        """The one study of this farm."""
        return brapi.answer([brapi.study(farm)], page, pageSize)

    @router.get("/studies/{study}", responses=NOT_FOUND)
    def get_study(study: str) -> dict[str, Any]:
        """A study by its number."""
        if study != brapi.STUDY:
            raise NotThere(f"there is no study {study!r}; this farm has study {brapi.STUDY}")
        return brapi.single(brapi.study(farm))

    @router.get("/observationunits")
    def list_units(page: Page = 0, pageSize: Size = 1000) -> dict[str, Any]:
        """The plants on the wall, where they hang, and their treatments."""
        return brapi.answer(brapi.units(farm), page, pageSize)

    @router.get("/variables")
    def list_variables(page: Page = 0, pageSize: Size = 1000) -> dict[str, Any]:
        """What is measured, how and in which unit."""
        return brapi.answer(brapi.variables(), page, pageSize)

    @router.get("/observations", responses=NOT_FOUND)
    def list_observations(
        observationUnitDbId: str | None = None,
        observationVariableDbId: Variable | None = None,
        page: Page = 0,
        pageSize: Size = 1000,
    ) -> dict[str, Any]:
        """Every number that was measured, newest first; of the newest 20,000 measurements."""
        plant = None if observationUnitDbId is None else farm.store.plant(observationUnitDbId).name
        rows = farm.store.measurements(plant, limit=_ROWS_MAX)
        return brapi.answer(brapi.observations(rows, observationVariableDbId), page, pageSize)

    @router.get("/images", responses=NOT_FOUND)
    def list_images(
        request: Request,
        observationUnitDbId: str | None = None,
        page: Page = 0,
        pageSize: Size = 1000,
    ) -> dict[str, Any]:
        """The photographs of the newest scans, with the addresses at which they are."""
        plant = None if observationUnitDbId is None else farm.store.plant(observationUnitDbId).name
        base = str(request.base_url).rstrip("/")
        return brapi.answer(brapi.images(farm, plant, base), page, pageSize)

    return router
