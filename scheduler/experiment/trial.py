"""The trial from planting to tables: harvest by harvest, plant by plant; what is done stays done."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scheduler.experiment.design import Harvest, Planted, harvests
from scheduler.experiment.farm_day import SizeOfTrial, farm_text
from scheduler.experiment.page import page, png, scatter_figure
from scheduler.experiment.plant_day import PlantDay, is_measured, measure, read_row
from scheduler.experiment.results import results
from scheduler.experiment.scanning import SCAN, is_scanned
from trellis.durable import write_durably
from trellis.errors import InputError
from trellis.folders import DataFolder, ScanFolder


@dataclass(frozen=True)
class Order:
    """What makes a trial; a folder holds one of them."""

    plants: int
    seed: int
    size: SizeOfTrial

    @property
    def command(self) -> str:
        """How it is started."""
        return f"trellis experiment --plants {self.plants} --size {self.size.value} --seed {self.seed}"


@dataclass(frozen=True)
class Step:
    """A line of progress: how many plants are done, of how many, and what happened last."""

    done: int
    plants: int
    line: str


def run(order: Order, out: Path) -> Iterator[Step]:
    """Scan, reconstruct and weigh whatever is still missing of the trial in a folder, then write its tables.

    Raises:
        InputError: The folder holds another trial.
    """
    _same_order(order, out)
    trial = harvests(order.plants, order.seed)
    rows: list[PlantDay] = []
    unscanned: list[str] = []
    for harvest in trial:
        place = out / f"run{harvest.run}-day{harvest.day}"
        todo = [plant for plant in harvest.cut if not is_measured(_folder(place, plant))]
        if any(not is_scanned(_folder(place, plant)) for plant in todo):
            yield from _scanned(order, harvest, place, todo, len(rows))
        for plant in harvest.cut:
            folder = _folder(place, plant)
            if is_measured(folder):
                rows.append(read_row(folder))
                continue
            if not is_scanned(folder):
                unscanned.append(plant.name)
                yield Step(len(rows), order.plants, f"{plant.name}: no scan, so no row; start again to try once more")
                continue
            row = measure(plant, folder, place / "trellis.toml")
            rows.append(row)
            yield Step(len(rows), order.plants, _said(row))
    write_tables(rows, out, order.command, unscanned)
    yield Step(len(rows), order.plants, f"tables and page in {out}")


def write_tables(rows: list[PlantDay], out: Path, command: str, unscanned: Sequence[str] = ()) -> None:
    """`results.json`, `plants.csv`, `dry.png`, `fresh.png` and `report.html`; plants without a scan are named."""
    if not rows:
        raise InputError(f"{out}: no plant was measured; the lines above say why")
    found = {"command": command, "not_scanned": list(unscanned)} | results(rows, out)
    write_durably(out / "results.json", (json.dumps(found, indent=1) + "\n").encode())
    figures = {mass: png(scatter_figure(rows, mass)) for mass in ("dry", "fresh")}
    for mass, content in figures.items():
        write_durably(out / f"{mass}.png", content)
    write_durably(out / "report.html", page(found, figures["dry"], command).encode())


def _folder(place: Path, plant: Planted) -> ScanFolder:
    return DataFolder(place / "data").scan(plant.name, SCAN)


def _scanned(order: Order, harvest: Harvest, place: Path, todo: list[Planted], done: int) -> Iterator[Step]:
    """Scan in a process of its own: it holds a farm, and a farm lives as long as its process."""
    write_durably(place / "trellis.toml", farm_text(harvest, order.seed, order.size).encode())
    names = [plant.name for plant in todo if not is_scanned(_folder(place, plant))]
    environment = {name: value for name, value in os.environ.items() if name != "TRELLIS_DATA"}
    command = [sys.executable, "-m", "scheduler.experiment.scanning", str(place / "trellis.toml"), *names]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if text := _in_words(json.loads(line)):
                    yield Step(done, order.plants, text)
        finally:
            process.terminate()
    if process.returncode and not any(is_scanned(_folder(place, plant)) for plant in todo):
        raise InputError(f"run {harvest.run}, day {harvest.day}: scanning ended with status {process.returncode}")


def _in_words(said: dict[str, object]) -> str:
    if "problem" in said:
        return f"{said['plant']}: {said['problem']}"
    if "scanned_s" in said:
        return f"{said['plant']}: planned in {said['planned_s']} s, photographed in {said['scanned_s']} s"
    return ""


def _said(row: PlantDay) -> str:
    if row.problem:
        return f"{row.plant}: not measured: {row.problem}"
    return (
        f"{row.plant}: {1e4 * row.area_m2:.0f} cm2 of {1e4 * row.true_area_m2:.0f}, {1e3 * row.fresh_mass_kg:.1f} g, "
        f"reconstructed in {row.reconstruction_s:.0f} s"
    )


def _same_order(order: Order, out: Path) -> None:
    path, text = out / "order.json", json.dumps({"command": order.command}) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise InputError(f"{out} holds another trial ({path.read_text(encoding='utf-8').strip()}); give another folder")
    write_durably(path, text.encode())


def remaining(order: Order, out: Path) -> tuple[int, int]:
    """Plants that are done, and all."""
    all_plants = [(harvest, plant) for harvest in harvests(order.plants, order.seed) for plant in harvest.cut]
    places = [_folder(out / f"run{harvest.run}-day{harvest.day}", plant) for harvest, plant in all_plants]
    return sum(map(is_measured, places)), len(places)
