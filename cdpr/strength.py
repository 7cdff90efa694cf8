"""Whether the drives pull as hard and run as fast as the configuration counts on: asked once, before anything moves."""

from math import pi

from cdpr.config import CablesSection
from cdpr.odrive import ODriveBoard
from cdpr.robot import CABLES, UPPER
from trellis.errors import DeviceError


def check_strength(section: CablesSection, cable: int, board: ODriveBoard) -> None:
    """A drive's torque is bounded by its current and, in torque control, by (vel_limit - speed) * vel_gain.

    Args:
        section: Which tension and speed are counted on.
        cable: Whose drive.
        board: That the drive's axis is on.

    Raises:
        DeviceError: A bound lies below `tension_max_n` or `speed_m_s`.
    """
    axis = section.axes[cable][1]
    current_a, speed_turn_s, gain = (
        board.read_number(f"axis{axis}.{name}")
        for name in ("motor.config.current_lim", "controller.config.vel_limit", "controller.config.vel_gain")
    )
    speed_m_s = 2 * pi * section.drum_radius_m * speed_turn_s
    if speed_m_s < section.speed_m_s:
        raise DeviceError(
            f"the {CABLES[cable]} drive can run at {speed_m_s:.2f} m/s by its vel_limit {speed_turn_s:.1f} turn/s, but "
            f"[cables] speed_m_s is {section.speed_m_s:g}: lower that, or raise the drive's limit"
        )
    bounds_n_m = {f"current_lim {current_a:.1f} A": current_a * section.torque_constant_n_m_a}
    if cable not in UPPER:
        bounds_n_m[f"vel_limit {speed_turn_s:.1f} times vel_gain {gain:.3f}"] = speed_turn_s * gain
    for reason, torque_n_m in bounds_n_m.items():
        strength_n = torque_n_m / section.drum_radius_m
        if strength_n < section.tension_max_n:
            raise DeviceError(
                f"the {CABLES[cable]} drive can pull {strength_n:.0f} N by its {reason}, but [cables] tension_max_n is "
                f"{section.tension_max_n:.0f} N: lower that, or raise the drive's limit"
            )
