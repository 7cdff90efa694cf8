"""Long lists come in pages: `limit` and `offset`, and a `Link` header with the next page while there is one."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Query, Request, Response

Row = TypeVar("Row")
Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0, le=100_000)]


def page(request: Request, response: Response, read: Callable[[int], list[Row]], limit: int, offset: int) -> list[Row]:
    """One page of a list.

    Args:
        request: For the address of the next page.
        response: Gets the `Link` header.
        read: The first so many of the list.
        limit: How many a page holds.
        offset: How many come before it.
    """
    found = read(offset + limit + 1)
    if len(found) > offset + limit:
        following = request.url.include_query_params(limit=limit, offset=offset + limit)
        response.headers["link"] = f'<{following.path}?{following.query}>; rel="next"'
    return found[offset : offset + limit]
