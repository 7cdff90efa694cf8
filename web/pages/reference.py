"""The API's own page: every route, made from the OpenAPI description, without a foreign script."""

from html import escape
from typing import Any

from fastapi import FastAPI
from nicegui import ui

from web.farm import Farm
from web.pages.frame import frame


def add(farm: Farm, app: FastAPI) -> None:
    """Serve the page at `/api`."""

    @ui.page("/api")
    def reference_page() -> None:
        frame(farm, "API", "/api")
        with ui.element("div").classes("sheet"), ui.element("div").classes("stack"):
            ui.html(_page(app.openapi()), sanitize=False)


def _page(schema: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td class=state><code>{method.upper()}</code></td><td><code>{escape(path)}</code></td>"
        f'<td class="reason">{escape(operation.get("description", ""))}</td></tr>'
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if method != "head"
    )
    return (
        '<section class="panel"><h2>REST API</h2><p>Everything that these pages show, for programs. Units stand in the '
        "names; an error is an object with one line, <code>error</code>. The full description, to generate a client "
        'from: <a href="/api/v1/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>'
        '<div class="scroll"><table><tr><th>Method</th><th>Path</th><th>What it does</th></tr>'
        f"{rows}</table></div></section>"
    )
