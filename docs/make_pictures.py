"""Make the pictures in docs/ anew: a demonstration is run, its pages and a report are photographed in Chromium.

    .venv/bin/python docs/make_pictures.py

Takes about ten minutes on two cores and needs Debian's Chromium (`.ci/setup dev chromium`).
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import sync_playwright

from benchmarks.quick.grown import grow_batch

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
    _growth()
    space = [sys.executable, "-m", "trellis", "cdpr", "workspace", "--robot", "hydroponic"]
    subprocess.run([*space, "-o", str(_PICTURES / "workspace.png")], check=True)
    for kind, name in (("strip", "simulated-plants.jpg"), ("wall", "simulated-wall.jpg")):
        subprocess.run([sys.executable, "-m", "trellis", "sim", kind, "-o", str(_PICTURES / name)], check=True)


def _growth() -> None:
    """Two treatments on a made-up wall: a plant that wilts, one that is gone, one that was measured wrongly."""
    chance = np.random.default_rng(4)
    seen = grow_batch(chance, 12, 10, 34, 0.06)
    lines = ["plant,day,treatment,fresh_mass_g,fresh_mass_std_g,x_m,y_m"]
    for plant in range(12):
        for day, mass in zip(seen.days, seen.measured_g[plant], strict=True):
            mass *= np.exp(-0.02 * (day - 10)) if plant >= 6 else 1.0
            mass *= 0.68 if plant == 2 and day >= 24 else 2.2 if plant == 4 and day == 20 else 1.0
            size = "," if plant == 8 and day >= 29 else f"{mass:.2f},{0.06 * mass:.2f}"
            treatment = "poor" if plant >= 6 else "full"
            lines.append(
                f"p{plant + 1:02d},{day},{treatment},{size},{0.3 + 0.19 * (plant % 4)},{0.4 + 0.19 * (plant // 4)}"
            )
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.csv"
        table.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "trellis", "growth", str(table), "-o", folder, "--target", "150"]
        subprocess.run(command, check=True)
        for name in ("growth", "wall"):
            picture = cv2.imread(f"{folder}/{name}.png")
            smaller = cv2.resize(picture, None, fx=900 / picture.shape[1], fy=900 / picture.shape[1],
                                 interpolation=cv2.INTER_AREA)  # fmt: skip
            cv2.imwrite(str(_PICTURES / f"{'growth-' * (name == 'wall')}{name}.jpg"), smaller,
                        [cv2.IMWRITE_JPEG_QUALITY, 88])  # fmt: skip


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
