"""The robot as the daemon reports it: asked over the socket, never waited for longer than the client allows."""

from collections.abc import Mapping
from typing import Any

from trellis.errors import TrellisError
from web.answers import RobotAnswer
from web.farm import Farm

_FROM_CELL = ("x_m", "y_m", "yaw_rad", "joints_rad", "lengths_m", "tensions_n", "camera_m")


def robot(farm: Farm) -> RobotAnswer:
    """Ask the daemon for the robot's state; a daemon that does not answer is an answer too."""
    try:
        return robot_answer(farm.daemon.state())
    except (TrellisError, OSError) as error:
        reason = str(error).replace("--config CONFIG", f"--config {farm.config_path}")
        return RobotAnswer(reachable=False, reason=reason[:1].upper() + reason[1:] + ".")


def robot_answer(state: Mapping[str, Any]) -> RobotAnswer:
    """The answer from what the daemon says; what it does not say stays None."""
    cell = state.get("cell") or {}
    hands = state.get("hands") or {}
    stopped = bool(state.get("stopped"))
    return RobotAnswer(
        reachable=True,
        reason=state.get("cell_reason"),
        stopped=stopped,
        summary="stopped" if stopped else _doing(state, hands),
        age_s=state.get("cell_age_s"),
        **{name: hands.get(name) for name in ("driven", "motion", "refusal", "told")},
        **{name: cell.get(name) for name in _FROM_CELL},
    )


def _doing(state: Mapping[str, Any], hands: Mapping[str, Any]) -> str:
    return "robot at work" if _scans(state) else "driven by hand" if hands.get("driven") else "robot ready"


def _scans(state: Mapping[str, Any]) -> bool:
    """Whether a scan is under way; a reconstruction alone does not move the robot."""
    return (state.get("job") or {}).get("kind") == "scan"
