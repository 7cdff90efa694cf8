"""Make the pictures in docs/ anew: a demonstration is run, its pages and a report are photographed in Chromium.

    .venv/bin/python docs/make_pictures.py

Takes about ten minutes on two cores and needs Debian's Chromium (`.ci/setup dev chromium`).
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

_PICTURES = Path(__file__).parent / "pictures"
_FLAGS = ["--headless", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
_PLANT = "p02"


def main() -> None:
    """Run the demonstration, photograph it, and end it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "trellis", "demo", "--data", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
            try:
                url = _when_it_stays_up(demo)
                here = Path(__file__).parent
                subprocess.run([sys.executable, here / "dashboard_pictures.py", url, "--plant", _PLANT], check=True)
                (report,) = Path(folder).glob(f"plants/{_PLANT}/*/reconstruction/report.html")
                _photograph_report(report)
            finally:
                demo.terminate()
    space = [sys.executable, "-m", "trellis", "cdpr", "workspace", "--robot", "hydroponic"]
    subprocess.run([*space, "-o", str(_PICTURES / "workspace.png")], check=True)
    for kind, name in (("strip", "simulated-plants.jpg"), ("wall", "simulated-wall.jpg")):
        subprocess.run([sys.executable, "-m", "trellis", "sim", kind, "-o", str(_PICTURES / name)], check=True)


def _when_it_stays_up(demo: subprocess.Popen[str]) -> str:
    """The dashboard's address, once both plants are weighed."""
    assert demo.stdout is not None
    for line in demo.stdout:
        print(line, end="", flush=True)
        found = re.search(r"The farm stays up: (\S+)", line)
        if found:
            return found[1]
    raise SystemExit("the demonstration ended without its table; its last lines stand above")


def _photograph_report(report: Path) -> None:
    """The upper part of a report: headline figures, pictures, and the view in three dimensions."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_FLAGS)
        page = browser.new_page(viewport={"width": 1100, "height": 1500})
        page.goto(report.as_uri())
        page.wait_for_timeout(3000)
        page.screenshot(path=str(_PICTURES / "report.jpg"), type="jpeg", quality=82)
        browser.close()


if __name__ == "__main__":
    main()
