"""Leaves followed from one day to another: which leaf of today was which of yesterday, which are new, which gone.

Both models stand in the farm's frame, the plant's collar in its place. A leaf keeps the direction in which it grows for
life; it rises or sinks by the hour and grows longer, so its elevation and its length say less. Leaves are paired so
that these differences are smallest together, after what all leaves share (the plant turned in its hole, the whole
rosette rose, everything grew) is taken out. A pair that is too unlike is none: its leaves are new, or lost.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from reconstruction.leaves import Leaves
from reconstruction.records import Array, Surface

#: Standard deviations of one leaf from one day to the next: azimuth, elevation, ln length, ln area. Area says little:
#: a leaf told apart from its neighbours today may have been one with them yesterday.
_STD = np.array([np.radians(12), np.radians(12), 0.15, 0.5])
#: Squared differences of a pair, in standard deviations, beyond which it is none (chi squared, 4 of freedom: 1 %).
_MOST_UNLIKE = 13.3
#: What all leaves share is found again so often.
_ROUNDS = 6
#: A leaf of less than this share of the largest is not named new or lost: it may have been there, hidden.
_LEAST_SHARE = 0.05
#: Steeper than this a leaf's azimuth says little: the axis is near.
_AZIMUTH_FLOOR = 0.25


@dataclass(frozen=True)
class LeafPair:
    """A leaf on both days: its numbers there, how unlike they are (squared standard deviations), its growth of area.

    `growth_per_day` is the change of the logarithm of the area that was seen, a day.
    """

    before: int
    now: int
    unlike: float
    growth_per_day: float


@dataclass(frozen=True)
class Followed:
    """What became of the leaves.

    Args:
        pairs: Leaves that are there on both days, largest of today first.
        new: Leaves of today that have none of yesterday.
        lost: Leaves of yesterday that have none of today.
        turn_rad: How far the plant turned about the panel's normal, the median of its leaves.
        rise_rad: How far its leaves rose, likewise.
    """

    pairs: tuple[LeafPair, ...]
    new: tuple[int, ...]
    lost: tuple[int, ...]
    turn_rad: float
    rise_rad: float


def follow(
    before: tuple[Surface, Leaves],
    now: tuple[Surface, Leaves],
    collar_m: ArrayLike,
    axis: ArrayLike = (0.0, 0.0, 1.0),
    days: float = 1.0,
) -> Followed:
    """Follow the leaves of one plant from an earlier to a later day.

    Args:
        before: Surface and leaves of the earlier day.
        now: Of the later one, in the same frame up to some millimetres and degrees.
        collar_m: Where the plant grows out of the panel, (3,).
        axis: The panel's normal, (3,).
        days: Between them, above 0.
    """
    frame = _upright(np.asarray(axis, dtype=float))
    old, new = (_places(*one, np.asarray(collar_m, dtype=float), frame) for one in (before, now))
    if not len(old) or not len(new):
        return Followed((), tuple(range(len(new))), tuple(range(len(old))), 0.0, 0.0)
    shared = np.zeros(4)
    for _ in range(_ROUNDS):
        difference = _differences(old, new)
        unlike = _unlike(difference - shared, old, new)
        rows, columns = linear_sum_assignment(np.minimum(unlike, _MOST_UNLIKE))
        chosen = [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if unlike[i, j] < _MOST_UNLIKE]
        if not chosen:
            break
        again = np.median([difference[pair] for pair in chosen], axis=0)
        if np.abs(again - shared).max() < 1e-6:
            break
        shared = again
    pairs = [LeafPair(i, j, float(unlike[i, j]), float(np.log(now[1].areas_m2[j] / before[1].areas_m2[i]) / days))
             for i, j in sorted(chosen, key=lambda pair: pair[1])]  # fmt: skip
    return Followed(
        tuple(pairs),
        _alone(now[1], {pair.now for pair in pairs}),
        _alone(before[1], {pair.before for pair in pairs}),
        float(shared[0]),
        float(shared[1]),
    )


def _places(surface: Surface, leaves: Leaves, collar_m: Array, frame: Array) -> NDArray[np.float64]:
    """Azimuth and elevation of each leaf's middle as seen from the collar, ln of its length and area, (n, 4)."""
    middles = (surface.vertices_m[surface.faces].mean(axis=1) - collar_m) @ frame.T
    rows = np.empty((len(leaves), 4))
    for leaf in range(len(leaves)):
        own = leaves.of_face == leaf
        weight = surface.face_areas_m2[own]
        away = np.linalg.norm(middles[own], axis=1)
        x, y, z = np.average(middles[own], axis=0, weights=weight * away)
        length = float(np.quantile(away, 0.98))
        rows[leaf] = np.arctan2(y, x), np.arctan2(z, np.hypot(x, y)), np.log(length), np.log(leaves.areas_m2[leaf])
    return rows


def _differences(old: Array, new: Array) -> NDArray[np.float64]:
    """New less old, the azimuth the short way round, (n, m, 4)."""
    difference = new[None] - old[:, None]
    difference[..., 0] = (difference[..., 0] + np.pi) % (2 * np.pi) - np.pi
    return np.asarray(difference)


def _unlike(difference: Array, old: Array, new: Array) -> NDArray[np.float64]:
    """Squared standard deviations of each pair, (n, m); an azimuth weighs less the steeper both leaves stand."""
    flat = np.maximum(np.cos((old[:, None, 1] + new[None, :, 1]) / 2), _AZIMUTH_FLOOR)
    azimuth = (difference[..., 0] + np.pi) % (2 * np.pi) - np.pi
    parts = np.concatenate([(azimuth * flat)[..., None], difference[..., 1:]], axis=-1) / _STD
    return np.asarray((parts**2).sum(axis=-1))


def _upright(axis: Array) -> NDArray[np.float64]:
    """Rows: two directions in the panel and its normal."""
    out = axis / np.linalg.norm(axis)
    first = np.cross([0.0, 1.0, 0.0] if abs(out[1]) < 0.9 else [0.0, 0.0, 1.0], out)
    first /= np.linalg.norm(first)
    return np.array([first, np.cross(out, first), out])


def _alone(leaves: Leaves, taken: set[int]) -> tuple[int, ...]:
    large = leaves.areas_m2 >= _LEAST_SHARE * leaves.areas_m2.max()
    return tuple(leaf for leaf in range(len(leaves)) if large[leaf] and leaf not in taken)
