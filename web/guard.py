"""Commands come from our own pages or from programs, never from a stranger's page in the same browser."""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from web.api.errors import error_response

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_READS = {"GET", "HEAD", "OPTIONS"}


class SameOrigin:
    """Refuse a command whose page has another origin, or, on a loopback server, that names a foreign host.

    A browser tells where a request comes from (`Origin`); programs send none. The host is checked so that a name which
    a stranger points at this machine does not pass as our own origin.

    Args:
        app: What it guards.
        loopback: Whether the server listens on this machine only.
    """

    def __init__(self, app: ASGIApp, loopback: bool) -> None:
        self._app, self._loopback = app, loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _commands(scope):
            headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
            problem = self._problem(headers.get("host", ""), headers.get("origin"))
            if problem:
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 1008, "reason": problem[:120]})
                else:
                    await error_response(403, problem)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _problem(self, host: str, origin: str | None) -> str | None:
        if origin is not None and urlsplit(origin).netloc != host:
            return f"a page from {origin} may not command this farm; open the dashboard itself"
        if self._loopback and urlsplit(f"//{host}").hostname not in _LOOPBACK:
            return f"this server listens on this machine only and is not called {host!r}; use 127.0.0.1 or localhost"
        return None


def _commands(scope: Scope) -> bool:
    """Whether a request may change something; a line that stays open can carry commands later."""
    if scope["type"] == "http":
        return scope["method"] not in _READS and bool(scope["path"].startswith("/api/"))
    return scope["type"] == "websocket" and bool(scope["path"].startswith("/api/"))
