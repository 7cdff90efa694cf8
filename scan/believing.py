"""Where a calibrated cell believes its camera to be, and how well it knows it."""

from collections.abc import Callable

import numpy as np

from scan.cell import Array
from scan.cell_model import COUNT, CellModel, prior_stds
from scan.cell_readings import Reading
from scan.cell_solver import Noise
from scan.cell_state import Believed
from trellis.errors import DeviceError
from trellis.geometry import Pose

_ROUNDS = 30
_STEP = 1e-6


def carriage_pose(model: CellModel, reading: Reading, start: Array, noise: Noise) -> Array:
    """The carriage's x, y, yaw (3,) by drums and balance, five equations for three numbers.

    Raises:
        DeviceError: It does not converge: a drum reads what no place explains.
    """
    pose = np.asarray(start, dtype=float)
    for _ in range(_ROUNDS):
        errors, J = _carriage(model, reading, pose, noise)
        step = -np.linalg.lstsq(J, errors, rcond=None)[0]
        pose = pose + np.clip(step, -0.1, 0.1)
        if np.abs(step).max() < 1e-9:
            return np.asarray(pose)
    raise DeviceError("what the drums read is explained by no place of the carriage; dock it and home again")


def misfit(model: CellModel, reading: Reading, pose: Array, noise: Noise) -> float:
    """What drums and balance leave unexplained at a pose: chi-square of two degrees of freedom."""
    return float((_errors(model, reading, pose, noise) ** 2).sum())


def believe(model: CellModel, covariance: Array, noise: Noise, reading: Reading, start: Array) -> Believed:
    """The camera's pose with what drums, servos and the calibration itself leave open.

    Args:
        model: A calibrated cell.
        covariance: Of its vector, shape (60, 60).
        noise: Of what is measured.
        reading: The devices, at rest.
        start: The carriage's pose, roughly, shape (3,).
    """
    pose = carriage_pose(model, reading, start, noise)
    place, turn = _camera(model, pose, reading.joints_rad)
    _, J = _carriage(model, reading, pose, noise)
    by_pose = _columns(lambda step: _moved(model, pose + step, reading.joints_rad, place, turn), 3)
    by_joint = _columns(lambda step: _moved(model, pose, reading.joints_rad + step, place, turn), 4)
    answer = by_pose @ np.linalg.pinv(J)  # what errors of drums and balance do to the camera
    by_cell = np.zeros((6, COUNT))
    errors = _errors(model, reading, pose, noise)
    for k, std in enumerate(prior_stds()):
        moved = model.vector.copy()
        moved[k] += 1e-4 * std
        other = model.at(moved)
        direct = _moved(other, pose, reading.joints_rad, place, turn)
        by_cell[:, k] = (direct - answer @ (_errors(other, reading, pose, noise) - errors)) / (1e-4 * std)
    spread = answer @ answer.T + noise.joint_rad**2 * by_joint @ by_joint.T + by_cell @ covariance @ by_cell.T
    stds = np.sqrt(np.array([np.trace(spread[:3, :3]), np.trace(spread[3:, 3:])]) / 3)
    return Believed(Pose(turn, place), float(stds[0]), float(stds[1]))


def _errors(model: CellModel, reading: Reading, pose: Array, noise: Noise) -> Array:
    rows = model.carriage_errors(pose[None], reading.turns[None], reading.tensions_n[None], reading.joints_rad[None])
    return np.asarray(rows[0] / [*(noise.length_m,) * 4, noise.moment_n_m])


def _carriage(model: CellModel, reading: Reading, pose: Array, noise: Noise) -> tuple[Array, Array]:
    """Errors (5,) and their derivatives by the pose (5, 3)."""
    errors = _errors(model, reading, pose, noise)
    columns = [(_errors(model, reading, pose + step, noise) - errors) / _STEP for step in _STEP * np.eye(3)]
    return errors, np.stack(columns, axis=1)


def _camera(model: CellModel, pose: Array, joints_rad: Array) -> tuple[Array, Array]:
    rotation, place = model.cameras(pose[None], joints_rad[None])
    return place[0], rotation[0]


def _moved(model: CellModel, pose: Array, joints_rad: Array, place: Array, turn: Array) -> Array:
    """How far the camera is from a place and turn, metres and radians in the world, shape (6,)."""
    there, turned = _camera(model, pose, joints_rad)
    relative = turned @ turn.T
    twist = relative - relative.T
    small = np.array([twist[2, 1], twist[0, 2], twist[1, 0]]) / 2
    return np.concatenate([there - place, small])


def _columns(moved: Callable[[Array], Array], count: int) -> Array:
    return np.stack([moved(step) / _STEP for step in _STEP * np.eye(count)], axis=1)
