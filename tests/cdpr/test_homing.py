"""How the carriage's place becomes known again. The drives here are four numbers that a power cut resets."""

from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
import pytest

from cdpr.config import CablesSection
from cdpr.homing import Found, How, PositionLost, Sighting, check_sighting, check_tautness, way_home
from cdpr.memory import Memory

SECTION = CablesSection()
BRAKED = CablesSection(brakes=True)
BOARDS = ("356153171", "356153172")
FOUR = (1.0, 1.0, 1.0, 1.0)
MEMORY = Memory("stand where it was sent", True, False, (1.3, 1.1), FOUR, FOUR, 1.25, BOARDS, "2026-11-24T06:00:00")


def _found(mark: float = 1.25, powered: bool = True, boards: tuple[str, ...] = BOARDS) -> Found:
    return Found(boards, np.full(4, mark), (powered,) * 4, np.zeros(4))


def test_drives_that_kept_their_mark_are_counted_on() -> None:
    homed = way_home(SECTION, MEMORY, _found(), "dock it")
    assert (homed.how, homed.notice) == (How.COUNTED, None)


def test_a_host_that_failed_on_the_way_is_told_of() -> None:
    homed = way_home(SECTION, replace(MEMORY, command="go to x 1.5 m", at_rest=False), _found(), "dock it")
    assert homed.how is How.COUNTED
    assert homed.notice == "the host failed while it was to go to x 1.5 m"


def test_one_drive_that_was_without_power_is_enough_to_lose_the_place() -> None:
    for cable in range(4):
        marks = np.full(4, 1.25)
        marks[cable] = 2.0
        found = Found(BOARDS, marks, (True,) * 4, np.zeros(4))
        with pytest.raises(PositionLost, match=r"without power since 2026-11-24.*at \(1.300, 1.100\).*falls.*dock it"):
            way_home(SECTION, MEMORY, found, "dock it")


def test_brakes_hold_what_was_at_rest_and_only_that() -> None:
    assert way_home(BRAKED, MEMORY, _found(2.0, False), "dock it").how is How.REMEMBERED
    moving = replace(MEMORY, at_rest=False, command="go on")
    with pytest.raises(PositionLost, match="on its way near"):
        way_home(BRAKED, moving, _found(2.0, False), "dock it")


def test_in_the_dock_power_may_be_lost() -> None:
    assert way_home(SECTION, replace(MEMORY, docked=True), _found(2.0, False), "dock it").how is How.DOCKED
    with pytest.raises(PositionLost):
        way_home(SECTION, replace(MEMORY, docked=True, at_rest=False), _found(2.0, False), "dock it")


@pytest.mark.parametrize("mark", [1.25, 2.0])
def test_another_robots_memory_and_a_noted_doubt_are_refused_with_the_reason(mark: float) -> None:
    with pytest.raises(PositionLost, match="other drives than before answer"):
        way_home(SECTION, MEMORY, _found(mark, boards=("1", "2")), "dock it")
    with pytest.raises(PositionLost, match="an encoder slipped"):
        way_home(SECTION, replace(MEMORY, doubt="an encoder slipped"), _found(mark), "dock it")


def test_a_persons_word_counts_before_everything_else() -> None:
    memory = replace(MEMORY, doubt="an encoder slipped", confirmed=True, serial_numbers=())
    assert way_home(SECTION, memory, _found(2.0), "dock it").how is How.DOCKED


def test_with_nothing_remembered_only_idle_drives_are_taken_to_be_docked() -> None:
    homed = way_home(SECTION, None, _found(2.0, powered=False), "dock it")
    assert homed.how is How.DOCKED
    assert "nothing is remembered" in str(homed.notice)
    with pytest.raises(PositionLost, match="nobody remembers where"):
        way_home(SECTION, None, _found(2.0), "dock it")


def test_a_simulated_farm_may_take_its_dock_for_granted_but_never_against_a_doubt() -> None:
    section = CablesSection(dock_assumed=True)
    homed = way_home(section, MEMORY, _found(2.0, False), "dock it")
    assert homed.how is How.DOCKED
    assert "taken to stand in its dock" in str(homed.notice)
    with pytest.raises(PositionLost):
        way_home(section, replace(MEMORY, doubt="an encoder slipped"), _found(2.0, False), "dock it")


def test_cables_that_take_up_slack_say_that_the_place_is_not_what_was_thought() -> None:
    check_tautness(SECTION, How.DOCKED, np.array([0.03, -0.03, 0.0, 0.0]))
    with pytest.raises(PositionLost, match="the top left cable moved by 50 mm, 40 mm are allowed"):
        check_tautness(SECTION, How.DOCKED, np.array([0.03, 0.0, -0.05, 0.0]))


@dataclass
class SmallFarm:
    """The protocol around a move, a step at a time, on drives that forget and a carriage that falls without power."""

    brakes: bool
    steps_left: int
    memory: Memory | None = None
    mark: float = 2.0  # a drive's own setting after power-up
    place: str = "dock"
    powered: bool = False
    log: list[str] = field(default_factory=list)

    def step(self, name: str) -> None:
        """Raises when the power goes before this step."""
        if self.steps_left == 0:
            raise InterruptedError(name)
        self.steps_left -= 1

    def write(self, command: str, at_rest: bool, docked: bool) -> None:
        self.step(f"remember {command}")
        self.memory = replace(MEMORY, command=command, at_rest=at_rest, docked=docked and at_rest, mark=1.25)

    def home(self) -> None:
        self.step("mark")
        self.mark = 1.25
        self.step("hold")
        self.powered = True
        self.write("stand where it was homed", True, True)

    def go(self, goal: str) -> None:
        self.write(f"go to {goal}", False, False)
        for _ in range(3):
            self.step("setpoint")
            self.place = "on the way"
        self.step("last setpoint")
        self.place = goal
        self.write("stand where it was sent", True, goal == "dock")

    def disarm(self) -> None:
        self.step("let go")
        self.powered = False
        self.write("rest in the dock", True, True)

    def power_cut(self) -> None:
        self.mark = 2.0
        if self.place != "dock" and not self.brakes:
            self.place = "on the floor"
        self.powered = False


@pytest.mark.parametrize(("steps", "brakes"), list(product(range(20), [False, True])))
def test_power_loss_at_any_step_loses_no_position_without_saying_so(steps: int, brakes: bool) -> None:
    farm = SmallFarm(brakes, steps)
    try:
        farm.home()
        farm.go("far")
        farm.go("dock")
        farm.disarm()
    except InterruptedError:
        pass
    believed = {"stand where it was sent": farm.place}
    farm.power_cut()
    section = BRAKED if brakes else SECTION
    try:
        homed = way_home(section, farm.memory, _found(farm.mark, farm.powered), "dock it")
    except PositionLost:
        return  # said so
    # Whoever is sure of the place must be right.
    if homed.how is How.DOCKED:
        assert farm.place == "dock"
    else:
        assert homed.how is How.REMEMBERED
        assert brakes
        assert farm.place == believed["stand where it was sent"]
        assert farm.memory is not None
        assert farm.memory.at_rest


@pytest.mark.parametrize("steps", range(20))
def test_a_host_that_dies_at_any_step_finds_its_counts_again(steps: int) -> None:
    farm = SmallFarm(False, steps)
    try:
        farm.home()
        farm.go("far")
        farm.go("dock")
        farm.disarm()
    except InterruptedError:
        pass
    # No power cut: the drives hold, the marks stay.
    try:
        homed = way_home(SECTION, farm.memory, _found(farm.mark, farm.powered), "dock it")
    except PositionLost:
        assert farm.memory is None  # held, and nothing was written yet
        return
    if homed.how is How.DOCKED:
        assert farm.place == "dock"
    else:
        assert homed.how is How.COUNTED
        assert (homed.notice is None) == (farm.memory is not None and farm.memory.at_rest)


def test_a_sighting_outside_the_frame_or_too_rough_is_refused() -> None:
    check_sighting(SECTION, Sighting(np.array([0.3, 0.2, 0.1])))
    with pytest.raises(PositionLost, match=r"seen at \(1300.000, 1100.000\), outside the frame of 0 to 2.2 m"):
        check_sighting(SECTION, Sighting(np.array([1300.0, 1100.0, 0.0])))
    with pytest.raises(PositionLost, match="good to 30 mm is too rough"):
        check_sighting(SECTION, Sighting(np.array([1.3, 1.1, 0.0]), std_m=0.03))
    for pose, std_m in (([1.0, 1.0], 0.002), ([1.0, np.nan, 0.0], 0.002), ([1.0, 1.0, 0.0], 0.0)):
        with pytest.raises(ValueError, match="a sighting is"):
            Sighting(np.array(pose), std_m)


def test_a_sighting_counts_before_everything_that_was_remembered() -> None:
    memory = replace(MEMORY, doubt="an encoder slipped", sighted=(1.2, 0.9, 0.01), serial_numbers=())
    homed = way_home(SECTION, memory, _found(2.0), "dock it")
    assert homed.how is How.SIGHTED
    assert "seen at (1.200, 0.900)" in str(homed.notice)
