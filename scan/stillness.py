"""How much a photograph would be blurred if the shutter opened now, by the speeds that drums and servos report.

The carriage swings on its elastic cables, and a single look may fall on the turning point of a swing, where it stands
for a moment. Two looks a known time apart tell how far a swing of known frequency goes: with r and s the speeds at
both, phi the swing's phase between them, its speed at most is sqrt(r² + s² - 2 r s cos phi) / sin phi.
"""

import numpy as np
from numpy.typing import NDArray

from cdpr.kinematics import length_jacobian
from scan.cell import Array, Cell, CellPosture
from trellis.geometry import Pose

#: How far away what is photographed is, about.
_DISTANCE_M = 0.3
_STEP = 1e-5
#: The upper drums hold while their cables stretch: the carriage swings by more than the drums show. Measured in yaw on
#: the simulated farm: 0.92 to 1.40 times as much in 80 % of stops; this is set above it.
_UNSEEN = 1.5
#: Of the phase between two looks; nearer to none or half a swing they tell little.
_SINE_MIN = 0.5


class Stillness:
    """Blur at one posture.

    Args:
        cell: The cell.
        posture: Where it comes to rest.
        exposure_s: How long the shutter stands open.
        swing_hz: How fast the carriage swings.
    """

    def __init__(self, cell: Cell, posture: CellPosture, exposure_s: float, swing_hz: float) -> None:
        pose = (posture.x_m, posture.y_m, posture.yaw_rad)
        by_state = _seen_by_state(cell, posture) * exposure_s
        self._by_cables = by_state[:, :3] @ np.linalg.pinv(length_jacobian(cell.robot, pose))
        self._by_joints, self._swing_rad_s = by_state[:, 3:], 2 * np.pi * swing_hz
        self._last: tuple[float, Array] | None = None

    def blur_px(self, now_s: float, cable_speeds_m_s: Array, joint_speeds_rad_s: Array) -> float:
        """How far the middle of the picture may move while the shutter is open; infinite at the first look.

        Args:
            now_s: When the devices were asked.
            cable_speeds_m_s: Of the four cables' lengths.
            joint_speeds_rad_s: Of the four joints.
        """
        swung = self._by_cables @ cable_speeds_m_s
        last, self._last = self._last, (now_s, swung)
        if last is None:
            return float(np.inf)
        phase = self._swing_rad_s * (now_s - last[0])
        sine = max(abs(float(np.sin(phase))), _SINE_MIN)
        most = np.sqrt(np.maximum(swung**2 + last[1] ** 2 - 2 * swung * last[1] * np.cos(phase), 0.0)) / sine
        most = np.maximum(most, np.maximum(np.abs(swung), np.abs(last[1])))
        return float(_UNSEEN * np.linalg.norm(most) + np.linalg.norm(self._by_joints @ joint_speeds_rad_s))


def _seen_by_state(cell: Cell, posture: CellPosture) -> NDArray[np.float64]:
    """Derivatives of where the point before the camera is seen, px by x, y, yaw and four joints, shape (2, 7)."""
    seen_m = cell.world_from_camera(posture) @ np.array([0.0, 0.0, _DISTANCE_M])
    state = np.array([posture.x_m, posture.y_m, posture.yaw_rad, *posture.joints_rad])
    columns = []
    for index in range(7):
        moved = state.copy()
        moved[index] += _STEP
        x, y, yaw, base, shoulder, elbow, wrist = map(float, moved)
        there: Pose = cell.world_from_camera(CellPosture(x, y, yaw, (base, shoulder, elbow, wrist)))
        point = there.inverse @ seen_m
        columns.append(cell.lens.params[0] * point[:2] / point[2] / _STEP)
    return np.stack(columns, axis=1)
