"""Debian's Chromium, driven by playwright, and the dashboard as its own process."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from tests.web.door import Door, let_in

CHROMIUM = Path("/usr/bin/chromium")
#: WebGL by software, and none of the browser's own traffic.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_START_S = 60.0


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def free_port() -> int:
    """A port that nothing listens on, out of the range that the system hands out."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Site:
    """A running `trellis web`."""

    url: str
    process: subprocess.Popen[bytes]
    folder: Path
    door: Door


@contextmanager
def dashboard(configuration: Path, port: int) -> Iterator[Site]:
    """`trellis web` on a configuration whose `[web] port` is `port`, up when the block begins."""
    door = let_in(configuration.parent / "data")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "NICEGUI"))}
    command = [sys.executable, "-m", "trellis", "web", "--config", str(configuration)]
    with (configuration.parent / "web.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=clean, cwd=configuration.parent)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process, configuration.parent / "web.log", door)
        yield Site(url, process, configuration.parent, door)
    finally:
        process.terminate()
        process.wait(20)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path, door: Door) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            health = httpx.get(f"{url}/api/v1/health", trust_env=False, timeout=5, headers=door.headers)
            if health.json()["pid"] == process.pid:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"the dashboard did not come up: {log.read_text()}")


@dataclass
class Watched:
    """A page, what its console complained of, and every request that went elsewhere."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


@contextmanager
def watched(
    browser: Browser, site: Site, width: int = 1440, *, dark: bool = False, who: str | None = "administrator"
) -> Iterator[Watched]:
    """A page of the dashboard under watch, signed in as `who`, if anybody."""
    scheme = "dark" if dark else "light"
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, base_url=site.url)
    if who is not None:
        context.add_cookies([{"name": "trellis_session", "value": site.door.sessions[who], "url": site.url}])
    found = Watched(context.new_page())
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on(
        "console",
        lambda line: found.complaints.append(line.text) if line.type in ("error", "warning") else None,
    )
    own = (site.url, site.url.replace("http", "ws", 1), "data:", "blob:")
    found.page.on("request", lambda sent: None if sent.url.startswith(own) else found.foreign.append(sent.url))
    try:
        yield found
    finally:
        context.close()
