"""Postures that serve the views of a plant, drawn at random from all that do: what a quick drive chooses from.

A view leaves freedom: its direction may be anywhere in its own part of the hemisphere, its distance anywhere near the
one that fills the picture, and the cell has one joint more than a view fixes. So there is no single posture of a view
but a set of three and more dimensions, and a drive that may choose among a thousand of each view's is much quicker
than one among the few of a grid. Draws are seeded: the same plant gets the same plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scan.cell import Array, Cell
from scan.clearance import Obstacle, Surroundings
from scan.inverse import Postures, closed_form
from scan.reach import penalties
from scan.viewpoints import Direction, fitted_distance_m, viewpoint_rays
from scan.views_section import ViewsSection

Indices = NDArray[np.int64]

#: How far a direction may stray from the wished one: half the spacing of 64 views.
STRAY_RAD = np.radians(8.0)
#: How much nearer and farther than the distance that fills the picture.
_NEARER_M, _FARTHER_M = 0.03, 0.06
#: How far a view may stray that cannot be had otherwise.
_WIDER_RAD = np.radians(12.0)
#: Places at which unfolding is looked at, and by how much less the gap may be between two of them.
_UNFOLDING, _BETWEEN_M = 9, 0.0015


@dataclass(frozen=True, eq=False)
class Draws:
    """Postures, each for one view; all of them keep clear of everything.

    Args:
        rows: Carriage's x and y and four joints, shape (n, 6).
        view: Index of the wish that each serves, shape (n,).
        tilts_rad, azimuths_rad, distances_m: From where each looks, shape (n,).
        reaches_m: How far the camera's tip stands from the axis of the arm's base, shape (n,).
        penalties: How near each comes to a limit, shape (n,).
    """

    rows: Array
    view: Indices
    tilts_rad: Array
    azimuths_rad: Array
    distances_m: Array
    reaches_m: Array
    penalties: Array

    def __len__(self) -> int:
        return len(self.view)

    def __getitem__(self, index: NDArray[np.bool_] | Indices) -> "Draws":
        return Draws(*(value[index] for value in vars(self).values()))

    @staticmethod
    def joined(parts: "Sequence[Draws]") -> "Draws":
        """One after the other."""
        return Draws(*(np.concatenate(values) for values in zip(*(vars(part).values() for part in parts), strict=True)))


class Drawing:
    """Draws postures for the views of one plant.

    Args:
        cell: The cell.
        plant: The plant.
        around: Everything that stands, the plant itself included.
        views: From how far, how slanting.
        wishes: Directions to look from.
        seed: Of the draws.
    """

    def __init__(
        self,
        cell: Cell,
        plant: Obstacle,
        around: Surroundings,
        views: ViewsSection,
        wishes: Sequence[Direction],
        seed: int = 0,
    ) -> None:
        self._cell, self._plant, self._around, self._views, self._wishes = cell, plant, around, views, wishes
        self._random = np.random.default_rng([seed, 0xD7A3])
        self.units = np.array([wish.unit for wish in wishes])
        self._reached, self._clear = np.zeros(len(wishes), bool), np.zeros(len(wishes), bool)
        self.fitted_m = np.array(
            [fitted_distance_m(wish, plant.radius_m, plant.height_m, cell.lens, views) for wish in wishes]
        )

    def anywhere(self, each: int) -> Draws:
        """`each` trials for each view over all that it may be."""
        return self._trials(np.repeat(np.arange(len(self._wishes)), each), STRAY_RAD, _NEARER_M, _FARTHER_M)

    def wider(self, wanted: Sequence[int], each: int) -> Draws:
        """`each` trials for each of some views, at any distance and up to 12 deg aside."""
        return self._trials(np.repeat(np.asarray(wanted, dtype=np.int64), each), _WIDER_RAD, 1.0, 1.0)

    def reason(self, view: int) -> str:
        """Why a view has no posture that the arm can unfold to, by all trials so far."""
        if not self._reached[view]:
            reason = "out of reach of carriage and arm"
        elif not self._clear[view]:
            reason = "the arm would touch a plant, the wall or itself"
        else:
            reason = "the arm cannot unfold to it without touching a plant"
        aside_deg = np.degrees(_WIDER_RAD)
        return f"{reason}, at every allowed distance and within {aside_deg:.0f} deg of the wished direction"

    def near(self, picks: Draws, each: int) -> Draws:
        """`each` trials about each of some draws: a degree or two, a centimetre or two away."""
        index = np.repeat(np.arange(len(picks)), each)
        view, random = picks.view[index], self._random
        units = _units(picks.tilts_rad, picks.azimuths_rad)[index]
        way = self._beside(units, np.radians(3.0) * np.abs(random.standard_normal(len(index))))
        inside = (way * self.units[view]).sum(axis=1) >= np.cos(STRAY_RAD)
        way = np.where(inside[:, None], way, units)
        fitted = self.fitted_m[view]
        distances = picks.distances_m[index] + 0.012 * random.standard_normal(len(index))
        distances = np.clip(distances, fitted - _NEARER_M, fitted + _FARTHER_M)
        return self._postures(view, way, distances, picks.reaches_m[index] + 0.02 * random.standard_normal(len(index)))

    def unfolding(self, draws: Draws) -> NDArray[np.bool_]:
        """To which of them the arm comes clear from folded, with the carriage in place."""
        folded = draws.rows.copy()
        folded[:, 3:] = self._cell.park.joints_rad[1:]
        share = np.linspace(0, 1, _UNFOLDING)[:, None]
        passed = folded[:, None] + share * (draws.rows - folded)[:, None]
        near = self._around.gaps(passed[..., 0], passed[..., 1], passed[..., 2:])
        return np.asarray(near.clear(self._cell.bodies.clearance_m + _BETWEEN_M).all(axis=1))

    def rays(self, draws: Draws) -> tuple[Array, Array]:
        """Where the camera is to be and along which unit vectors it is to look, world, both (n, 3)."""
        units = _units(draws.tilts_rad, draws.azimuths_rad)
        return viewpoint_rays(self._plant.position_m, self._plant.height_m, units, draws.distances_m)

    def _trials(self, view: Indices, stray_rad: float, nearer_m: float, farther_m: float) -> Draws:
        random, count = self._random, len(view)
        way = self._beside(self.units[view], stray_rad * np.sqrt(random.random(count)))
        low = np.maximum(self.fitted_m[view] - nearer_m, self._views.distance_min_m)
        high = np.minimum(self.fitted_m[view] + farther_m, self._views.distance_max_m)
        reach_m = float(self._cell.arm.links_m.sum())
        reaches = reach_m * (2 * random.random(count) - 1)
        return self._postures(view, way, low + random.random(count) * (high - low), reaches)

    def _beside(self, units: Array, away_rad: Array) -> Array:
        """Unit vectors at angles from others, on any bearing."""
        some = self._random.standard_normal(units.shape)
        aside = some - (some * units).sum(axis=1, keepdims=True) * units
        aside /= np.linalg.norm(aside, axis=1, keepdims=True)
        return np.asarray(np.cos(away_rad)[:, None] * units + np.sin(away_rad)[:, None] * aside)

    def _postures(self, view: Indices, way: Array, distances_m: Array, reaches_m: Array) -> Draws:
        """What of some trials is within limits and clear."""
        tilt_max = np.radians(self._views.tilt_max_deg)
        low, high = self._views.distance_min_m, self._views.distance_max_m
        fit = way[:, 2] >= np.cos(tilt_max) - 1e-9
        view, way, reaches_m = view[fit], way[fit], reaches_m[fit]
        distances_m = np.clip(distances_m[fit], low, high)
        place, sight = viewpoint_rays(self._plant.position_m, self._plant.height_m, way, distances_m)
        rows, index = closed_form(self._cell, place, sight, reaches_m)
        self._reached[view[index]] = True
        near = self._around.gaps(rows[:, 0], rows[:, 1], rows[:, 2:])
        clear = near.clear(self._cell.bodies.clearance_m)
        rows, index = rows[clear], index[clear]
        self._clear[view[index]] = True
        gap_m = np.minimum(near.wall, near.plants)[clear]
        cost = penalties(self._cell, Postures(rows[:, 0], rows[:, 1], rows[:, 2:]), gap_m)
        tilt, azimuth = np.arccos(np.clip(way[:, 2], -1, 1)), np.arctan2(way[:, 1], way[:, 0])
        return Draws(rows, view[index], tilt[index], azimuth[index], distances_m[index], reaches_m[index], cost)


def _units(tilts_rad: Array, azimuths_rad: Array) -> Array:
    sin = np.sin(tilts_rad)
    return np.stack([sin * np.cos(azimuths_rad), sin * np.sin(azimuths_rad), np.cos(tilts_rad)], axis=-1)
