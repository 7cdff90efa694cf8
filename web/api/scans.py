"""`/api/v1/scans`: viewpoints, photographs, and what reconstruction made of them."""

from typing import Literal

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from trellis.folders import ScanFolder
from trellis.manifest import Outcome, ViewRecord
from web import reading
from web.answers import ScanAnswer, ViewsAnswer
from web.api.errors import NOT_FOUND, NotThere, Responses
from web.api.files import send, send_bytes
from web.api.paging import Limit, Offset, page
from web.farm import Farm
from web.thumbnails import thumbnail

Artefact = Literal["mesh.glb", "mesh.ply", "plant.ply", "cloud.ply", "report.html", "traits.json", "mass.json"]
MEDIA_TYPES: dict[Artefact, str] = {
    "mesh.glb": "model/gltf-binary",
    "mesh.ply": "application/octet-stream",
    "plant.ply": "application/octet-stream",
    "cloud.ply": "application/octet-stream",
    "report.html": "text/html",
    "traits.json": "application/json",
    "mass.json": "application/json",
}


def routes(farm: Farm) -> APIRouter:
    """The routes about scans. Photographs and artefacts answer HEAD, ranges and If-None-Match."""
    router = APIRouter(prefix="/scans", tags=["scans"])

    @router.get("")
    def list_scans(
        request: Request, response: Response, plant: str | None = None, limit: Limit = 100, offset: Offset = 0
    ) -> list[ScanAnswer]:
        """Scans, newest first, of one plant or of all."""
        rows = page(request, response, lambda count: farm.store.scans(plant, limit=count), limit, offset)
        return [reading.scan_answer(farm, row) for row in rows]

    @router.get("/{scan}", responses=NOT_FOUND)
    def get_scan(scan: str) -> ScanAnswer:
        """One scan."""
        return reading.scan_answer(farm, farm.store.scan(scan))

    @router.get("/{scan}/views", responses=NOT_FOUND)
    def get_views(scan: str) -> ViewsAnswer:
        """Its viewpoints, by number."""
        return reading.views(farm, scan)

    @router.head("/{scan}/views/{view}/photograph.jpg", include_in_schema=False)
    @router.get(
        "/{scan}/views/{view}/photograph.jpg", response_class=Response, responses=NOT_FOUND | _content("image/jpeg")
    )
    def get_photograph(request: Request, scan: str, view: int = Path(ge=0)) -> Response:
        """The photograph of a viewpoint, as the camera gave it."""
        folder, record = _taken(farm, scan, view)
        return send(request, folder.image(view), "image/jpeg", sha256=record.sha256)

    @router.head("/{scan}/views/{view}/thumbnail.jpg", include_in_schema=False)
    @router.get(
        "/{scan}/views/{view}/thumbnail.jpg", response_class=Response, responses=NOT_FOUND | _content("image/jpeg")
    )
    def get_thumbnail(request: Request, scan: str, view: int = Path(ge=0)) -> Response:
        """The same photograph, small."""
        folder, record = _taken(farm, scan, view)
        sha256 = record.sha256 or ""
        return send_bytes(request, thumbnail(folder.image(view), sha256), "image/jpeg", sha256)

    @router.head("/{scan}/{artefact}", include_in_schema=False)
    @router.get("/{scan}/{artefact}", response_class=Response, responses=NOT_FOUND | _content(*MEDIA_TYPES.values()))
    def get_artefact(request: Request, scan: str, artefact: Artefact) -> Response:
        """A file that reconstruction made: mesh, clouds, report, traits, mass."""
        row = farm.store.scan(scan)
        path = reading.folder_of(farm, row).reconstruction / artefact
        shown = artefact.endswith((".html", ".json", ".glb"))
        name = None if shown else f"{row.plant}-{row.id}-{artefact}"
        return send(request, path, MEDIA_TYPES[artefact], name=name)

    return router


def _content(*media_types: str) -> Responses:
    binary, table = {"type": "string", "format": "binary"}, {"type": "object"}
    return {200: {"content": {name: {"schema": table if name.endswith("json") else binary} for name in media_types}}}


def _taken(farm: Farm, scan: str, view: int) -> tuple[ScanFolder, ViewRecord]:
    """The folder and the record of a photograph that counts as taken."""
    folder = reading.folder_of(farm, farm.store.scan(scan))
    for record in reading.manifest_of(folder).views:
        if record.view == view:
            if record.outcome is Outcome.TAKEN:
                return folder, record
            why = f": {record.reason}" if record.reason else ""
            raise NotThere(f"there is no photograph of viewpoint {view} of {scan}, it is {record.outcome.value}{why}")
    raise NotThere(f"there is no viewpoint {view} in scan {scan!r}")
