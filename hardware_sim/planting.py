"""Which plants stand on the simulated wall: the tables of `clock_options` as plants at their sites."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hardware_sim.lettuce_kinds import STANDARD, check_growable
from hardware_sim.photograph import PlantSpec
from trellis.errors import InputError

SITE_ORIGIN_M, SITE_PITCH_M, SITES = (0.34, 0.43), 0.19, (9, 6)
#: How far a seedling stands from the middle of its hole, standard deviation.
SITE_STD_M = 0.002
_KEYS = {"name", "column", "row", "day", "cultivar", "treatment"}


def plant_specs(tables: Sequence[Mapping[str, Any]], seed: int) -> list[PlantSpec]:
    """Every plant at its site (docs/frames.md), a few millimetres off by the seed and its name.

    Raises:
        InputError: A key is missing or unknown, a site does not exist, or a name stands twice.
    """
    names = [str(table.get("name")) for table in tables]
    if len(set(names)) != len(names):
        raise InputError(f"simulated plants need different names, not {', '.join(names)}")
    return [_plant(table, seed) for table in tables]


def _plant(table: Mapping[str, Any], seed: int) -> PlantSpec:
    if not {"name", "column", "row", "day"} <= set(table) <= _KEYS:
        raise InputError(
            f"a simulated plant has name, column, row, day and perhaps cultivar and treatment, not {sorted(table)}"
        )
    name, column, row = str(table["name"]), int(table["column"]), int(table["row"])
    if not (0 <= column < SITES[0] and 0 <= row < SITES[1]):
        raise InputError(f"plant {name}: site {column}, {row} does not exist; columns are 0 to 8, rows 0 to 5")
    own_seed = zlib.crc32(f"{seed} {name}".encode())
    off = np.clip(np.random.default_rng(own_seed).normal(0, SITE_STD_M, 2), -0.005, 0.005)
    x, y = np.array(SITE_ORIGIN_M) + SITE_PITCH_M * np.array([column, row]) + off
    cultivar, treatment = str(table.get("cultivar", "butterhead")), str(table.get("treatment", STANDARD))
    try:
        check_growable(float(table["day"]), cultivar, treatment)
    except InputError as error:
        raise InputError(f"plant {name}: {error}") from error
    return PlantSpec(name, (float(x), float(y), 0.0), float(table["day"]), cultivar, own_seed, treatment=treatment)
