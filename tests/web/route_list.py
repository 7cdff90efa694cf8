"""Every route of the whole application, pages and library included, as `METHOD /path`."""

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI


def route_names(app: FastAPI) -> set[str]:
    """Each method of each route on a line of its own; a mount of files is `MOUNT /path`."""
    return set(_names(app.routes, ""))


def _names(routes: Iterable[Any], prefix: str) -> Iterator[str]:
    for route in routes:
        if hasattr(route, "effective_candidates"):  # a router that was included
            yield from _names(route.effective_candidates(), prefix)
        elif getattr(route, "original_route", None) is not None and not route.methods:
            yield f"WEBSOCKET /api/v1{route.original_route.path}"
        elif getattr(route, "methods", None):
            yield from (f"{method} {prefix}{route.path}" for method in route.methods)
        elif getattr(route, "routes", None):
            yield from _names(route.routes, prefix + route.path)
        else:
            yield f"MOUNT {prefix}{route.path}"
