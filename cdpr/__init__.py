"""The planar cable-driven parallel robot: geometry, statics, motion and its winch drives.

robot = CablesSection().robot()
lengths_m = cable_lengths(robot, (1.1, 1.0, 0.0))
tensions_n = distribute(robot, (1.1, 1.0, 0.0))
estimate = forward(robot, lengths_m)
"""

from cdpr.batch import PlanarEstimates, forward_batch
from cdpr.cable_log import CableLog, read_log
from cdpr.calibration import Beliefs, Calibration, NotObservable, calibrate
from cdpr.config import CablesSection, CalibrationSection
from cdpr.kinematics import NoForwardSolution, PlanarEstimate, PosePrior, cable_lengths, forward, length_jacobian
from cdpr.locating import Calibrated, Located, locate
from cdpr.robot import CABLES, CableRobot
from cdpr.tension import NoTension, distribute, easiest_yaw_rad, gravity_wrench, margin_n

__all__ = [
    "CABLES",
    "Beliefs",
    "CableLog",
    "CableRobot",
    "CablesSection",
    "Calibrated",
    "Calibration",
    "CalibrationSection",
    "Located",
    "NoForwardSolution",
    "NoTension",
    "NotObservable",
    "PlanarEstimate",
    "PlanarEstimates",
    "PosePrior",
    "cable_lengths",
    "calibrate",
    "distribute",
    "easiest_yaw_rad",
    "forward",
    "forward_batch",
    "gravity_wrench",
    "length_jacobian",
    "locate",
    "margin_n",
    "read_log",
]
