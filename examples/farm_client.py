"""A small client of a farm's REST API: what hangs on the wall, ask for a scan, follow it, keep its photographs.

trellis users key my-client --scope read --scope work      # prints a key, once
TRELLIS_KEY=... python examples/farm_client.py http://127.0.0.1:8700 [PLANT]
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

Json = dict[str, Any]


class FarmClient:
    """One farm, by its address and a key. Errors are `httpx.HTTPStatusError` with the farm's own line."""

    def __init__(self, url: str, key: str, timeout_s: float = 30.0) -> None:
        shown = {"authorization": f"Bearer {key}"}
        base = f"{url.rstrip('/')}/api/v1"
        self._http = httpx.Client(base_url=base, timeout=timeout_s, trust_env=False, headers=shown)

    def plants(self) -> list[Json]:
        """Every plant on the wall with its latest measurement."""
        found: list[Json] = self._get("/plants").json()
        return found

    def scan(self, plant: str) -> Json:
        """Ask for a scan; the job that will do it."""
        return self._post(f"/plants/{plant}/scans")

    def stop(self) -> Json:
        """Stop the robot now."""
        return self._post("/robot/stop")

    def all_of(self, path: str) -> Iterator[Json]:
        """Every row of a long list such as `/jobs`, `/scans` or `/events`, page by page."""
        following: str | None = path
        while following:
            answer = self._get(following)
            yield from answer.json()
            following = answer.links.get("next", {}).get("url")
            following = following.removeprefix("/api/v1") if following else None

    def follow(self, after: int | None = None) -> Iterator[tuple[str, Json]]:
        """What the farm says as it happens: ("state", ...) and ("event", ...), those after an event's number."""
        headers = {} if after is None else {"last-event-id": str(after)}
        with self._http.stream("GET", "/stream", headers=headers, timeout=None) as answer:
            answer.raise_for_status()
            kind = "message"
            for line in answer.iter_lines():
                word, _, value = line.partition(": ")
                if word == "event":
                    kind = value
                elif word == "data":
                    yield kind, json.loads(value)

    def keep_photograph(self, scan: str, view: int, path: Path) -> bool:
        """Fetch a photograph unless `path` has it already; whether it was fetched. The ETag is kept beside it."""
        mark = path.with_suffix(".etag")
        known = {"if-none-match": mark.read_text()} if mark.exists() and path.exists() else {}
        answer = self._http.get(f"/scans/{scan}/views/{view}/photograph.jpg", headers=known)
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return False
        path.write_bytes(_checked(answer).content)
        mark.write_text(answer.headers["etag"])
        return True

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def _get(self, path: str) -> httpx.Response:
        return _checked(self._http.get(path))

    def _post(self, path: str) -> Json:
        found: Json = _checked(self._http.post(path)).json()
        return found


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_error:
        line = f"{answer.status_code} from {answer.request.url.path}: {answer.json().get('error')}"
        raise httpx.HTTPStatusError(line, request=answer.request, response=answer)
    return answer


def main(url: str, plant: Annotated[str | None, typer.Argument(help="Scan this plant and follow it.")] = None) -> None:
    """List the plants, or scan one of them and tell what happens until its job is over."""
    farm = FarmClient(url, os.environ.get("TRELLIS_KEY", ""))
    if plant is None:
        for one in farm.plants():
            mass_kg = one["measurement"] and one["measurement"]["mass"]["fresh_mass_kg"]
            print(f"{one['name']:12} {one['state']:14}", f"{mass_kg * 1000:.1f} g" if mass_kg else "")
        return
    job = farm.scan(plant)["id"]
    for kind, what in farm.follow():
        if kind == "event" and what["job"] == job:
            print(what["message"])
            if any(word in what["message"] for word in ("done", "failed", "cancelled")):
                return


if __name__ == "__main__":
    typer.run(main)
