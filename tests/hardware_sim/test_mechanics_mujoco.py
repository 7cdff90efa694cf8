"""One instant of the farm's mechanics against MuJoCo: equal tensions give equal accelerations, wheels equal lengths."""

from math import cos, sin

import mujoco
import numpy as np
import pytest

from hardware_sim.kernel import STEP_S
from hardware_sim.physics import CARRIAGE_MASS_KG, ENTRIES_RAD, WAYS, Physics
from hardware_sim.world import HALF_SIDE_M, build_world

#: How far before its wheel a cable begins here, on the tangent along which it comes.
LEAD_M = 0.5


def _mujoco(physics: Physics) -> tuple[mujoco.MjModel, mujoco.MjData]:
    """The same carriage with the arm as a point mass on it, its cables as tendons that a motor pulls."""
    world, body = physics.world, physics.body[0]
    fixed, tied, tendons = [], [], []
    for i, ((px, py), (cx, cy)) in enumerate(zip(world.pulleys_m, world.corners_m, strict=True)):
        radius, entry, way = world.wheel_radii_m[i], ENTRIES_RAD[i], WAYS[i]
        sx = px + radius * cos(entry) + way * LEAD_M * sin(entry)
        sy = py + radius * sin(entry) - way * LEAD_M * cos(entry)
        over = -1 if i in (0, 3) else 1
        fixed.append(f'<site name="s{i}" pos="{sx} {sy} 0"/><site name="o{i}" pos="{px} {py + over * 0.2} 0"/>')
        if radius:
            fixed.append(f'<geom name="w{i}" type="cylinder" size="{radius} 0.05" pos="{px} {py} 0"/>')
        tied.append(f'<site name="c{i}" pos="{cx} {cy} 0"/>')
        wheel = f'<geom geom="w{i}" sidesite="o{i}"/>' if radius else ""
        first = f"s{i}" if radius else f"p{i}"
        fixed.append(f'<site name="p{i}" pos="{px} {py} 0"/>')
        tendons.append(f'<spatial name="t{i}"><site site="{first}"/>{wheel}<site site="c{i}"/></spatial>')
    inertia = CARRIAGE_MASS_KG * (2 * HALF_SIDE_M) ** 2 / 6
    model = mujoco.MjModel.from_xml_string(
        f'<mujoco><option gravity="0 -9.81 0"/><worldbody>{"".join(fixed)}<body>'
        '<joint type="slide" axis="1 0 0"/><joint type="slide" axis="0 1 0"/><joint type="hinge" axis="0 0 1"/>'
        f'<inertial pos="0 0 0" mass="{CARRIAGE_MASS_KG}" diaginertia="{inertia} {inertia} {inertia}"/>{"".join(tied)}'
        f'<body pos="{body.arm_x} {body.arm_y} 0"><inertial pos="0 0 0" mass="{body.arm_mass}" '
        'diaginertia="1e-12 1e-12 1e-12"/></body>'
        f"</body></worldbody><tendon>{''.join(tendons)}</tendon><actuator>"
        + "".join(f'<motor tendon="t{i}"/>' for i in range(4))
        + "</actuator></mujoco>"
    )
    return model, mujoco.MjData(model)


def _at(x: float, y: float, yaw: float, wheel_m: float) -> Physics:
    """Braked drums, an arm that leans to the side, the carriage on its way."""
    physics = Physics(build_world(1, "builder", pulley_radius_m=wheel_m), brakes=True, damping_n_s_m=0.0)
    physics.servos.angle[:] = 1.0, 0.9, -0.4, 0.3
    body = physics.body
    body.docked, body.x, body.y, body.yaw = 0.0, x, y, yaw
    body.vx, body.vy, body.w = 0.2, -0.1, 1.5
    return physics


@pytest.mark.parametrize("wheel_m", [0.0, 0.02], ids=["points", "wheels of 20 mm"])
@pytest.mark.parametrize("pose", [(1.1, 1.0, 0.0), (0.5, 1.4, 0.05), (1.7, 0.6, -0.08)])
def test_equal_tensions_give_the_accelerations_of_mujoco(pose: tuple[float, float, float], wheel_m: float) -> None:
    physics = _at(*pose, wheel_m)
    wanted_n = np.array([20.0, 55.0, 35.0, 0.0])
    lengths = physics.lengths_m()
    # A cable of rest length r pulls with EA (l - r) / r; the last one is slack.
    physics.cables.rest = lengths / (1 + wanted_n / 20e3)
    physics.cables.rest[3] = lengths[3] + 0.01
    before = physics.carriage_rate
    physics._run(1)
    np.testing.assert_allclose(physics.tensions_n, wanted_n, rtol=1e-9)
    model, data = _mujoco(physics)
    data.qpos[:], data.qvel[:], data.ctrl[:] = pose, before, -wanted_n
    mujoco.mj_forward(model, data)
    # The arm's servos turn a little within the step of 0.25 ms: where its weight acts is that of the step's beginning.
    np.testing.assert_allclose((physics.carriage_rate - before) / STEP_S, data.qacc, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("pose", [(1.1, 1.0, 0.0), (0.4, 1.6, 0.1), (1.8, 0.4, -0.1), (0.5, 0.5, 0.0)])
def test_a_wheel_makes_a_cable_as_long_as_in_mujoco(pose: tuple[float, float, float]) -> None:
    physics = _at(*pose, 0.02)
    model, data = _mujoco(physics)
    data.qpos[:] = pose
    mujoco.mj_forward(model, data)
    np.testing.assert_allclose(physics.lengths_m(), data.ten_length - LEAD_M, atol=1e-9)


def test_in_how_many_pieces_time_is_run_makes_no_difference() -> None:
    whole, pieces = (_at(1.0, 1.2, 0.02, 0.0) for _ in range(2))
    whole._run(1000)
    for count in (1, 2, 3, 94, 400, 500):
        pieces._run(count)
    assert (whole.carriage == pieces.carriage).all()
    assert (whole.joints_rad == pieces.joints_rad).all()


def test_energy_is_kept_over_wheels_too() -> None:
    physics = _at(1.0, 1.1, 0.05, 0.02)
    physics.cables.rest = physics.lengths_m() - 0.003
    # A stiff arm whose servos are stuck: nothing but the cables takes up work.
    physics.servos.stuck[:] = 1
    physics.body.play = physics.body.flex = 0.0
    physics._run(8)  # the arm is seen to stand where it was put
    before, kept = physics.energy_j(), []
    for _ in range(200):
        physics._run(20)
        kept.append(physics.energy_j() - before)
    # As for points: the symplectic step lets the sum waver by some millijoules of half a joule, and not drift.
    assert np.abs(kept).max() < 0.005
