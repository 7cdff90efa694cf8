"""The stance of a simulated lettuce: how steep its leaves stand for it to be as high and as wide as it should be.

Real heads are known by height, diameter and leaf area, not by the angles of their leaves: so the angles are found.
"""

from dataclasses import fields
from functools import lru_cache

import numpy as np

from hardware_sim.lettuce import Lettuce
from hardware_sim.lettuce_leaf import Stance, leaf_sheet
from hardware_sim.rigid import Array

#: A leaf is judged on a coarse grid: triangles of this size, at least 8 x 7 points.
COARSE_M = 0.012
#: The finished plant, whose leaves lift each other, is so much wider than its coarse grids.
FINISHED_WIDER = 1.01
#: Steps of the search, and how far leaves are tilted to see what that changes, degrees.
STEPS, PROBE_DEG = 4, 4.0
#: No angle is changed further in all, nor in one step; 1 % in size is worth a change of 2.5 deg.
MOST_DEG, STEP_DEG, DEG_A_PERCENT = 30.0, 10.0, 2.5


@lru_cache(maxsize=256)
def stance_of(plant: Lettuce) -> Stance:
    """Angles with which height and diameter come to what is wanted, or as near to it as leaves of this area can."""
    angles = np.zeros(len(fields(Stance)))
    missed = _missed(plant, angles)
    for _ in range(STEPS):
        slopes = [(_missed(plant, angles + PROBE_DEG * probe) - missed) / PROBE_DEG for probe in np.eye(len(angles))]
        step = np.linalg.lstsq(np.transpose(slopes), -missed, rcond=None)[0]
        step *= STEP_DEG / max(STEP_DEG, np.abs(step).max())
        found = np.clip(angles + step, -MOST_DEG, MOST_DEG)
        after = _missed(plant, found)
        if after @ after >= missed @ missed:
            # A size is that of the outermost leaf: another one may take over within a step.
            found = angles + (found - angles) / 3
            after = _missed(plant, found)
        if after @ after >= missed @ missed:
            break
        angles, missed = found, after
    return Stance(*(float(angle) for angle in angles))


def diameter(points_m: Array) -> float:
    """Mean width of the plant's outline seen along the wall's normal, over all directions in the wall."""
    angles = np.linspace(0, np.pi, 36, endpoint=False)
    across = points_m[:, :2] @ np.stack([np.cos(angles), np.sin(angles)])
    return float((across.max(0) - across.min(0)).mean())


def _missed(plant: Lettuce, angles: Array) -> Array:
    """What the search makes small: height and diameter beside what is wanted, in percent, and the angles."""
    stance = Stance(*angles)
    sheets = [leaf_sheet(plant, leaf, COARSE_M, stance).vertices_m.reshape(-1, 3) for leaf in plant.leaves]
    points = np.concatenate(sheets)
    width_m = FINISHED_WIDER * diameter(points)
    sizes = np.array([points[:, 2].max() / plant.wanted_height_m, width_m / plant.wanted_diameter_m])
    return np.concatenate([100 * np.log(sizes), angles / DEG_A_PERCENT])
