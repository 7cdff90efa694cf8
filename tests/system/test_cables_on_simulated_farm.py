"""The configured cables can be what the simulated ones are: lengths over wheels, and where the carriage hangs."""

import numpy as np
import pytest

from cdpr.elasticity import hang
from cdpr.kinematics import cable_lengths
from cdpr.robot import CableRobot
from hardware_sim.physics import CABLE_STIFFNESS_N, CARRIAGE_MASS_KG, ENTRIES_RAD, WAYS, Physics
from hardware_sim.world import build_world


def _same(physics: Physics) -> CableRobot:
    """The simulated robot, told to ours in full."""
    world = physics.world
    return CableRobot(
        pulleys_m=world.pulleys_m,
        corners_m=world.corners_m,
        mass_kg=CARRIAGE_MASS_KG,
        centre_of_mass_m=np.zeros(2),
        tension_min_n=5.0,
        tension_max_n=140.0,
        pulley_radii_m=world.wheel_radii_m,
        pulley_entries_rad=np.array(ENTRIES_RAD),
        pulley_turns=np.array(WAYS),
        cable_stiffness_n=CABLE_STIFFNESS_N,
    )


def _stand(physics: Physics, pose: np.ndarray) -> None:
    physics.body.x, physics.body.y, physics.body.yaw = pose


@pytest.mark.parametrize("radius_m", [0.0, 0.02])
def test_lengths_are_those_of_the_simulated_world(radius_m: float) -> None:
    physics = Physics(build_world(5, "builder", pulley_radius_m=radius_m))
    robot = _same(physics)
    for pose in np.random.default_rng(1).uniform((0.3, 0.3, -0.2), (1.9, 1.6, 0.2), (50, 3)):
        _stand(physics, pose)
        np.testing.assert_allclose(cable_lengths(robot, pose), physics.lengths_m(), atol=1e-12)


def test_the_carriage_comes_to_rest_where_the_equilibrium_is() -> None:
    # Brakes on, drives idle: four fixed lengths, away from the dock's latch. The arm hangs where it is folded.
    physics = Physics(build_world(6, "builder", pulley_radius_m=0.02), brakes=True)
    pose = np.array([0.8, 1.2, -0.03])
    _stand(physics, pose)
    paid_m = physics.lengths_m() / (1 + 40.0 / CABLE_STIFFNESS_N)
    physics.cables.rest = paid_m - physics.world.drum_radii_m * physics.drives.angle
    physics.run_to(120.0)
    assert np.abs(physics.carriage_rate).max() < 1e-6
    body = physics.body[0]
    found = hang(_same(physics).carrying(float(body.arm_mass), (body.arm_x, body.arm_y)), paid_m, pose)
    # The simulator's cables hold still to a millionth; the two have no code in common.
    np.testing.assert_allclose(found.pose, physics.carriage, atol=1e-6)
    np.testing.assert_allclose(found.tensions_n, physics.tensions_n, atol=1e-2)
