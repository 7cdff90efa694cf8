"""The gate that every request passes: who asks, whether they may, and from which page; and the headers of every answer.

A browser tells where a command comes from (`Origin`, or `Sec-Fetch-Site`); what a session's cookie signs must come from
our own pages. Programs show a key and send neither. With a cookie of `SameSite=Lax` this is what keeps a stranger's
page in the same browser from commanding the farm (OWASP, cross-site request forgery, verifying origin).
"""

import asyncio
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trellis.errors import TrellisError
from web.access import Identity, is_open, needed
from web.api.errors import error_response
from web.farm import Farm

COOKIE = "trellis_session"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_READS = {"GET", "HEAD", "OPTIONS"}
_BODY_MAX = 1_000_000
#: Pages draw themselves with scripts of their library, which builds its templates as it runs; nothing from elsewhere.
CSP = (
    "default-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'; worker-src 'self' blob:; connect-src 'self'; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Gate:
    """Lets through who may, and puts their `Identity` into the scope as `identity`.

    Args:
        app: What it guards.
        farm: Whose people may pass.
        loopback: Whether the server listens on this machine only; then it answers to this machine's names alone, so
            that a name which a stranger points at it does not pass as our own.
    """

    def __init__(self, app: ASGIApp, farm: Farm, loopback: bool) -> None:
        self._app, self._farm, self._loopback = app, farm, loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        method = "WEBSOCKET" if scope["type"] == "websocket" else scope["method"]
        try:
            refused = await self._refusal(scope, method, headers)
        except TrellisError as error:  # the database that knows who may pass cannot be read
            refused = 503, " ".join(str(error).split())
        if refused is not None:
            await self._refuse(scope, receive, send, *refused)
            return
        if method == "WEBSOCKET":
            await self._app(scope, *_watched(self._still(scope, headers), receive, send))
        else:
            await self._app(scope, receive, _with_headers(scope, send))

    async def _refusal(self, scope: Scope, method: str, headers: dict[str, str]) -> tuple[int, str] | None:
        """Why a request may not pass, or None when it may."""
        path = scope["path"]
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._loopback and urlsplit(f"//{host}").hostname not in _LOOPBACK and host not in self._farm.names:
            return (
                403,
                f"this server is not called {host!r}; use 127.0.0.1, or add the name to [web] names",
            )
        if any(ord(character) < 32 or ord(character) == 127 for character in path):
            # A route's `$` fits before a line's end too, a rule's end does not: /users%0a would pass for another.
            return 422, "an address holds no control characters"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > _BODY_MAX:
            return 413, f"a request holds at most {_BODY_MAX:,} bytes"
        commands = method not in _READS
        if commands and origin is not None and urlsplit(origin).netloc != host:
            return 403, f"a page from {origin} may not command this farm; open the dashboard itself"
        identity, by_cookie = await self._who(headers)
        scope["identity"], scope["still"] = identity, self._still(scope, headers)
        if is_open(method, path):
            return None
        if identity is None:
            return 401, "sign in, or show a key: `Authorization: Bearer KEY`"
        if by_cookie and commands and origin is None and headers.get("sec-fetch-site") != "same-origin":
            return 403, "a command that a session signs must say which page it comes from; programs use a key"
        permission = needed(method, path)
        if not identity.may(permission):
            return (
                403,
                f"{identity.name} may not do this; it needs {permission.value!r}, which administrators give",
            )
        return None

    async def _who(self, headers: dict[str, str]) -> tuple[Identity | None, bool]:
        """Who asks, and whether a cookie says so. A key that is shown decides, be it good or not."""
        word, _, token = headers.get("authorization", "").partition(" ")
        if word.lower() == "bearer":
            return await self._ask("key", token.strip()), False
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE)
        return (await self._ask("session", cookie), True) if cookie else (None, False)

    async def _ask(self, kind: Literal["session", "key"], token: str) -> Identity | None:
        people = self._farm.people
        known = people.recall(kind, token)
        if known is not None:
            return known[0]
        return await asyncio.get_running_loop().run_in_executor(self._farm.asking, people.look_up, kind, token)

    def _still(self, scope: Scope, headers: dict[str, str]) -> Callable[[], Any]:
        """Asks again who it is, for what stays open: None once they were signed out."""

        async def still() -> Identity | None:
            return (await self._who(headers))[0]

        return still

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, status: int, problem: str) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": problem[:120]})
            return
        reads_page = scope["method"] == "GET" and _is_page(scope)
        if status == 401 and reads_page:
            answer: Any = RedirectResponse(await self._way_in(scope), 303, {"cache-control": "no-store"})
        else:
            answer = error_response(status, problem)
            if status == 401:
                answer.headers["www-authenticate"] = "Bearer"
        await answer(scope, receive, _with_headers(scope, send))

    async def _way_in(self, scope: Scope) -> str:
        first = await asyncio.get_running_loop().run_in_executor(self._farm.asking, self._farm.people.is_first_run)
        query = scope["query_string"].decode("latin-1")
        there = scope["path"] + (f"?{query}" if query else "")
        return "/setup" if first else f"/signin?next={quote(there, safe='')}"


def _is_page(scope: Scope) -> bool:
    return not scope["path"].startswith(("/api/", "/brapi/", "/static/", "/_nicegui"))


def _with_headers(scope: Scope, send: Send) -> Send:
    """Every answer carries the headers that keep a browser from doing more than it should; its own come first."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message["headers"]}
            extra = dict(_HEADERS)
            if scope["path"].startswith(("/api/", "/brapi/")) or _is_page(scope):
                extra["cache-control"] = "no-store"
            message["headers"] = list(message["headers"]) + [
                (name.encode(), value.encode()) for name, value in extra.items() if name.encode() not in given
            ]
        await send(message)

    return sending


def _watched(still: Callable[[], Any], receive: Receive, send: Send) -> tuple[Receive, Send]:
    """The two ends of a WebSocket, which closes with whoever opened it being signed out."""
    closed = False

    async def receiving() -> Message:
        message = await receive()
        if message["type"] == "websocket.receive" and await still() is None:
            await close()
            return {"type": "websocket.disconnect", "code": 1008}
        return message

    async def sending(message: Message) -> None:
        if message["type"] == "websocket.send" and not closed and await still() is None:
            await close()
        if not closed:
            await send(message)

    async def close() -> None:
        nonlocal closed
        if not closed:
            closed = True
            await send({"type": "websocket.close", "code": 1008, "reason": "signed out"})

    return receiving, sending
