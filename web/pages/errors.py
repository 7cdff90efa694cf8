"""The pages that nobody wants to see: no such page, and a page that broke. The stop button stands on them too."""

from html import escape

from fastapi import Request
from fastapi.responses import Response
from nicegui import Client, app, ui

from web.farm import Farm
from web.pages.frame import frame


def add(farm: Farm) -> None:
    """Take the place of the page library's own error pages."""

    @app.exception_handler(404)
    async def no_such_page(request: Request, _error: Exception) -> Response:
        with Client(ui.page(""), request=request) as client:
            _say(farm, "No such page", f"There is no page at {request.url.path}.")
        return client.build_response(request, 404)

    def broken_page(error: Exception) -> None:
        _say(farm, "Error", f"This page could not be made: {type(error).__name__}: {error}. The log has the details.")

    app.on_page_exception(broken_page)


def _say(farm: Farm, title: str, line: str) -> None:
    frame(farm, title, "")
    with ui.element("div").classes("sheet"):
        ui.html(f'<div class="note bad">{escape(line)}</div><a href="/">To the wall</a>', sanitize=False)
