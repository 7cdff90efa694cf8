"""The farm of one harvest day as a configuration: the simulated wall as it stands that day, seen by the real stack.

The wall that the stack believes in knows names, sites, cultivar and sowing dates, as a grower would write them; sizes
are its own priors. Seeds, schedules and true sizes are the simulator's alone.
"""

import json
import socket
from datetime import date, timedelta
from enum import StrEnum

from scheduler.experiment.design import Harvest

CULTIVAR = "butterhead"
_SOWN = date(2026, 1, 5)


class SizeOfTrial(StrEnum):
    """How much is done for a plant: `full` as published, 64 views; `small` for trying out and tests."""

    FULL = "full"
    SMALL = "small"


_VIEWS = {SizeOfTrial.FULL: (64, 48), SizeOfTrial.SMALL: (28, 16)}
_PIXEL_M = {SizeOfTrial.FULL: 0.00045, SizeOfTrial.SMALL: 0.0009}


def farm_text(harvest: Harvest, seed: int, size: SizeOfTrial) -> str:
    """`trellis.toml` of the day; its data folder is `data` beside it."""
    count, least = _VIEWS[size]
    today = _SOWN + timedelta(days=harvest.day)
    grown = [
        f'  {{ name = "{plant.name}", column = {plant.column}, row = {plant.row}, day = {harvest.day}, '
        f'cultivar = "{CULTIVAR}", treatment = "{plant.schedule}" }},'
        for plant in harvest.standing
    ]
    known = [
        f'[[wall.plants]]\nname = "{plant.name}"\nposition_m = {json.dumps([round(v, 4) for v in plant.position_m])}\n'
        f'sown = {_SOWN.isoformat()}\ncultivar = "{CULTIVAR}"\n'
        for plant in harvest.standing
    ]
    port = _free_port()
    return "\n".join(
        [
            f"# Run {harvest.run}, day {harvest.day} of `trellis experiment`.",
            '[farm]\nname = "Experiment"\ntimezone = "UTC"\ndata_folder = "data"\n',
            '[cables]\nmass_kg = 3.55\nports = ["sim://winches/0", "sim://winches/1"]\ndock_assumed = true\n',
            '[arm]\nport = "sim://servos"\n',
            f'[camera]\ndriver = "http"\nurl = "http://127.0.0.1:{port}/snapshot.jpg"\ntimeout_s = 120.0\n',
            f"[views]\ncount = {count}\nleast = {least}\n",
            f"[reconstruction]\nkeep_stages = false\n\n[reconstruction.dense]\npixel_m = {_PIXEL_M[size]}\n",
            '[cell]\nclock = "sim"\n',
            f'[cell.clock_options]\nseed = {1000 * harvest.run + seed}\nerrors = "calibrated"\ncamera_port = {port}',
            f'start = "{today.isoformat()}T08:00:00+00:00"\nplants = [',
            *grown,
            "]\n\n[wall.lattice]\n",
            *known,
        ]
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
