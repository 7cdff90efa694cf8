"""Which postures tell most about the cell: a random lot over the whole wall, thinned greedily by information.

Each posture is worth what it adds to the determinant of the information matrix of the cell's 60 numbers, its own seven
eliminated, priors included (D-optimal design). The drive through them is the nearest next one.
"""

from collections.abc import Sequence

import numpy as np

from cdpr.tension import distribute
from scan.cell import Array, Cell, CellPosture
from scan.cell_model import CellModel, prior_stds
from scan.cell_readings import Reading
from scan.cell_solver import Equations, Noise, information
from scan.clearance import Obstacle, gaps
from scan.inverse import Postures, postures_for
from scan.order import move_s, one
from scan.reach import unfolds
from trellis.board import TagBoard
from trellis.errors import Unreachable

#: How far the cell may be from where it believes to be before it is calibrated: so much more room is kept.
EXTRA_M = 0.03
_TAGS_MIN = 4
_TILT_MAX_DEG, _DISTANCES_M = 65.0, (0.26, 0.40)
#: A tag is not counted on when it is seen more slanting than this, or nearer to the picture's edge.
_SLANT_DEG, _EDGE_PX = 65.0, 40.0
_LOTS = 6


def calibration_postures(
    cell: Cell, model: CellModel, board: TagBoard, plants: Sequence[Obstacle], count: int, seed: int
) -> list[CellPosture]:
    """Postures to calibrate from, in driving order from the park.

    Args:
        cell: The cell as it is believed now.
        model: The same for the solver.
        board: The wall's tags.
        plants: What stands on the wall; tags behind it are not counted on.
        count: How many postures.
        seed: Of the random lot.

    Raises:
        Unreachable: Not enough postures see enough tags; it says how many do.
    """
    lot = _lot(cell, board, plants, _LOTS * count, np.random.default_rng(seed))
    if len(lot) < count:
        raise Unreachable(
            f"only {len(lot)} of {_LOTS * count} places tried see {_TAGS_MIN} tags clear of plants, and {count} are "
            "needed; calibrate with fewer or smaller plants on the wall, or put up more tags"
        )
    readings = [_expected(cell, model, board, posture, plants) for posture in lot]
    starts = np.array([[posture.x_m, posture.y_m, posture.yaw_rad, 0, 0, 0, 0] for posture in lot])
    told = information(model, Equations(readings, board), starts, Noise())
    return _in_order(cell, [lot[index] for index in _greedy(told, count)])


def _lot(
    cell: Cell, board: TagBoard, plants: Sequence[Obstacle], count: int, rng: np.random.Generator
) -> list[CellPosture]:
    """Random postures that look at the wall's tags from clear places; tried four times as often as wanted."""
    middles = np.array([corners.mean(axis=0) for corners in board.corners_world_m.values()])
    low, high = middles.min(axis=0), middles.max(axis=0)
    lot: list[CellPosture] = []
    for _ in range(4 * count):
        if len(lot) == count:
            break
        target = rng.uniform(low, high)
        tilt, azimuth = np.radians(rng.uniform(0, _TILT_MAX_DEG)), rng.uniform(0, 2 * np.pi)
        out = np.array([np.sin(tilt) * np.cos(azimuth), np.sin(tilt) * np.sin(azimuth), np.cos(tilt)])
        posture = _clear(cell, postures_for(cell, target + out * rng.uniform(*_DISTANCES_M), -out), plants, rng)
        if posture is not None and len(visible_tags(cell, posture, board, plants)) >= _TAGS_MIN:
            lot.append(posture)
    return lot


def _clear(cell: Cell, postures: Postures, plants: Sequence[Obstacle], rng: np.random.Generator) -> CellPosture | None:
    """One of the postures that are clear with room to spare and can be unfolded to, or None."""
    if len(postures) == 0:
        return None
    room = cell.bodies.clearance_m + EXTRA_M
    near = gaps(cell, postures.x_m, postures.y_m, postures.joints_rad, plants)
    free = np.flatnonzero(near.clear(room))
    rng.shuffle(free)
    for index in free[:3]:
        choice = postures[np.array([index])]
        if unfolds(cell, choice, plants):
            return cell.posture(float(choice.x_m[0]), float(choice.y_m[0]), choice.joints_rad[0])
    return None


def visible_tags(cell: Cell, posture: CellPosture, board: TagBoard, plants: Sequence[Obstacle]) -> list[int]:
    """Tags that a posture's photograph should show whole, not too slanting and not behind a plant."""
    camera, lens = cell.world_from_camera(posture), cell.lens
    tags, corners = list(board.corners_world_m), np.array(list(board.corners_world_m.values()))
    seen = camera.inverse @ corners
    fx, fy = lens.params[0], lens.params[0 if lens.model.startswith(("SIMPLE", "RADIAL")) else 1]
    depth = np.maximum(seen[..., 2], 1e-6)
    u, v = fx * seen[..., 0] / depth + lens.width_px / 2, fy * seen[..., 1] / depth + lens.height_px / 2
    inside = (u > _EDGE_PX) & (u < lens.width_px - _EDGE_PX) & (v > _EDGE_PX) & (v < lens.height_px - _EDGE_PX)
    inside &= seen[..., 2] > 0.05
    towards = camera.translation_m - corners.mean(axis=1)
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    good = inside.all(axis=1) & (towards[:, 2] > np.cos(np.radians(_SLANT_DEG)))
    for plant in plants:
        good &= ~_behind(corners.mean(axis=1), towards, plant)
    return [tag for tag, keep in zip(tags, good, strict=True) if keep]


def _behind(points_m: Array, towards: Array, plant: Obstacle) -> np.ndarray:
    """Whether the lines of sight from points on the wall pass through a plant's cylinder."""
    share = np.linspace(0, plant.height_m, 6) / np.maximum(towards[:, 2:], 1e-6)
    on_way = points_m[:, None, :2] + share[..., None] * towards[:, None, :2]
    away = np.linalg.norm(on_way - np.array(plant.position_m[:2]), axis=2)
    return np.asarray((away < plant.radius_m + 0.02).any(axis=1))


def _expected(
    cell: Cell, model: CellModel, board: TagBoard, posture: CellPosture, plants: Sequence[Obstacle]
) -> Reading:
    """What a posture would read and show if the cell were as believed."""
    pose = np.array([posture.x_m, posture.y_m, posture.yaw_rad])
    joints = np.array(posture.joints_rad)
    tensions = distribute(cell.robot, pose)
    errors = model.carriage_errors(pose[None], np.zeros((1, 4)), tensions[None], joints[None])[0, :4]
    turns = errors / model.turn_m  # near enough: the stretch changes by less than a hundredth
    tags = visible_tags(cell, posture, board, plants)
    points = np.array([board.corners_world_m[tag] for tag in tags]).reshape(1, -1, 3)
    pixels = model.pixels(pose[None], joints[None], points)[0].reshape(-1, 4, 2)
    return Reading(turns, tensions, joints, dict(zip(tags, pixels, strict=True)))


def _greedy(told: Array, count: int) -> list[int]:
    """Indices of the matrices (n, 60, 60) that together determine most, one after the other."""
    scale = prior_stds()
    told = told * scale[:, None] * scale
    have = np.eye(told.shape[1])
    picked: list[int] = []
    for _ in range(count):
        gain = np.linalg.slogdet(have + told)[1]
        gain[picked] = -np.inf
        picked.append(int(gain.argmax()))
        have = have + told[picked[-1]]
    return picked


def _in_order(cell: Cell, postures: list[CellPosture]) -> list[CellPosture]:
    """The nearest next one, from the park."""
    ordered, left, at = [], list(postures), cell.park
    while left:
        times = [float(move_s(cell, one(at), one(posture))[0, 0]) for posture in left]
        at = left.pop(int(np.argmin(times)))
        ordered.append(at)
    return ordered
