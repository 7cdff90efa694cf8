"""The web application: the API, and the pages on top of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from nicegui import ui

from web.api import PREFIX, api, brapi
from web.api.description import describe
from web.api.errors import answer_errors_plainly, error_response
from web.farm import Farm
from web.gate import Gate
from web.pages import add_pages
from web.signin import routes as ways_in
from web.statics import STATIC
from web.version import version

_FAVICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M1 1v14M15 1v14M1 1h14M1 8h14M8 1v14" '
    'stroke="#7a857f" fill="none"/><circle cx="8" cy="8" r="4.5" fill="#2f7d4b"/></svg>'
)


def api_only(farm: Farm, *, loopback: bool = True) -> FastAPI:
    """The REST API by itself.

    Args:
        farm: What it tells of; closed with the application.
        loopback: Whether it is served to this machine only.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        farm.close()

    app = FastAPI(
        title="Trellis",
        version=version(),
        description="Plants, scans, measurements, jobs and the robot of one farm.",
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        lifespan=lifespan,
    )
    answer_errors_plainly(app)
    app.include_router(api(farm))
    app.include_router(brapi.routes(farm))
    app.add_api_route(
        "/api/{rest:path}", _nothing_here, methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False
    )
    app.include_router(ways_in(farm))
    describe(app)
    app.add_middleware(Gate, farm=farm, loopback=loopback)
    return app


def application(farm: Farm, *, loopback: bool = True) -> FastAPI:
    """The API and the pages. One process serves one farm: the pages' library keeps its routes in one place."""
    app = api_only(farm, loopback=loopback)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    add_pages(farm, app)
    ui.run_with(
        app,
        title="Trellis",
        favicon=_FAVICON,
        dark=None,
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=10.0,
    )
    return app


def _nothing_here(request: Request) -> JSONResponse:
    return error_response(404, f"there is nothing at {request.url.path}; {PREFIX}/openapi.json lists what there is")
