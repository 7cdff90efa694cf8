"""A straight path of the carriage as setpoints: every one inside workspace and tension box before the first is sent."""

from dataclasses import dataclass

import numpy as np

from cdpr.config import CablesSection
from cdpr.kinematics import cable_lengths, length_jacobian
from cdpr.robot import Array
from cdpr.tension import distribute
from cdpr.yaw_map import yaw_map
from trellis.errors import Unreachable
from trellis.profiles import rest_to_rest


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Setpoints at equal steps of time, the first one step after the start.

    Args:
        period_s: Between setpoints.
        poses: x, y, yaw; shape (n, 3).
        lengths_m: Shape (n, 4).
        speeds_m_s: Of the lengths, shape (n, 4).
        tensions_n: Shape (n, 4).
    """

    period_s: float
    poses: Array
    lengths_m: Array
    speeds_m_s: Array
    tensions_n: Array

    @property
    def duration_s(self) -> float:
        return self.period_s * len(self.poses)


def straight_path(section: CablesSection, start_m: tuple[float, float], goal_m: tuple[float, float]) -> Trajectory:
    """From rest to rest along a line, within the section's speed, acceleration and jerk, at the easiest yaw throughout.

    Raises:
        Unreachable: The goal lies outside the workspace; the nearest point inside is named.
        NoTension: Somewhere on the way no tensions hold the carriage.
    """
    _check_workspace(section, goal_m)
    robot = section.robot()
    start, goal = np.array(start_m, dtype=float), np.array(goal_m, dtype=float)
    profile = rest_to_rest(
        float(np.linalg.norm(goal - start)), section.speed_m_s, section.acceleration_m_s2, section.jerk_m_s3
    )
    count = max(int(np.ceil(profile.duration_s / section.control_period_s)), 1)
    gone_m = profile.at(section.control_period_s * np.arange(1, count + 1))[0]
    share = gone_m / profile.length if profile.length else np.ones(count)
    places = start + share[:, None] * (goal - start)
    yaw = yaw_map(section).yaw_rad
    poses = np.column_stack([places, yaw(*places.T)])
    velocity = np.gradient(np.vstack([[*start, yaw(*start)], poses]), section.control_period_s, axis=0)
    speeds = np.einsum("nij,nj->ni", length_jacobian(robot, poses), velocity[1:])
    speeds[-1] = 0.0  # it ends at rest, whatever a difference of samples says
    tensions = np.array([distribute(robot, pose) for pose in poses])
    return Trajectory(section.control_period_s, poses, cable_lengths(robot, poses), speeds, tensions)


def _check_workspace(section: CablesSection, goal_m: tuple[float, float]) -> None:
    (left, right), (low, high) = section.workspace_x_m, section.workspace_y_m
    x, y = goal_m
    if not (left <= x <= right and low <= y <= high):
        nearest = (min(max(x, left), right), min(max(y, low), high))
        raise Unreachable(
            f"the carriage may not go to x {x:.3f} m, y {y:.3f} m: its workspace is x {left} to {right} m, "
            f"y {low} to {high} m; the nearest point inside is ({nearest[0]:.3f}, {nearest[1]:.3f})"
        )
