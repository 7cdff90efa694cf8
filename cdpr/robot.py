"""What a planar cable robot is: pulleys on a frame, corners on a carriage, cables between, and what they may bear."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.integer[Any]]

#: Order of cables everywhere: in lengths, tensions, pulleys, corners and columns of files.
CABLES = ("bottom right", "top right", "top left", "bottom left")
#: Indices of the cables that carry the weight.
UPPER = (1, 2)
#: The lower ones, which hold tension.
LOWER = (0, 3)

GRAVITY_M_S2 = 9.81

_FREEDOMS = 3


@dataclass(frozen=True, eq=False)
class CableRobot:
    """Geometry and limits of a planar robot with four cables or more (m of them).

    A cable comes from its winch, touches its pulley's wheel at the angle `pulley_entries_rad`, goes round it
    counter-clockwise (turn +1) or clockwise (-1), and leaves along a tangent. With radius 0 it leaves at a point.

    Args:
        pulleys_m: Centres of the pulleys' wheels, world x and y, shape (m, 2), ordered as `CABLES` where m is 4.
        corners_m: Where each cable is tied to the carriage, platform x and y, shape (m, 2), same order.
        mass_kg: Of the carriage with all it carries.
        centre_of_mass_m: Of the same, platform x and y, shape (2,).
        tension_min_n: Below it a cable may go slack.
        tension_max_n: Above it a cable or motor is overloaded.
        pulley_radii_m: To the middle of the cable, shape (m,) or (1,) for all.
        pulley_entries_rad: From wheel's centre to where the cable comes on, world angle, likewise.
        pulley_turns: +1 or -1, likewise; needed where a radius is not 0.
        cable_stiffness_n: Force that would double a cable's length (EA).
        cable_kg_m: Mass of a metre of cable; only sag asks for it.

    Raises:
        ValueError: A shape is wrong, a number is not finite, a wheel has no turn, or the limits are not 0 < min < max.
    """

    pulleys_m: Array
    corners_m: Array
    mass_kg: float
    centre_of_mass_m: Array
    tension_min_n: float
    tension_max_n: float
    pulley_radii_m: Array = field(default_factory=lambda: np.zeros(1))
    pulley_entries_rad: Array = field(default_factory=lambda: np.zeros(1))
    pulley_turns: Array = field(default_factory=lambda: np.zeros(1))
    cable_stiffness_n: float = 20e3
    cable_kg_m: float = 0.0

    def __post_init__(self) -> None:
        cables = len(self.pulleys_m)
        if cables <= _FREEDOMS:
            raise ValueError(f"a planar robot needs four cables or more to be held, not {cables}")
        for name, shape in (("pulleys_m", (cables, 2)), ("corners_m", (cables, 2)), ("centre_of_mass_m", (2,))):
            self._freeze(name, np.array(getattr(self, name), dtype=float), shape)
        for name in ("pulley_radii_m", "pulley_entries_rad", "pulley_turns"):
            values = np.array(getattr(self, name), dtype=float)
            self._freeze(name, np.repeat(values, cables) if values.size == 1 else values, (cables,))
        wheels = self.pulley_radii_m > 0
        if (self.pulley_radii_m < 0).any() or (np.abs(self.pulley_turns[wheels]) != 1).any():
            raise ValueError("pulley_radii_m must not be negative, and a wheel's turn is +1 or -1")
        if not 0 < self.tension_min_n < self.tension_max_n or self.mass_kg <= 0:
            raise ValueError(
                f"needs mass > 0 and 0 < tension_min_n < tension_max_n, got {self.mass_kg} kg, "
                f"{self.tension_min_n} N, {self.tension_max_n} N"
            )
        if not self.cable_stiffness_n > 0 or not self.cable_kg_m >= 0:
            raise ValueError(f"needs cable_stiffness_n > 0 and cable_kg_m >= 0, got {self.cable_stiffness_n}")

    @property
    def cables(self) -> int:
        """How many there are."""
        return len(self.pulleys_m)

    @property
    def has_wheels(self) -> bool:
        """Whether any pulley has a radius."""
        return bool(self.pulley_radii_m.any())

    @property
    def tension_mid_n(self) -> float:
        """Middle of the allowed tensions, the one that a distribution stays nearest to."""
        return (self.tension_min_n + self.tension_max_n) / 2

    @cached_property
    def table(self) -> Array:
        """Of each cable: pulley x, y, corner x, y, wheel's radius, turn, cosine and sine of its entry; shape (m, 8)."""
        entries = np.cos(self.pulley_entries_rad), np.sin(self.pulley_entries_rad)
        wheels = np.column_stack([self.pulley_radii_m, self.pulley_turns, *entries])
        return np.ascontiguousarray(np.hstack([self.pulleys_m, self.corners_m, wheels]))

    def name(self, cable: int) -> str:
        """What a person calls a cable."""
        return CABLES[cable] if self.cables == len(CABLES) else f"number {cable + 1}"

    def carrying(self, mass_kg: float, at_m: ArrayLike) -> "CableRobot":
        """The same robot with something more on its carriage, such as an arm in a posture.

        Args:
            mass_kg: Of what is carried.
            at_m: Its centre of mass, platform x and y, shape (2,). How far it stands out of the cables' plane does not
                matter to them: planar cables cannot hold that moment, and something else must.
        """
        total_kg = self.mass_kg + mass_kg
        centre_m = (self.mass_kg * self.centre_of_mass_m + mass_kg * np.asarray(at_m, dtype=float)) / total_kg
        return replace(self, mass_kg=total_kg, centre_of_mass_m=centre_m)

    def _freeze(self, name: str, values: Array, shape: tuple[int, ...]) -> None:
        if values.shape != shape or not np.isfinite(values).all():
            raise ValueError(f"{name} needs finite numbers of shape {shape}, not {values.shape}")
        values.setflags(write=False)
        object.__setattr__(self, name, values)
