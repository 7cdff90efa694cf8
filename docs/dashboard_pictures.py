"""Take the pictures of the dashboard that stand in the docs, from a farm that is up (`make demo`).

    .venv/bin/python docs/dashboard_pictures.py 'http://127.0.0.1:8700/link?token=...' --plant p02

Needs Debian's Chromium. Every page is taken at 1440, 900 and 360 px, the wall also dark.
"""

import argparse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, sync_playwright

_FLAGS = ["--headless", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
_WIDTHS_PX = (1440, 900, 360)
_SETTLE_MS = 4000  # software GL takes its time with a mesh


def main() -> None:
    """Parse the command line and take every picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", help="a link that signs in, as `trellis demo` and `trellis users link` print it")
    parser.add_argument("--plant", default="p02", help="whose page to take")
    parser.add_argument("-o", "--out", type=Path, default=Path(__file__).parent / "pictures")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    pages = {"wall": "/", "plant": f"/plant/{chosen.plant}", "queue": "/queue", "calendar": "/calendar"}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_FLAGS)
        url, session = _sign_in(browser, chosen.url)
        for name, path in pages.items():
            for width_px in _WIDTHS_PX:
                _take(browser, session, url + path, chosen.out / f"dashboard-{name}-{width_px}.jpg", width_px)
        _take(browser, session, url, chosen.out / "dashboard-wall-dark.jpg", _WIDTHS_PX[0], dark=True)
        browser.close()


def _sign_in(browser: Browser, link: str) -> tuple[str, Any]:
    """The farm's address, and what a browser keeps that has followed a one-time link."""
    context = browser.new_context()
    context.new_page().goto(link)
    state = context.storage_state()
    context.close()
    parts = urlsplit(link)
    return f"{parts.scheme}://{parts.netloc}", state


def _take(browser: Browser, session: Any, url: str, out: Path, width_px: int, *, dark: bool = False) -> None:
    """One page from top to bottom; scrolled through first, so that pictures further down are loaded."""
    page = browser.new_page(
        storage_state=session,
        viewport={"width": width_px, "height": 900},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    page.goto(url)
    page.wait_for_timeout(_SETTLE_MS)
    for top_px in range(0, page.evaluate("document.documentElement.scrollHeight"), 600):
        page.evaluate(f"window.scrollTo(0, {top_px})")
        page.wait_for_timeout(150)
    page.evaluate("window.scrollTo(0, 0)")
    page.wait_for_timeout(500)
    page.screenshot(path=str(out), full_page=True, type="jpeg", quality=85)
    page.close()
    print(out)


if __name__ == "__main__":
    main()
