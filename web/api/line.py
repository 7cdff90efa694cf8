"""`/api/v1/robot/line`: a line that stays open for stop and state, past whatever else the browser fetches.

A browser opens six connections to a server and lets the seventh request wait; a page that loads photographs over a slow
network would so hold up a stop. This line is a WebSocket, which is not counted among them. Each message is
`{"do": "stop", "n": 7}`, its answer `{"n": 7, "robot": {...}}` or `{"n": 7, "error": "one line"}`.

Who may drive moves the robot over it as well: `hold` (with `axis` and `by`, the sign) begins a motion, `keep` every few
hundredths of a second keeps it up, `release` ends it, and so does the line's end; `present` keeps the controls.
"""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from trellis.errors import TrellisError
from web.access import Identity, NotAllowed, Permission
from web.api.controls import take_controls
from web.api.told import told
from web.farm import Farm
from web.robot import robot

_AT_ONCE = 8  # a page asks one by one; more are refused, so that nobody can fill the threads kept for a stop
_LONGEST = 200
_NEVER_REFUSED = ('"stop"', '"release"')
_BY_HAND = ("hold", "keep", "release", "present")


def routes(farm: Farm) -> APIRouter:
    """The line."""
    router = APIRouter(tags=["robot"])

    @router.websocket("/robot/line")
    async def line(socket: WebSocket) -> None:
        """Each message is answered by a task of its own: a state that is slow to come never holds up a stop."""
        await socket.accept()
        under_way: set[asyncio.Task[None]] = set()
        try:
            while True:
                text = await socket.receive_text()
                if len(under_way) < _AT_ONCE or any(word in text[:_LONGEST] for word in _NEVER_REFUSED):
                    task = asyncio.create_task(_answer(farm, socket, text))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
        except (WebSocketDisconnect, KeyError):
            return  # the page is closed, or sent bytes
        finally:
            for task in under_way:
                task.add_done_callback(_forget)
            farm.urgent.submit(_vanished, farm, socket.scope["identity"].name)

    return router


async def _answer(farm: Farm, socket: WebSocket, text: str) -> None:
    number, call, threads = _read(farm, socket.scope["identity"], text)
    try:
        found = await asyncio.get_running_loop().run_in_executor(threads, call)
        answer = {"n": number, "robot": found}
    except TrellisError as error:
        answer = {"n": number, "error": " ".join(str(error).split())}
    try:
        await socket.send_json(answer)
    except (RuntimeError, WebSocketDisconnect):
        return  # the page was closed meanwhile


def _read(farm: Farm, who: Identity, text: str) -> tuple[Any, Callable[[], dict[str, Any]], ThreadPoolExecutor]:
    """The number of a message, what it asks for, and the threads that do it."""
    try:
        message = json.loads(text[:_LONGEST])
    except ValueError:
        message = None
    asked = message if isinstance(message, dict) else {}
    word = asked.get("do")

    def call() -> dict[str, Any]:
        if word == "stop":
            told(farm.daemon.stop, "stop")
            farm.note(f"{who.name} stopped the robot")
        elif word in _BY_HAND:
            _by_hand(farm, who, word, asked)
            return {}
        elif word != "state":
            raise TrellisError('a message is {"do": "stop" or "state", "n": a number}')
        return robot(farm).model_dump(mode="json")

    return asked.get("n"), call, farm.urgent if word in ("stop", "release") else farm.watching


def _by_hand(farm: Farm, who: Identity, word: str, asked: dict[str, Any]) -> None:
    """Pass a hand's word on, if it is the hand that holds the controls."""
    if not who.may(Permission.DRIVE):
        raise NotAllowed(f"{who.name} may not drive the robot; an administrator gives the role operator")
    if word == "present":
        farm.controls.check(who.name)
        if farm.controls.holder == who.name:
            farm.controls.take(who.name)
    elif word == "hold":
        take_controls(farm, who.name)
        farm.daemon.drive({"word": "ask", "kind": "hold", "axis": asked.get("axis"), "by": asked.get("by")})
    elif farm.controls.holder == who.name:
        farm.daemon.drive({"word": word})


def _vanished(farm: Farm, who: str) -> None:
    """Who drove and is gone lets go; the daemon would find out by itself a little later."""
    if farm.controls.holder == who:
        with suppress(TrellisError, OSError):
            farm.daemon.drive({"word": "release"})


def _forget(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        task.exception()
