"""How fast the dashboard answers with many plants and years of data: API calls, first paint, stop, and many readers.

python -m benchmarks.dashboard [--plants 1000] [--days 730] [--seed 1] [--data FOLDER] [-o OUT.json]

Writing the database takes four minutes; `--data` keeps it for the next time. A 100 Hz loop in a process of its own
stands for the control loop: its lateness is told without and with 200 readers of the event stream, of which half never
read.
"""

import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from playwright.sync_api import sync_playwright

from benchmarks.quick.big_farm import write_big_farm
from benchmarks.quick.result import write_result
from scheduler.socket import SocketServer
from scheduler.store import Store
from web.people import make_key, make_link

_PATHS = ("/plants", "/coming?limit=20", "/queue", "/plants/p0000", "/scans?limit=100", "/events", "/jobs", "/disk")
_LOOP = """
import json, sys, time
late = []
due = time.monotonic()
for _ in range(int(sys.argv[1])):
    due += 0.01
    time.sleep(max(0.0, due - time.monotonic()))
    late.append(time.monotonic() - due)
print(json.dumps(late))
"""


def main(
    plants: int = 1000,
    days: int = 730,
    seed: int = 1,
    calls: int = 100,
    data: Path | None = None,
    out: Annotated[Path, typer.Option("-o")] = Path("benchmarks/results/dashboard.json"),
) -> None:
    """Measure all of it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = data or Path(temporary)
        port = _free_port()
        config = folder / "trellis.toml"
        if not config.exists():
            write_big_farm(folder, plants, days, seed, port)
        lines = config.read_text().splitlines()
        config.write_text("\n".join(f"port = {port}" if line.startswith("port = ") else line for line in lines))
        with _robot(folder), _served(config, port) as url, Store(f"sqlite:///{folder}/data/trellis.db") as store:
            key, _ = make_key(store, "benchmark", ("read", "work", "drive"))
            shown = {"authorization": f"Bearer {key}"}
            if store.user("benchmark") is None:
                store.add_user("benchmark", "administrator", None)
            with httpx.Client(base_url=f"{url}/api/v1", headers=shown, trust_env=False, timeout=60) as client:
                _up(client)
                figures: dict[str, Any] = {"plants": plants, "days": days, "seed": seed}
                figures["calls"] = {path: _timed(lambda p=path: client.get(p), calls) for path in _PATHS}
                figures["plants_after_a_write"] = _timed(lambda: _written_then_asked(store, client), calls)
                figures["stop"] = _timed(lambda: client.post("/robot/stop"), calls)
                figures["first_paint"] = _paint(url + make_link(store, "benchmark"))
                figures["readers"] = _readers(url, shown)
            write_result(out, f"python -m benchmarks.dashboard --plants {plants} --days {days} --seed {seed}", figures)


def _written_then_asked(store: Store, client: httpx.Client) -> httpx.Response:
    """Nothing that was read before holds any longer, as while a scan is under way; both together are timed."""
    store.add_event("something happened")
    return client.get("/plants")


def _timed(call: Any, count: int) -> dict[str, float]:
    """Median and 95th percentile of the seconds that a call takes, each begun when the last was over."""
    took = []
    for _ in range(count):
        began = time.perf_counter()
        call().raise_for_status()
        took.append(time.perf_counter() - began)
    took.sort()
    return {"median_s": round(statistics.median(took), 4), "p95_s": round(took[int(0.95 * (count - 1))], 4)}


def _paint(link: str) -> dict[str, Any]:
    """Seconds from opening the wall, signed in, to its first paint and to its plants, in Chromium."""
    with sync_playwright() as playwright:
        flags = ["--headless", "--no-sandbox"]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.new_page().goto(link)
        found = {}
        for name in ("cache filled by the sign-in", "again"):
            page = context.new_page()
            began = time.perf_counter()
            page.goto("/".join(link.split("/")[:3]) + "/", wait_until="commit")
            page.wait_for_selector("svg .leafage, .leafage", timeout=60_000)
            plants_s = time.perf_counter() - began
            paint_ms = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
            found[name] = {"first_contentful_paint_s": round((paint_ms or 0) / 1000, 3), "plants_s": round(plants_s, 3)}
            page.close()
        browser.close()
    return found


def _readers(url: str, shown: dict[str, str], count: int = 200, ticks: int = 2000) -> dict[str, Any]:
    """Lateness of a 100 Hz loop without and with readers of the stream."""
    before = _lateness(ticks)
    with _open_streams(url, shown, count) as streams:
        for stream in streams[: count // 2]:
            stream.settimeout(0.01)
        loop = subprocess.Popen([sys.executable, "-c", _LOOP, str(ticks)], stdout=subprocess.PIPE, text=True)
        while loop.poll() is None:
            for stream in streams[: count // 2]:
                try:
                    stream.recv(65536)
                except TimeoutError:
                    continue
            time.sleep(0.05)
        assert loop.stdout is not None
        during = _spread(json.loads(loop.stdout.read()))
    again = _lateness(ticks)
    return {"count": count, "without": before, "with": during, "without_again": again}


@contextmanager
def _open_streams(url: str, shown: dict[str, str], count: int) -> Iterator[list[socket.socket]]:
    host, port = url.removeprefix("http://").split(":")
    asked = f"GET /api/v1/stream HTTP/1.1\r\nhost: {host}:{port}\r\nauthorization: {shown['authorization']}\r\n\r\n"
    streams = [socket.create_connection((host, int(port))) for _ in range(count)]
    for stream in streams:
        stream.sendall(asked.encode())
    try:
        yield streams
    finally:
        for stream in streams:
            stream.close()


def _lateness(ticks: int) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", _LOOP, str(ticks)], capture_output=True, text=True, check=True)
    return _spread(json.loads(done.stdout))


def _spread(late: list[float]) -> dict[str, float]:
    late = sorted(late)
    shares = (("median_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99))
    return {name: round(1000 * late[int(share * len(late))], 3) for name, share in shares}


@contextmanager
def _robot(folder: Path) -> Iterator[None]:
    """Stands where the daemon would: answers at once."""
    state = {"stopped": False, "job": None, "cell": None, "cell_reason": "no robot here"}
    actions = {"stop": lambda: {"stopped": True}, "clear": lambda: {"stopped": False}, "state": lambda: state}
    with SocketServer(folder / "data" / "daemon.sock", actions):
        yield


@contextmanager
def _served(config: Path, port: int) -> Iterator[str]:
    command = [sys.executable, "-m", "trellis", "web", "--config", str(config)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _up(client: httpx.Client) -> None:
    for _ in range(600):
        try:
            if client.get("/health").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise SystemExit("the dashboard did not come up")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    typer.run(main)
