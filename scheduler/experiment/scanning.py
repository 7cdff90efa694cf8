"""Scans of one harvest day, in a process of their own: python -m scheduler.experiment.scanning CONFIG PLANT ...

The real stack: `CellHardware` drives winches and servos over their bytes, `CellSurvey` plans, `scan.capture` takes the
photographs and writes the manifest; a scan that was broken off goes on at its next view. Then the simulator is asked
for the truth (`truth.json`, what a balance would say), which nothing but the tables reads. One line of JSON a step.
"""

import json
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from scan.config import CameraSection
from scan.hardware import CellHardware
from scheduler.config import data_folder
from scheduler.survey import CellSurvey
from trellis.config import Configuration, load_configuration
from trellis.durable import write_durably
from trellis.errors import TrellisError
from trellis.folders import ScanFolder
from trellis.manifest import read_manifest

SCAN = "harvest"
TRUTH, SECONDS = "truth.json", "seconds.json"


def main(config: Path, plants: list[str]) -> None:
    """Scan each plant that has no finished scan yet; a plant that cannot be scanned says why, and the next begins."""
    configuration = load_configuration(config)
    data = data_folder(configuration)
    # No memory of the carriage's place: a new process is a new farm, docked.
    with CellHardware(configuration) as hardware:
        hardware.home()
        survey = CellSurvey(configuration, hardware, hardware.clock)
        for plant in plants:
            try:
                _scan(configuration, survey, data.scan(plant, SCAN), plant)
            except TrellisError as error:
                _say(plant=plant, problem=str(error))
        hardware.park()


def is_scanned(folder: ScanFolder) -> bool:
    """Whether a plant's scan is complete, with its truth."""
    done = folder.manifest.exists() and read_manifest(folder.manifest).finished_at is not None
    return done and (folder.path / TRUTH).exists()


def _scan(configuration: Configuration, survey: CellSurvey, folder: ScanFolder, plant: str) -> None:
    start = time.perf_counter()
    plan = survey.plan(plant)
    planned_s = time.perf_counter() - start
    for record in survey.photographs(plan, folder, SCAN):
        _say(plant=plant, view=record.view, of=len(plan.stops), outcome=record.outcome.value)
    seconds = {"planned_s": round(planned_s, 1), "scanned_s": round(time.perf_counter() - start - planned_s, 1)}
    write_durably(folder.path / SECONDS, json.dumps(seconds).encode())
    write_durably(folder.path / TRUTH, _truth(configuration, plant))
    _say(plant=plant, **seconds)


def _truth(configuration: Configuration, plant: str) -> bytes:
    camera = urlsplit(configuration.section(CameraSection).url)
    with urllib.request.urlopen(f"{camera.scheme}://{camera.netloc}/truth/{plant}.json", timeout=300) as answer:
        return bytes(answer.read())


def _say(**values: object) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
