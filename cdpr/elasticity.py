"""Cables stretch: what must be paid out for a pose, where the carriage hangs for what was paid out, and how stiffly.

A cable of unstretched length L0 under tension T is L0 (1 + T / EA) long, wheel's arc included; slack, it bears nothing.
What lies between winch and wheel stretches too: count it to L0 by `lead_m` where it is long. Source:
docs/cable-robot.md, section 6.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cdpr.kinematics import cable_lengths, length_curvature, length_jacobian
from cdpr.robot import GRAVITY_M_S2, Array, CableRobot
from cdpr.tension import distribute, gravity_wrench
from trellis.errors import TrellisError

#: Metres and radians.
_STEP_MIN = 1e-12
_STEP_MAX = np.array([0.2, 0.2, 0.05])
_STEPS = 200


class NoEquilibrium(TrellisError):
    """Cables of these lengths leave the carriage nowhere to hang."""


@dataclass(frozen=True, eq=False)
class Hanging:
    """A carriage in equilibrium.

    Args:
        pose: x, y, yaw; shape (3,).
        tensions_n: Shape (m,).
        stiffness: Shape (3, 3), as `stiffness`.
    """

    pose: Array
    tensions_n: Array
    stiffness: Array


def unstretched_m(robot: CableRobot, lengths_m: ArrayLike, tensions_n: ArrayLike, lead_m: ArrayLike = 0.0) -> Array:
    """What cables of these lengths measure without their tension, any one shape."""
    lead = np.asarray(lead_m, dtype=float)
    loaded = np.asarray(lengths_m, dtype=float) + lead
    return np.asarray(loaded / (1 + np.asarray(tensions_n, dtype=float) / robot.cable_stiffness_n) - lead)


def paid_out_m(robot: CableRobot, pose: ArrayLike, wrench: ArrayLike | None = None) -> Array:
    """The inverse solution with elasticity: unstretched lengths that hold a pose with the tensions of `distribute`.

    Args:
        robot: The robot.
        pose: Shape (..., 3).
        wrench: As in `distribute`.

    Raises:
        NoTension: No tensions hold the carriage there.
    """
    return unstretched_m(robot, cable_lengths(robot, pose), distribute(robot, pose, wrench))


def hang(
    robot: CableRobot,
    paid_m: ArrayLike,
    start: ArrayLike,
    force_n: ArrayLike | None = None,
    held_n: ArrayLike | None = None,
) -> Hanging:
    """The forward solution with elasticity: where the carriage hangs still.

    Args:
        robot: The robot.
        paid_m: Unstretched length of each cable, shape (m,).
        start: A pose near it, shape (3,), such as what `forward` makes of the lengths.
        force_n: Acts beside cables and gravity: force x, force y, moment; shape (3,).
        held_n: Where a winch holds a tension instead of a length, that tension; not a number elsewhere. Shape (m,).

    Raises:
        NoEquilibrium: None near the start, or one in which no cable is taut.

    Source: least potential energy, by Newton's method with the exact Hessian, which is the stiffness.
    """
    paid, pose = np.asarray(paid_m, dtype=float), np.array(start, dtype=float)
    held = np.full(robot.cables, np.nan) if held_n is None else np.asarray(held_n, dtype=float)
    force = np.zeros(3) if force_n is None else np.asarray(force_n, dtype=float)
    damping = 0.0
    for _ in range(_STEPS):
        tensions = _tensions(robot, pose, paid, held)
        pull = length_jacobian(robot, pose).T @ tensions - gravity_wrench(robot, pose) - force
        curved = stiffness(robot, pose, tensions, np.isfinite(held))
        step = -np.linalg.solve(_uphill(curved, damping), pull)
        step *= min(1.0, float((_STEP_MAX / np.maximum(np.abs(step), 1e-30)).min()))
        if np.abs(step).max() < _STEP_MIN:
            if not (tensions > 0).any() or np.linalg.eigvalsh(curved)[0] <= 0:
                break
            return Hanging(pose, tensions, curved)
        lower = _energy(robot, pose + step, paid, held, force) <= _energy(robot, pose, paid, held, force) + 1e-12
        near = np.abs(step).max() < 1e-7  # where energies differ by less than rounding
        pose = pose + step if lower or near else pose
        damping = damping / 10 if lower else max(10 * damping, 1.0)
    raise NoEquilibrium(
        f"with {paid.round(4).tolist()} m of cable paid out the carriage hangs nowhere near "
        f"{np.asarray(start).tolist()}; check the lengths, or start nearer"
    )


def stiffness(
    robot: CableRobot, pose: ArrayLike, tensions_n: ArrayLike, tension_held: ArrayLike | bool = False
) -> Array:
    """Wrench that moves the carriage by a unit of x, y and yaw against its cables and its weight, shape (..., 3, 3).

    Three parts: the cables' own springs EA / L0, which only taut cables have that are held in length; their tensions,
    which resist being turned; the weight, whose lever changes with yaw.

    Args:
        robot: The robot.
        pose: Shape (..., 3).
        tensions_n: Shape (..., m).
        tension_held: Which winches hold a tension, not a length: their cables give no spring. Shape (m,).
    """
    where, tensions = np.asarray(pose, dtype=float), np.asarray(tensions_n, dtype=float)
    rows = length_jacobian(robot, where)
    rest = unstretched_m(robot, cable_lengths(robot, where), tensions)
    springs = np.where((tensions > 0) & ~np.asarray(tension_held), robot.cable_stiffness_n / rest, 0.0)
    found = np.einsum("...c,...cj,...ck->...jk", springs, rows, rows) + length_curvature(robot, where, tensions)
    x, y = robot.centre_of_mass_m
    height_m = np.sin(where[..., 2]) * x + np.cos(where[..., 2]) * y
    found[..., 2, 2] -= robot.mass_kg * GRAVITY_M_S2 * height_m
    return np.asarray(found)


def _tensions(robot: CableRobot, pose: Array, paid: Array, held: Array) -> Array:
    springs = robot.cable_stiffness_n * np.maximum(cable_lengths(robot, pose) / paid - 1, 0)
    return np.where(np.isfinite(held), held, springs)


def _energy(robot: CableRobot, pose: Array, paid: Array, held: Array, force: Array) -> float:
    """Potential energy of springs, held tensions, weight and force, joules."""
    lengths = cable_lengths(robot, pose)
    springs = robot.cable_stiffness_n / (2 * paid) * np.maximum(lengths - paid, 0) ** 2
    x, y = robot.centre_of_mass_m
    height_m = pose[1] + np.sin(pose[2]) * x + np.cos(pose[2]) * y
    cables_j = np.where(np.isfinite(held), held * lengths, springs).sum()
    return float(cables_j + robot.mass_kg * GRAVITY_M_S2 * height_m - force @ pose)


def _uphill(curved: Array, damping: float) -> Array:
    """The stiffness with every direction made to resist, so that a step leads down."""
    scale = np.sqrt(np.abs(np.diag(curved)) + 1.0)
    values, vectors = np.linalg.eigh(curved / np.outer(scale, scale))
    values = np.maximum(np.abs(values), 1e-9) + damping
    return np.asarray((vectors * values) @ vectors.T * np.outer(scale, scale))
