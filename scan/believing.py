"""Where a calibrated cell believes its camera to be, and how well it knows it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scan.cell import Array
from scan.cell_model import COUNT, CellModel, prior_stds
from scan.cell_readings import Reading
from scan.cell_solver import Noise
from scan.cell_state import Believed
from trellis.errors import DeviceError
from trellis.geometry import Pose

_ROUNDS = 100
_STEP = 1e-6


def carriage_pose(model: CellModel, reading: Reading, start: Array, noise: Noise) -> Array:
    """The carriage's x, y, yaw (3,) by drums and balance, five equations for three numbers.

    Raises:
        DeviceError: It does not converge: a drum reads what no place explains.
    """
    pose, damping = np.asarray(start, dtype=float), 1e-6
    errors, J = _carriage(model, reading, pose, noise)
    for _ in range(_ROUNDS):
        # Levenberg-Marquardt: with a slip much is unexplained, and full steps zigzag.
        normal = J.T @ J
        step = -np.linalg.solve(normal + damping * np.diag(np.diag(normal)), J.T @ errors)
        step = np.clip(step, -0.1, 0.1)
        after = _errors(model, reading, pose + step, noise)
        if after @ after <= errors @ errors:
            pose, damping = pose + step, max(damping / 10, 1e-9)
            if np.abs(step).max() < 1e-8:
                return np.asarray(pose)
            errors, J = _carriage(model, reading, pose, noise)
        elif np.abs(step).max() < 1e-8:
            return np.asarray(pose)
        else:
            damping *= 10
    raise DeviceError("what the drums read is explained by no place of the carriage; dock it and home again")


@dataclass(frozen=True, eq=False)
class Response:
    """Where the camera is believed to be, and what would move it.

    Args:
        world_from_camera: By drums, balance and servos.
        device_covariance: Of its place (m) and turn (rad, world), from drums and servos alone, shape (6, 6).
        by_cell: Derivatives of place and turn by the cell's numbers, the readings as they are, shape (6, 60).
        misfit: What drums and balance leave unexplained, over its standard deviations, shape (5,).
        misfit_by_cell: Derivatives of that, shape (5, 60).
    """

    world_from_camera: Pose
    device_covariance: Array
    by_cell: Array
    misfit: Array
    misfit_by_cell: Array


def believe(model: CellModel, covariance: Array, noise: Noise, reading: Reading, start: Array) -> Believed:
    """The camera's pose with what drums, servos and the calibration itself leave open.

    Args:
        model: A calibrated cell.
        covariance: Of its vector, shape (60, 60).
        noise: Of what is measured.
        reading: The devices, at rest.
        start: The carriage's pose, roughly, shape (3,).

    Raises:
        DeviceError: The drums read what no place explains.
    """
    response = camera_response(model, noise, reading, start)
    spread = response.device_covariance + response.by_cell @ covariance @ response.by_cell.T
    stds = np.sqrt(np.array([np.trace(spread[:3, :3]), np.trace(spread[3:, 3:])]) / 3)
    return Believed(response.world_from_camera, float(stds[0]), float(stds[1]), spread)


def camera_response(model: CellModel, noise: Noise, reading: Reading, start: Array) -> Response:
    """The believed camera and its derivatives; arguments and errors as of `believe`."""
    pose = carriage_pose(model, reading, start, noise)
    place, turn = _camera(model, pose, reading.joints_rad)
    errors, J = _carriage(model, reading, pose, noise)
    by_pose = _columns(lambda step: _moved(model, pose + step, reading.joints_rad, place, turn), 3)
    by_joint = _columns(lambda step: _moved(model, pose, reading.joints_rad + step, place, turn), 4)
    undo = np.linalg.pinv(J)
    answer = by_pose @ undo  # what errors of drums and balance do to the camera
    by_cell, misfit_by_cell = np.zeros((6, COUNT)), np.zeros((5, COUNT))
    for k, std in enumerate(prior_stds()):
        moved = model.vector.copy()
        moved[k] += 1e-4 * std
        other = model.at(moved)
        direct = _moved(other, pose, reading.joints_rad, place, turn)
        change = _errors(other, reading, pose, noise) - errors
        by_cell[:, k] = (direct - answer @ change) / (1e-4 * std)
        misfit_by_cell[:, k] = (change - J @ (undo @ change)) / (1e-4 * std)
    devices = answer @ answer.T + noise.joint_rad**2 * by_joint @ by_joint.T
    return Response(Pose(turn, place), np.asarray(devices), by_cell, errors, misfit_by_cell)


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
