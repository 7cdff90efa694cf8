"""One harvested plant, measured: reconstructed from all its photographs and from those over the canopy, and weighed.

`measured.json` in the plant's scan folder says what came out, or why nothing did; a plant that has it is done.
"""

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from scan.config import WallSection
from scheduler.around import neighbour_options
from scheduler.experiment.design import Planted
from scheduler.experiment.farm_day import CULTIVAR
from scheduler.experiment.scanning import SECONDS, TRUTH
from scheduler.experiment.top_view import over_canopy, projected_area_m2
from trellis.config import load_configuration
from trellis.durable import write_durably
from trellis.errors import InputError
from trellis.folders import ScanFolder
from trellis.manifest import ScanManifest, read_manifest
from trellis.records import MassEstimate, Traits

MEASURED = "measured.json"
#: A drone looks down: lines of sight within this of the normal, and the fewest that make a model.
_CANOPY_TILT_RAD, _CANOPY_FEWEST = float(np.radians(32.0)), 6
_NAN = float("nan")


@dataclass(frozen=True)
class PlantDay:
    """A row of the trial: what photographs said, what is true, and how long it took.

    Areas are one-sided, m2 and m3; NaN for what was not measured, with the reason in `problem` or `canopy_problem`.
    `fresh_mass_kg`, `dry_mass_kg` are the balance's; `true_area_m2` and `well_seen_area_m2` the simulator's.
    """

    plant: str
    run: int
    day: int
    schedule: str
    cultivar: str
    fresh_mass_kg: float
    dry_mass_kg: float
    true_area_m2: float
    well_seen_area_m2: float
    photographs: int = 0
    area_m2: float = _NAN
    area_std_m2: float = _NAN
    volume_m3: float = _NAN
    height_m: float = _NAN
    diameter_m: float = _NAN
    completeness: float = _NAN
    top_view_area_m2: float = _NAN
    canopy_area_m2: float = _NAN
    canopy_volume_m3: float = _NAN
    shipped_fresh_mass_kg: float = _NAN
    shipped_fresh_low_kg: float = _NAN
    shipped_fresh_high_kg: float = _NAN
    problem: str = ""
    canopy_problem: str = ""
    scan_s: float = 0.0
    reconstruction_s: float = 0.0


def is_measured(folder: ScanFolder) -> bool:
    """Whether a plant is done."""
    return (folder.path / MEASURED).exists()


def measure(planted: Planted, folder: ScanFolder, config: Path) -> PlantDay:
    """Reconstruct a scanned plant twice, and write `measured.json`.

    What fails is a row with its reason, not the end of the trial: the table says how many plants it rests on.
    """
    start = time.perf_counter()
    scan = read_manifest(folder.manifest)
    truth = json.loads((folder.path / TRUTH).read_bytes())
    around = neighbour_options(load_configuration(config).section(WallSection), scan.plant_position_m)
    problem = _reconstruct(folder, config, around)
    canopy, canopy_problem = _canopy(folder, scan, config, around)
    values = _traits(folder) if not problem else {}
    if not problem and "area_m2" not in values:
        problem = str(values.pop("untrusted"))
    row = PlantDay(
        plant=planted.name,
        run=planted.run,
        day=planted.day,
        schedule=planted.schedule,
        cultivar=CULTIVAR,
        fresh_mass_kg=truth["fresh_mass_kg"],
        dry_mass_kg=truth["dry_mass_kg"],
        true_area_m2=truth["leaf_area_m2"],
        well_seen_area_m2=truth["well_seen_area_m2"] if truth["views"] >= len(scan.taken) else _NAN,
        photographs=len(scan.taken),
        top_view_area_m2=projected_area_m2(folder, scan),
        problem=problem,
        canopy_problem=canopy_problem,
        scan_s=sum(json.loads((folder.path / SECONDS).read_bytes()).values()),
        reconstruction_s=round(time.perf_counter() - start, 1),
        **values,  # type: ignore[arg-type]
        **canopy,
    )
    write_durably(folder.path / MEASURED, (json.dumps(_no_nan(asdict(row)), indent=1) + "\n").encode())
    return row


def read_row(folder: ScanFolder) -> PlantDay:
    """A plant that is done.

    Raises:
        InputError: Its file is damaged; removing it measures the plant again.
    """
    path = folder.path / MEASURED
    try:
        content = json.loads(path.read_bytes())
        return PlantDay(**{key: _NAN if value is None else value for key, value in content.items()})
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path}: damaged: {error}; remove it, and the plant is measured again") from error


def _reconstruct(folder: ScanFolder, config: Path, more: list[str]) -> str:
    """ "" where it was done, else the reason."""
    if (folder.reconstruction / "mass.json").exists():
        return ""
    command = [sys.executable, "-m", "trellis", "reconstruct", str(folder.path), "--config", str(config)]
    done = subprocess.run([*command, "--progress", "none", *more], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    said = [line for line in done.stderr.splitlines() if line.strip()]
    return said[-1].strip() if said else f"trellis reconstruct ended with status {done.returncode}"


def _canopy(folder: ScanFolder, scan: ScanManifest, config: Path, around: list[str]) -> tuple[dict[str, float], str]:
    own = over_canopy(folder, scan, folder.path / "canopy", _CANOPY_TILT_RAD, _CANOPY_FEWEST)
    if own is None:
        return {}, f"fewer than {_CANOPY_FEWEST} views from above"
    place = ["--plant", *(f"{value:.6f}" for value in scan.plant_position_m), "--radius", f"{scan.plant_radius_m:.4f}"]
    problem = _reconstruct(own, config, place + around)
    if problem:
        return {}, problem
    traits = Traits.model_validate_json((own.reconstruction / "traits.json").read_bytes())
    volume = _NAN if traits.volume_m3 is None else traits.volume_m3
    return {"canopy_area_m2": traits.leaf_area_m2, "canopy_volume_m3": volume}, ""


def _traits(folder: ScanFolder) -> dict[str, float | str]:
    """What is trusted; else only why it is not."""
    try:
        traits = Traits.model_validate_json((folder.reconstruction / "traits.json").read_bytes())
        mass = MassEstimate.model_validate_json((folder.reconstruction / "mass.json").read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(f"{folder.reconstruction}: not a finished reconstruction: {error}") from error
    if not traits.trusted:
        return {"untrusted": traits.untrusted_reason or "not trusted"}
    known = {
        "area_m2": traits.leaf_area_m2,
        "area_std_m2": traits.leaf_area_std_m2,
        "volume_m3": traits.volume_m3,
        "height_m": traits.height_m,
        "diameter_m": traits.diameter_m,
        "completeness": traits.completeness,
        "shipped_fresh_mass_kg": mass.fresh_mass_kg,
        "shipped_fresh_low_kg": mass.fresh_mass_low_kg,
        "shipped_fresh_high_kg": mass.fresh_mass_high_kg,
    }
    return {key: _NAN if value is None else value for key, value in known.items()}


def _no_nan(values: dict[str, object]) -> dict[str, object]:
    return {
        key: None if isinstance(value, float) and not np.isfinite(value) else value for key, value in values.items()
    }
