"""Ways through the plane: straight lines, and corners rounded so that curvature comes and goes without a jump.

A corner becomes a quintic Bezier curve whose first three and last three control points lie on the two lines, evenly
spaced: its curvature is zero where it meets them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from cdpr.robot import Array

#: Spacing of the outer control points, in parts of the corner's cut; middle ones then lie nearest the corner.
_SPACING = 0.4
_SAMPLES = 400
#: Corners that turn less are no corners, and those that turn more cannot be rounded: the carriage stops there.
_STRAIGHT, _REVERSAL = 1 - 1e-12, -0.999


@dataclass(frozen=True, eq=False)
class Line:
    """From `start_m` along the unit vector `along` for `length_m`."""

    start_m: Array
    along: Array
    length_m: float

    #: A line never bends.
    bend_1_m, bend_change_1_m2 = 0.0, 0.0

    def at(self, gone_m: Array) -> tuple[Array, Array, Array]:
        return (
            self.start_m + gone_m[:, None] * self.along,
            np.broadcast_to(self.along, (len(gone_m), 2)),
            np.zeros((len(gone_m), 2)),
        )


@dataclass(frozen=True, eq=False)
class Corner:
    """A rounded corner.

    Args:
        control_m: Its six control points, shape (6, 2).
    """

    control_m: Array

    @cached_property
    def _table(self) -> tuple[Array, Array]:
        """Parameter and arc length at even steps of the parameter."""
        parameter = np.linspace(0, 1, _SAMPLES + 1)
        speed = np.linalg.norm(_bezier(np.diff(self.control_m, axis=0) * 5, parameter), axis=1)
        steps = (speed[:-1] + speed[1:]) / 2 / _SAMPLES
        return parameter, np.concatenate([[0.0], np.cumsum(steps)])

    @property
    def length_m(self) -> float:
        return float(self._table[1][-1])

    @cached_property
    def bend_1_m(self) -> float:
        """Greatest curvature."""
        return float(np.linalg.norm(self.at(self._table[1])[2], axis=1).max())

    @cached_property
    def bend_change_1_m2(self) -> float:
        """Greatest change of the curvature vector over a metre."""
        lengths = self._table[1]
        change = np.diff(self.at(lengths)[2], axis=0) / np.diff(lengths)[:, None]
        return float(np.linalg.norm(change, axis=1).max())

    def at(self, gone_m: Array) -> tuple[Array, Array, Array]:
        parameter = np.interp(gone_m, self._table[1], self._table[0])
        first = np.diff(self.control_m, axis=0) * 5
        velocity = _bezier(first, parameter)
        second = _bezier(np.diff(first, axis=0) * 4, parameter)
        speed = np.linalg.norm(velocity, axis=1, keepdims=True)
        along = velocity / speed
        across = second - (second * along).sum(axis=1, keepdims=True) * along
        return _bezier(self.control_m, parameter), along, across / speed**2


@dataclass(frozen=True, eq=False)
class Path:
    """Pieces in driving order, each beginning where the last one ends."""

    pieces: tuple[Line | Corner, ...]

    @property
    def length_m(self) -> float:
        return sum(piece.length_m for piece in self.pieces)

    def at(self, gone_m: ArrayLike) -> tuple[Array, Array, Array]:
        """Place (m), unit tangent and curvature vector (1/m) at distances along the path (n,), each of shape (n, 2)."""
        gone = np.atleast_1d(np.asarray(gone_m, dtype=float))
        ends = np.cumsum([piece.length_m for piece in self.pieces])
        which = np.minimum(np.searchsorted(ends, gone, side="left"), len(self.pieces) - 1)
        place, along, bend = np.empty((len(gone), 2)), np.empty((len(gone), 2)), np.empty((len(gone), 2))
        for index, piece in enumerate(self.pieces):
            here = which == index
            if here.any():
                begin = ends[index] - piece.length_m
                local = np.clip(gone[here] - begin, 0.0, piece.length_m)
                place[here], along[here], bend[here] = piece.at(local)
        return place, along, bend

    def stretches(self, speed_m_s: float, acceleration_m_s2: float, jerk_m_s3: float) -> list[tuple[float, float]]:
        """Length and speed limit of each piece: a corner's pull to its inside keeps the limits too."""
        return [(piece.length_m, _limit(piece, speed_m_s, acceleration_m_s2, jerk_m_s3)) for piece in self.pieces]


def straight(start_m: ArrayLike, goal_m: ArrayLike) -> Path:
    """The line from a place to another; of length zero where they are the same."""
    return Path((_line(np.asarray(start_m, dtype=float), np.asarray(goal_m, dtype=float)),))


def blended(places_m: Sequence[ArrayLike], blend_m: float) -> list[Path]:
    """Lines through places with their corners rounded; where one cannot be rounded a path ends and the next begins.

    Args:
        places_m: At least two, each x and y.
        blend_m: How long before and after a corner the line is left, at most; half of a shorter side is taken there.
    """
    points = [np.asarray(place, dtype=float) for place in places_m]
    points = [point for index, point in enumerate(points) if index == 0 or np.any(point != points[index - 1])]
    if len(points) < 2:
        return [straight(points[0], points[0])]
    paths, pieces, at = [], list[Line | Corner](), points[0]
    for before, here, after in zip(points, points[1:], points[2:], strict=False):
        into, out = _unit(here - before), _unit(after - here)
        cut = min(blend_m, float(np.linalg.norm(here - before)) / 2, float(np.linalg.norm(after - here)) / 2)
        turn = float(into @ out)
        if turn >= _STRAIGHT:
            pieces, at = [*pieces, _line(at, here)], here
        elif turn <= _REVERSAL or cut <= 0:
            paths.append(Path((*pieces, _line(at, here))))
            pieces, at = [], here
        else:
            pieces += [_line(at, here - cut * into), _corner(here, into, out, cut)]
            at = here + cut * out
    paths.append(Path((*pieces, _line(at, points[-1]))))
    return paths


def _line(start_m: Array, goal_m: Array) -> Line:
    length = float(np.linalg.norm(goal_m - start_m))
    return Line(start_m, (goal_m - start_m) / length if length else np.array([1.0, 0.0]), length)


def _corner(at_m: Array, into: Array, out: Array, cut_m: float) -> Corner:
    before = [at_m - cut_m * (1 - _SPACING * k) * into for k in range(3)]
    after = [at_m + cut_m * (1 - _SPACING * k) * out for k in (2, 1, 0)]
    return Corner(np.array(before + after))


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))


def _limit(piece: Line | Corner, speed: float, acceleration: float, jerk: float) -> float:
    if piece.bend_1_m == 0:
        return speed
    return float(min(speed, np.sqrt(acceleration / piece.bend_1_m), np.cbrt(jerk / piece.bend_change_1_m2)))


def _bezier(control: Array, parameter: Array) -> Array:
    """A Bezier curve by de Casteljau, shape (n, 2)."""
    points = np.broadcast_to(control, (len(parameter), *control.shape))
    t = parameter[:, None, None]
    while points.shape[1] > 1:
        points = (1 - t) * points[:, :-1] + t * points[:, 1:]
    return np.asarray(points[:, 0])
