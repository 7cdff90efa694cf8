"""What a planar cable robot is: four pulleys on a frame, four corners on a carriage, and what its cables may bear."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.integer[Any]]

#: Order of cables everywhere: in lengths, tensions, pulleys, corners and columns of files.
CABLES = ("bottom right", "top right", "top left", "bottom left")
#: Indices of the cables that carry the weight.
UPPER = (1, 2)

GRAVITY_M_S2 = 9.81


@dataclass(frozen=True, eq=False)
class CableRobot:
    """Geometry and limits of a planar robot with four cables that leave their pulleys at a point.

    Args:
        pulleys_m: Where each cable leaves its pulley, world x and y, shape (4, 2), ordered as `CABLES`.
        corners_m: Where each cable is tied to the carriage, platform x and y, shape (4, 2), same order.
        mass_kg: Of the carriage with all it carries.
        centre_of_mass_m: Of the same, platform x and y, shape (2,).
        tension_min_n: Below it a cable may go slack.
        tension_max_n: Above it a cable or motor is overloaded.

    Raises:
        ValueError: A shape is wrong, a number is not finite, or the limits are not 0 < min < max.
    """

    pulleys_m: Array
    corners_m: Array
    mass_kg: float
    centre_of_mass_m: Array
    tension_min_n: float
    tension_max_n: float

    def __post_init__(self) -> None:
        for name, shape in (("pulleys_m", (4, 2)), ("corners_m", (4, 2)), ("centre_of_mass_m", (2,))):
            values = np.array(getattr(self, name), dtype=float)
            if values.shape != shape or not np.isfinite(values).all():
                raise ValueError(f"{name} needs finite numbers of shape {shape}, not {values.shape}")
            values.setflags(write=False)
            object.__setattr__(self, name, values)
        if not 0 < self.tension_min_n < self.tension_max_n or self.mass_kg <= 0:
            raise ValueError(
                f"needs mass > 0 and 0 < tension_min_n < tension_max_n, got {self.mass_kg} kg, "
                f"{self.tension_min_n} N, {self.tension_max_n} N"
            )

    @property
    def tension_mid_n(self) -> float:
        """Middle of the allowed tensions, the one that a distribution stays nearest to."""
        return (self.tension_min_n + self.tension_max_n) / 2
