"""The form of a simulated lettuce: the sheets of its leaves, each lying on the older ones."""

from dataclasses import replace

import numpy as np

from hardware_sim.lettuce import Lettuce
from hardware_sim.lettuce_contact import part
from hardware_sim.lettuce_leaf import LeafSheet, leaf_sheet
from hardware_sim.lettuce_stance import stance_of

TRIANGLE_M = 0.0014


def leaf_sheets(plant: Lettuce, triangle_m: float = TRIANGLE_M) -> list[LeafSheet]:
    """The sheets of all leaves, oldest first, each lying on the older ones."""
    stance = stance_of(plant)
    alone = [leaf_sheet(plant, leaf, triangle_m, stance) for leaf in plant.leaves]
    shares = [np.clip((sheet.flat_m[:, 0, 1] / sheet.length_m - 0.08) / 0.2, 0, 1) for sheet in alone]
    grids = part([sheet.vertices_m for sheet in alone], shares)
    return [replace(sheet, vertices_m=grid) for sheet, grid in zip(alone, grids, strict=True)]
