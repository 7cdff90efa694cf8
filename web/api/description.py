"""The OpenAPI description, with what the gate adds to every route: how one shows who one is, and how it says no."""

from typing import Any

from fastapi import FastAPI

from web.access import Permission, needed

_ERROR = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}}}
_ALWAYS = {
    "401": "Nobody, or nobody known, asks",
    "403": "Who asks may not do this, or a session's command does not come from the farm's own pages",
    "422": "What was sent cannot be taken as it is",
    "503": "The database or the daemon does not answer",
}
_SCHEMES = {
    "key": {"type": "http", "scheme": "bearer", "description": "A program's key, as `trellis users key` makes it"},
    "session": {"type": "apiKey", "in": "cookie", "name": "trellis_session", "description": "Who signed in, on pages"},
}
_SAID: dict[Permission, str] = {
    Permission.READ: "read",
    Permission.STOP: "nothing but being signed in",
}


#: What a name in an address may hold: what the gate lets through, and no slash, which would end it.
_NAME = r"^[^\x00-\x1f\x7f/]+$"


def describe(app: FastAPI) -> None:
    """Make the application describe itself with all of that."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = plain()
            schema["components"]["securitySchemes"] = _SCHEMES
            schema["security"] = [{"key": []}, {"session": []}]
            for path, methods in schema["paths"].items():
                for method, operation in methods.items():
                    _complete(operation, needed(method.upper(), path))
            for name in ("HTTPValidationError", "ValidationError"):
                schema["components"]["schemas"].pop(name, None)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(operation: dict[str, Any], permission: Permission) -> None:
    asks = f"Asks for {_SAID.get(permission, f'`{permission.value}`')}."
    operation["description"] = f"{operation.get('description', '')}\n\n{asks}".strip()
    unread = {"400": "The body is no JSON"} if "requestBody" in operation else {}
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        if parameter["in"] == "path" and schema.get("type") == "string" and not {"enum", "pattern"} & schema.keys():
            schema["pattern"] = _NAME
    for status, words in {**_ALWAYS, **unread}.items():
        operation["responses"][status] = {"description": words, **_ERROR}
