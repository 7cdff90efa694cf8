"""Stands in until `hardware_sim.photograph` is there: no pictures. To be deleted with its arrival."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PlantSpec:
    name: str
    position_m: tuple[float, float, float]
    day: float
    cultivar: str
    seed: int


class Photographer:
    def __init__(self, *args: Any) -> None:
        raise NotImplementedError("the simulated camera's renderer is not there yet")
