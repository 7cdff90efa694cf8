"""Whole-cell calibration in worlds of unseen seeds: errors of the believed camera pose at 200 viewpoints on the wall.

python -m benchmarks.cell_calibration [--seeds 10] [--first 7001] [-o benchmarks/results/cell_calibration.json]
    about two minutes a world on one core

Each world has a builder's errors (pulleys 15 mm, drums 2 %, zeros 1.5 deg, links 1 mm, mount 3 mm and 2 deg, a real
lens). The mechanics are the simulator's own physics with the drives' own loops, set as the winch driver sets them for
the *nominal* robot, but without the bytes on the wires, which take most of the time (`trellis calibrate` goes through
them). Photographs are the middles of tags projected by the true lens with 0.3 px of noise a corner, not rendered.
"""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from cdpr.kinematics import cable_lengths
from cdpr.robot import UPPER
from cdpr.tension import distribute
from hardware_sim import kernel
from hardware_sim.odrive_axis import Axis
from hardware_sim.physics import COUNT_RAD, Physics
from hardware_sim.render import distort
from hardware_sim.world import build_world
from scan.believing import believe
from scan.board import lattice_board
from scan.calibrated import nominal_model
from scan.calibration_poses import calibration_postures
from scan.calibration_report import doubts
from scan.cell import Cell, CellPosture
from scan.cell_model import CellModel
from scan.cell_readings import Reading
from scan.cell_solver import Noise, solve
from scan.clearance import gaps
from scan.config import LatticeTable
from scan.inverse import postures_for
from trellis.board import TagBoard
from trellis.config import load_configuration
from trellis.geometry import Pose
from trellis.presets import preset

_CORNER_PX = 0.3
_VIEWS = 200
_SPEED_M_S, _PERIOD_S, _SETTLE_S = 0.25, 0.05, 1.0


def main(
    seeds: Annotated[int, typer.Option(min=1)] = 10,
    first: Annotated[int, typer.Option(help="The first world's seed.")] = 7001,
    poses: Annotated[int, typer.Option(help="Photographs of each calibration.")] = 45,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("benchmarks/results/cell_calibration.json"),
) -> None:
    """Calibrate each world, then judge it."""
    configuration = load_configuration(preset("hydroponic"))
    model, board = nominal_model(configuration), lattice_board(LatticeTable())
    postures = calibration_postures(model.nominal, model, board, (), poses, seed=1)
    views = _viewpoints(model.nominal, _VIEWS)
    rows = []
    for seed in range(first, first + seeds):
        started = time.perf_counter()
        rows.append({"seed": seed, **judge(model, board, postures, views, seed)})
        typer.echo(f"{json.dumps(rows[-1])}  {time.perf_counter() - started:.0f} s")
        _write(out, f"python -m benchmarks.cell_calibration --seeds {seeds} --first {first} --poses {poses}", rows)


def judge(
    model: CellModel, board: TagBoard, postures: list[CellPosture], views: list[CellPosture], seed: int
) -> dict[str, Any]:
    """Errors of one world, before and after its calibration."""
    farm = DrivenPhysics(model, seed)
    rng = np.random.default_rng([seed, 0xB0A2D])
    readings = []
    for posture in postures:
        farm.go(posture)
        readings.append(farm.reading(board, rng))
    starts = np.array([[posture.x_m, posture.y_m, posture.yaw_rad] for posture in postures])
    usable = [index for index, reading in enumerate(readings) if len(reading.corners_px) >= 2]
    readings, starts = [readings[index] for index in usable], starts[usable]
    solution = solve(model, readings, board, starts)
    before, after, stated = [], [], []
    for view in views:
        farm.go(view)
        reading, true = farm.reading(None, rng), farm.camera()
        start = np.array([view.x_m, view.y_m, view.yaw_rad])
        found = believe(solution.model, solution.covariance, solution.noise, reading, start)
        after.append(found.world_from_camera.distance_to(true))
        stated.append((after[-1][0] / found.position_std_m, after[-1][1] / found.rotation_std_rad))
        wrong = believe(model, np.zeros_like(solution.covariance), Noise(), reading, start).world_from_camera
        before.append(wrong.distance_to(true))
    ratio = np.sqrt(np.mean(np.square(stated), axis=0) / 3)
    return {
        "photographs": len(readings),
        "refused": doubts(solution, readings),
        "tag_noise_px": round(solution.noise.tag_px, 3),
        "before": _figures(before),
        "after": _figures(after),
        "error_over_stated_std": [round(float(value), 2) for value in ratio],
    }


class DrivenPhysics:
    """The simulator's mechanics under drives that are set as `cdpr.winches` sets them for the nominal robot."""

    def __init__(self, model: CellModel, seed: int) -> None:
        self.world = build_world(seed, "builder")
        self.physics = Physics(self.world)
        self._axes = [Axis(self.physics.drives[cable]) for cable in range(4)]
        self._model, self._robot, self._cell = model, model.nominal.robot, model.nominal
        self._home_m = cable_lengths(self._robot, model.dock)
        self._at, self._tensions_n = model.dock.copy(), np.zeros(4)
        drives = self.physics.drives
        for cable in range(4):
            drives[cable].mode = kernel.POSITION if cable in UPPER else kernel.TORQUE
            drives[cable].input_mode = kernel.PASSTHROUGH
        for share in np.linspace(0, 1, 21)[1:]:
            self._send(self._at, share)
            self.physics.run_to(self.physics.time_s + _PERIOD_S)
        self.physics.servos.on = 1.0

    def go(self, posture: CellPosture) -> None:
        """Along a line to a posture, then stand still."""
        start, goal = self._at[:2], np.array([posture.x_m, posture.y_m])
        servos = self.physics.servos
        # Whole counts, as the bus has them.
        servos.goal = np.rint(np.array(posture.joints_rad) / COUNT_RAD) * COUNT_RAD
        servos.speed = np.radians(50)
        steps = max(int(np.linalg.norm(goal - start) / _SPEED_M_S / _PERIOD_S), 20)
        for share in (1 - np.cos(np.linspace(0, np.pi, steps + 1)[1:])) / 2:
            x, y = start + share * (goal - start)
            self._send(np.array([x, y, float(self._cell.yaw_map.yaw_rad(x, y))]), 1.0)
            self.physics.run_to(self.physics.time_s + _PERIOD_S)
        # Until the servos' own ramps have ended: under load they stay some degrees behind for good.
        while np.abs(servos.goal - servos.profile).max() > 1e-6:
            self.physics.run_to(self.physics.time_s + _PERIOD_S)
        self.physics.run_to(self.physics.time_s + _SETTLE_S)

    def reading(self, board: TagBoard | None, rng: np.random.Generator) -> Reading:
        """Drums and servos as their encoders resolve them, and the tags that the camera sees."""
        turns = np.array([axis.turns for axis in self._axes])
        joints = np.rint(self.physics.servos.angle / COUNT_RAD) * COUNT_RAD
        return Reading(turns, self._tensions_n.copy(), joints, {} if board is None else self._photograph(board, rng))

    def camera(self) -> Pose:
        matrix = self.physics.world_from_camera()
        return Pose(matrix[:3, :3], matrix[:3, 3])

    def _send(self, pose: np.ndarray, share: float) -> None:
        tensions = share * distribute(self._robot, pose)
        paid = cable_lengths(self._robot, pose) / (1 + tensions / self._model.stiffness_n)
        turns = (paid - self._home_m) / self._model.turn_m
        drives, radius_m = self.physics.drives, self._model.turn_m / (2 * np.pi)
        for cable in range(4):
            drives[cable].input_torque = -tensions[cable] * radius_m
            if cable in UPPER:
                drives[cable].input_pos = turns[cable]
        self._at, self._tensions_n = pose, tensions

    def _photograph(self, board: TagBoard, rng: np.random.Generator) -> dict[int, np.ndarray]:
        """Tags that are whole in the picture and not seen too slanting; noise on every corner."""
        lens, camera = self.world.lens, self.camera()
        tags, corners = list(board.corners_world_m), np.array(list(board.corners_world_m.values()))
        seen = camera.inverse @ corners
        depth = np.maximum(seen[..., 2], 1e-3)
        u, v = distort(lens, seen[..., 0] / depth, seen[..., 1] / depth)
        pixels = np.stack([u * lens.fx_px + lens.cx_px, v * lens.fy_px + lens.cy_px], axis=-1)
        inside = ((pixels > 8) & (pixels < (lens.width_px - 8, lens.height_px - 8))).all(axis=(1, 2))
        towards = camera.translation_m - corners.mean(axis=1)
        slant = towards[:, 2] / np.linalg.norm(towards, axis=1)
        inside &= (seen[..., 2] > 0.05).all(axis=1) & (slant > np.cos(np.radians(72)))
        noisy = pixels + rng.normal(0, _CORNER_PX, pixels.shape)
        return {tag: noisy[index] for index, tag in enumerate(tags) if inside[index]}


def _viewpoints(cell: Cell, count: int) -> list[CellPosture]:
    """Random views of random places of the wall: up to 65 deg from its normal, 0.27 to 0.36 m from a plant's middle."""
    rng, views = np.random.default_rng(54), []
    while len(views) < count:
        target = rng.uniform((0.34, 0.43, 0.05), (1.86, 1.38, 0.09))
        tilt, azimuth = np.radians(65 * np.sqrt(rng.uniform())), rng.uniform(0, 2 * np.pi)
        way = np.array([np.sin(tilt) * np.cos(azimuth), np.sin(tilt) * np.sin(azimuth), np.cos(tilt)])
        found = postures_for(cell, target + way * rng.uniform(0.27, 0.36), -way)
        if len(found) == 0:
            continue
        clear = np.flatnonzero(gaps(cell, found.x_m, found.y_m, found.joints_rad, ()).clear(0.03))
        if len(clear):
            pick = int(rng.choice(clear))
            views.append(cell.posture(float(found.x_m[pick]), float(found.y_m[pick]), found.joints_rad[pick]))
    return sorted(views, key=lambda view: (round(view.x_m / 0.3), view.y_m))


def _figures(errors: list[tuple[float, float]]) -> dict[str, float]:
    millimetres, degrees = 1000 * np.array(errors)[:, 0], np.degrees(np.array(errors)[:, 1])
    return {
        "median_mm": round(float(np.median(millimetres)), 2),
        "p95_mm": round(float(np.percentile(millimetres, 95)), 2),
        "median_deg": round(float(np.median(degrees)), 3),
        "p95_deg": round(float(np.percentile(degrees, 95)), 3),
    }


def _write(out: Path, command: str, rows: list[dict[str, Any]]) -> None:
    worst = {name: max(row["after"][name] for row in rows) for name in rows[0]["after"]}
    result = {
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "bars": {"median_mm": 3, "p95_mm": 6, "median_deg": 0.5, "p95_deg": 1},
        "worst_world": worst,
        "worlds": rows,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
