"""The farm's mechanics against laws and against another engine, not against themselves."""

import mujoco
import numpy as np
import pytest

from hardware_sim import kernel
from hardware_sim.physics import Physics
from hardware_sim.world import build_world


def _free(x: float, y: float, yaw: float, stretch_m: float) -> Physics:
    """A carriage set free at a pose, its cables paid out a little short, nothing powered and nothing that rubs."""
    physics = Physics(build_world(1, "none"), damping_n_s_m=0.0)
    body, cables = physics.body, physics.cables
    body.static_friction = body.viscous_friction = 0.0
    body.x, body.y, body.yaw = x, y, yaw
    body.docked = 0.0
    lengths = np.linalg.norm(physics.world.pulleys_m - physics.corners_world_m(), axis=1)
    cables.rest = lengths - stretch_m
    return physics


def _run(physics: Physics, seconds: float) -> None:
    """Without the latch, which would dock a carriage that is near home and idle."""
    physics._run(round(seconds / kernel.STEP_S))


def test_energy_is_kept_without_friction() -> None:
    physics = _free(1.0, 1.1, 0.05, 0.003)
    physics.body.braked = 1.0  # drums held: carriage on four springs
    physics.body.vx, physics.body.w = 0.3, 3.0
    before, moving, kept = physics.energy_j(), [], []
    for _ in range(400):
        _run(physics, 0.005)
        x, y, w = physics.carriage_rate
        moving.append(3.55 * (x * x + y * y) / 2 + 0.025 * w * w / 2)
        kept.append(physics.energy_j() - before)
    # 0.3 J and more go to and fro; a symplectic step of 0.25 ms lets the sum waver by 1 % of that, and not drift.
    assert max(moving) > 0.3
    assert np.abs(kept).max() < 0.005
    assert np.mean(kept[:100]) == pytest.approx(np.mean(kept[-100:]), abs=0.0005)


def test_a_hanging_carriage_rests_where_forces_balance() -> None:
    physics = _free(1.1, 1.0, 0.0, 0.004)
    physics.body.braked = 1.0
    physics.body.damping = 200.0
    _run(physics, 8.0)
    assert np.abs(physics.carriage_rate).max() < 1e-4
    corners, pulleys = physics.corners_world_m(), physics.world.pulleys_m
    units = (pulleys - corners) / np.linalg.norm(pulleys - corners, axis=1)[:, None]
    force = (physics.tensions_n[:, None] * units).sum(axis=0)
    # Carriage 3 kg and arm 0.55 kg.
    np.testing.assert_allclose(force, [0.0, 3.55 * 9.81], atol=0.01)
    lever = corners - physics.carriage[:2]
    moment = (physics.tensions_n * (lever[:, 0] * units[:, 1] - lever[:, 1] * units[:, 0])).sum()
    arm = physics.world_from_camera()[:2, 3] - physics.carriage[:2]
    assert abs(moment) < 0.55 * 9.81 * (abs(arm[0]) + 0.02)


def test_a_carriage_without_cables_falls_freely() -> None:
    physics = _free(1.1, 1.0, 0.0, -1.0)
    physics.servos.on[:] = 0
    _run(physics, 0.2)
    # g t^2 / 2 for the carriage; it turns a little, since the arm hangs off its middle.
    fallen = 1.0 - float(physics.carriage[1])
    assert fallen == pytest.approx(9.81 * 0.2**2 / 2, rel=0.01)


def test_an_idle_winch_pays_out_and_a_braked_one_does_not() -> None:
    # 2 mm short of 1.2 m on 20 kN is 33 N: enough to hang by, some millimetres lower.
    for brakes in (True, False):
        physics = Physics(build_world(1, "none"), brakes=brakes)
        physics.body.x += 0.1  # away from the dock
        physics.cables.rest = np.linalg.norm(physics.world.pulleys_m - physics.corners_world_m(), axis=1) - 0.002
        start = float(physics.carriage[1])
        physics.run_to(1.0)
        fallen_m = start - float(physics.carriage[1])
        assert fallen_m < 0.005 if brakes else fallen_m > 0.05


def test_the_dock_holds_a_carriage_without_power() -> None:
    physics = Physics(build_world(1, "none"))
    physics.run_to(10.0)
    np.testing.assert_allclose(physics.carriage, [1.1, 1.0, 0.0], atol=1e-12)


def test_a_cable_cannot_push() -> None:
    physics = _free(1.1, 1.0, 0.0, -0.05)
    _run(physics, 0.01)
    assert (physics.tensions_n == 0).all()


def test_the_carriage_moves_as_in_mujoco() -> None:
    """The carriage as a plate on four tendons that are springs, released from a stretched pose, against MuJoCo."""
    physics = _free(0.9, 1.2, 0.04, 0.004)
    physics.body.braked = 1.0
    for name in ("foot_mass", "elbow_mass", "wrist_mass", "camera_mass"):
        physics.body[name] = 1e-9  # the arm is left out of the comparison
    rest = np.array(physics.cables.rest)
    sites = "".join(
        f'<site name="p{i}" pos="{x} {y} 0"/>' for i, (x, y) in enumerate(physics.world.pulleys_m)
    )  # fmt: skip
    ends = "".join(f'<site name="c{i}" pos="{x} {y} 0"/>' for i, (x, y) in enumerate(physics.world.corners_m))
    tendons = "".join(
        f'<spatial stiffness="{20e3 / r}" springlength="0 {r}"><site site="p{i}"/><site site="c{i}"/></spatial>'
        for i, r in enumerate(rest)
    )
    inertia = 3.0 * 0.22377**2 / 6
    model = mujoco.MjModel.from_xml_string(
        f'<mujoco><option timestep="0.00002" integrator="RK4" gravity="0 -9.81 0"/><worldbody>{sites}'
        '<body><joint type="slide" axis="1 0 0"/><joint type="slide" axis="0 1 0"/><joint type="hinge" axis="0 0 1"/>'
        f'<inertial pos="0 0 0" mass="3" diaginertia="{inertia} {inertia} {inertia}"/>{ends}</body></worldbody>'
        f"<tendon>{tendons}</tendon></mujoco>"
    )
    data = mujoco.MjData(model)
    data.qpos[:] = 0.9, 1.2, 0.04
    ours, theirs = [], []
    for step in range(1, 41):
        _run(physics, 0.01)
        while data.time < step * 0.01 - 1e-9:
            mujoco.mj_step(model, data)
        ours.append(physics.carriage)
        theirs.append(data.qpos.copy())
    swing = np.ptp(theirs, axis=0)
    # First order in time against fourth: after eight swings the phase is off by a few thousandths of a turn.
    np.testing.assert_allclose(np.array(ours), np.array(theirs), atol=0.03 * float(swing.max()))
    assert swing[1] > 0.001
