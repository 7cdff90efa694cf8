"""Each reason to stop, from looks made up here; and that the winches end in a freeze with that reason."""

from dataclasses import replace

import numpy as np
import pytest

from cdpr.config import CablesSection
from cdpr.kinematics import length_jacobian
from cdpr.supervision import Look, Supervision

SECTION = CablesSection()
PERIOD_S = SECTION.control_period_s
LENGTHS_M = np.array([1.5, 1.4, 1.4, 1.5])
TENSIONS_N = np.array([60.0, 85.0, 85.0, 60.0])
BY_POSE = length_jacobian(SECTION.robot(), (1.1, 1.0, 0.0))
STILL = Look(0.0, LENGTHS_M, np.zeros(4), TENSIONS_N, LENGTHS_M, np.zeros(4), TENSIONS_N, BY_POSE, True)


def _reason(looks: list[Look]) -> tuple[str, bool, bool, float] | None:
    """The first reason, whether it doubts the place or the line, and when."""
    supervision = Supervision(SECTION, calibrated=True)
    for look in looks:
        found = supervision.reason_to_stop(look)
        if found is not None:
            return found.reason, found.place, found.line, look.now_s
    return None


def _looks(count: int, begin: int = 0) -> list[Look]:
    return [replace(STILL, now_s=PERIOD_S * (begin + index)) for index in range(count)]


def _with(values: np.ndarray, cable: int, value: float) -> np.ndarray:
    changed = values.copy()
    changed[cable] = value
    return changed


def test_an_hour_at_rest_is_no_reason() -> None:
    # One look a period for a minute stands for an hour: nothing in supervision knows more than the last second.
    assert _reason(_looks(3000)) is None


@pytest.mark.parametrize("cable", range(4))
def test_silence_of_any_encoder_is_said_within_a_third_of_a_second(cable: int) -> None:
    silent = [replace(look, lengths_m=_with(LENGTHS_M, cable, np.nan)) for look in _looks(40, begin=10)]
    found = _reason(_looks(10) + silent)
    assert found is not None
    reason, place, line, at_s = found
    assert "encoder has said nothing good for 0.2" in reason
    assert SECTION.ports[SECTION.axes[cable][0]] in reason
    assert (place, line) == (False, True)
    assert at_s - 9 * PERIOD_S <= 0.25 + 1.5 * PERIOD_S


def test_a_short_silence_is_none() -> None:
    silent = [replace(look, lengths_m=np.full(4, np.nan)) for look in _looks(12, begin=10)]
    assert _reason(_looks(10) + silent + _looks(10, begin=22)) is None


@pytest.mark.parametrize("cable", range(4))
def test_a_count_that_stands_while_its_cable_is_sent_is_stale(cable: int) -> None:
    looks = []
    for index, look in enumerate(_looks(60)):
        moved_m = 0.002 * index  # 0.1 m/s
        wanted_m = LENGTHS_M + moved_m
        measured_m = _with(wanted_m, cable, LENGTHS_M[cable])
        looks.append(replace(look, lengths_m=measured_m, wanted_m=wanted_m, wanted_m_s=np.full(4, 0.1)))
    found = _reason(looks)
    assert found is not None
    reason, place, line, at_s = found
    # A count that stands may show as a jump against what was commanded first.
    assert "stands still while its cable was sent" in reason or "length jumped" in reason
    assert (place, line) == (True, False)
    assert at_s < 0.5


@pytest.mark.parametrize("cable", range(4))
def test_a_winch_that_runs_away_is_noticed_at_the_third_look(cable: int) -> None:
    fast = [replace(look, speeds_m_s=_with(np.zeros(4), cable, 0.4)) for look in _looks(5, begin=10)]
    found = _reason(_looks(10) + fast)
    assert found is not None
    reason, place, _, at_s = found
    assert "winch runs at 0.40 m/s where 0.00 m/s were commanded" in reason
    assert not place
    assert at_s == pytest.approx(12 * PERIOD_S)
    assert ("slack or broken" in reason) == (cable in (0, 3))
    # Two looks are noise.
    assert _reason(_looks(10) + fast[:2] + _looks(10, begin=12)) is None


@pytest.mark.parametrize("cable", range(4))
def test_over_tension_is_a_mean_of_seven_readings(cable: int) -> None:
    def looks(tension_n: float, count: int) -> list[Look]:
        tensions_n = _with(np.full(4, np.nan), cable, tension_n)
        return [replace(look, tensions_n=tensions_n) for look in _looks(count)]

    found = _reason(looks(181.0, 7))
    assert found is not None
    assert "cable pulls with 181 N, 140 N are allowed" in found[0]
    assert not found[1]
    assert _reason(looks(181.0, 6)) is None
    assert _reason(looks(179.0, 50)) is None


@pytest.mark.parametrize("cable", range(4))
def test_only_an_upper_cable_can_tell_that_it_is_slack(cable: int) -> None:
    looks = [replace(look, tensions_n=_with(TENSIONS_N, cable, 3.0)) for look in _looks(10)]
    found = _reason(looks)
    if cable in (0, 3):
        assert found is None  # what a lower winch's current says is what it was told
        return
    assert found is not None
    assert "cable bears 3 N where 85 N were due: it is slack or broken" in found[0]
    # Held by a freeze, nothing is said of slack.
    assert _reason([replace(look, steering=False) for look in looks]) is None


@pytest.mark.parametrize("cable", range(4))
@pytest.mark.parametrize("slip_m", [0.005, -0.005])
def test_a_slip_of_five_millimetres_is_named_within_half_a_second(cable: int, slip_m: float) -> None:
    slipped = [
        replace(look, lengths_m=_with(LENGTHS_M, cable, LENGTHS_M[cable] + slip_m)) for look in _looks(50, begin=50)
    ]
    found = _reason(_looks(50) + slipped)
    assert found is not None
    reason, place, _, at_s = found
    assert "cable's length jumped by" in reason
    assert place
    assert at_s - 50 * PERIOD_S < 0.5


def test_leaving_the_workspace_is_said_at_the_third_look_with_how_far() -> None:
    supervision = Supervision(SECTION, calibrated=True)
    right = SECTION.workspace_x_m[1]
    assert supervision.outside(np.array([right + 0.02, 1.0])) is None
    places = [supervision.outside(np.array([right + 0.05, 1.0])) for _ in range(3)]
    assert places[:2] == [None, None]
    assert "the carriage left its workspace by 50 mm: it is at x 2.050 m, y 1.000 m" in str(places[2])


def test_a_polygon_is_left_where_the_rectangle_around_it_is_not() -> None:
    corners = ((0.4, 0.3), (1.8, 0.3), (1.8, 1.1), (1.1, 1.6), (0.4, 1.1))
    supervision = Supervision(CablesSection(workspace_m=corners))
    place_m = np.array([1.7, 1.5])
    assert "left its workspace" in str([supervision.outside(place_m) for _ in range(3)][2])


def test_what_was_seen_before_a_stop_is_forgotten() -> None:
    supervision = Supervision(SECTION, calibrated=True)
    for look in _looks(10):
        supervision.reason_to_stop(replace(look, tensions_n=np.full(4, 181.0), now_s=look.now_s))
        supervision.forget()
    assert supervision.reason_to_stop(replace(STILL, now_s=100.0)) is None
