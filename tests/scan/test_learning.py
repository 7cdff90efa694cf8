"""What scans teach: a slip is suspected, then corrected; a plant that moved is not mistaken for a robot that did."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from scan.cell_model import DRUMS, SLACKS, ZEROS, prior_stds
from scan.cell_solver import Solution
from scan.learning import STEP_LIMIT, Found, Outcome, Suspicion, learn
from trellis.geometry import Pose


def scan_of(
    careless: Any, rows: range, slip_m: Any = 0.0, joints_rad: Any = 0.0, moved: Pose | None = None
) -> list[Found]:
    """Found poses of a scan after drums and servos have begun to report other than they did."""
    scan = []
    for row in rows:
        reading = careless.readings[row]
        turns = reading.turns + np.asarray(slip_m) / (2 * np.pi * 0.0127)
        after = replace(reading, turns=turns, joints_rad=reading.joints_rad + np.asarray(joints_rad))
        true = careless.true[row]
        scan.append(Found(after, careless.starts[row], true if moved is None else moved @ true))
    return scan


def taught(
    solution: Solution,
    scan: list[Found],
    plant: str,
    anchored: bool,
    before: Suspicion | None = None,
    vector: Any = None,
) -> Any:
    model = solution.model if vector is None else solution.model.at(vector)
    return learn(model, solution.covariance, solution.noise, scan, plant, anchored, before)


FIRST, SECOND, THIRD = range(20), range(20, 40), range(40, 60)


def median_mm(solution: Solution, scan: list[Found], vector: Any) -> float:
    return 1000 * float(taught(solution, scan, "p", True, None, vector).off_m)


@pytest.mark.parametrize("cable", [0, 2])
def test_a_slip_of_5_mm_in_a_cable_is_noticed_and_then_corrected(solution: Solution, careless: Any, cable: int) -> None:
    slip = np.zeros(4)
    slip[cable] = 0.005
    first = taught(solution, scan_of(careless, FIRST, slip), "p01", True)
    assert first.outcome is Outcome.SUSPECTED
    assert first.suspicion.index == SLACKS.start + cable
    # The drum says 5 mm more than it paid out.
    assert first.suspicion.value == pytest.approx(-0.005, abs=0.001)
    assert "cable has slipped by -" in first.message
    assert (first.vector == solution.model.vector).all()
    second = taught(solution, scan_of(careless, SECOND, slip), "p02", True, first.suspicion)
    assert second.outcome is Outcome.CORRECTED
    # The scan after that finds the cameras where they are believed, as well as before the slip.
    third = scan_of(careless, THIRD, slip)
    healthy = median_mm(solution, scan_of(careless, THIRD), solution.model.vector)
    assert median_mm(solution, third, solution.model.vector) > 2 * healthy
    assert median_mm(solution, third, second.vector) < healthy + 0.5


@pytest.mark.parametrize("joint", [0, 3])
def test_a_joint_2_deg_off_is_noticed_and_then_corrected(solution: Solution, careless: Any, joint: int) -> None:
    slip = np.zeros(4)
    slip[joint] = np.radians(2)
    first = taught(solution, scan_of(careless, FIRST, 0.0, slip), "p01", True)
    assert first.outcome is Outcome.SUSPECTED
    assert first.suspicion.index == ZEROS.start + joint
    second = taught(solution, scan_of(careless, SECOND, 0.0, slip), "p02", True, first.suspicion)
    assert second.outcome is Outcome.CORRECTED
    assert np.degrees(second.vector - solution.model.vector)[ZEROS][joint] == pytest.approx(-2, abs=0.3)


def test_a_plant_that_moved_is_not_mistaken_for_a_robot_that_did(solution: Solution, careless: Any) -> None:
    # Without tags the frame hangs on the plant: it sank by 5 mm and leans by a degree, and all cameras with it.
    moved = Pose.from_rotation_vector((0.0, 0.0, np.radians(1.0)), (0.001, 0.005, 0.0))
    first = taught(solution, scan_of(careless, FIRST, moved=moved), "p01", False)
    again = taught(solution, scan_of(careless, SECOND, moved=moved), "p01", False, first.suspicion)
    assert again.outcome is not Outcome.CORRECTED
    other = taught(solution, scan_of(careless, SECOND), "p02", False, first.suspicion)
    assert other.outcome in (Outcome.NOTHING, Outcome.ADJUSTED)
    assert other.suspicion is None


def test_a_healthy_cell_is_left_alone_within_the_limits(solution: Solution, careless: Any) -> None:
    lesson = taught(solution, scan_of(careless, THIRD), "p01", True)
    assert lesson.outcome in (Outcome.NOTHING, Outcome.ADJUSTED)
    assert (np.abs(lesson.vector - solution.model.vector) <= STEP_LIMIT * prior_stds() + 1e-12).all()


def test_slow_change_is_followed_a_little_a_scan(solution: Solution, careless: Any) -> None:
    # A drum that winds one part in two thousand more: a millimetre and less, no slip.
    vector = solution.model.vector.copy()
    vector[DRUMS] += 0.0005
    lesson = taught(solution, scan_of(careless, THIRD), "p01", True, None, vector)
    assert lesson.outcome is Outcome.ADJUSTED
    before = np.abs(vector[DRUMS] - solution.model.vector[DRUMS]).sum()
    assert np.abs(lesson.vector[DRUMS] - solution.model.vector[DRUMS]).sum() < before


def test_too_few_found_poses_teach_nothing(solution: Solution, careless: Any) -> None:
    lesson = taught(solution, scan_of(careless, range(5)), "p01", True)
    assert lesson.outcome is Outcome.TOO_FEW
    assert (lesson.vector == solution.model.vector).all()
