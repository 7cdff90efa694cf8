"""A cable robot of your own in forty lines: lengths, tensions, limits, stretch, and back from lengths to the pose.

python examples/cable_robot.py
"""

import numpy as np

import cdpr

# A frame of 3 x 2 m, wheels of 20 mm in its corners; cables come along the outer sides of the posts. Order everywhere:
# bottom right, top right, top left, bottom left.
ROBOT = cdpr.CableRobot(
    pulleys_m=np.array([(3.0, 0.0), (3.0, 2.0), (0.0, 2.0), (0.0, 0.0)]),
    corners_m=np.array([(0.1, -0.1), (0.1, 0.1), (-0.1, 0.1), (-0.1, -0.1)]),
    mass_kg=2.0,
    centre_of_mass_m=np.zeros(2),
    tension_min_n=5.0,
    tension_max_n=100.0,
    pulley_radii_m=np.full(1, 0.02),
    pulley_entries_rad=np.array([0.0, 0.0, np.pi, np.pi]),
    pulley_turns=np.array([-1.0, 1.0, -1.0, 1.0]),
)


def main() -> None:
    """One place, start to end."""
    robot = ROBOT.carrying(0.3, (0.05, 0.02))  # a camera, off the carriage's middle
    x_m, y_m = 1.1, 1.2
    pose = np.array([x_m, y_m, cdpr.easiest_yaw_rad(robot, x_m, y_m)])
    print(f"hangs best at a yaw of {np.degrees(pose[2]):.2f} deg, {cdpr.margin_n(robot, pose):.1f} N from any limit")

    tensions_n, paid_m = cdpr.distribute(robot, pose), cdpr.paid_out_m(robot, pose)
    for name, length, tension, paid in zip(
        cdpr.CABLES, cdpr.cable_lengths(robot, pose), tensions_n, paid_m, strict=True
    ):
        print(f"{name:12}  {length:.4f} m long, {tension:5.1f} N, {1e3 * (length - paid):.1f} mm of it is stretch")
    x, y, yaw = cdpr.hang(robot, paid_m, (1.5, 1.0, 0.0)).pose
    print(f"with that much paid out it hangs at x {x:.6f} m, y {y:.6f} m, yaw {np.degrees(yaw):.4f} deg")

    noisy = cdpr.cable_lengths(robot, pose) + np.random.default_rng(1).normal(0, 0.001, 4)
    for prior in (None, cdpr.PosePrior.of_yaw(pose[2], np.radians(0.5))):
        found = cdpr.forward(robot, noisy, 0.001, prior=prior)
        x, y, yaw = found.std * (1e3, 1e3, np.degrees(1))
        print(f"from lengths good to 1 mm{', yaw known' if prior else ''}: within {x:.1f}, {y:.1f} mm, {yaw:.1f} deg")

    try:
        cdpr.distribute(robot, (0.4, 0.3, 0.1))
    except cdpr.NoTension as refusal:
        print(refusal)

    table = cdpr.tabulate(robot, (0.15, 2.85), (0.15, 1.85), 0.1)
    print(f"held with 3 N to spare in a polygon of {len(cdpr.margin_polygon(table, 3.0).corners_m)} corners")


if __name__ == "__main__":
    main()
