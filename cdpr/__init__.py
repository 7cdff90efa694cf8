"""The planar cable-driven parallel robot: geometry, statics, motion and its winch drives.

robot = CablesSection().robot()
lengths_m = cable_lengths(robot, (1.1, 1.0, 0.0))
tensions_n = distribute(robot, (1.1, 1.0, 0.0))
estimate = forward(robot, lengths_m)
"""

from cdpr.config import CablesSection
from cdpr.kinematics import NoForwardSolution, PlanarEstimate, PosePrior, cable_lengths, forward, length_jacobian
from cdpr.robot import CABLES, CableRobot
from cdpr.tension import NoTension, distribute, easiest_yaw_rad, gravity_wrench, margin_n

__all__ = [
    "CABLES",
    "CableRobot",
    "CablesSection",
    "NoForwardSolution",
    "NoTension",
    "PlanarEstimate",
    "PosePrior",
    "cable_lengths",
    "distribute",
    "easiest_yaw_rad",
    "forward",
    "gravity_wrench",
    "length_jacobian",
    "margin_n",
]
