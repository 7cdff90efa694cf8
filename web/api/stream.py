"""`/api/v1/stream`: what the robot does and what happens, as it happens, as server-sent events.

All readers share one reading a refresh. A reader that does not read holds up nobody: its own generator waits, and when
it reads again it gets the state of then, and the events that it missed.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse

from trellis.errors import TrellisError
from web import reading
from web.answers import EventAnswer
from web.farm import Farm
from web.robot import robot

_EVENTS_AT_ONCE = 200
_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
_DESCRIBED: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "A stream that does not end"}
}


@dataclass(frozen=True)
class _Now:
    """One reading: the state as a line of JSON, and the newest events as (number, line of JSON), oldest first."""

    state: str
    events: tuple[tuple[int, str], ...]


class _Reader:
    """Reads for all streams, at most once a refresh."""

    def __init__(self, farm: Farm) -> None:
        self._farm = farm
        self._read_at = float("-inf")
        self._now = _Now("{}", ())
        self._under_way: asyncio.Task[None] | None = None

    async def now(self) -> _Now:
        if time.monotonic() - self._read_at >= 0.9 * self._farm.refresh_s:
            if self._under_way is None or self._under_way.done():
                self._under_way = asyncio.create_task(self._read())
            await asyncio.shield(self._under_way)
        return self._now

    async def _read(self) -> None:
        state = await asyncio.get_running_loop().run_in_executor(self._farm.watching, robot, self._farm)
        self._now = await asyncio.to_thread(self._with_store, state.model_dump(mode="json"))
        self._read_at = time.monotonic()

    def _with_store(self, state: dict[str, Any]) -> _Now:
        try:
            rows = self._farm.store.events(_EVENTS_AT_ONCE)
            jobs = [
                reading.job_answer(self._farm, row).model_dump(mode="json")
                for row in self._farm.store.jobs(states=["running"])
            ]
        except TrellisError as error:
            return _Now(json.dumps({"robot": state, "jobs": None, "problem": str(error)}), self._now.events)
        events = tuple((row.id, EventAnswer.model_validate(vars(row)).model_dump_json()) for row in reversed(rows))
        return _Now(json.dumps({"robot": state, "jobs": jobs, "problem": None}), events)


def routes(farm: Farm) -> APIRouter:
    """The stream."""
    router = APIRouter(tags=["robot"])
    reader = _Reader(farm)

    @router.get("/stream", response_class=StreamingResponse, responses=_DESCRIBED)
    async def stream(request: Request, last_event_id: Annotated[str | None, Header()] = None) -> StreamingResponse:
        """`state` once a refresh (robot, running jobs), `event` for all that happens; a number goes on after it."""
        known = int(last_event_id) if last_event_id and last_event_id.isascii() and last_event_id.isdigit() else None
        return StreamingResponse(
            _messages(farm, reader, known, request.scope["still"]), media_type="text/event-stream", headers=_HEADERS
        )

    return router


async def _messages(
    farm: Farm, reader: _Reader, known: int | None, still: Callable[[], Awaitable[object]]
) -> AsyncIterator[str]:
    """Without a number to go on after, events begin with those from now on. It ends when its reader is signed out."""
    yield f"retry: {round(1000 * max(1.0, farm.refresh_s))}\n\n"
    while await still() is not None:
        now = await reader.now()
        newest = max((number for number, _ in now.events), default=0)
        for number, line in now.events:
            if known is not None and number > known:
                yield f"id: {number}\nevent: event\ndata: {line}\n\n"
        known = max(known or 0, newest)  # a reading shared with others may be older than where this reader goes on
        yield f"event: state\ndata: {now.state}\n\n"
        await asyncio.sleep(farm.refresh_s)
