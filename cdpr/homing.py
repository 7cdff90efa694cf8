"""How the carriage's place becomes known again: by counting on, from memory, from the dock; or that it is not known.

Encoders of winches count turns and start at zero when they get power, so everything hangs on two questions: were the
drives without power, and did the carriage move meanwhile? The first is answered by a mark that a drive forgets
without power, the second by what was remembered and by what the cables say when they come under tension.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from cdpr.config import CablesSection
from cdpr.memory import Memory
from cdpr.robot import CABLES, Array
from trellis.errors import DeviceError

#: A drive tells its mark in nine characters.
_MARK_TOLERANCE = 1e-3


class PositionLost(DeviceError):
    """It is not known where the carriage is, and nothing moves until it is."""


class How(StrEnum):
    """How the place is known."""

    COUNTED = "counted on: the drives never lost power"
    REMEMBERED = "remembered: the brakes held it while the drives had no power"
    DOCKED = "taken to stand in its dock"
    SIGHTED = "seen"


@dataclass(frozen=True)
class Homed:
    """What was found.

    Args:
        how: The way.
        notice: What a person should know, or None.
    """

    how: How
    notice: str | None = None


@dataclass(frozen=True, eq=False)
class Sighting:
    """Where something saw the carriage as it hung still: a camera and tags, for one; the cable robot knows no camera.

    Args:
        pose: x, y (m, world) and yaw (rad), shape (3,).
        std_m: How good x and y are, one standard deviation.

    Raises:
        ValueError: Not three finite numbers, or `std_m` is not positive.
    """

    pose: Array
    std_m: float = 0.002

    def __post_init__(self) -> None:
        pose = np.array(self.pose, dtype=float)
        if pose.shape != (3,) or not np.isfinite(pose).all() or not self.std_m > 0:
            raise ValueError(f"a sighting is x, y, yaw and a positive std_m, not {self.pose!r} and {self.std_m}")
        pose.setflags(write=False)
        object.__setattr__(self, "pose", pose)


@dataclass(frozen=True, eq=False)
class Found:
    """What the drives say before anything is powered.

    Args:
        serial_numbers: Of the boards.
        marks: As `Drives.marks`.
        powered: Which drives are in closed loop.
        turns: Of the drums, shape (4,).
    """

    serial_numbers: tuple[str, ...]
    marks: Array
    powered: tuple[bool, ...]
    turns: Array


def way_home(section: CablesSection, memory: Memory | None, found: Found, docked_by: str) -> Homed:
    """Which way leads home.

    Args:
        section: Says whether there are brakes, and whether the dock may be taken for granted.
        memory: What was remembered.
        found: What the drives say.
        docked_by: What a person is to do once the carriage is docked, in words.

    Raises:
        PositionLost: None does, and why.
    """
    if memory is None:
        return _first_time(found, docked_by)
    if memory.sighted is not None:
        x, y, _ = memory.sighted
        return Homed(How.SIGHTED, f"the carriage was seen at ({x:.3f}, {y:.3f}) ({memory.written_at})")
    if memory.confirmed:
        return Homed(How.DOCKED, f"a person has docked the carriage ({memory.written_at})")
    if memory.doubt is not None:
        raise PositionLost(f"{memory.doubt} ({docked_by})")
    if found.serial_numbers != memory.serial_numbers:
        return _or_lost(section, f"other drives than before answer ({', '.join(found.serial_numbers)})", docked_by)
    if (np.abs(found.marks - memory.mark) < _MARK_TOLERANCE).all():
        return Homed(How.COUNTED, None if memory.at_rest else f"the host failed while it was to {memory.command}")
    if memory.docked and memory.at_rest:
        return Homed(How.DOCKED)
    x, y = memory.place_m
    lost = f"the winch drives were without power since {memory.written_at}, the carriage was"
    if not memory.at_rest:
        return _or_lost(section, f"{lost} to {memory.command} and on its way near ({x:.3f}, {y:.3f})", docked_by)
    if section.brakes:
        return Homed(How.REMEMBERED, f"{lost} at rest at ({x:.3f}, {y:.3f}) and is taken to be held there by brakes")
    return _or_lost(section, f"{lost} at ({x:.3f}, {y:.3f}), and without brakes it falls", docked_by)


def check_sighting(section: CablesSection, sighting: Sighting) -> None:
    """See that a sighting can be counted from: inside the frame, and as good as the cables' slack is known.

    Raises:
        PositionLost: It is not.
    """
    x, y, _ = sighting.pose
    (left, low), (right, high) = np.min(section.pulleys_m, axis=0), np.max(section.pulleys_m, axis=0)
    if not (left < x < right and low < y < high):
        raise PositionLost(
            f"the carriage is said to be seen at ({x:.3f}, {y:.3f}), outside the frame of {left:g} to {right:g} m by "
            f"{low:g} to {high:g} m; check the units and the frame that the camera's poses are in"
        )
    if 2 * sighting.std_m > section.slack_m:
        raise PositionLost(
            f"a sighting good to {1000 * sighting.std_m:.0f} mm is too rough to count from, half of "
            f"{1000 * section.slack_m:g} mm ([cables] slack_m) is allowed; look again from nearer, or dock the carriage"
        )


def check_tautness(section: CablesSection, how: How, turned_m: Array) -> None:
    """See that no drum reeled in slack while the cables came under tension: they were taut where all was counted from.

    Args:
        section: `slack_m`.
        how: Which way home.
        turned_m: Cable that each drum took up or gave, shape (4,).

    Raises:
        PositionLost: One did.
    """
    cable = int(np.argmax(np.abs(turned_m)))
    if abs(turned_m[cable]) > section.slack_m:
        raise PositionLost(
            f"coming under tension the {CABLES[cable]} cable moved by {1000 * abs(turned_m[cable]):.0f} mm, "
            f"{1000 * section.slack_m:g} mm are allowed ([cables] slack_m): the carriage does not hang where it was "
            f"{how.value.partition(':')[0]}; put it into its dock with the cables just taut, and home again"
        )


def _first_time(found: Found, docked_by: str) -> Homed:
    if any(found.powered):
        raise PositionLost(
            "the winch drives hold the carriage, but nobody remembers where; bring it into its dock, switch the drives "
            f"off and on, and home again; {docked_by}"
        )
    return Homed(How.DOCKED, "nothing is remembered of the carriage: it is taken to stand in its dock")


def _or_lost(section: CablesSection, why: str, docked_by: str) -> Homed:
    if section.dock_assumed:
        return Homed(How.DOCKED, f"{why}: it is taken to stand in its dock ([cables] dock_assumed)")
    raise PositionLost(
        f"{why}: its position is lost; bring it into its dock with the cables just taut, then {docked_by}"
    )
