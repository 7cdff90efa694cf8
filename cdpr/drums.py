"""Turns of drums and metres of cable, with the cable building up on the drum.

Cable wound on raises the radius: its square grows in proportion to the length wound. So the radius is linear in the
angle and the length paid out a parabola of it; both directions are exact. Source: docs/cable-robot.md, section 3.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cdpr.robot import Array

_TURN = 2 * np.pi


@dataclass(frozen=True, eq=False)
class Drums:
    """One drum a cable; all counted from home, where angle and length paid out are 0.

    Args:
        radii_m: To the middle of the cable at home, shape (m,) or (1,).
        buildup_m: Square metres of radius squared for a metre wound on, likewise. 0 for a grooved drum; d / pi for a
            tape of thickness d on itself; about d**2 / (pi w) for a cord of diameter d wound to and fro over a width w.

    Raises:
        ValueError: A radius is not positive, or a build-up negative.
    """

    radii_m: Array
    buildup_m: Array

    def __post_init__(self) -> None:
        for name in ("radii_m", "buildup_m"):
            values = np.atleast_1d(np.array(getattr(self, name), dtype=float))
            values.setflags(write=False)
            object.__setattr__(self, name, values)
        if not (self.radii_m > 0).all() or not (self.buildup_m >= 0).all():
            raise ValueError(f"drums need radii above 0 and no negative build-up, got {self.radii_m}, {self.buildup_m}")

    def paid_m(self, turns: ArrayLike) -> Array:
        """Length paid out since home, shape (..., m); negative for what was wound on."""
        angle = _TURN * np.asarray(turns, dtype=float)
        return np.asarray(self.radii_m * angle - self.buildup_m / 4 * angle**2)

    def turns(self, paid_m: ArrayLike) -> Array:
        """The inverse of `paid_m`, shape (..., m).

        Raises:
            ValueError: More would be paid out than a drum of this build-up can ever have held.
        """
        paid = np.asarray(paid_m, dtype=float)
        square = self.radii_m**2 - self.buildup_m * paid
        if (square < 0).any():
            raise ValueError(f"a drum cannot pay out {np.max(paid):.3f} m; check its radius and build-up")
        return np.asarray(2 * paid / (self.radii_m + np.sqrt(square)) / _TURN)

    def metres_a_turn(self, turns: ArrayLike) -> Array:
        """Derivative of `paid_m`, shape (..., m); its value over 2 pi is the radius now, the lever of the tension."""
        angle = _TURN * np.asarray(turns, dtype=float)
        return np.asarray(_TURN * (self.radii_m - self.buildup_m / 2 * angle))
