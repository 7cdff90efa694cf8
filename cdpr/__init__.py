"""The planar cable-driven parallel robot: geometry, statics, elasticity, calibration, motion and its winch drives.

robot = CablesSection().robot()
lengths_m = cable_lengths(robot, (1.1, 1.0, 0.0))
tensions_n = distribute(robot, (1.1, 1.0, 0.0))
estimate = forward(robot, lengths_m)
with Winches(CablesSection(ports=("/dev/ttyACM0", "/dev/ttyACM1")), SystemClock()) as winches: ...

What it computes is derived in docs/cable-robot.md; examples/cable_robot.py walks through it. A pose is (x, y, yaw):
metres in the world, radians; batches are rows, shape (n, ...).
"""

from cdpr.batch import PlanarEstimates, forward_batch
from cdpr.cable_log import CableLog, read_log
from cdpr.calibration import Beliefs, Calibration, NotObservable, calibrate
from cdpr.config import CablesSection, CalibrationSection
from cdpr.drums import Drums
from cdpr.elasticity import Hanging, NoEquilibrium, hang, paid_out_m, stiffness, unstretched_m
from cdpr.homing import Homed, How, PositionLost, Sighting
from cdpr.kinematics import (
    NoForwardSolution,
    PlanarEstimate,
    PosePrior,
    cable_lengths,
    forward,
    length_curvature,
    length_jacobian,
    wrapped_rad,
)
from cdpr.load import Load, tensions_for
from cdpr.locating import Calibrated, Located, locate
from cdpr.margin_polygon import margin_polygon
from cdpr.robot import CABLES, CableRobot
from cdpr.sag import Sag, sag
from cdpr.tension import NoTension, distribute, easiest_yaw_rad, gravity_wrench, margin_n, margins_n
from cdpr.trajectory import Drive, Trajectory, plan_blended, plan_straight
from cdpr.winches import Winches, WinchState
from cdpr.workspace import Workspace
from cdpr.yaw_map import YawMap, tabulate, yaw_map

__all__ = [
    "CABLES",
    "Beliefs",
    "CableLog",
    "CableRobot",
    "CablesSection",
    "Calibrated",
    "Calibration",
    "CalibrationSection",
    "Drive",
    "Drums",
    "Hanging",
    "Homed",
    "How",
    "Load",
    "Located",
    "NoEquilibrium",
    "NoForwardSolution",
    "NoTension",
    "NotObservable",
    "PlanarEstimate",
    "PlanarEstimates",
    "PosePrior",
    "PositionLost",
    "Sag",
    "Sighting",
    "Trajectory",
    "WinchState",
    "Winches",
    "Workspace",
    "YawMap",
    "cable_lengths",
    "calibrate",
    "distribute",
    "easiest_yaw_rad",
    "forward",
    "forward_batch",
    "gravity_wrench",
    "hang",
    "length_curvature",
    "length_jacobian",
    "locate",
    "margin_n",
    "margin_polygon",
    "margins_n",
    "paid_out_m",
    "plan_blended",
    "plan_straight",
    "read_log",
    "sag",
    "stiffness",
    "tabulate",
    "tensions_for",
    "unstretched_m",
    "wrapped_rad",
    "yaw_map",
]
