"""Hands on the robot: one motion at a time, silence lets go, and nothing else begins meanwhile."""

import threading
from typing import Any

import pytest

from scheduler.hands import DRIVEN_S, HOLD_S, Hands, InUse, Motion
from trellis.errors import InputError, Stopped, Unreachable


class Moved:
    """Stands where the cell's motions would."""

    def __init__(self) -> None:
        self.done: list[Motion] = []
        self.failing: Exception | None = None

    def do(self, motion: Motion, held: Any, tell: Any) -> None:
        self.done.append(motion)
        if self.failing:
            raise self.failing

    def look(self) -> bytes:
        return b"jpeg"


def test_silence_and_release_let_go_and_nothing_begins_again_by_itself() -> None:
    now_s = [0.0]
    hands = Hands(lambda: now_s[0])
    hands.ask(Motion("hold", "x", 1.0))
    hands.take()
    for _ in range(5):
        now_s[0] += 0.9 * HOLD_S
        assert hands.held()
        hands.keep()
    now_s[0] += 1.1 * HOLD_S
    assert not hands.held()
    hands.keep()
    assert not hands.held(), "what was let go stays so"
    hands.ended(None)
    hands.ask(Motion("hold", "x", 1.0))
    hands.release()
    assert not hands.held()


def test_a_second_motion_is_refused_while_one_is_under_way() -> None:
    hands = Hands()
    hands.ask(Motion("park"))
    with pytest.raises(InUse):
        hands.ask(Motion("step", "x", 0.01))
    hands.take()
    hands.ended("why not")
    assert hands.as_json() == {"driven": True, "motion": None, "axis": None, "refusal": "why not", "told": None}
    hands.leave()
    assert not hands.driven


def test_hands_are_off_a_while_after_their_last_word() -> None:
    now_s = [0.0]
    hands = Hands(lambda: now_s[0])
    hands.ask(Motion("step", "x", 0.01))
    hands.take()
    hands.ended(None)
    now_s[0] = DRIVEN_S - 0.1
    assert hands.driven
    now_s[0] = DRIVEN_S + 0.1
    assert not hands.driven


@pytest.mark.parametrize(
    "request_",
    [{}, {"kind": "fly"}, {"kind": "step", "axis": "z"}, {"kind": "step", "axis": "x", "by": float("nan")},
     {"kind": "hold", "axis": "x", "by": "1"}, {"kind": "step", "axis": "x", "by": 501}],
)  # fmt: skip
def test_what_is_no_motion_is_refused(request_: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Motion.of(request_)


def test_the_robot_homes_first_moves_by_hand_and_begins_no_scan_meanwhile(farm: Any) -> None:
    robot, moved = farm.robot(), Moved()
    robot._moves = moved
    farm.store.request_scan("p01")
    robot.drive(Motion("step", "x", 0.01))
    assert robot.next_job() is None
    robot._by_hand(robot.hands.take())
    assert farm.cell.calls == ["connect", "home"]
    assert moved.done == [Motion("step", "x", 0.01)]
    assert robot.next_job() is None
    robot.hands.leave()
    assert robot.next_job() is not None


def test_what_is_in_the_way_of_hands_is_told(farm: Any) -> None:
    robot, moved = farm.robot(), Moved()
    robot._moves = moved
    moved.failing = Unreachable("a plant is too near")
    robot.drive(Motion("step", "x", 0.01))
    robot._by_hand(robot.hands.take())
    assert robot.hands.as_json()["refusal"] == "a plant is too near"


def test_a_stop_and_a_scan_keep_hands_off(farm: Any) -> None:
    robot = farm.robot()
    robot._moves = Moved()
    robot.stop()
    with pytest.raises(Stopped):
        robot.drive(Motion("park"))
    robot.clear()
    refused: list[str] = []

    def script(view: int) -> None:
        try:
            robot.drive(Motion("park"))
        except InUse as error:
            refused.append(str(error))

    farm.cell.script = script
    farm.store.request_scan("p01")
    robot.do(farm.store.take_job("scan"))
    assert len(refused) == 6
    assert "a scan is under way" in refused[0]


def test_the_serving_thread_does_what_hands_want_and_parks_when_they_leave(farm: Any) -> None:
    robot, moved = farm.robot(), Moved()
    robot._moves = moved
    parked = threading.Event()
    farm.cell.park = parked.set
    thread = threading.Thread(target=robot.serve)
    thread.start()
    try:
        robot.drive(Motion("step", "x", 0.01))
        while not moved.done:
            parked.wait(0.01)
        assert not parked.is_set()
        robot.hands.leave()
        assert parked.wait(20)
    finally:
        farm.ending.set()
        thread.join()
