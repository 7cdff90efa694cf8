"""What is the matter with believed poses that photographs contradict: exchanged rows, a slip, or single mistakes."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from reconstruction.model import Array, PoseResidual, View
from trellis.pose_file import CameraPose

#: So many wrong poses in a row, all off by nearly the same, are a slip.
_SLIP = 3

#: Nearly the same: the spread of what they are off by, as a share of it.
_SPREAD = 0.35

#: So many names are said; more are counted.
_NAMES = 6


def notes_on(
    residuals: Sequence[PoseResidual], views: Sequence[View], believed: Mapping[str, CameraPose]
) -> tuple[str, ...]:
    """A line for each thing that is the matter; empty where every belief is right.

    Args:
        residuals: In the order of their names, which is that in which photographs were taken; one whose view was left
            out since is passed over.
        views: In the frame of the beliefs.
        believed: By name.
    """
    places = {view.name: view.world_from_camera.translation_m for view in views}
    wrong = [residual.name for residual in residuals if residual.wrong and residual.name in places]
    if not wrong:
        return ()
    found = np.array([places[name] for name in wrong])
    wanted = np.array([believed[name].world_from_camera.translation_m for name in wrong])
    exchanged = _exchanged(wrong, found, wanted)
    lines = []
    if exchanged:
        lines.append(
            f"the poses of {_named(exchanged)} are exchanged among each other: rows of the pose file, or photographs, "
            "are shuffled; they were not used"
        )
    rest = [row for row, name in enumerate(wrong) if name not in exchanged]
    order = [residual.name for residual in residuals]
    for run in _in_a_row([wrong[row] for row in rest], order):
        rows = [wrong.index(name) for name in run]
        lines.append(_said(run, found[rows] - wanted[rows], len(residuals)))
    return tuple(lines)


def _exchanged(names: Sequence[str], found: Array, wanted: Array) -> list[str]:
    """Those that stand where another of the wrong ones is believed."""
    apart = np.linalg.norm(found[:, None] - wanted[None], axis=2)
    own = apart.diagonal().copy()
    np.fill_diagonal(apart, np.inf)
    rows = np.flatnonzero(apart.min(axis=1, initial=np.inf) < 0.25 * own)
    return [names[row] for row in rows] if len(rows) > 1 else []


def _in_a_row(names: Sequence[str], order: Sequence[str]) -> list[list[str]]:
    """Runs of neighbours in the order of all; one that is alone between good ones joins no run."""
    if not names:
        return []
    place = {name: index for index, name in enumerate(order)}
    runs = [[names[0]]]
    for before, name in pairwise(names):
        if place[name] == place[before] + 1:
            runs[-1].append(name)
        else:
            runs.append([name])
    singles = [run[0] for run in runs if len(run) < _SLIP]
    return [run for run in runs if len(run) >= _SLIP] + ([singles] if singles else [])


def _said(names: Sequence[str], off_m: Array, of: int) -> str:
    middle = np.median(off_m, axis=0)
    spread_m = float(np.median(np.linalg.norm(off_m - middle, axis=1)))
    together = len(names) >= _SLIP and spread_m < _SPREAD * float(np.linalg.norm(middle))
    if together:
        x, y, z = 1e3 * middle
        return (
            f"the poses of {names[0]} to {names[-1]} are all off by about ({x:.0f}, {y:.0f}, {z:.0f}) mm, as after a "
            "cable, a drum or a joint slipped; they were not used"
        )
    return f"{len(names)} of {of} believed poses are wrong and were not used: {_named(names)}"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(names[:_NAMES]) + more
