"""What `import cdpr` offers, and that the example with it runs."""

import runpy
from pathlib import Path

import pytest

import cdpr

EXAMPLE = Path(__file__).parents[2] / "examples" / "cable_robot.py"
#: What others may build on: a name added or taken away is a decision, and a line in the changelog.
OFFERED = """
CABLES Beliefs CableLog CableRobot CablesSection Calibrated Calibration CalibrationSection Drive Drums Hanging Homed
How Load Located NoEquilibrium NoForwardSolution NoTension NotObservable PlanarEstimate PlanarEstimates PosePrior
PositionLost Sag Sighting Trajectory WinchState Winches Workspace YawMap cable_lengths calibrate distribute
easiest_yaw_rad forward forward_batch gravity_wrench hang length_curvature length_jacobian locate margin_n
margin_polygon margins_n paid_out_m plan_blended plan_straight read_log sag stiffness tabulate tensions_for
unstretched_m wrapped_rad yaw_map
"""


def test_exactly_these_names_are_offered() -> None:
    assert sorted(cdpr.__all__) == sorted(OFFERED.split())


@pytest.mark.parametrize("name", OFFERED.split())
def test_every_name_is_there_and_says_what_it_is(name: str) -> None:
    found = getattr(cdpr, name)
    assert name == "CABLES" or (found.__doc__ and not found.__doc__.startswith(f"{name}("))


def test_the_example_runs_and_comes_back_to_where_it_was_sent(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    said = capsys.readouterr().out
    assert "it hangs at x 1.100000 m, y 1.200000 m, yaw -0.7" in said
    assert "no tensions hold the carriage at x 0.400 m, y 0.300 m" in said
