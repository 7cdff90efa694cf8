"""Motion along a path as setpoints: every one inside workspace and tension box before the first is sent.

Setpoints are taken in the middle of the period that they hold for: a drive that keeps one for a period is then, on
average, where it should be. Tensions balance the weight and the carriage's acceleration; where the path may be
paused, every acceleration within the limits has been checked, not only the planned one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline

from cdpr.config import CablesSection
from cdpr.kinematics import cable_lengths, length_jacobian
from cdpr.load import Load, bare_wrench, tensions_for
from cdpr.paths import Path, blended, straight
from cdpr.robot import Array
from cdpr.tension import distribute
from cdpr.yaw_map import yaw_map
from trellis.profiles import Profile, along, braking

#: Knots of the yaw along a path, and the least and greatest number of them.
_KNOT_M, _KNOTS = 0.08, (2, 60)
#: Distance between places where the envelope of tensions is checked.
_CHECK_M = 0.02


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Setpoints at equal steps of time; the last one is the end, at rest.

    Args:
        period_s: Between setpoints.
        times_s: Since the start, of each setpoint, shape (n,).
        poses: x, y, yaw; shape (n, 3).
        lengths_m: Shape (n, 4).
        speeds_m_s: Of the lengths, shape (n, 4).
        accelerations_m_s2: Of the lengths, shape (n, 4).
        tensions_n: Shape (n, 4).
    """

    period_s: float
    times_s: Array
    poses: Array
    lengths_m: Array
    speeds_m_s: Array
    accelerations_m_s2: Array
    tensions_n: Array

    @property
    def duration_s(self) -> float:
        return self.period_s * len(self.poses)


@dataclass(frozen=True, eq=False)
class Drive:
    """A path, checked, with the law of motion along it; may be paused and taken up again.

    Args:
        section: Limits and geometry.
        path: Where.
        profile: When, from `begun_m` along the path.
        begun_m: How much of the path lay behind when the profile began.
        load: What moves on the carriage meanwhile, evenly over the profile's duration; a pause does not hold it up.
    """

    section: CablesSection
    path: Path
    profile: Profile
    begun_m: float = 0.0
    load: Load | None = None

    def lasting(self, duration_s: float) -> "Drive":
        """The same way at a slower pace, or, where there is no way to go, as long a rest."""
        if self.profile.length > 0:
            return replace(self, profile=self.profile.stretched(duration_s))
        longer_s = max(duration_s, self.profile.duration_s)
        return replace(self, profile=Profile(np.zeros(1), np.zeros((1, 4)), longer_s, 0.0))

    def pose_at(self, time_s: ArrayLike) -> tuple[Array, Array, Array]:
        """Pose, its velocity and acceleration at times (n,) since the profile began, each (n, 3)."""
        gone, speed, pull = (np.atleast_1d(value) for value in self.profile.at(time_s))
        place, tangent, bend = self.path.at(self.begun_m + gone)
        yaw = self._yaw
        turn, turn_change = yaw(self.begun_m + gone, 1), yaw(self.begun_m + gone, 2)
        pose = np.column_stack([place, yaw(self.begun_m + gone)])
        rate = np.column_stack([tangent * speed[:, None], turn * speed])
        change = np.column_stack(
            [tangent * pull[:, None] + bend * speed[:, None] ** 2, turn * pull + turn_change * speed**2]
        )
        return pose, rate, change

    def setpoints(self) -> Trajectory:
        """One for each period, in its middle, and the end.

        Raises:
            NoTension: Somewhere no tensions hold the carriage as it is moved there.
        """
        period, duration = self.section.control_period_s, self.profile.duration_s
        times = np.append((np.arange(int(np.ceil(duration / period))) + 0.5) * period, duration)
        times = np.minimum(times, duration)
        pose, rate, change = self.pose_at(times)
        rate[-1], change[-1] = 0.0, 0.0
        robot = self.section.robot()
        shares = times / duration if duration > 0 else np.ones_like(times)
        tensions = tensions_for(robot, pose, change, self.load, shares)
        by_pose = length_jacobian(robot, pose)
        speeds = np.einsum("nij,nj->ni", by_pose, rate)
        accelerations = np.einsum("nij,nj->ni", by_pose, change)
        return Trajectory(period, times, pose, cable_lengths(robot, pose), speeds, accelerations, tensions)

    def paused(self, time_s: float) -> "Drive":
        """The same path, braked from where and how fast it is at a time; speed and acceleration do not jump.

        It ends early, at rest. Where the plan is to stop sooner than braking could, the plan stands.
        """
        gone, speed, pull = (float(value) for value in self.profile.at(time_s))
        brake = braking(speed, pull, self.section.acceleration_m_s2, self.section.jerk_m_s3)
        left_s = self.profile.duration_s - time_s
        load = self.load and self.load.rest_of(min(time_s / max(self.profile.duration_s, 1e-9), 1.0))
        if gone + brake.length >= self.profile.length or brake.duration_s >= left_s:
            return Drive(self.section, self.path, _rest_of(self.profile, time_s), self.begun_m + gone, load)
        return Drive(self.section, self.path, brake, self.begun_m + gone, load)

    def resumed(self) -> "Drive | None":
        """What is left of the path after this drive's end, from rest; None when nothing is."""
        begun = self.begun_m + self.profile.length
        if begun >= self.path.length_m - 1e-9:
            return None
        load = self.load and self.load.ended
        return Drive(self.section, self.path, _profile(self.section, self.path, begun), begun, load)

    @property
    def _yaw(self) -> CubicSpline:
        return _yaw_along(self.section, self.path)


def plan_straight(section: CablesSection, start_m: ArrayLike, goal_m: ArrayLike) -> Drive:
    """From rest to rest along a line, within the section's speed, acceleration and jerk, at the easiest yaw throughout.

    Raises:
        Unreachable: The goal lies outside the workspace; the nearest point inside is named.
        NoTension: Somewhere on the way no tensions hold the carriage, at any acceleration up to the limit.
    """
    return _checked(section, straight(start_m, goal_m))


def plan_blended(section: CablesSection, places_m: Sequence[ArrayLike], blend_m: float) -> list[Drive]:
    """From rest to rest through places with rounded corners; one that turns back ends a drive and begins another.

    Raises as `plan_straight`; all drives are checked.
    """
    return [_checked(section, path) for path in blended(places_m, blend_m)]


def straight_path(section: CablesSection, start_m: tuple[float, float], goal_m: tuple[float, float]) -> Trajectory:
    """The setpoints of `plan_straight`."""
    return plan_straight(section, start_m, goal_m).setpoints()


def _checked(section: CablesSection, path: Path) -> Drive:
    """The drive along a path, if all of it is allowed."""
    count = max(int(np.ceil(path.length_m / _CHECK_M)), 1) + 1
    gone = np.linspace(0, path.length_m, count)
    places = path.at(gone)[0]
    _check_workspace(section, places[::-1])
    _check_envelope(section, path, gone)
    return Drive(section, path, _profile(section, path, 0.0))


def _profile(section: CablesSection, path: Path, begun_m: float) -> Profile:
    """The law of motion from rest at a place of the path to rest at its end."""
    stretches, passed = [], 0.0
    limits = section.speed_m_s, section.acceleration_m_s2, section.jerk_m_s3
    for length, limit in path.stretches(*limits):
        ahead = min(passed + length - begun_m, length)
        if ahead > 0:
            stretches.append((ahead, limit))
        passed += length
    return along(stretches or [(0.0, section.speed_m_s)], section.acceleration_m_s2, section.jerk_m_s3)


def _check_workspace(section: CablesSection, places_m: Array) -> None:
    """The first place outside is named; the goal comes first, the start last.

    A carriage that stands outside may come back in: only places further out than the start are refused.
    """
    space = section.workspace()
    beyond_m = space.beyond_m(*places_m.T)
    bad = places_m[beyond_m > beyond_m[-1] + 1e-9]
    space.check(*bad.T)


def _check_envelope(section: CablesSection, path: Path, gone_m: Array) -> None:
    """Tensions exist at rest and at full acceleration both ways, with and without the pull of a bend.

    The wrenches that a box of tensions can balance are convex, so all accelerations between these can be had as well.
    """
    robot, yaw = section.robot(), _yaw_along(section, path)
    place, tangent, bend = path.at(gone_m)
    poses = np.column_stack([place, yaw(gone_m)])
    stretches = path.stretches(section.speed_m_s, section.acceleration_m_s2, section.jerk_m_s3)
    ends = np.cumsum([length for length, _ in stretches])
    limits = np.array([limit for _, limit in stretches])[np.minimum(np.searchsorted(ends, gone_m), len(ends) - 1)]
    for pull in (0.0, section.acceleration_m_s2, -section.acceleration_m_s2):
        for share in (0.0, 1.0) if np.any(bend) else (0.0,):
            inward = bend * share * limits[:, None] ** 2
            change = np.column_stack(
                [tangent * pull + inward, yaw(gone_m, 1) * pull + share * yaw(gone_m, 2) * limits**2]
            )
            distribute(robot, poses, bare_wrench(robot, poses, change))


def _yaw_along(section: CablesSection, path: Path) -> CubicSpline:
    """The easiest yaw along a path, smoothed: through its table at knots, level at both ends."""
    count = int(np.clip(round(path.length_m / _KNOT_M), *_KNOTS)) + 1
    gone = np.linspace(0, max(path.length_m, 1e-9), count)
    return CubicSpline(gone, yaw_map(section).yaw_rad(*path.at(gone)[0].T), bc_type="natural")


def _rest_of(profile: Profile, time_s: float) -> Profile:
    """A profile from a time on."""
    s, v, a = (float(value) for value in profile.at(time_s))
    index = max(int(np.searchsorted(profile.starts_s, time_s, side="right")) - 1, 0)
    later = profile.starts_s[index + 1 :]
    states = np.concatenate(
        [[[0.0, v, a, profile.states[index, 3]]], profile.states[index + 1 :] - np.array([s, 0, 0, 0])]
    )
    return Profile(
        np.concatenate([[0.0], later - time_s]), states, max(profile.duration_s - time_s, 0.0), profile.length - s
    )
