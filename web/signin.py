"""The ways in: `/setup` for the first administrator, `/signin`, `/link` for a one-time link, and `/signout`.

Plain pages that need no script and none of the pages' library; the library's own files lie behind the gate.
"""

import asyncio
from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from trellis.errors import TrellisError
from web.attempts import TooManyAttempts
from web.farm import Farm
from web.gate import COOKIE
from web.people import SESSION_MAX
from web.secret import PASSWORD_MIN
from web.statics import versioned

_FORM_MAX = 4096
_WAITING_MAX = 8
#: These pages draw nothing by script, so they may run none.
_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_STOP_NOTE = (
    "Signing in is not needed to stop the robot at the robot: use its switch, or <code>trellis stop</code> on the "
    "controller."
)


def routes(farm: Farm) -> APIRouter:
    """The pages by which one comes in and goes out."""
    router = APIRouter(include_in_schema=False)
    waiting = 0

    async def enter(call: Callable[[], str]) -> str:
        """Check a secret on the one thread for that; more than a few who wait are sent away."""
        nonlocal waiting
        if waiting >= _WAITING_MAX:
            raise TooManyAttempts(60.0)
        waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(farm.signing, call)
        finally:
            waiting -= 1

    @router.get("/signin")
    async def signin_page(request: Request, next: str = "/") -> Response:
        if await asyncio.to_thread(farm.people.is_first_run):
            return RedirectResponse("/setup", 303)
        if request.scope["identity"] is not None:
            return RedirectResponse(_local(next), 303)
        return _page(farm, "Sign in", _signin_form(next))

    @router.post("/signin")
    async def signin(request: Request, next: str = "/") -> Response:
        form = await _form(request)
        try:
            token = await enter(lambda: farm.people.sign_in(form("name"), form("password"), _address(request)))
        except TrellisError as error:
            return _page(farm, "Sign in", _signin_form(next, form("name")), error)
        return await _in(farm, request, token, next)

    @router.get("/setup")
    async def setup_page(code: str = "") -> Response:
        if not await asyncio.to_thread(farm.people.is_first_run):
            return RedirectResponse("/signin", 303)
        return _page(farm, "First run", _setup_form(code))

    @router.post("/setup")
    async def setup(request: Request) -> Response:
        form = await _form(request)
        given = form("code"), form("name"), form("password"), _address(request)
        try:
            token = await enter(lambda: farm.people.make_first(*given))
        except TrellisError as error:
            return _page(farm, "First run", _setup_form(form("code"), form("name")), error)
        return await _in(farm, request, token, "/")

    @router.get("/link")
    async def link_page(request: Request, token: str = "") -> Response:
        """Straight in where a person opened it themselves; else a page that asks for one tap.

        What looks into links unasked, as mail programs do, must not use one up, and no page of a stranger may sign
        somebody in.
        """
        if request.scope["identity"] is not None:
            return RedirectResponse("/", 303)
        if request.headers.get("sec-fetch-site") == "none" and request.headers.get("sec-fetch-mode") == "navigate":
            return await follow(request, token)
        return _page(farm, "Sign in", _link_form(token))

    @router.post("/link")
    async def follow_link(request: Request) -> Response:
        return await follow(request, (await _form(request))("token"))

    async def follow(request: Request, link: str) -> Response:
        try:
            token = await enter(lambda: farm.people.follow_link(link, _address(request)))
        except TrellisError as error:
            return _page(farm, "Sign in", _signin_form("/"), error)
        return await _in(farm, request, token, "/")

    @router.post("/signout")
    async def signout(request: Request) -> Response:
        await _end_old(farm, request)
        answer = RedirectResponse("/signin", 303)
        answer.delete_cookie(COOKIE, path="/")
        return answer

    return router


async def _in(farm: Farm, request: Request, token: str, there: str) -> Response:
    """Into the farm with a session of its own; what the browser came with is worth nothing from now on."""
    await _end_old(farm, request)
    answer = RedirectResponse(_local(there), 303)
    secure = request.url.scheme == "https"
    lasts_s = int(SESSION_MAX.total_seconds())
    answer.set_cookie(COOKIE, token, max_age=lasts_s, path="/", secure=secure, httponly=True, samesite="lax")
    return answer


async def _end_old(farm: Farm, request: Request) -> None:
    old = request.cookies.get(COOKIE)
    if old:
        await asyncio.to_thread(farm.people.sign_out, old)


async def _form(request: Request) -> Callable[[str], str]:
    """The fields of a form, each a text."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _FORM_MAX:
            return lambda _name: ""
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    return lambda name: fields.get(name, [""])[0]


def _address(request: Request) -> str:
    return request.client.host if request.client else "?"


def _local(there: str) -> str:
    """An address of our own; anything else is the wall."""
    own = there.startswith("/") and not there.startswith(("//", "/\\")) and there.isprintable()
    return there if own and "\\" not in there else "/"


def _page(farm: Farm, title: str, form: str, error: Exception | None = None) -> Response:
    problem = f'<p class="note bad" role="alert">{escape(str(error))}</p>' if error else ""
    status, headers = 200, {"content-security-policy": _CSP}
    if isinstance(error, TooManyAttempts):
        status, headers = 429, headers | {"retry-after": str(int(error.wait_s) + 1)}
    elif error is not None:
        status = 401
    content = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} · {escape(farm.name)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="{versioned("instrument.css")}"></head><body class="door"><main>'
        f"<h1>{escape(farm.name)}</h1><h2>{title}</h2>{problem}{form}"
        f'<p class="soft">{_STOP_NOTE}</p></main></body></html>'
    )
    return HTMLResponse(content, status, headers)


def _link_form(token: str) -> str:
    hidden = f'<input type="hidden" name="token" value="{escape(token, quote=True)}">'
    return f'<form method="post" action="/link">{hidden}<button>Open the farm</button></form>'


def _signin_form(there: str, name: str = "") -> str:
    return (
        f'<form method="post" action="/signin?next={quote(_local(there), safe="")}">'
        f"{_field('Name', 'name', 'text', 'username', name)}"
        f"{_field('Password', 'password', 'password', 'current-password')}"
        "<button>Sign in</button></form>"
    )


def _setup_form(code: str, name: str = "") -> str:
    return (
        "<p>Nobody may sign in yet. <code>trellis web</code> has printed a code where it was started; with it you "
        "become this farm's first administrator.</p><form method='post' action='/setup'>"
        f"{_field('Code from the console', 'code', 'text', 'one-time-code', code)}"
        f"{_field('Name', 'name', 'text', 'username', name)}"
        f"{_field(f'Password, {PASSWORD_MIN} characters or more', 'password', 'password', 'new-password')}"
        "<button>Begin</button></form>"
    )


def _field(label: str, name: str, kind: str, hint: str, value: str = "") -> str:
    limits: Any = f' minlength="{PASSWORD_MIN}"' if hint == "new-password" else ""
    return (
        f'<label>{label}<input name="{name}" type="{kind}" autocomplete="{hint}" required{limits} '
        f'value="{escape(value, quote=True)}"></label>'
    )
